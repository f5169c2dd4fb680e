"""CSV import: files that lictui exported, and files of other programs. Bytes in, values out."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from difflib import get_close_matches
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui import products
from lictui.analysis.series import Resolution
from lictui.csvfile import unescape_formula
from lictui.errors import UsageError
from lictui.history import csv_reader
from lictui.history.csv_export import HEADER, MONTH_HEADER, RAW_HEADER
from lictui.history.csv_reader import (
    ImportedBucket,
    ImportedPool,
    ImportedReading,
    ImportResult,
    RowError,
    normalize_name,
    shorten,
)
from lictui.history.readings import FOREVER
from lictui.model import Model, MonthlyUsage, PoolKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import tzinfo

    from lictui.history.csv_reader import NumberedRow, ParsedTime


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user specifies about a file."""

    servers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    subscription_date: str = ""  # ISO; for files of other programs
    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""  # strptime's
    zone: tzinfo | None = None  # of times without a zone; None: the system's
    until: float = FOREVER  # UTC epoch seconds; later times are refused


def read_csv(data: bytes, options: ImportOptions) -> ImportResult:
    """Return everything in the file. Raises UsageError when it cannot be read as a whole."""
    text = csv_reader.decode_text(data)
    if not text.strip():
        raise UsageError("the file is empty", "check the program that wrote it")
    own = csv_reader.find_exact_header(text, is_lictui_header)
    if own and not options.columns:
        return read_lictui_csv(*own, options)
    if len(options.servers) != 1 or len(options.products) != 1:
        raise UsageError(
            "not a lictui export: server and product are required",
            "use --server NAME --product CODE, one of each",
        )
    header, rows = csv_reader.find_header(text, lambda cells: _score(cells, options))
    columns = recognize_columns(header, options.columns)
    assert columns is not None  # noqa: S101 - that is how the header was found
    ((server,), (product,)) = options.servers, options.products
    key = PoolKey(product, options.subscription_date)
    pool = ImportedPool(server, key, products.describe(product).model)
    return read_foreign_csv(columns, rows, pool, options)


def _score(cells: list[str], options: ImportOptions) -> int:
    return len(cells) if recognize_columns(cells, options.columns) else 0


# Files that lictui exported


_COUNT_LIMIT: Final = 2**31
_WIDTHS: Final = {int(width): width for width in Resolution if width}
_HEADERS: Final = (RAW_HEADER, HEADER, MONTH_HEADER)


def is_lictui_header(header: Sequence[str]) -> bool:
    """Whether lictui wrote a file with this header."""
    return tuple(cell.strip() for cell in header) in _HEADERS


def read_lictui_csv(
    header: Sequence[str], rows: Iterator[NumberedRow], options: ImportOptions
) -> ImportResult:
    """Return everything below the header that is of the chosen servers and products."""
    names = tuple(cell.strip() for cell in header)
    add_row = {RAW_HEADER: _add_reading, HEADER: _add_bucket, MONTH_HEADER: _add_month}[names]
    start_of = _month_start if add_row is _add_month else _timestamp
    result = ImportResult()
    pools: dict[tuple[str, PoolKey], ImportedPool] = {}
    first = names.index("server")
    for line, cells in rows:
        result.read += 1
        try:
            _require(
                len(cells) == len(names),
                f"has {len(cells)} cells where the header has {len(names)}",
            )
            server, product, model, day = map(unescape_formula, cells[first : first + 4])
            if not _is_chosen(server, options.servers) or not _is_chosen(product, options.products):
                result.filtered_out += 1
                continue
            key = PoolKey(product, _subscription_date(day))
            _require(bool(server), "no server")
            _require(bool(product), "no product")
            _require(start_of(cells[0]) <= options.until, "time is in the future")
            pool = pools.get((server, key)) or ImportedPool(server, key, _model(model))
            add_row(pool, cells)
            pools[server, key] = pool
        except RowError as error:
            result.skip(line, str(error))
    result.pools = list(pools.values())
    for pool in result.pools:
        _separate_months(pool)
    return result


