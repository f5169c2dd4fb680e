"""`lictui history import`: what was recorded elsewhere, from a CSV file or stdin.

Owns the options, the account that is given, and the exit code: 0 when anything was taken in or
all was known already, 2 when nothing could be read.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.context import CommandContext, open_history
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from lictui.history.backfill import ImportCounts, LicenseGrant
    from lictui.history.csv_reader import ImportResult
    from lictui.history.store import History
    from lictui.sources.license_file import Increment


_AHEAD: Final = 86400  # seconds that another machine's clock, or its zone, may be ahead of ours


@click.command("import")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--server", "servers", multiple=True, metavar="NAME", help="Only this; or whose the file is."
)
@click.option(
    "--product", "products", multiple=True, metavar="CODE", help="Only this; or whose the file is."
)
@click.option(
    "--subscription-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Of the file's pool; needed where the server has several of the product.",
)
@click.option("--date-format", default="", metavar="FORMAT", help="Of its times: '%d.%m.%Y %H:%M'.")
@click.option("--tz", default="", metavar="ZONE", help="Of its times, where they name none (IANA).")
@click.option(
    "--columns",
    default="",
    metavar="LIST",
    help="Which column is what: 'time=…,in_use=…,installed=…,overdraft=…', also date=….",
)
@click.pass_obj
def import_csv(
    context: CommandContext,
    /,
    *,
    file: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    subscription_date: datetime | None,
    date_format: str,
    tz: str,
    columns: str,
) -> None:
    """Take in FILE (- is stdin): what `export` wrote, or any CSV of one pool.

    A CSV of somebody else needs --server and --product, a time (or Date and Time) and a column
    such as InUse, In Use or Used; Total, Installed or Licenses Owned and Overdraft are taken if
    there. A row with a day alone stands for that day. The same file again changes nothing.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` reads no file
    from lictui.history import csv_import as known  # noqa: PLC0415 - as above
    from lictui.history.csv_import import ImportOptions, read_csv  # noqa: PLC0415 - as above

    if date_format and "%" not in date_format:
        raise UsageError(
            f"--date-format {date_format!r} is no format", "it is made like '%d.%m.%Y %H:%M'"
        )
    said = known.parse_column_option(columns) if columns else {}
    zone = resolve_timezone(context, tz)
    data = _bytes(file)
    with open_history(context, begin=True) as store:
        day = subscription_date.date().isoformat() if subscription_date else ""
        if not day and len(servers) == len(products) == 1:
            day = _only_pool(store, servers[0], products[0])
        until = SystemClock().now() + _AHEAD
        found = read_csv(
            data, ImportOptions(servers, products, day, said, date_format, zone, until)
        )
        _refuse_nothing(found, file)
        taken = store.import_readings(found.pools)
    _say(found, taken)


def resolve_timezone(context: CommandContext, name: str) -> tzinfo | None:
    """The zone of this IANA name, else config.toml's; None stands for the system's."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only where times matter

    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads no file

    name = name or load_settings(context.paths).timezone
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "an IANA name, such as Europe/Berlin, America/New_York or UTC"
        raise UsageError(f"there is no time zone {name!r}", hint) from None


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    from pathlib import Path  # noqa: PLC0415 - only for who names a file

    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def _only_pool(store: History, server: str, product: str) -> str:
    """The subscription date of the one pool that the server has of the product, if it has one."""
    days = {
        pool.subscription_date
        for pool in store.pools()
        if (pool.server, pool.product) == (server, product)
    }
    if len(days) <= 1:
        return next(iter(days), "")
    if "" in days:
        return ""
    raise UsageError(
        f"{server} has several pools of {product}: {', '.join(sorted(days))}",
        "say which one the file is of: --subscription-date DATE",
    )


def _refuse_nothing(found: ImportResult, file: str) -> None:
    if any(pool.readings or pool.buckets or pool.months for pool in found.pools):
        return
    if found.filtered_out and not found.skipped:
        raise UsageError(
            f"{file} has nothing of the server or product asked for",
            "without --server and --product all of it is taken",
        )
    reasons = "".join(f"\n  line {line}: {why}" for line, why in found.reasons)
    raise UsageError(
        f"nothing in {file} could be read: {found.read:,} rows, {found.skipped:,} skipped{reasons}",
        "--columns, --date-format and --tz say what a file does not say itself",
    )


def _say(found: ImportResult, taken: ImportCounts) -> None:
    parts = [f"read {found.read:,} rows", f"skipped {found.skipped:,}", f"wrote {taken.written:,}"]
    if taken.unchanged:
        parts.append(f"knew {taken.unchanged:,} already")
    if found.filtered_out:
        parts.append(f"left out {found.filtered_out:,} of others")
    click.echo(", ".join(parts))
    for line, why in found.reasons:
        click.echo(f"lictui: line {line} was skipped: {why}", err=True)
    if found.skipped > len(found.reasons):
        click.echo(f"lictui: and {found.skipped - len(found.reasons):,} more", err=True)


# `lictui history import-licenses`: the licenses that .lic files grant, over time


_LARGEST: Final = 8 * 1024 * 1024  # bytes; no license file comes near it
_HEAD: Final = ("PRODUCT", "MODEL", "COUNT", "SUBSCRIPTION", "FROM", "UNTIL", "TYPE", "SERIAL")


@click.command("import-licenses")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--server", required=True, metavar="NAME", help="The license server they are on.")
@click.option("--dry-run", is_flag=True, help="Show what they grant, and take nothing in.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def import_licenses(
    context: CommandContext, /, *, paths: tuple[str, ...], server: str, dry_run: bool, as_json: bool
) -> None:
    """Take in the licenses of .lic files, or of folders of them, from their start to their end.

    They tell how many were installed before the first reading, and where readings came without
    that number; what was read of the server stands. Give all its files at once. Each license is
    a line of the journal. The same files again change nothing.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` reads no file
    from lictui.history.csv_reader import decode_text  # noqa: PLC0415 - as above
    from lictui.sources.license_file import parse_license_file  # noqa: PLC0415 - as above

    files = list(_files(paths))
    found = parse_license_file("\n".join(decode_text(_bytes_licenses(file)) for file in files))
    if not found:
        raise UsageError(
            f"no license is in {_named(paths)}",
            "a license file has lines that begin with INCREMENT; they end in .lic",
        )
    new = 0
    if not dry_run:
        grants = [each for license_ in found for each in _grants(license_)]
        with open_history(context, begin=True) as store:
            new = store.import_licenses(server, grants, SystemClock().now())
    if as_json:
        said = {
            "schema": "lictui.licenses/1",
            "server": server,
            "files": len(files),
            "new": new,
            "licenses": list(map(_json, found)),
        }
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    _print(found)
    took = "nothing was taken in" if dry_run else f"{new:,} new"
    click.echo(f"{len(found):,} licenses in {len(files):,} files, {took}")


