"""CSV import: files of other programs, whose columns are recognized by name and content.

A file is read twice: once for the distinct values of its columns, which tell servers and products
apart, and once for the figures.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lictui import products
from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.csv_columns import FIGURES, Columns, RowFilter, recognize_columns, row_filters
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
    optional,
    parse_count,
    shorten,
)
from lictui.history.csv_times import (
    NO_CLOCK,
    Clocks,
    LocalDate,
    LocalTimes,
    is_day_first,
    parse_clock,
    parse_date,
    split_formatted_time,
    split_time,
)
from lictui.model import MonthlyUsage, PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lictui.history.csv_reader import CsvFile, ImportOptions, NumberedRow

    _Table = tuple[Sequence[int], Sequence[Sequence[str]]]  # lines and columns

# Rows to columns


_INVALID_CLOCK: Final = "?"
_PART_ROWS: Final = 500_000  # of a pool that are imported at once
_MAX_ROWS: Final = 4_000_000  # of the server and the product: they are sorted in memory
_PART_BATCHES: Final = 100


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


_ROW_TYPES: Final = (np.int32, np.int32, np.int64, *(np.int32,) * 5)


class _RowReader:
    """Reads the rows of a file, a column at a time."""

    def __init__(
        self,
        columns: Columns,
        filters: Sequence[RowFilter],
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
            if purpose in FIGURES
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

    def read(self, batches: Iterator[list[NumberedRow]]) -> list[_Rows]:
        """Return all valid rows, in parts. Raises UsageError for too many."""
        parts: list[_Rows] = []
        read = (self._read(*table) for table in self._tables(batches))
        while group := list(islice(read, _PART_BATCHES)):
            parts.append(_Rows(*map(np.concatenate, zip(*group, strict=True))))
        return [part for part in parts if len(part.line)]

    def _tables(self, batches: Iterator[list[NumberedRow]]) -> Iterator[_Table]:
        """Yield the lines and the columns of the rows that the filters select."""
        total, width = 0, len(self._columns.header)
        for batch in batches:
            self._result.read += len(batch)
            lines: Sequence[int]
            lines, rows = zip(*batch, strict=True)
            if set(map(len, rows)) != {width}:
                rows = tuple([*row, *[""] * (width - len(row))][:width] for row in rows)
            columns: list[Sequence[str]] = list(zip(*rows, strict=True))
            for (index, _), selected in zip(self._filters, self._selected, strict=True):
                chosen = np.flatnonzero(selected.column(columns[index])).tolist()
                lines = [lines[row] for row in chosen]
                columns = [[column[row] for row in chosen] for column in columns]
            self._result.filtered_out += len(batch) - len(lines)
            total += len(lines)
            if total > _MAX_ROWS:
                raise UsageError(
                    f"more than {_MAX_ROWS:,} rows of one product", "split the file by time"
                )
            yield lines, columns

    def _read(self, lines: Sequence[int], columns: Sequence[Sequence[str]]) -> _Rows:
        times = self._times(columns)
        dates, clocks = self._dates.column(times[0]), self._clocks.column(times[1])
        if self._range_column is not None:
            ranges = self._ranges(columns[self._range_column])
            clocks = np.where(clocks >= 0, clocks + ranges, clocks)
        unknown = np.full(len(lines), UNKNOWN, np.int64)
        figures = {
            purpose: reader.column(columns[self._columns.indexes[purpose]])
            for purpose, reader in self._counts.items()
        }
        overdraft, total = figures.get("overdraft", unknown), figures.get("total", unknown)
        installed = figures.get("installed", unknown)
        if "total" in figures:
            # Without an overdraft the total is all that is known.
            without = total - np.maximum(overdraft, 0)
            installed = np.where(total < 0, total, np.where(without < 0, INVALID, without))
        rows = _Rows(
            np.array(lines, np.int64),
            dates,
            clocks,
            figures["in_use"],
            installed,
            overdraft,
            self._optional(self._subscriptions, columns, "subscription_date", unknown),
            self._optional(self._types, columns, "license_type", unknown),
        )
        is_valid = np.min(rows[1:], axis=0) > INVALID

        def explain(row: int) -> tuple[int, str]:
            cells = [column[row] for column in columns]
            return lines[row], self._reason(cells, (times[0][row], times[1][row]))

        self._result.skip(np.flatnonzero(~is_valid).tolist(), explain)
        if self._rounded and not self._result.rounded:
            self._result.rounded = any(
                columns[self._columns.indexes[purpose]][row] in self._rounded
                for purpose in self._counts
                for row in np.flatnonzero(is_valid).tolist()
            )
        return _Rows(
            *(column[is_valid].astype(kind) for column, kind in zip(rows, _ROW_TYPES, strict=True))
        )

    def _optional(
        self,
        reader: CellReader,
        columns: Sequence[Sequence[str]],
        purpose: str,
        unknown: IntArray,
    ) -> IntArray:
        index = self._columns.indexes.get(purpose)
        return unknown if index is None else reader.column(columns[index])

    def _times(self, columns: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the dates and the clocks of rows."""
        used = [columns[index] for index in self._columns.times]
        if self._format:
            texts = (" ".join(" ".join(cells).split()) for cells in zip(*used, strict=True))
            pairs = [self._formatted(text) for text in texts]
        elif len(used) > 1:
            return used[0], used[1]
        else:
            pairs = [split_time(cell.strip()) for cell in used[0]]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def _formatted(self, text: str) -> tuple[str, str]:
        try:
            return split_formatted_time(text, self._format)
        except RowError:
            return text, _INVALID_CLOCK

    @property
    def _range_column(self) -> int | None:
        return self._columns.plain_column(self._columns.times[0])

    def _ranges(self, cells: Sequence[str]) -> IntArray:
        """Return the seconds of the ranges of time that the raw times of PRTG are the ends of."""
        clocks = self._clocks.column([split_time(cell.strip())[1] for cell in cells])
        return np.where(clocks >= 0, Clocks.unpack(clocks).width, 0)

    def _reason(self, cells: Sequence[str], time: tuple[str, str]) -> str:
        """Return why a row is not valid."""
        indexes = self._columns.indexes
        try:
            for purpose, reader in self._counts.items():
                reader.check(cells[indexes[purpose]])
            text = " ".join(" ".join([cells[index] for index in self._columns.times]).split())
            if self._format:
                split_formatted_time(text, self._format)
            for reader, part in zip((self._dates, self._clocks), time, strict=True):
                if reader[part] == INVALID:
                    raise RowError(f"invalid time: {shorten(text)}")  # noqa: TRY301 - one place
            if "subscription_date" in indexes:
                self._subscriptions.check(cells[indexes["subscription_date"]])
        except RowError as error:
            return str(error)
        return "total is less than overdraft"