def _is_chosen(name: str, chosen: Collection[str]) -> bool:
    return not chosen or name in chosen


def _require(condition: bool, reason: str) -> None:  # noqa: FBT001 - an assertion about a row
    if not condition:
        raise RowError(reason)


def _add_reading(pool: ImportedPool, cells: Sequence[str]) -> None:
    time, *_, in_use, installed, overdraft = cells
    figures = _optional_count(in_use), _optional_count(installed), _optional_count(overdraft)
    pool.readings.append(ImportedReading(_timestamp(time), *figures))


def _add_bucket(pool: ImportedPool, cells: Sequence[str]) -> None:
    start, end = _timestamp(cells[0]), _timestamp(cells[1])
    low, average, high, high_at, installed, overdraft, samples = cells[6:]
    width = _WIDTHS.get(end - start)
    if width is None or start % width:
        raise RowError("not aligned to 5 minutes, an hour or a day (UTC)")
    lowest, highest, count = _count(low), _count(high), _count(samples)
    peak_at = _timestamp(high_at)
    mean = _average(average)
    if not (count > 0 and lowest <= mean <= highest and start <= peak_at < end):
        raise RowError("inconsistent values")
    # The last figure is not in the file: the one of a bucket with one reading, else the mean.
    last = min(max(round(mean), lowest), highest)
    figures = lowest, mean, highest, peak_at, last, count
    counts = _optional_count(installed), _optional_count(overdraft)
    bucket = ImportedBucket(start, *figures, *counts)
    pool.buckets.setdefault(width, []).append(bucket)


def _add_month(pool: ImportedPool, cells: Sequence[str]) -> None:
    in_use, installed, newly_assigned, released = map(_optional_count, cells[5:])
    start = _month_start(cells[0])
    pool.months.append(MonthlyUsage(pool.key, start, in_use, installed, newly_assigned, released))


def _month_start(cell: str) -> int:
    return _timestamp(f"{cell.strip()}-01T00:00:00Z")


def _separate_months(pool: ImportedPool) -> None:
    """Move the months that precede the readings of a pool: they are not readings.

    In the export they look alike, but only such a month is the single row of its first day.
    """
    if not pool.model.is_assigned:  # only such a source reports months
        return
    count = 0
    for reading, following in zip_longest(pool.readings, pool.readings[1:]):
        day = datetime.fromtimestamp(reading.time, UTC)
        is_single = following is None or following.time - reading.time >= Resolution.DAY
        is_month_start = day.day == 1 and reading.time % Resolution.DAY == 0
        if not is_single or not is_month_start or reading.overdraft is not None:
            break
        month = MonthlyUsage(pool.key, reading.time, reading.in_use, reading.installed)
        pool.months.append(month)
        count += 1
    del pool.readings[:count]


def _timestamp(cell: str) -> int:
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise RowError(f"invalid time: {shorten(cell)}")
    return int(time.timestamp())


