"""`lictui history import` and `import-licenses`: usage from CSV files, counts from license files.

Exit code 0 if anything was imported or was present already, 2 if nothing could be read.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec.structs import replace

from lictui.cli.context import open_history, resolve_timezone
from lictui.cli.options import CommandContext, format_options, option, suggestion
from lictui.cli.output import Column, Kind, Row, emit, number_text, record
from lictui.clock import SystemClock
from lictui.errors import UsageError
from lictui.model import ESTATE, PoolKey, count_text
from lictui.products import describe
from lictui.sources.command.formats import Increment, parse_license_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lictui.history.backfill import ImportCounts, LicenseGrant
    from lictui.history.csv_reader import ImportedPool, ImportOptions, ImportResult
    from lictui.history.store import History

_CLOCK_TOLERANCE: Final = 86400  # seconds that another machine's clock or zone may be ahead
_BAR_WIDTH: Final = 30
_BAR_INTERVAL: Final = 0.1  # seconds
_ANY_TIME: Final = datetime(2026, 1, 31, 13, 45, tzinfo=UTC)
_MAX_LICENSE_FILE: Final = 8 * 1024 * 1024  # bytes; real ones are far smaller


def _column_names(_context: click.Context, _option: click.Parameter, text: str) -> dict[str, str]:
    """Return `time=Zeit,in_use=Belegt` as column names by purpose. Raises UsageError."""
    from lictui.history.csv_foreign import COLUMN_KEYS

    columns: dict[str, str] = {}
    for part in next(csv.reader([text], skipinitialspace=True), []):
        key, equals, name = part.partition("=")
        key = key.strip().lower().replace(" ", "_").replace("-", "_")
        if not equals or not name.strip() or key not in COLUMN_KEYS:
            nearest = "" if key in COLUMN_KEYS else suggestion(key, COLUMN_KEYS)
            raise UsageError(
                f"--columns: invalid entry {part.strip()!r}.{nearest}",
                f"use a list of KEY=COLUMN; KEY is one of {', '.join(COLUMN_KEYS)}",
            )
        columns[key] = name.strip()
    return columns


def _date_format(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return a format that strptime understands, or "". Raises UsageError."""
    try:
        if "%" in text:
            datetime.strptime(f"{_ANY_TIME:{text}}", text).astimezone()
            return text
    except (ValueError, re.error):  # the latter where a part of the format is there twice
        pass
    if text:
        raise UsageError(f"invalid date format {text!r}", "example: '%d.%m.%Y %H:%M'")
    return text


