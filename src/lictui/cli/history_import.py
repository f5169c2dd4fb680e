"""`lictui history import` and `import-licenses`: usage from CSV files, counts from license files.

Exit code 0 if anything was imported or was present already, 2 if nothing could be read.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.context import open_history, resolve_timezone
from lictui.cli.options import CommandContext, format_options
from lictui.cli.output import Column, Kind, Row, emit, fields, number_text, optional_date
from lictui.clock import SystemClock
from lictui.errors import UsageError
from lictui.history.backfill import ImportCounts, LicenseGrant
from lictui.history.csv_import import ImportOptions, parse_column_option, read_csv
from lictui.history.csv_reader import ImportResult, decode_text
from lictui.model import PoolKey
from lictui.products import describe
from lictui.sources.command.formats import Increment, parse_license_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.history.store import History

_CLOCK_TOLERANCE: Final = 86400  # seconds that another machine's clock or zone may be ahead
_MAX_LICENSE_FILE: Final = 8 * 1024 * 1024  # bytes; real ones are far smaller


@click.command("import")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="NAME",
    help="Server the data belongs to; with a lictui export, limit to this server (repeatable).",
)
@click.option(
    "--product",
    "products",
    multiple=True,
    metavar="CODE",
    help="Product the data belongs to; with a lictui export, limit to it (repeatable).",
)
@click.option(
    "--subscription-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Subscription date of the pool; required if the server has several of the product.",
)
@click.option(
    "--date-format", default="", metavar="FORMAT", help="Date format, e.g. '%d.%m.%Y %H:%M'."
)
@click.option(
    "--tz",
    default="",
    metavar="ZONE",
    show_default="timezone of config.toml",
    help="Time zone of times that name none (IANA name).",
)
@click.option(
    "--columns",
    default="",
    metavar="LIST",
    help="Column mapping: 'time=…,in_use=…,installed=…,overdraft=…', also date=….",
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
    """Import usage data from a CSV file.

    FILE (- is stdin) is a lictui export, or any CSV file of one pool.

    CSV files from other tools need --server and --product, a time column (or Date and Time) and a
    column such as InUse, In Use or Used; Total, Installed or Licenses Owned, and Overdraft are
    optional. A row with only a date is the value of that day. Re-importing a file has no effect.
    """
    if date_format and "%" not in date_format:
        raise UsageError(f"invalid date format {date_format!r}", "example: '%d.%m.%Y %H:%M'")
    column_names = parse_column_option(columns) if columns else {}
    zone = resolve_timezone(context, tz)
    data = _read_input(file)
    with open_history(context, create=True) as history:
        day = subscription_date.date().isoformat() if subscription_date else ""
        if not day and len(servers) == len(products) == 1:
            day = _only_subscription_date(history, servers[0], products[0])
        until = SystemClock().now() + _CLOCK_TOLERANCE
        options = ImportOptions(servers, products, day, column_names, date_format, zone, until)
        result = read_csv(data, options)
        _require_data(result, file)
        counts = history.import_readings(result.pools)
    _print_summary(result, counts)


def _read_input(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def _only_subscription_date(history: History, server: str, product: str) -> str:
    """Return the subscription date of the server's only pool of a product, "" if it has none."""
    dates = {
        pool.subscription_date
        for pool in history.pools()
        if (pool.server, pool.product) == (server, product)
    }
    if len(dates) <= 1:
        return next(iter(dates), "")
    if "" in dates:
        return ""
    raise UsageError(
        f"{server} has several pools of {product}: {', '.join(sorted(dates))}",
        "select one with --subscription-date DATE",
    )


def _require_data(result: ImportResult, file: str) -> None:
    if any(pool.readings or pool.buckets or pool.months for pool in result.pools):
        return
    if result.filtered_out and not result.skipped:
        raise UsageError(
            f"{file} contains no data of the selected servers and products",
            "without --server and --product everything is imported",
        )
    reasons = "".join(f"\n  line {line}: {reason}" for line, reason in result.reasons)
    raise UsageError(
        f"no usable data in {file}: {result.read:,} rows, {result.skipped:,} skipped{reasons}",
        "use --columns, --date-format and --tz to describe the file",
    )


