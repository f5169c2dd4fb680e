"""`lictui history import-licenses`: the licenses that .lic files grant, over time.

Owns finding the files, the table and the JSON. Must not know what a line of such a file is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.history.opened import opened
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from lictui.cli.context import Context
    from lictui.history.backfill import Grant
    from lictui.sources.license_file import Increment

_LARGEST: Final = 8 * 1024 * 1024  # bytes; no license file comes near it
_HEAD: Final = ("PRODUCT", "MODEL", "COUNT", "SUBSCRIPTION", "FROM", "UNTIL", "TYPE", "SERIAL")


@click.command("import-licenses")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--server", required=True, metavar="NAME", help="The license server they are on.")
@click.option("--dry-run", is_flag=True, help="Show what they grant, and take nothing in.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def import_licenses(
    context: Context, /, *, paths: tuple[str, ...], server: str, dry_run: bool, as_json: bool
) -> None:
    """Take in the licenses of .lic files, or of folders of them, from their start to their end.

    They tell how many were installed before the first reading, and where readings came without
    that number; what was read of the server stands. Give all its files at once. Each license is
    a line of the journal. The same files again change nothing.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` reads no file
    from lictui.history.csv_reader import text  # noqa: PLC0415 - as above
    from lictui.sources.license_file import increments  # noqa: PLC0415 - as above

    files = list(_files(paths))
    found = increments("\n".join(text(_bytes(file)) for file in files))
    if not found:
        raise UsageError(
            f"no license is in {_named(paths)}",
            "a license file has lines that begin with INCREMENT; they end in .lic",
        )
    new = 0
    if not dry_run:
        grants = [each for license_ in found for each in _grants(license_)]
        with opened(context, begin=True) as store:
            new = store.grant(server, grants, SystemClock().now())
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


def _bytes(file: Path) -> bytes:
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


def _grants(license_: Increment) -> Iterator[Grant]:
    """What a license adds to its pool: nothing without a count, or a day it counts from."""
    from lictui.history.backfill import Grant  # noqa: PLC0415 - `--help` opens no history
    from lictui.model import PoolKey  # noqa: PLC0415 - as above
    from lictui.products import describe  # noqa: PLC0415 - as above

    begins = license_.start or license_.issued
    unending = license_.permanent is None and license_.expires is None
    if not license_.count or begins is None or unending or not describe(license_.product).counted:
        return
    last = license_.expires
    day = license_.subscription_date
    yield Grant(
        PoolKey(license_.product, day.isoformat() if day else ""),
        license_.serial or license_.signed[:80],
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
    from lictui.cli.tables import aligned  # noqa: PLC0415 - `--help` prints no table

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
    for line in aligned([_HEAD, *rows], right={2}):
        click.echo(line)
