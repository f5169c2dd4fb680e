"""CSV import: files that lictui exported, and files of other programs. A file in, values out."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lictui.analysis.series import Resolution
from lictui.csvfile import unescape_formula
from lictui.errors import UsageError
from lictui.history.csv_export import HEADER, MONTH_HEADER, RAW_HEADER
from lictui.history.csv_foreign import read_foreign_csv
from lictui.history.csv_reader import (
    INVALID,
    UNKNOWN,
    BucketColumns,
    CellReader,
    CsvFile,
    ImportedPool,
    ImportOptions,
    ImportResult,
    IntArray,
    ReadingColumns,
    RowError,
    optional,
    require_readable,
    shorten,
)
from lictui.model import Model, MonthlyUsage, PoolKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.history.csv_reader import NumberedRow

_COUNT_LIMIT: Final = 2**31
_WIDTHS: Final = {int(width): width for width in Resolution if width}
_HEADERS: Final = (RAW_HEADER, HEADER, MONTH_HEADER)
_TIMES: Final = {"at", "from", "to", "max_at", "month"}  # columns
_PART_ROWS: Final = 500_000  # that are imported at once
_SCALE: Final = 10**6  # of an average, which is read as a whole number


def read_csv(file: CsvFile, options: ImportOptions) -> ImportResult:
    """Return everything in the file. Raises UsageError when it cannot be read as a whole.

    The rows of a lictui export are read while the pools of the result are consumed.
    """
    own = file.find_exact_header(_is_lictui_header)
    if own and not options.columns:
        result = ImportResult()
        result.pools = _LictuiReader(file, own[0], own[1], options, result).pools()
        return result
    if len(options.servers) != 1 or len(options.products) != 1:
        raise UsageError(
            "not a lictui export: server and product are required",
            "use --server NAME --product CODE, one of each",
        )
    try:
        require_readable(*options.servers, *options.products)
    except RowError as error:
        raise UsageError(str(error), "choose another name") from None
    return read_foreign_csv(file, options)


def _is_lictui_header(header: Sequence[str]) -> bool:
    return tuple(cell.strip() for cell in header) in _HEADERS


class _PoolIndex(dict[tuple[str, ...], int]):
    """Numbers the pools in the order of a file by their cells."""

    def __init__(self, options: ImportOptions) -> None:
        super().__init__()
        self._options = options
        self.pools: list[ImportedPool] = []
        self._numbers: dict[tuple[str, PoolKey], int] = {}

    def __missing__(self, cells: tuple[str, ...]) -> int:
        try:
            number = self._number(cells)
        except RowError:
            number = INVALID
        self[cells] = number
        return number

    def _number(self, cells: tuple[str, ...]) -> int:
        pool = self.parse(cells)
        if pool is None:
            return UNKNOWN
        number = self._numbers.setdefault((pool.server, pool.key), len(self.pools))
        if number == len(self.pools):
            self.pools.append(pool)
        return number

    def parse(self, cells: tuple[str, ...]) -> ImportedPool | None:
        """Return the pool of a row, None if it is not selected. Raises RowError."""
        server, product, model, day = map(unescape_formula, cells)
        options = self._options
        if (options.servers and server not in options.servers) or (
            options.products and product not in options.products
        ):
            return None
        try:
            key = PoolKey(product, date.fromisoformat(day).isoformat() if day else "")
        except ValueError:
            raise RowError(f"invalid subscription date: {shorten(day)}") from None
        if not server or not product:
            raise RowError("no product" if server else "no server")
        require_readable(server, product)
        return ImportedPool(server, key, Model(model) if model in set(Model) else Model.OTHER)


class _LictuiReader:
    """Reads the rows of an export, a column at a time."""

    def __init__(
        self,
        file: CsvFile,
        delimiter: str,
        header: NumberedRow,
        options: ImportOptions,
        result: ImportResult,
    ) -> None:
        line, cells = header
        self._names = tuple(cell.strip() for cell in cells)
        self._first = self._names.index("server")  # server, product, model, subscription date
        self._value_names = (*self._names[: self._first], *self._names[self._first + 4 :])
        self._batches = file.batches(delimiter, line, keep_blanks=True)
        self._until = options.until
        self._result = result
        self._index = _PoolIndex(options)
        self._dates = CellReader(_day_seconds)
        self._clocks = CellReader(_clock_seconds)
        self._counts = CellReader(_optional_count)
        self._averages = CellReader(lambda cell: round(float(cell) * _SCALE))

    def pools(self) -> Iterator[ImportedPool]:
        """Yield each pool with its figures; the parts of a very long one separately."""
        waiting: list[list[IntArray]] = []  # columns: pool, line, and the values of the rows
        count = 0
        for batch in self._batches:
            waiting.append(self._read(batch))
            count += len(batch)
            if count > _PART_ROWS:
                groups = _by_pool(waiting)
                # The last pool of the batch continues, unless it is the only one.
                last = int(waiting[-1][0][-1]) if len(waiting[-1][0]) else UNKNOWN
                waiting = [g for g in groups if len(groups) > 1 and int(g[0][0]) == last]
                yield from (self._finished(g) for g in groups if all(g is not w for w in waiting))
                count = sum(len(group[0]) for group in waiting)
        yield from map(self._finished, _by_pool(waiting))

    def _read(self, batch: list[NumberedRow]) -> list[IntArray]:
        """Return the valid rows of a batch: the number of the pool, the line, and the values."""
        self._result.read += len(batch)
        width = len(self._names)
        ragged = [(line, len(cells)) for line, cells in batch if len(cells) != width]
        self._result.skip(
            range(len(ragged)),
            lambda at: (ragged[at][0], f"has {ragged[at][1]} cells where the header has {width}"),
        )
        batch = [row for row in batch if len(row[1]) == width] if ragged else batch
        columns = list(zip(*(cells for _, cells in batch), strict=True)) or [()] * width
        keys = zip(*columns[self._first : self._first + 4], strict=True)
        numbers = np.fromiter(map(self._index.__getitem__, keys), np.int64, len(batch))
        values = self._values(columns)
        is_valid = (numbers >= 0) & (np.min(values, axis=0) > INVALID)
        is_valid &= (values[0] <= self._until) & self._consistent(values)
        self._result.filtered_out += int(np.count_nonzero(numbers == UNKNOWN))

        def explain(row: int) -> tuple[int, str]:
            line, cells = batch[row]
            return line, self._reason(cells, [int(column[row]) for column in values])

        self._result.skip(np.flatnonzero(~is_valid & (numbers != UNKNOWN)).tolist(), explain)
        lines = np.fromiter((line for line, _ in batch), np.int64, len(batch))
        return [column[is_valid] for column in (numbers, lines, *values)]

    def _values(self, columns: Sequence[Sequence[str]]) -> list[IntArray]:
        """Return the columns of values, the time first; INVALID where a cell cannot be read."""
        values = []
        for name in self._value_names:
            cells = columns[self._names.index(name)]
            if name == "month":
                cells = [f"{cell.strip()}-01T00:00:00Z" for cell in cells]
            if name in _TIMES:
                values.append(self._times(cells))
            else:
                reader = self._averages if name == "in_use_avg" else self._counts
                values.append(reader.column(cells))
        return values

    def _times(self, cells: Sequence[str]) -> IntArray:
        days = self._dates.column([cell[:10] for cell in cells])
        clocks = self._clocks.column([cell[10:] for cell in cells])
        return np.where((days < 0) | (clocks < 0), INVALID, days + clocks - Resolution.DAY)

    def _consistent(self, values: Sequence[IntArray]) -> Any:
        """Whether the values of each bucket agree; readings and months have one value each."""
        if self._names != HEADER:
            return True
        start, end, low, average, high, high_at, *_, samples = values
        width = end - start
        is_aligned = np.isin(width, list(_WIDTHS)) & (start % np.maximum(width, 1) == 0)
        is_ordered = (low * _SCALE <= average) & (average <= high * _SCALE) & (low >= 0)
        return is_aligned & is_ordered & (samples > 0) & (start <= high_at) & (high_at < end)

    def _reason(self, cells: list[str], values: list[int]) -> str:
        """Return why a row is not valid."""
        try:
            self._index.parse(tuple(cells[self._first : self._first + 4]))
        except RowError as error:
            return str(error)
        for name, value in zip(self._value_names, values, strict=True):
            if value == INVALID:
                return f"invalid {name}: {shorten(cells[self._names.index(name)])}"
        if values[0] > self._until:
            return "time is in the future"
        if values[0] % (values[1] - values[0] or 1) or values[1] - values[0] not in _WIDTHS:
            return "not aligned to 5 minutes, an hour or a day (UTC)"
        return "inconsistent values"

    def _finished(self, columns: list[IntArray]) -> ImportedPool:
        numbers, *rows = columns
        known = self._index.pools[int(numbers[0])]
        pool = ImportedPool(known.server, known.key, known.model)
        _, times, *values = _without_repetitions(pool, *rows)
        if self._names == RAW_HEADER:
            in_use, installed, overdraft = values
            pool.readings = ReadingColumns(times, in_use, installed, overdraft)
            _separate_months(pool)
        elif self._names == MONTH_HEADER:
            months = zip(times.tolist(), *map(optional, values), strict=True)
            pool.months = [MonthlyUsage(pool.key, *month) for month in months]
        else:
            end, low, scaled, high, high_at, installed, overdraft, samples = values
            average = scaled / _SCALE
            # The last figure is not in the file: that of a single reading, else the mean.
            last = np.clip(np.rint(average).astype(np.int64), low, high)
            figures = (times, low, average, high, high_at, last, samples, installed, overdraft)
            for width in _WIDTHS:
                chosen = end - times == width
                if chosen.any():
                    pool.buckets[_WIDTHS[width]] = BucketColumns(*(c[chosen] for c in figures))
        return pool


def _by_pool(parts: list[list[IntArray]]) -> list[list[IntArray]]:
    """Return the rows of each pool, in the order of the file."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not columns or not len(columns[0]):
        return []
    order = np.argsort(columns[0], kind="stable")
    columns = [column[order] for column in columns]
    edges = np.flatnonzero(np.diff(columns[0])) + 1
    split = [np.split(column, edges) for column in columns]
    return [list(group) for group in zip(*split, strict=True)]


