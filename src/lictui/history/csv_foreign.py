"""CSV import: files of other programs, whose columns are recognized by name and content.

A file is read twice: once for the distinct values of its columns, which tell servers and products
apart, and once for the figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lictui import products
from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.csv_reader import (
    INVALID,
    UNKNOWN,
    BucketColumns,
    CellReader,
    ImportedPool,
    ImportResult,
    IntArray,
    ReadingColumns,
    RowError,
    has_no_figure,
    normalize_name,
    optional,
    parse_count,
    shorten,
)
from lictui.history.csv_times import (
    NO_CLOCK,
    Clocks,
    LocalDate,
    is_day_first,
    parse_clock,
    parse_date,
    split_formatted_time,
    split_time,
    utc_times,
)
from lictui.model import MonthlyUsage, PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lictui.history.csv_reader import CsvFile, ImportOptions, NumberedRow

# The columns of such a file


# Purpose of a column -> its names, the most certain first: those of WMI, of the cmdlets of Citrix,
# of Citrix Licensing Manager, ControlUp, PRTG and of published scripts.
# fmt: off
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "moment": (
        "timestamp", "datetime", "dateandtime", "at", "when", "recorded", "collectedat",
        "collected", "sampletime", "timegenerated",
    ),
    "date": ("date", "day", "usagedate", "datum", "month"),
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
    "total": ("count", "licensecount"),  # includes the overdraft
    "overdraft": (
        "overdraft", "overdraftlicenses", "licensesoverdraft", "licenseoverdraft",
        "overdraftallowance",
    ),
    "server": (
        "server", "servername", "licenseserver", "licenseservername", "computer", "computername",
        "pscomputername", "host", "hostname", "machine", "machinename",
    ),
    "product": (
        "pld", "productcode", "feature", "featurename", "product", "productname", "license",
        "licensename", "licenseproduct", "licenseproductname", "productedition", "pldfullname",
    ),
    "subscription_date": (
        "subscriptiondate", "sadate", "subscriptionadvantagedate", "customersuccessservicesdate",
        "licensesubscriptionadvantagedate", "cssdate",
    ),
    "license_type": ("licensetype",),
}
# fmt: on
COLUMN_KEYS: Final = ("time", *(key for key in _NAMES if key not in {"moment", "time"}))
_FIGURES: Final = ("in_use", "installed", "total", "overdraft")


@dataclass(slots=True)
class _Columns:
    """The columns of a header, by purpose."""

    header: list[str]
    times: tuple[int, ...]  # one, or a date and a time of day
    indexes: dict[str, int]  # the other purposes

    @property
    def names(self) -> list[str]:
        """The names of all columns, normalized."""
        return [normalize_name(cell) for cell in self.header]

    @property
    def are_utc(self) -> bool:
        """Whether the name of a time column says so."""
        return any(self.names[index].endswith("utc") for index in self.times)

    def plain_column(self, index: int) -> int | None:
        """Return the column that has the value of a raw column of PRTG in readable form."""
        name = self.names[index]
        plain = name.removesuffix("raw")
        return self.names.index(plain) if plain != name and plain in self.names else None

    def description(self) -> dict[str, str]:
        """Return the used columns by purpose."""
        times = dict(
            zip(("time",) if len(self.times) == 1 else ("date", "time"), self.times, strict=False)
        )
        return {key: self.header[at].strip() for key, at in {**times, **self.indexes}.items()}


def _recognize_columns(header: Sequence[str], chosen: Mapping[str, str]) -> _Columns | None:
    """Return the columns of a header, `chosen` ones first; None without time and in use."""
    names = [normalize_name(cell) for cell in header]
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    indexes: dict[str, int] = {}
    for purpose, known in _NAMES.items():
        index = next((bare.index(name) for name in known if name in bare), None)
        if index is not None:
            raw = f"{bare[index]}raw"
            is_raw = purpose in _FIGURES and raw in names
            indexes[purpose] = names.index(raw) if is_raw else index
    for purpose, name in chosen.items():
        index = _column_index(name, names, header)
        if index is None:
            return None
        indexes[purpose] = index
    times = _time_columns(indexes, chosen)
    for purpose in ("moment", "date", "time"):
        indexes.pop(purpose, None)
    if "in_use" not in indexes or not times:
        return None
    if "total" in indexes and "installed" in indexes and "total" not in chosen:
        del indexes["total"]
    return _Columns(list(header), times, indexes)


def _time_columns(indexes: Mapping[str, int], chosen: Mapping[str, str]) -> tuple[int, ...]:
    if "time" in chosen and "date" not in chosen:
        return (indexes["time"],)
    if "date" not in chosen and "moment" in indexes:
        return (indexes["moment"],)
    return tuple(indexes[purpose] for purpose in ("date", "time") if purpose in indexes)


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


# Which rows are of the server and the product


_MAX_VALUES: Final = 200  # of a column; more do not tell servers or products apart
_MAX_SHOWN: Final = 6  # that a message names
_LICENSE_TYPES: Final = frozenset(
    {"retail", "retails", "eval", "evaluation", "sys", "nfr", "not for resale", "csp", "trial"}
)
_LICENSE_CODE: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)+")


class _Filter(NamedTuple):
    """The values of a column that select a row."""

    column: int
    values: frozenset[str]  # in lower case

    def includes(self, cell: str) -> bool:
        """Whether a cell has one of the values."""
        return cell.strip().lower() in self.values


def _filters(
    file: CsvFile, delimiter: str, header_line: int, columns: _Columns, options: ImportOptions
) -> list[_Filter]:
    """Return the filters of a file; the column of the product is set. Raises UsageError."""
    ((server,), (product,)) = options.servers, options.products
    values = _distinct_values(file, delimiter, header_line, columns)
    filters = []
    for name, value in options.where:
        index = _column_index(name, columns.names, columns.header)
        if index is None:
            raise UsageError(
                f"--where: no column {name!r}", f"columns: {', '.join(columns.header)}"
            )
        filters.append(_Filter(index, frozenset({value.strip().lower()})))
    filtered = {item.column for item in filters}
    at = columns.indexes.get("server")
    if at is not None and at not in filtered:
        same = _same_server(values[at], server.lower())
        if same or len(values[at]) > 1:
            searched = f"server {server!r}"
            filters.append(_selection(columns.header[at], at, same, values[at], searched))
    at = _product_column(columns, values, product, options)
    if at is None:
        columns.indexes.pop("product", None)
    else:
        columns.indexes["product"] = at
        name = products.describe(product).name.lower()
        same = values[at] & {product.lower()} or values[at] & {name}
        is_code = any(_LICENSE_CODE.fullmatch(value) for value in values[at])
        if at not in filtered and (same or len(values[at]) > 1 or is_code):
            searched = f"product {product!r}"
            filters.append(_selection(columns.header[at], at, same, values[at], searched))
    at = columns.indexes.get("license_type")
    if at is not None and "license_type" not in options.columns and values[at] - _LICENSE_TYPES:
        del columns.indexes["license_type"]  # of something else, which does not add up
    return filters


def _same_server(values: set[str], server: str) -> set[str]:
    """Return the names of the server: as registered, or the same host name with a domain."""
    same = {value for value in values if _host(value) == _host(server)}
    domains = {value for value in same if "." in value}
    return same if len(domains | ({server} if "." in server else set())) <= 1 else same & {server}


def _host(name: str) -> str:
    """Return the host name without port and domain; an address as it is."""
    name = name.rpartition("@")[2].partition(":")[0]
    return name if name.replace(".", "").isdigit() else name.partition(".")[0]


def _selection(column: str, index: int, same: set[str], values: set[str], searched: str) -> _Filter:
    if not same:
        names = ", ".join(sorted(values)[:_MAX_SHOWN])
        raise UsageError(
            f"no rows of {searched}; the column {column.strip()} has {names}",
            f"select rows with --where {column.strip()!r}=VALUE",
        )
    # A row without a value is of the only one.
    return _Filter(index, frozenset(same if len(values) > 1 else {*same, ""}))


def _distinct_values(
    file: CsvFile, delimiter: str, header_line: int, columns: _Columns
) -> dict[int, set[str]]:
    """Return the values of the columns without figures, in lower case; at most 200 and one."""
    figures = {*columns.times, *(columns.indexes.get(purpose) for purpose in _FIGURES)}
    cells: dict[int, set[str]] = {
        index: set() for index in range(len(columns.header)) if index not in figures
    }
    if not cells:
        return {}
    for batch in file.batches(delimiter, header_line):
        for index, known in cells.items():
            if len(known) <= _MAX_VALUES:
                known.update(row[index] for _, row in batch if index < len(row))
    return {
        index: {cell.strip().lower() for cell in known} - {""} for index, known in cells.items()
    }


def _product_column(
    columns: _Columns, values: Mapping[int, set[str]], product: str, options: ImportOptions
) -> int | None:
    """Return the column that contains the product; else one that is named so, or None."""
    if "product" in options.columns:
        return columns.indexes["product"]
    names = columns.names
    named = [names.index(name) for name in _NAMES["product"] if name in names]
    others = [index for index in values if index not in columns.indexes.values()]
    for searched in (product.lower(), products.describe(product).name.lower()):
        for index in (*named, *others):
            if searched in values.get(index, ()):
                return index
    return next((index for index in named if not _are_numbers(values.get(index, ()))), None)


def _are_numbers(values: Iterable[str]) -> bool:
    return all(value.replace(".", "").replace(",", "").isdigit() for value in values)


# Rows to columns


_INVALID_CLOCK: Final = "?"
_MAX_ROWS: Final = 5_000_000  # of the server and the product: they are sorted in memory


class _Rows(NamedTuple):
    """The rows of a file as columns."""

    line: IntArray
    date: IntArray  # packed
    clock: IntArray  # packed
    in_use: IntArray
    installed: IntArray
    overdraft: IntArray
    subscription: IntArray  # packed date; UNKNOWN without one
    license_type: IntArray  # number of a text

    def select(self, chosen: IntArray) -> _Rows:
        """Return some of the rows."""
        return _Rows(*(column[chosen] for column in self))


class _RowReader:
    """Reads the rows of a file, a column at a time."""

    def __init__(
        self,
        columns: _Columns,
        filters: Sequence[_Filter],
        options: ImportOptions,
        result: ImportResult,
    ) -> None:
        self._columns = columns
        self._filters = filters
        self._format = options.date_format
        self._result = result
        self._dates = CellReader(parse_date)
        self._clocks = CellReader(parse_clock)
        self._subscriptions = CellReader(_parse_subscription)
        names: dict[str, int] = {}
        self._types = CellReader(lambda cell: names.setdefault(cell.strip().lower(), len(names)))
        self._rounded: set[str] = set()  # cells with decimals
        self._selected = [CellReader(item.includes) for item in filters]
        self._counts = {
            purpose: CellReader(self._count_parser(purpose, index))
            for purpose, index in columns.indexes.items()
            if purpose in _FIGURES
        }

    def _count_parser(self, purpose: str, index: int) -> Callable[[str], int]:
        is_raw = self._columns.names[index].endswith("raw")
        label = purpose.replace("_", " ")

        def parse(cell: str) -> int:
            if purpose != "in_use" and has_no_figure(cell):
                return UNKNOWN
            count, is_rounded = parse_count(cell, label, is_raw=is_raw)
            if is_rounded:
                self._rounded.add(cell)
            return count

        return parse

    def read(self, batches: Iterator[list[NumberedRow]]) -> _Rows:
        """Return all valid rows. Raises UsageError for too many."""
        parts = [self._read(batch) for batch in self._checked(batches) if batch]
        if not parts:
            return _Rows(*(np.zeros(0, np.int64) for _ in _Rows._fields))
        return _Rows(*map(np.concatenate, zip(*parts, strict=True)))

    def _checked(self, batches: Iterator[list[NumberedRow]]) -> Iterator[list[NumberedRow]]:
        total, width = 0, len(self._columns.header)
        for batch in batches:
            self._result.read += len(batch)
            rows = batch
            if min(len(cells) for _, cells in batch) < width:
                rows = [(line, cells + [""] * (width - len(cells))) for line, cells in batch]
            for (index, _), selected in zip(self._filters, self._selected, strict=True):
                rows = [row for row in rows if selected[row[1][index]]]
            self._result.filtered_out += len(batch) - len(rows)
            total += len(rows)
            if total > _MAX_ROWS:
                raise UsageError(
                    f"more than {_MAX_ROWS:,} rows of one product", "split the file by time"
                )
            yield rows

    def _read(self, batch: list[NumberedRow]) -> _Rows:
        texts = self._times(batch)
        dates = self._dates.column([text[0] for text in texts])
        clocks = self._clocks.column([text[1] for text in texts])
        if self._range_column is not None:
            clocks = np.where(clocks >= 0, clocks + self._ranges(batch), clocks)
        unknown = np.full(len(batch), UNKNOWN, np.int64)
        figures = {
            purpose: reader.column(self._cells(batch, purpose))
            for purpose, reader in self._counts.items()
        }
        overdraft, total = figures.get("overdraft", unknown), figures.get("total", unknown)
        installed = figures.get("installed", unknown)
        if "total" in figures:
            # Without an overdraft the total is all that is known.
            installed = np.where(total >= 0, total - np.maximum(overdraft, 0), total)
        rows = _Rows(
            np.fromiter((line for line, _ in batch), np.int64, len(batch)),
            dates,
            clocks,
            figures["in_use"],
            installed,
            overdraft,
            self._optional(self._subscriptions, batch, "subscription_date"),
            self._optional(self._types, batch, "license_type"),
        )
        is_valid = np.min(rows[1:], axis=0) > INVALID
        for row in np.flatnonzero(~is_valid):
            self._result.skip(batch[row][0], self._reason(batch[row], texts[row]))
        if self._rounded and not self._result.rounded:
            valid = [batch[row] for row in np.flatnonzero(is_valid)]
            figures_of = [set(self._cells(valid, purpose)) for purpose in self._counts]
            self._result.rounded = not self._rounded.isdisjoint(set().union(*figures_of))
        return rows.select(np.flatnonzero(is_valid))

    def _optional(self, reader: CellReader, batch: list[NumberedRow], purpose: str) -> IntArray:
        if purpose not in self._columns.indexes:
            return np.full(len(batch), UNKNOWN, np.int64)
        return reader.column(self._cells(batch, purpose))

    def _cells(self, batch: list[NumberedRow], purpose: str) -> Sequence[str]:
        index = self._columns.indexes.get(purpose)
        return [""] * len(batch) if index is None else [cells[index] for _, cells in batch]

    def _times(self, batch: list[NumberedRow]) -> list[tuple[str, str]]:
        """Return the date and the clock of each row."""
        first, *second = self._columns.times
        if second and not self._format:
            (at,) = second
            return [(cells[first], cells[at]) for _, cells in batch]
        if not self._format:
            return [split_time(cells[first].strip()) for _, cells in batch]
        pairs = []
        for _, cells in batch:
            try:
                pairs.append(split_formatted_time(self._time_text(cells), self._format))
            except RowError:
                pairs.append((self._time_text(cells), _INVALID_CLOCK))
        return pairs

    def _time_text(self, cells: list[str]) -> str:
        return " ".join(" ".join([cells[index] for index in self._columns.times]).split())

    @property
    def _range_column(self) -> int | None:
        return self._columns.plain_column(self._columns.times[0])

    def _ranges(self, batch: list[NumberedRow]) -> IntArray:
        """Return the seconds of the ranges of time that the raw times of PRTG are the ends of."""
        column = self._range_column or 0
        clocks = self._clocks.column(
            [split_time(" ".join(cells[column].split()))[1] for _, cells in batch]
        )
        return np.where(clocks >= 0, Clocks.unpack(clocks).width, 0)

    def _reason(self, row: NumberedRow, time: tuple[str, str]) -> str:
        """Return why a row is not valid."""
        _, cells = row
        try:
            for purpose, reader in self._counts.items():
                reader.check(cells[self._columns.indexes[purpose]])
            text = self._time_text(cells)
            if self._format:
                split_formatted_time(text, self._format)
            for reader, part in zip((self._dates, self._clocks), time, strict=True):
                if reader[part] == INVALID:
                    raise RowError(f"invalid time: {shorten(text)}")  # noqa: TRY301 - one place
            self._subscriptions.check(self._cells([row], "subscription_date")[0])
        except RowError as error:
            return str(error)
        return "total is less than overdraft"


def _parse_subscription(cell: str) -> int:
    text = " ".join(cell.split())
    if has_no_figure(text):
        return UNKNOWN
    return parse_date(split_time(text)[0])


# Columns to pools


_MONTH: Final = -1  # in place of the width of a bucket
_NOON: Final = 43200  # seconds


class _Figures(NamedTuple):
    """Figures with their times, in order of pool, width and time."""

    line: IntArray
    day: IntArray  # local, from the epoch
    time: IntArray  # UTC epoch seconds
    peak_at: IntArray  # UTC epoch seconds: of a day its noon
    width: IntArray  # seconds; 0: a reading
    subscription: IntArray
    license_type: IntArray
    in_use: IntArray
    installed: IntArray
    overdraft: IntArray

    def select(self, chosen: IntArray) -> _Figures:
        """Return some of the rows."""
        return _Figures(*(column[chosen] for column in self))


def read_foreign_csv(file: CsvFile, options: ImportOptions) -> ImportResult:
    """Return the figures of one server and product in a file of another program.

    Raises UsageError where rows or dates are ambiguous, or where no row is of the product.
    """

    def score(cells: list[str]) -> int:
        return len(cells) if _recognize_columns(cells, options.columns) else 0

    delimiter, (header_line, header) = file.find_header(score)
    columns = _recognize_columns(header, options.columns)
    assert columns is not None  # noqa: S101 - that is how the header was found
    result = ImportResult()
    filters = _filters(file, delimiter, header_line, columns, options)
    result.used = columns.description()
    used = {*columns.times, *columns.indexes.values(), *(item.column for item in filters)}
    result.unused = [
        cell.strip() for index, cell in enumerate(header) if index not in used and cell.strip()
    ]
    rows = _RowReader(columns, filters, options, result).read(file.batches(delimiter, header_line))
    figures = _dated(rows, columns, options, result)
    figures = figures.select(
        np.lexsort(
            (figures.line, figures.license_type, figures.time, figures.width, figures.subscription)
        )
    )
    conflict = _conflict(figures)
    if conflict is not None:
        raise _ambiguous(file, delimiter, header, conflict)
    result.pools = _pools(_added_up(figures), options)
    return result


def _dated(
    rows: _Rows, columns: _Columns, options: ImportOptions, result: ImportResult
) -> _Figures:
    """Return the rows with their times in UTC."""
    distinct, place = np.unique(rows.date, return_inverse=True)
    dates = [LocalDate.unpack(int(value)) for value in distinct]
    day_first = is_day_first(dates)
    days = np.array([_epoch_day(date, day_first=day_first) for date in dates], np.int64)[place]
    clocks = Clocks.unpack(rows.clock)
    at_midnight = (clocks.seconds == 0) & (clocks.width == 0)
    has_no_clock = rows.clock == NO_CLOCK
    if len(days) > 1 and (has_no_clock | (at_midnight & clocks.is_local)).all():
        has_no_clock[:] = True  # as programs write days that they take for times
    is_month = np.array([date.second == 0 for date in dates], np.bool_)[place]
    seconds = clocks.seconds.copy()
    raw_range = columns.plain_column(columns.times[0]) is not None
    if raw_range:
        seconds -= clocks.width
    valid_days = np.where(days < 0, 0, days)
    local = valid_days * Resolution.DAY + seconds
    newest_first = len(days) > 1 and bool(local[0] > local[-1])
    zone = UTC if columns.are_utc or raw_range else options.zone
    times = utc_times(valid_days, seconds, zone, newest_first=newest_first)
    times = np.where(clocks.is_local, times, local - clocks.offset)
    width = clocks.width.copy()
    known_widths = [int(item) for item in Resolution if item]
    width[~np.isin(width, known_widths) | (times % np.maximum(width, 1) != 0)] = 0
    width[has_no_clock] = Resolution.DAY
    width[is_month] = _MONTH
    midnight = valid_days * Resolution.DAY  # of the same day in UTC
    noon = utc_times(valid_days, np.full_like(seconds, _NOON), zone, newest_first=newest_first)
    noon = np.clip(noon, midnight, midnight + Resolution.DAY - 1)
    peak_at = np.where(has_no_clock, noon, times)
    times = np.where(has_no_clock, midnight, times)
    is_valid = (days >= 0) & (times >= 0) & (times <= options.until)
    for row in np.flatnonzero(~is_valid):
        if days[row] < 0:
            reason = "invalid time"
        else:
            is_future = times[row] >= 0
            reason = "time is in the future" if is_future else "clock change leaves this time out"
        written = LocalDate.unpack(int(rows.date[row]))
        parts = written[1:3]
        month, day = reversed(parts) if written.ambiguous and day_first else parts
        result.skip(int(rows.line[row]), f"{reason}: {written.year}-{month:02}-{day:02}")
    figures = _Figures(rows.line, days, times, peak_at, width, *rows[-2:], *rows[3:6])
    return figures.select(np.flatnonzero(is_valid))


def _epoch_day(written: LocalDate, *, day_first: bool) -> int:
    try:
        return (written.day(day_first=day_first) - date(1970, 1, 1)).days
    except RowError:
        return INVALID


def _repeated(figures: _Figures, *names: str) -> IntArray:
    """Return the rows that have the same pool, time and `names` as the row before them."""
    columns = [getattr(figures, name) for name in ("subscription", "width", "time", *names)]
    same = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    return np.flatnonzero(same) + 1


def _conflict(figures: _Figures) -> tuple[int, int] | None:
    """Return the lines of two rows of one time and license type that have different figures."""
    for row in _repeated(figures, "license_type"):
        if any(column[row] != column[row - 1] for column in figures[-3:]):
            return int(figures.line[row - 1]), int(figures.line[row])
    return None


def _ambiguous(
    file: CsvFile, delimiter: str, header: Sequence[str], lines: tuple[int, int]
) -> UsageError:
    rows: dict[int, list[str]] = {}
    for batch in file.batches(delimiter, 0):
        rows |= {line: cells for line, cells in batch if line in lines}
        if len(rows) == len(lines):
            break
    first, second = (rows[line] for line in lines)
    different = [
        name.strip()
        for name, *cells in zip(header, first, second, strict=False)
        if cells[0] != cells[1]
    ]
    return UsageError(
        f"lines {lines[0]} and {lines[1]} have different figures for one time;"
        f" they differ in {', '.join(different)}",
        "select rows with --where COLUMN=VALUE, or name the columns with --columns 'server=…,"
        "product=…,subscription_date=…,license_type=…'",
    )


def _added_up(figures: _Figures) -> _Figures:
    """Return one row for each pool and time: license types add up, repeated rows count once."""
    keep = np.ones(len(figures.time), np.bool_)
    keep[_repeated(figures, "license_type")] = False
    figures = figures.select(np.flatnonzero(keep))
    repeated = _repeated(figures)
    if not len(repeated):
        return figures
    starts = np.setdiff1d(np.arange(len(figures.time)), repeated)
    sums = []
    for column in figures[-3:]:
        is_known = np.minimum.reduceat(column, starts) >= 0
        sums.append(np.where(is_known, np.add.reduceat(column, starts), UNKNOWN))
    return _Figures(*figures.select(starts)[:-3], *sums)


def _pools(figures: _Figures, options: ImportOptions) -> list[ImportedPool]:
    """Return a pool for each subscription date."""
    ((server,), (product,)) = options.servers, options.products
    model = products.describe(product).model
    pools = []
    for value in np.unique(figures.subscription).tolist():
        day = _iso_date(value) or options.subscription_date or options.undated()
        if options.subscription_date not in ("", day):
            continue
        pool = ImportedPool(server, PoolKey(product, day), model)
        part = figures.select(np.flatnonzero(figures.subscription == value))
        is_reading = np.flatnonzero(part.width == 0)
        pool.readings = ReadingColumns(*(c[is_reading] for c in (part.time, *part[-3:])))
        for width in (int(width) for width in Resolution if width):
            bucket = part.select(np.flatnonzero(part.width == width))
            if len(bucket.time):
                ones, count = np.ones_like(bucket.time), bucket.in_use
                usage = count, count.astype(np.float64), count, bucket.peak_at, count, ones
                pool.buckets[Resolution(width)] = BucketColumns(
                    bucket.time, *usage, bucket.installed, bucket.overdraft
                )
        month = part.select(np.flatnonzero(part.width == _MONTH))
        starts = (month.day * Resolution.DAY).tolist()
        for start, *counts in zip(starts, *map(optional, month[-3:-1]), strict=True):
            pool.months.append(MonthlyUsage(pool.key, start, *counts))
        pools.append(pool)
    return pools


def _iso_date(value: int) -> str:
    if value == UNKNOWN:
        return ""
    written = LocalDate.unpack(value)
    return written.day(day_first=written.first > 12).isoformat()  # noqa: PLR2004 - no such month