def _print_summary(result: ImportResult, counts: ImportCounts) -> None:
    parts = [
        f"read {result.read:,} rows",
        f"skipped {result.skipped:,}",
        f"wrote {counts.written:,}",
    ]
    if counts.unchanged:
        parts.append(f"{counts.unchanged:,} already present")
    if result.filtered_out:
        parts.append(f"skipped {result.filtered_out:,} of other series")
    click.echo(", ".join(parts))
    for line, reason in result.reasons:
        click.echo(f"lictui: skipped line {line}: {reason}", err=True)
    if result.skipped > len(result.reasons):
        click.echo(f"lictui: skipped {result.skipped - len(result.reasons):,} more", err=True)


# `lictui history import-licenses`


def _count_text(row: Row) -> str:
    return "uncounted" if row["count"] is None else number_text(row["count"])


def _until_text(row: Row) -> str:
    return "permanent" if row["permanent"] else row["expires"] or "?"


_LICENSE_COLUMNS: Final = (
    Column("product", "PRODUCT"),
    Column("name"),
    Column("model", "MODEL", Kind.MODEL),
    Column("counted"),
    Column("vendor"),
    Column("count", "COUNT", Kind.NUMBER, _count_text),
    Column("subscription_date", "SUBSCRIPTION", missing="-"),
    Column("start", "FROM"),
    Column("issued"),
    Column("expires", "UNTIL", text=_until_text),
    Column("permanent"),
    Column("license_type", "TYPE", missing="-"),
    Column("serial", "SERIAL", missing="-"),
    Column("taken"),
)


@click.command("import-licenses")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--server", required=True, metavar="NAME", help="License server of the files.")
@click.option("--dry-run", is_flag=True, help="Show the licenses without importing them.")
@format_options
@click.pass_obj
def import_licenses(
    context: CommandContext,
    /,
    *,
    paths: tuple[str, ...],
    server: str,
    dry_run: bool,
    output_format: str,
) -> None:
    """Import license counts from .lic files, or from folders with such files.

    They provide the number of installed licenses before the first poll, and where polls lack it;
    polled values take precedence. Import all files of a server together. Every license is added to
    the event log. Re-importing files has no effect.
    """
    files = list(_license_files(paths))
    licenses = parse_license_file(
        "\n".join(decode_text(_read_license_file(file)) for file in files)
    )
    if not licenses:
        name = paths[0] if len(paths) == 1 else f"these {len(paths)} files and folders"
        raise UsageError(
            f"no licenses found in {name}",
            "license files end in .lic and contain lines that start with INCREMENT",
        )
    imported = 0
    if not dry_run:
        grants = [grant for license_ in licenses if (grant := _grant(license_))]
        with open_history(context, create=True) as history:
            imported = history.import_licenses(server, grants, SystemClock().now())
    records = list(map(_license_json, licenses))
    emit(
        records,
        _LICENSE_COLUMNS,
        output_format,
        document={
            "schema": "lictui.licenses/1",
            "server": server,
            "files": len(files),
            "new": imported,
            "licenses": records,
        },
        records="licenses",
    )
    outcome = "dry run, nothing imported" if dry_run else f"{imported:,} new"
    click.echo(f"{len(licenses):,} licenses in {len(files):,} files, {outcome}", err=True)


def _license_files(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".lic")
            yield from (file for file in files if file.is_file())
        else:
            yield path


def _read_license_file(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            data = source.read(_MAX_LICENSE_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > _MAX_LICENSE_FILE:
        raise UsageError(f"{file} is too large for a license file", "check the file name")
    return data


def _grant(license_: Increment) -> LicenseGrant | None:
    """Return the licenses to import; None for startup licenses and without a count or a term."""
    start = license_.start or license_.issued
    unknown_end = license_.permanent is None and license_.expires is None
    if not license_.count or start is None or unknown_end or not describe(license_.product).counted:
        return None
    return LicenseGrant(
        PoolKey(license_.product, optional_date(license_.subscription_date) or ""),
        license_.serial or license_.signature[:80],
        _midnight(start),
        license_.count,
        None if license_.expires is None else _midnight(license_.expires + timedelta(days=1)),
    )


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _license_json(license_: Increment) -> dict[str, Any]:
    product = describe(license_.product)
    return {
        "product": license_.product,
        **fields(product, "name model counted"),
        **fields(license_, "vendor count subscription_date"),
        "start": optional_date(license_.start or license_.issued),
        **fields(license_, "issued expires permanent license_type serial"),
        "taken": _grant(license_) is not None,
    }
