"""CSV import: files that lictui exported, and files of other programs. A file in, values out."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec.structs import replace

from lictui.analysis.series import WIDTHS, Resolution
from lictui.csvfile import unescape_formula
from lictui.errors import UsageError
from lictui.history.csv_export import HEADER, MONTH_HEADER, RAW_HEADER
from lictui.history.csv_foreign import read_foreign_csv, recognize_columns
from lictui.history.csv_reader import (
    INVALID,
    MONTH,
    ROW,
    UNKNOWN,
    CsvFile,
    ImportedPool,
    ImportOptions,
    ImportResult,
    Numbers,
    RowError,
    RowFile,
    RowReader,
    imported_rows,
    require_readable,
    shorten,
    visible,
)
from lictui.model import Model, PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lictui.analysis.columns import BoolArray
    from lictui.history.csv_reader import IntArray, Rows


def read_csv(file: CsvFile, options: ImportOptions) -> ImportResult:
    """Return everything in the file. Raises UsageError when it cannot be read as a whole."""

    def score(cells: list[str]) -> int:
        if _is_lictui_header(cells) and not options.columns:
            return _MAX_SCORE
        names = [visible(cell) for cell in cells]
        return len(cells) if recognize_columns(names, options.columns) else 0

    result = ImportResult()
    if file.find_header(score) == _MAX_SCORE:
        rows, pools = _read_lictui_csv(file, options, result)
        result.pools = _split(rows, pools, _conflict_of_pool)
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
    columns = recognize_columns(file.header, options.columns)
    if columns is None:
        raise file.no_header()
    rows, pools = read_foreign_csv(file, columns, options, result)
    result.pools = _split(rows, pools, lambda _, lines: _conflict_of_columns(file, lines))
    return result


_MAX_SCORE: Final = 1 << 20  # more than any number of columns


def _is_lictui_header(header: Sequence[str]) -> bool:
    return tuple(cell.strip() for cell in header) in (RAW_HEADER, HEADER, MONTH_HEADER)


# Files that lictui exported


_COUNT_LIMIT: Final = 2**31
_POOL_COLUMNS: Final = 4  # server, product, model, subscription date
_SCALE: Final = 10**6  # of an average, which is read as a whole number
# Columns of an export and of rows; the others have the same name in both
_COLUMNS: Final = {
    "at": "time", "from": "time", "month": "time", "max_at": "high_at", "in_use_min": "low",
    "in_use_avg": "average", "in_use_max": "in_use",
}  # fmt: skip


class _Pools(list[ImportedPool]):
    """The pools in the order of a file."""

    def __init__(self, options: ImportOptions) -> None:
        super().__init__()
        self._options = options
        self._numbers = Numbers[tuple[str, PoolKey]]()

    def number(self, cells: Sequence[str]) -> int:
        """Return the number of the pool of a row; UNKNOWN if not selected. Raises RowError."""
        server, product, model, day = map(unescape_formula, cells)
        options = self._options
        if (options.servers and server not in options.servers) or (
            options.products and product not in options.products
        ):
            return UNKNOWN
        try:
            key = PoolKey(product, date.fromisoformat(day).isoformat() if day else "")
        except ValueError:
            raise RowError(f"invalid subscription date: {shorten(day)}") from None
        if not server or not product:
            raise RowError("no product" if server else "no server")
        require_readable(server, product)
        number = self._numbers[server, key]
        if number == len(self):
            known = Model(model) if model in set(Model) else Model.OTHER
            self.append(ImportedPool(server, key, known, imported_rows(0)))
        return number


def _read_lictui_csv(
    file: CsvFile, options: ImportOptions, result: ImportResult
) -> tuple[Rows, list[ImportedPool]]:
    file.keep_blanks = True
    names = file.header
    first = names.index("server")
    pools = _Pools(options)
    parsers: dict[str, tuple[int, Callable[[Any], int]]] = {"pool": (len(names), pools.number)}
    for index, name in enumerate(names):
        if index not in range(first, first + _POOL_COLUMNS):
            parsers[name] = index, _PARSERS.get(name, _optional_count)
    reader = RowReader(
        file,
        parsers,
        lambda columns: [list(zip(*columns[first : first + _POOL_COLUMNS], strict=True))],
        fill=False,
    )
    stored = RowFile(ROW)
    for table in reader.read(result):
        is_valid = table["pool"] != UNKNOWN
        result.filtered_out += int(np.count_nonzero(~is_valid))
        is_readable = np.all([table[name] > INVALID for name in parsers], axis=0)
        rows = imported_rows(len(table), line=table["line"], width=MONTH if "month" in names else 0)
        for name in parsers.keys() - {"to"}:
            rows[_COLUMNS.get(name, name)] = table[name]
        checks = [(is_readable, ""), (rows["time"] <= options.until, "time is in the future")]
        if "to" in names:
            rows["width"] = np.clip(table["to"] - table["from"], 0, _COUNT_LIMIT - 1)
            rows["average"] /= _SCALE
            checks += _bucket_checks(rows)
        for is_right, reason in checks:
            result.skip(table["line"][is_valid & ~is_right], reason)
            is_valid &= is_right
        stored.add(rows.compress(is_valid))
    reader.explain(result, lambda _cells, _column, reason: reason)
    return stored.rows(), pools


def _bucket_checks(rows: Rows) -> list[tuple[BoolArray, str]]:
    """Return whether the figures of each bucket agree, and what is wrong where they do not."""
    start, width, high_at = rows["time"], rows["width"], rows["high_at"]
    is_aligned = np.isin(width, WIDTHS) & (start % np.maximum(width, 1) == 0)
    is_ordered = (rows["low"] >= 0) & (rows["low"] <= rows["average"])
    is_ordered &= (rows["average"] <= rows["in_use"]) & (rows["samples"] > 0)
    is_ordered &= (start <= high_at) & (high_at < start + width)
    return [
        (is_aligned, "not aligned to 5 minutes, an hour or a day (UTC)"),
        (is_ordered, "inconsistent values"),
    ]


def _utc(cell: str) -> int:
    time = datetime.fromisoformat(cell.rstrip())
    if time.tzinfo is None or time.timestamp() < 0:
        raise ValueError(cell)
    return int(time.timestamp())


def _optional_count(cell: str) -> int:
    count = int(cell) if cell.strip() else UNKNOWN
    if not UNKNOWN <= count < _COUNT_LIMIT or cell.strip() == str(UNKNOWN):
        raise ValueError(cell)
    return count


def _average(cell: str) -> int:
    average = float(cell)
    if not 0 <= average < _COUNT_LIMIT:
        raise ValueError(cell)
    return round(average * _SCALE)


_PARSERS: Final = {
    **dict.fromkeys(("at", "from", "to", "max_at"), _utc),
    "month": lambda cell: _utc(f"{cell.strip()}-01T00:00:00Z"),
    "in_use_avg": _average,
}


# Rows to pools


_KEYS: Final = ("license_type", "time", "width", "pool")  # the last counts first
_PART_ROWS: Final = 500_000  # of a pool that are imported together
_FIGURES: Final = [name for name in ROW.names or () if name not in {*_KEYS, "line"}]


def _split(
    rows: Rows,
    pools: Sequence[ImportedPool],
    conflict: Callable[[ImportedPool, tuple[int, int]], UsageError],
) -> Iterator[ImportedPool]:
    """Yield each pool with its rows, in order; the parts of a very long one separately.

    Raises UsageError when two rows of one time have different figures.
    """
    order = np.lexsort([rows[name] for name in _KEYS])
    edges = np.flatnonzero(np.diff(rows["pool"][order], prepend=-1)).tolist()
    for start, end in pairwise([*edges, len(order)]):
        pool = pools[rows["pool"][order[start]]]
        first = start
        while first < end:
            last = min(first + _PART_ROWS, end)
            time = rows["time"][order[last - 1]]
            while last < end and rows["time"][order[last]] == time:
                last += 1
            part = _without_repetitions(rows.take(order[first:last]), partial(conflict, pool))
            part = _added_up(part)
            if first == start:
                _mark_months(pool, part)
            yield replace(pool, rows=part)
            first = last


def _starts(rows: Rows, *names: str) -> IntArray:
    """Return where one of these columns has another value than in the row before."""
    changes = [np.diff(rows[name], prepend=rows[name][:1] - 1) != 0 for name in names]
    return np.flatnonzero(np.any(changes, axis=0))


def _without_repetitions(rows: Rows, conflict: Callable[[tuple[int, int]], UsageError]) -> Rows:
    """Return one row for each time and license type; an unknown value does not count."""
    starts = _starts(rows, "width", "time", "license_type")
    if len(starts) == len(rows):
        return rows
    merged = rows[starts]
    for name in _FIGURES:
        column = rows[name]
        most = np.maximum.reduceat(column, starts)
        least = np.minimum.reduceat(np.where(column < 0, np.inf, column), starts)
        for group in np.flatnonzero((most >= 0) & (least < most))[:1]:
            same = slice(starts[group], [*starts, len(rows)][group + 1])
            different = [
                int(np.flatnonzero(column[same] == v)[0]) for v in (least[group], most[group])
            ]
            first, second = sorted(rows["line"][same][different].tolist())
            raise conflict((first, second))
        merged[name] = most
    return merged


def _added_up(rows: Rows) -> Rows:
    """Return one row for each time: license types add up."""
    starts = _starts(rows, "width", "time")
    if len(starts) == len(rows):
        return rows
    sums = rows[starts]
    for name in ("in_use", "installed", "overdraft"):
        is_known = np.minimum.reduceat(rows[name], starts) >= 0
        sums[name] = np.where(is_known, np.add.reduceat(rows[name], starts), UNKNOWN)
    return sums


def _mark_months(pool: ImportedPool, rows: Rows) -> None:
    """Mark the months that precede the readings of a pool: they are not readings.

    In the export they look alike, but only such a month is the single row of its first day.
    """
    if not pool.model.is_assigned or rows["width"].any():  # only such a source reports months
        return
    times = rows["time"].astype("M8[s]")
    is_month = np.append(np.diff(rows["time"]) >= Resolution.DAY, True)
    is_month &= (times == times.astype("M8[M]")) & (rows["overdraft"] == UNKNOWN)
    rows["width"][np.logical_and.accumulate(is_month)] = MONTH


def _conflict_of_pool(pool: ImportedPool, lines: tuple[int, int]) -> UsageError:
    return UsageError(
        f"lines {lines[0]} and {lines[1]} have different figures of {pool.key.product} on"
        f" {pool.server} for one time",
        "remove one of the lines, or import the files one after the other",
    )


def _conflict_of_columns(file: CsvFile, lines: tuple[int, int]) -> UsageError:
    first, second = (cells for _, cells in file.rows_at(lines))
    columns = zip(file.header, first, second, strict=False)
    different = ", ".join(name for name, *cells in columns if cells[0] != cells[1])
    return UsageError(
        f"lines {lines[0]} and {lines[1]} have different figures for one time;"
        f" they differ in {different}",
        "select rows with --where COLUMN=VALUE, or name the columns with --columns 'server=…,"
        "product=…,subscription_date=…,license_type=…'",
    )