def _without_repetitions(
    pool: ImportedPool, lines: IntArray, times: IntArray, *values: IntArray
) -> list[IntArray]:
    """Return the rows in order of time, one for each time; an unknown value does not count.

    Raises UsageError when two rows of one time have different figures.
    """
    columns = [lines, times, *values]
    if (np.diff(times) > 0).all():
        return columns
    order = np.lexsort((lines, times))
    columns = [column[order] for column in columns]
    lines, times = columns[:2]
    for row in np.flatnonzero(times[1:] == times[:-1]):
        for column in columns[2:]:
            first, second = int(column[row]), int(column[row + 1])
            if UNKNOWN not in (first, second) and first != second:
                raise UsageError(
                    f"lines {lines[row]} and {lines[row + 1]} have different figures of"
                    f" {pool.key.product} on {pool.server} for one time",
                    "remove one of the lines, or import the files one after the other",
                )
            column[row + 1] = max(first, second)
    return [column[np.append(times[1:] != times[:-1], True)] for column in columns]


def _separate_months(pool: ImportedPool) -> None:
    """Move the months that precede the readings of a pool: they are not readings.

    In the export they look alike, but only such a month is the single row of its first day.
    """
    if not pool.model.is_assigned:  # only such a source reports months
        return
    readings = pool.readings
    times = readings.time
    is_single = np.append(np.diff(times) >= Resolution.DAY, True)
    is_first_of_month = np.isin(
        times, times.astype("M8[s]").astype("M8[M]").astype("M8[s]").astype(np.int64)
    )
    is_month = is_single & is_first_of_month & (readings.overdraft == UNKNOWN)
    count = len(times) if is_month.all() else int(np.argmin(is_month))
    columns = (times, readings.in_use, readings.installed, readings.overdraft)
    rows = zip(times[:count].tolist(), *(optional(c[:count]) for c in columns[1:3]), strict=True)
    pool.months += [MonthlyUsage(pool.key, *row) for row in rows]
    pool.readings = ReadingColumns(*(column[count:] for column in columns))


def _day_seconds(cell: str) -> int:
    return (date.fromisoformat(cell) - date(1970, 1, 1)).days * Resolution.DAY


def _clock_seconds(cell: str) -> int:
    """Return the seconds of a day in UTC, plus a day: never negative."""
    time = datetime.fromisoformat(f"1970-01-02{cell.rstrip()}")
    if time.tzinfo is None:
        raise ValueError(cell)
    return int(time.timestamp())


def _optional_count(cell: str) -> int:
    count = int(cell) if cell.strip() else UNKNOWN
    if not UNKNOWN <= count < _COUNT_LIMIT or cell.strip() == str(UNKNOWN):
        raise ValueError(cell)
    return count