def _parse_subscription(cell: str) -> int:
    text = " ".join(cell.split())
    if has_no_figure(text):
        return UNKNOWN
    return parse_date(split_time(text)[0])


# Columns to pools


_EPOCH: Final = date(1970, 1, 1)
_MONTH: Final = -1  # in place of the width of a bucket
_BUCKET_WIDTHS: Final = [int(width) for width in Resolution if width]


class _Figures(NamedTuple):
    """Figures with their times, in order of pool, width and time."""

    line: IntArray
    day: IntArray  # local, from the epoch
    time: IntArray  # UTC epoch seconds
    peak_at: IntArray  # UTC epoch seconds: of a day its noon
    width: IntArray  # seconds; 0: a reading
    subscription: IntArray  # days from the epoch; UNKNOWN
    license_type: IntArray
    in_use: IntArray
    installed: IntArray
    overdraft: IntArray

    def select(self, chosen: IntArray) -> _Figures:
        """Return some of the rows."""
        return _Figures(*(column[chosen] for column in self))


_FIGURE_TYPES: Final = (np.int32, np.int32, np.int64, np.int64, *(np.int32,) * 6)


def read_foreign_csv(file: CsvFile, options: ImportOptions) -> ImportResult:
    """Return the figures of one server and product in a file of another program.

    Raises UsageError where rows or dates are ambiguous, or where no row is of the product.
    """

    def score(cells: list[str]) -> int:
        return len(cells) if recognize_columns(cells, options.columns) else 0

    delimiter, (header_line, header) = file.find_header(score)
    columns = recognize_columns(header, options.columns)
    assert columns is not None  # noqa: S101 - that is how the header was found
    result = ImportResult()
    filters = row_filters(file, delimiter, header_line, columns, options)
    result.used = columns.description()
    used = {*columns.times, *columns.indexes.values(), *(item.column for item in filters)}
    result.unused = [
        cell.strip() for index, cell in enumerate(header) if index not in used and cell.strip()
    ]
    reader = _RowReader(columns, filters, options, result)
    rows = reader.read(file.batches(delimiter, header_line))
    figures = _sorted(_RowDating(rows, columns, options, result).figures())
    conflict = _conflict(figures)
    if conflict is not None:
        raise _ambiguous(file, delimiter, header, conflict)
    subscription_dates = {
        day: (_EPOCH + timedelta(day)).isoformat()
        if day != UNKNOWN
        else options.subscription_date or options.undated()
        for day in sorted(set(figures.subscription.tolist()))
    }
    result.pools = _pools(_added_up(figures), subscription_dates, options)
    return result