def _conditions(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Return `Farm=East` as column and value. Raises UsageError."""
    parts = [text.partition("=") for text in texts]
    for column, equals, value in parts:
        if not equals or not column.strip():
            condition = f"{column}{equals}{value}"
            raise UsageError(f"--where: invalid condition {condition!r}", "use COLUMN=VALUE")
    return tuple((column.strip(), value) for column, _, value in parts)


@click.command(
    "import", epilog="Example: lictui history import usage.csv --server lic-01 --product XDT_PLT_UD"
)
@click.argument("file", type=click.Path(path_type=str))
@option(
    "--server servers",
    "Server the data belongs to; with a lictui export, limit to this server (repeatable).",
    "NAME",
    multiple=True,
)
@option(
    "--product products",
    "Product the data belongs to; with a lictui export, limit to it (repeatable).",
    "CODE",
    multiple=True,
)
@option(
    "--subscription-date",
    "Subscription date of the pool; required if the server has several of the product.",
    "DATE",
    type=click.DateTime(["%Y-%m-%d"]),
)
@option("--date-format", "Date format, e.g. '%d.%m.%Y %H:%M'.", "FORMAT", callback=_date_format)
@option(
    "--tz",
    "Time zone of times that name none (IANA name).",
    "ZONE",
    show_default="timezone of config.toml",
)
@option(
    "--columns",
    "Column mapping: 'time=…,in_use=…,installed=…,overdraft=…', also date=….",
    "LIST",
    callback=_column_names,
)
@option(
    "--where",
    "Import only rows with this value, e.g. 'Farm=East' (repeatable).",
    "COLUMN=VALUE",
    multiple=True,
    callback=_conditions,
)
@click.pass_obj
def import_csv(
    context: CommandContext,
    /,
    *,
    file: str,
    subscription_date: datetime | None,
    tz: str,
    **options: Any,  # the fields of ImportOptions
) -> None:
    """Import usage data from a CSV file.

    FILE (- is stdin) is a lictui export, or a CSV file of another program.

    CSV files from other programs need --server and --product, a time column (or Date and Time) and
    a column such as InUse, In Use or Used; Total, Installed or Licenses Owned, and Overdraft are
    optional. Columns for the server, product and subscription date select the rows; rows of several
    license types add up. A row with only a date or a month is the value of that day or month.
    Re-importing a file has no effect.
    """
    from lictui.history.csv_import import read_csv
    from lictui.history.csv_reader import CsvFile, ImportOptions

    asked = ImportOptions(
        subscription_date=f"{subscription_date:%Y-%m-%d}" if subscription_date else "",
        zone=resolve_timezone(context, tz),
        until=SystemClock().now() + _CLOCK_TOLERANCE,
        **options,
    )
    with _readable(file) as path, open_history(context, create=True) as history:
        with _progress_bar(path) as on_progress:
            undated = partial(_only_subscription_date, history, asked)
            result = read_csv(CsvFile(path, on_progress), replace(asked, undated=undated))
        counts = history.import_readings(map(_of_one_server, result.pools))
    _require_data(result, counts, file)
    _print_summary(result, counts)


def _of_one_server(pool: ImportedPool) -> ImportedPool:
    _refuse_estate(pool.server)
    return pool


def _refuse_estate(server: str) -> None:
    """Raise UsageError for the name of all servers together."""
    if server.strip().lower() == ESTATE:
        raise UsageError(f"{ESTATE} is the name of all servers together", "choose another name")


@contextmanager
def _readable(file: str) -> Iterator[Path]:
    """Yield the path of a file, or of a copy of a pipe: it is read more than once."""
    from lictui.history.csv_reader import bounded_chunks

    try:
        if file != "-" and not Path(file).is_fifo():
            yield Path(file)
            return
        with tempfile.NamedTemporaryFile(prefix="lictui-") as copy:
            with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
                copy.writelines(bounded_chunks(source))
            copy.flush()
            yield Path(copy.name)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from error


@contextmanager
def _progress_bar(path: Path) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows, on a terminal, how much of the file was read."""
    size, clock, is_shown = max(1, path.stat().st_size), SystemClock(), sys.stderr.isatty()
    next_at = 0.0

    def show(position: int, rows: int) -> None:
        nonlocal next_at
        elapsed = clock.monotonic()
        if is_shown and elapsed >= next_at:
            next_at = elapsed + _BAR_INTERVAL
            bar = "#" * round(_BAR_WIDTH * min(position / size, 1))
            speed = f"{rows:,} rows, {rows / max(elapsed, 0.001):,.0f} rows/s"
            click.echo(f"\r[{bar:-<{_BAR_WIDTH}}] {speed}\x1b[K", nl=False, err=True)

    try:
        yield show
    finally:
        if is_shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def _only_subscription_date(history: History, options: ImportOptions) -> str:
    """Return the subscription date of the server's only pool of the product, "" if it has none."""
    server, product = options.servers[0], options.products[0]
    dates = {
        pool.subscription_date
        for pool in history.pools()
        if (pool.server, pool.product) == (server, product)
    }
    if "" in dates or not dates:
        return ""
    if len(dates) > 1:
        raise UsageError(
            f"{server} has several pools of {product}: {', '.join(sorted(dates))}",
            "select one with --subscription-date DATE",
        )
    return dates.pop()


def _require_data(result: ImportResult, counts: ImportCounts, file: str) -> None:
    if counts.written or counts.unchanged:
        return
    if result.filtered_out and not result.skipped:
        raise UsageError(
            f"{file} contains no data of the selected servers and products",
            "without --server and --product everything in a lictui export is imported",
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
    if result.used:
        used = ", ".join(f"{purpose}={column}" for purpose, column in result.used.items())
        unused = f"; not used: {', '.join(result.unused)}" if result.unused else ""
        click.echo(f"lictui: columns {used}{unused}", err=True)
    if result.rounded:
        click.echo("lictui: figures with decimals were rounded", err=True)
    for line, reason in result.reasons:
        click.echo(f"lictui: skipped line {line}: {reason}", err=True)
    if result.skipped > len(result.reasons):
        click.echo(f"lictui: skipped {result.skipped - len(result.reasons):,} more", err=True)


# `lictui history import-licenses`


def _count_text(row: Row) -> str:
    return "uncounted" if row["count"] is None else number_text(row["count"])


def _until_text(row: Row) -> str:
    return "permanent" if row["permanent"] else str(row["expires"] or "?")


_LICENSE_COLUMNS: Final = (
    Column("product", "PRODUCT"),
    Column("name", source=lambda license_: describe(license_.product).name),
    Column(
        "model",
        "MODEL",
        Kind.MODEL,
        source=lambda license_: describe(license_.product).model,
        detail=1,
    ),
    Column("counted", source=lambda license_: describe(license_.product).counted),
    Column("vendor"),
    Column("count", "COUNT", Kind.NUMBER, _count_text),
    Column("subscription_date", "SUBSCRIPTION", missing="-"),
    Column("start", "FROM", source=lambda license_: license_.start or license_.issued),
    Column("issued"),
    Column("expires", "UNTIL", text=_until_text),
    Column("permanent"),
    Column("license_type", "TYPE", detail=2),
    Column("serial", "SERIAL", detail=3),
    Column("taken", source=lambda license_: _grant(license_) is not None),
)


@click.command(
    "import-licenses", epilog="Example: lictui history import-licenses --server lic-01 MyFiles/"
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=str))
@option("--server", "License server of the files.", "NAME", required=True)
@option("--dry-run", "Show the licenses without importing them.")
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
    """Import license counts from .lic files, or folders with such files.

    They provide the number of installed licenses before the first poll, and where polls lack it;
    polled values take precedence. Import all files of a server together. Every license is added to
    the event log. Re-importing files has no effect.
    """
    _require_name(server)
    files = list(_license_files(paths))
    licenses = _read_licenses(files, paths)
    imported = 0
    if not dry_run:
        grants = [grant for license_ in licenses if (grant := _grant(license_))]
        with open_history(context, create=True) as history:
            imported = history.import_licenses(server, grants, SystemClock().now())
    records = [record(license_, _LICENSE_COLUMNS) for license_ in licenses]
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
    found = count_text(len(licenses), "license")
    outcome = "dry run, nothing imported" if dry_run else f"{imported:,} new"
    click.echo(f"{found} in {count_text(len(files), 'file')}, {outcome}", err=True)


def _require_name(server: str) -> None:
    from lictui.history.csv_reader import RowError, require_readable

    _refuse_estate(server)
    try:
        require_readable(server)
    except RowError as error:
        raise UsageError(str(error), "choose another name") from None


def _read_licenses(files: Iterable[Path], paths: tuple[str, ...]) -> tuple[Increment, ...]:
    from lictui.history.csv_reader import decode_text

    licenses = parse_license_file(
        "\n".join(decode_text(_read_license_file(file)) for file in files)
    )
    if not licenses:
        name = paths[0] if len(paths) == 1 else f"these {len(paths)} files and folders"
        raise UsageError(
            f"no licenses found in {name}",
            "license files end in .lic and contain lines that start with INCREMENT",
        )
    return licenses


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
    from lictui.history.backfill import LicenseGrant

    return LicenseGrant(
        PoolKey(license_.product, str(license_.subscription_date or "")),
        license_.serial or license_.signature[:80],
        _midnight(start),
        license_.count,
        None if license_.expires is None else _midnight(license_.expires + timedelta(days=1)),
    )


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