def _subscription_date(cell: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat() if cell else ""
    except ValueError:
        raise RowError(f"invalid subscription date: {shorten(cell)}") from None


def _model(cell: str) -> Model:
    try:
        return Model(cell)
    except ValueError:
        return Model.OTHER


def _optional_count(cell: str) -> int | None:
    return _count(cell) if cell.strip() else None


def _count(cell: str) -> int:
    try:
        count = int(cell)
    except ValueError:
        raise RowError(f"not a whole number: {shorten(cell)}") from None
    if abs(count) >= _COUNT_LIMIT:
        raise RowError(f"number too large: {shorten(cell)}")
    return count


def _average(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise RowError(f"not a number: {shorten(cell)}") from None


# Files of other programs, with one pool


_MAX_SHOWN: Final = 6  # products that a message names


class _Line(NamedTuple):
    """A row with valid figures and a time of some form."""

    number: int
    time: ParsedTime
    figures: ImportedReading  # its time is not known yet


def read_foreign_csv(
    columns: ColumnMap, rows: Iterator[NumberedRow], pool: ImportedPool, options: ImportOptions
) -> ImportResult:
    """Return everything below the header as figures of `pool`.

    Raises UsageError where day and month cannot be told apart, or where no row is of the product.
    """
    result = ImportResult(pools=[pool])
    lines = list(_read_lines(columns, rows, pool.key.product, result, options.date_format))
    day_first = csv_reader.is_day_first(line.time for line in lines)
    only_days = csv_reader.are_whole_days(line.time for line in lines)
    dated = _with_local_times(lines, result, day_first=day_first)
    clock = csv_reader.LocalClock(UTC if columns.utc else options.zone)
    oldest_first = range(len(dated))
    newest_row_first = bool(dated) and dated[0][1] > dated[-1][1]
    values: dict[int, ImportedReading | ImportedBucket] = {}
    for index in reversed(oldest_first) if newest_row_first else oldest_first:
        line, local = dated[index]
        try:
            value = _value(line, local, clock, daily=only_days or line.time.clock is None)
            time = value.time if isinstance(value, ImportedReading) else value.start
            _require(time <= options.until, f"time is in the future: {local:%Y-%m-%d %H:%M}")
            values[index] = value
        except RowError as error:
            result.skip(line.number, str(error))
    for index in oldest_first:  # of two rows of one time the later counts: keep the file's order
        match values.get(index):
            case ImportedReading() as reading:
                pool.readings.append(reading)
            case ImportedBucket() as bucket:
                pool.buckets.setdefault(Resolution.DAY, []).append(bucket)
    return result


def _read_lines(
    columns: ColumnMap,
    rows: Iterator[NumberedRow],
    product: str,
    result: ImportResult,
    date_format: str,
) -> Iterator[_Line]:
    other_products: set[str] = set()
    for number, cells in rows:
        result.read += 1
        row_product = _cell(cells, columns.product)
        if not _is_product(row_product, product, columns):
            other_products.add(row_product)
            result.filtered_out += 1
            continue
        try:
            time = " ".join(_cell(cells, index).strip() for index in columns.times)
            figures = ImportedReading(
                0,
                csv_reader.parse_count(_cell(cells, columns.in_use), "in use"),
                csv_reader.parse_optional_count(_cell(cells, columns.installed), "installed"),
                csv_reader.parse_optional_count(_cell(cells, columns.overdraft), "overdraft"),
            )
            yield _Line(number, csv_reader.parse_time(time, date_format), figures)
        except RowError as error:
            result.skip(number, str(error))
    if result.read and result.filtered_out == result.read:
        names = ", ".join(sorted(other_products)[:_MAX_SHOWN])
        raise UsageError(
            f"no rows of product {product!r}; the file has {names}",
            "use the product name of the file, or --columns without the product column",
        )


def _is_product(name: str, product: str, columns: ColumnMap) -> bool:
    """Whether a row is of the product; a file without a product column is of one product."""
    return columns.product is None or name.strip().lower() in ("", product.strip().lower())


def _cell(cells: Sequence[str], index: int | None) -> str:
    """Return a cell; "" for a column that the file does not have, or a row that is too short."""
    return cells[index] if index is not None and index < len(cells) else ""


def _with_local_times(
    lines: Sequence[_Line], result: ImportResult, *, day_first: bool
) -> list[tuple[_Line, datetime]]:
    dated = []
    for line in lines:
        try:
            dated.append((line, csv_reader.local_time(line.time, day_first=day_first)))
        except RowError as error:
            result.skip(line.number, str(error))
    return dated


def _value(
    line: _Line, local: datetime, clock: csv_reader.LocalClock, *, daily: bool
) -> ImportedReading | ImportedBucket:
    figures = line.figures
    if not daily:
        return figures._replace(time=clock.timestamp(local, line.time.offset))
    in_use = figures.in_use or 0
    noon = clock.day_timestamp(local.date())
    start = noon // Resolution.DAY * Resolution.DAY
    usage = in_use, in_use, in_use, noon, in_use, 1
    return ImportedBucket(start, *usage, figures.installed, figures.overdraft)


# The columns of such a file


# Purpose of a column -> its names, the most certain first.
# fmt: off
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "moment": (
        "timestamp", "datetime", "dateandtime", "at", "when", "recorded", "collectedat",
        "collected", "sampletime", "timegenerated",
    ),
    "date": ("date", "day", "usagedate", "datum"),
    "time": ("time", "timeofday", "hour", "uhrzeit"),
    "in_use": (
        "inuse", "licensesinuse", "licenseinuse", "inusecount", "inuselicenses", "used",
        "licensesused", "usedlicenses", "usedcount", "currentlyinuse", "usage", "licenseusage",
        "assigned", "licensesassigned", "checkedout", "consumed", "inusemax", "maxinuse",
        "maximuminuse", "peakinuse", "peakusage", "peak",
    ),
    "installed": (
        "installed", "licensesinstalled", "installedlicenses", "licensesowned", "owned", "total",
        "totallicenses", "licensestotal", "totalinstalled", "totalcount", "licenses", "purchased",
    ),
    "overdraft": ("overdraft", "overdraftlicenses", "licensesoverdraft", "overdraftallowance"),
    "product": ("product", "productcode", "pld", "feature", "licenseproduct"),
}
# fmt: on
_OPTION_KEYS: Final = ("time", "date", "in_use", "installed", "overdraft", "product")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The indexes of the columns in a row; None for one that the file does not have."""

    times: tuple[int, ...]  # one, or a date and a time of day
    in_use: int
    installed: int | None = None
    overdraft: int | None = None
    product: int | None = None
    utc: bool = False  # the name of a time column says so


def parse_column_option(option: str) -> dict[str, str]:
    """Return `time=Zeit,in_use=Belegt` as column names by purpose. Raises UsageError."""
    columns: dict[str, str] = {}
    for part in next(csv.reader([option], skipinitialspace=True), []):
        key, equals, name = part.partition("=")
        key = key.strip().lower().replace(" ", "_").replace("-", "_")
        if not equals or not name.strip() or key not in _OPTION_KEYS:
            close = get_close_matches(key, _OPTION_KEYS, n=1)
            nearest = f", did you mean {close[0]!r}?" if close and close[0] != key else ""
            raise UsageError(
                f"--columns: invalid entry {part.strip()!r}{nearest}",
                f"use a list of KEY=COLUMN; KEY is one of {', '.join(_OPTION_KEYS)}",
            )
        columns[key] = name.strip()
    return columns


def recognize_columns(header: Sequence[str], chosen: Mapping[str, str]) -> ColumnMap | None:
    """Return the columns of a header, `chosen` ones first; None without time and in use."""
    names = [normalize_name(cell) for cell in header]
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    indexes = {
        purpose: next((bare.index(name) for name in known if name in bare), None)
        for purpose, known in _NAMES.items()
    }
    for purpose, name in chosen.items():
        index = _column_index(name, names, header)
        if index is None:
            return None
        indexes[purpose] = index
    in_use = indexes["in_use"]
    times = _time_columns(indexes, chosen)
    if in_use is None or not times:
        return None
    return ColumnMap(
        times,
        in_use,
        indexes["installed"],
        indexes["overdraft"],
        indexes["product"],
        utc=any(names[index].endswith("utc") for index in times),
    )


def _time_columns(indexes: Mapping[str, int | None], chosen: Mapping[str, str]) -> tuple[int, ...]:
    date_index, time_index = indexes["date"], indexes["time"]
    if "time" in chosen and "date" not in chosen:
        return () if time_index is None else (time_index,)
    if "date" not in chosen and indexes["moment"] is not None:
        return (indexes["moment"],)
    return tuple(index for index in (date_index, time_index) if index is not None)


def _column_index(name: str, names: Sequence[str], header: Sequence[str]) -> int | None:
    """Return the index of a column by its name, or by its number from 1."""
    cells = [cell.strip() for cell in header]
    if name in cells:
        return cells.index(name)
    if normalize_name(name) and normalize_name(name) in names:
        return names.index(normalize_name(name))
    if name.isascii() and name.isdecimal() and 0 < int(name) <= len(names):
        return int(name) - 1
    return None