class _RowDating:
    """Gives rows their times in UTC: what is a day or a month depends on all of them."""

    def __init__(
        self, parts: list[_Rows], columns: Columns, options: ImportOptions, result: ImportResult
    ) -> None:
        self._parts = parts
        self._until = options.until
        self._result = result
        packed = {v for part in parts for v in (*part.date.tolist(), *part.subscription.tolist())}
        dates = {value: LocalDate.unpack(value) for value in packed - {UNKNOWN}}
        given = options.date_format
        self._day_first = given.find("%d") < given.find("%m")
        if not given:
            self._day_first = is_day_first(dates.values())
        self._days = {
            value: _epoch_day(written, day_first=self._day_first)
            for value, written in dates.items()
        }
        self._days[UNKNOWN] = UNKNOWN
        self._are_days = sum(len(part.date) for part in parts) > 1 and all(map(_at_midnight, parts))
        self._is_raw_range = columns.plain_column(columns.times[0]) is not None
        zone = UTC if columns.are_utc or self._is_raw_range else options.zone
        ends = [self._local(parts[at])[at] for at in (0, -1)] if parts else [0, 0]
        self._newest_first = bool(ends[0] > ends[1])
        self._times = LocalTimes(zone, newest_first=self._newest_first)

    def figures(self) -> _Figures:
        """Return all valid rows; the parts are consumed."""
        dated = []
        while self._parts:
            part = self._parts.pop(-1 if self._newest_first else 0)
            dated.append(self._dated(part))
        if not dated:
            return _Figures(*(np.zeros(0, np.int64) for _ in _Figures._fields))
        return _Figures(*map(np.concatenate, zip(*dated, strict=True)))

    def _epoch_days(self, packed: IntArray) -> IntArray:
        """Return dates as days from the epoch; INVALID for one that does not exist."""
        distinct, place = np.unique(packed, return_inverse=True)
        return np.array([self._days[value] for value in distinct.tolist()], np.int64)[place]

    def _local(self, rows: _Rows) -> IntArray:
        """Return the local times of rows: seconds from the epoch."""
        days: IntArray = np.maximum(self._epoch_days(rows.date), 0)
        clocks = Clocks.unpack(rows.clock)
        start = clocks.seconds - clocks.width if self._is_raw_range else clocks.seconds
        return days * Resolution.DAY + start

    def _dated(self, rows: _Rows) -> _Figures:
        local = self._local(rows)
        days, seconds = local // Resolution.DAY, local % Resolution.DAY
        clocks = Clocks.unpack(rows.clock)
        times = np.where(clocks.is_local, self._times.utc(days, seconds), local - clocks.offset)
        width = clocks.width.copy()
        if width.any():
            width[~np.isin(width, _BUCKET_WIDTHS) | (times % np.maximum(width, 1) != 0)] = 0
        peak_at = times
        is_day = (rows.clock == NO_CLOCK) | self._are_days
        if is_day.any():
            width[is_day] = Resolution.DAY
            times = np.where(is_day, days * Resolution.DAY, times)
            peak_at = np.where(is_day, self._times.noon(days), times)
        width[rows.date // 2 % 100 == 0] = _MONTH
        subscription = self._epoch_days(rows.subscription)
        known = (self._epoch_days(rows.date) >= 0) & (subscription > INVALID)
        is_valid = known & (times >= 0) & (times <= self._until)

        def explain(row: int) -> tuple[int, str]:
            year, month, day, ambiguous = LocalDate.unpack(int(rows.date[row]))
            if ambiguous and self._day_first:
                month, day = day, month
            reason = _reason(int(times[row])) if known[row] else "invalid date"
            return int(rows.line[row]), f"{reason}: {year}-{month:02}-{day:02}"

        self._result.skip(np.flatnonzero(~is_valid).tolist(), explain)
        pools = (subscription, rows.license_type)
        columns = (rows.line, days, times, peak_at, width, *pools, *rows[3:6])
        return _Figures(
            *(
                column[is_valid].astype(kind)
                for column, kind in zip(columns, _FIGURE_TYPES, strict=True)
            )
        )


def _reason(time: int) -> str:
    return "time is in the future" if time >= 0 else "clock change leaves this time out"


def _at_midnight(rows: _Rows) -> bool:
    """Whether all rows are at midnight, as programs write days that they take for times."""
    clocks = Clocks.unpack(rows.clock)
    is_midnight = (clocks.seconds == 0) & (clocks.width == 0) & clocks.is_local
    return bool(((rows.clock == NO_CLOCK) | is_midnight).all())


def _sorted(figures: _Figures) -> _Figures:
    """Return figures in order of pool, width, time, license type and line."""
    keys = (figures.line, figures.license_type, figures.time, figures.width, figures.subscription)
    if not any(np.ptp(key) for key in keys[3:] if len(key)) and (np.diff(figures.time) > 0).all():
        return figures
    return figures.select(np.lexsort(keys))


def _epoch_day(written: LocalDate, *, day_first: bool) -> int:
    try:
        return (written.day(day_first=day_first) - _EPOCH).days
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
    same_type = _repeated(figures, "license_type")
    if len(same_type):
        figures = figures.select(np.setdiff1d(np.arange(len(figures.time)), same_type))
    repeated = _repeated(figures)
    if not len(repeated):
        return figures
    starts = np.setdiff1d(np.arange(len(figures.time)), repeated)
    sums = []
    for column in figures[-3:]:
        is_known = np.minimum.reduceat(column, starts) >= 0
        sums.append(np.where(is_known, np.add.reduceat(column, starts), UNKNOWN))
    return _Figures(*figures.select(starts)[:-3], *sums)


def _pools(
    figures: _Figures, subscription_dates: Mapping[int, str], options: ImportOptions
) -> Iterator[ImportedPool]:
    """Yield a pool for each subscription date; the parts of a very long one separately."""
    ((server,), (product,)) = options.servers, options.products
    model = products.describe(product).model
    for value, day in subscription_dates.items():
        if options.subscription_date in ("", day):
            rows = np.flatnonzero(figures.subscription == value)
            for first in range(0, len(rows), _PART_ROWS):
                pool = ImportedPool(server, PoolKey(product, day), model)
                _fill(pool, figures.select(rows[first : first + _PART_ROWS]))
                yield pool


def _fill(pool: ImportedPool, figures: _Figures) -> None:
    """Add figures to a pool: readings, buckets and months."""
    figures = _Figures(*(column.astype(np.int64) for column in figures))
    readings = figures.select(np.flatnonzero(figures.width == 0))
    pool.readings = ReadingColumns(readings.time, *readings[-3:])
    for width in _BUCKET_WIDTHS:
        bucket = figures.select(np.flatnonzero(figures.width == width))
        if len(bucket.time):
            ones, count = np.ones_like(bucket.time), bucket.in_use
            usage = count, count.astype(np.float64), count, bucket.peak_at, count, ones
            columns = (bucket.time, *usage, bucket.installed, bucket.overdraft)
            pool.buckets[Resolution(width)] = BucketColumns(*columns)
    month = figures.select(np.flatnonzero(figures.width == _MONTH))
    starts = (month.day * Resolution.DAY).tolist()
    for start, *counts in zip(starts, *map(optional, month[-3:-1]), strict=True):
        pool.months.append(MonthlyUsage(pool.key, start, *counts))