def _files(paths: Iterable[str]) -> Iterator[Path]:
    from pathlib import Path  # noqa: PLC0415 - `--help` reads no file

    for each in paths:
        path = Path(each)
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix.lower() == ".lic")
            yield from (one for one in inside if one.is_file())
        else:
            yield path


def _bytes_licenses(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            data = source.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{file} is larger than any license file", "is it one?")
    return data


def _named(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"these {len(paths)} files and folders"


def _grants(license_: Increment) -> Iterator[LicenseGrant]:
    """What a license adds to its pool: nothing without a count, or a day it counts from."""
    from lictui.history.backfill import LicenseGrant  # noqa: PLC0415 - `--help` opens no history
    from lictui.model import PoolKey  # noqa: PLC0415 - as above
    from lictui.products import describe  # noqa: PLC0415 - as above

    begins = license_.start or license_.issued
    unending = license_.permanent is None and license_.expires is None
    if not license_.count or begins is None or unending or not describe(license_.product).counted:
        return
    last = license_.expires
    day = license_.subscription_date
    yield LicenseGrant(
        PoolKey(license_.product, day.isoformat() if day else ""),
        license_.serial or license_.signature[:80],
        _midnight(begins),
        license_.count,
        None if last is None else _midnight(last + timedelta(days=1)),
    )


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _json(license_: Increment) -> dict[str, Any]:
    from lictui.products import describe  # noqa: PLC0415 - `--help` needs no names

    known = describe(license_.product)
    begins = license_.start or license_.issued
    return {
        "product": license_.product,
        "name": known.name,
        "model": known.model.value,
        "counted": known.counted,
        "vendor": license_.vendor,
        "count": license_.count,
        "subscription_date": _day(license_.subscription_date),
        "start": _day(begins),
        "issued": _day(license_.issued),
        "expires": _day(license_.expires),
        "permanent": license_.permanent,
        "license_type": license_.license_type,
        "serial": license_.serial,
        "taken": any(True for _ in _grants(license_)),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _print(found: Sequence[Increment]) -> None:
    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table

    rows = []
    for said in map(_json, found):
        until = "permanent" if said["permanent"] else said["expires"] or "?"
        count = "uncounted" if said["count"] is None else f"{said['count']:,}"
        rows.append(
            (
                said["product"],
                said["model"].replace("_", "/"),
                count,
                said["subscription_date"] or "-",
                said["start"] or "?",
                until,
                said["license_type"] or "-",
                said["serial"] or "-",
            )
        )
    for line in aligned_lines([_HEAD, *rows], right={2}):
        click.echo(line)
