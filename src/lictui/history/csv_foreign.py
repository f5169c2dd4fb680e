"""CSV import: files of other programs, whose columns are recognized by name and content.

A file is read once: its cells become numbers in a temporary file. Which rows are of the server and
the product, and whether the day or the month comes first in dates, follows from all of them.
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui import products
from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.csv_columns import FIGURES, Columns, select_values
from lictui.history.csv_reader import (
    INVALID,
    MONTH,
    UNKNOWN,
    CellReader,
    ImportedPool,
    ImportResult,
    Numbers,
    RowError,
    RowFile,
    imported_rows,
    shorten,
)
from lictui.history.csv_times import (
    LOCAL,
    NOT_A_CLOCK,
    WHOLE_DAY,
    LocalDate,
    LocalTimes,
    TimeOfDay,
    epoch_day,
    is_day_first,
    parse_clock,
    parse_date,
    split_formatted_time,
    split_time,
)
from lictui.model import PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lictui.history.csv_reader import CsvFile, ImportOptions, IntArray, Rows

_DAY: Final = int(Resolution.DAY)
_BUCKET_WIDTHS: Final = [int(width) for width in Resolution if width]
_MAX_ROWS: Final = 4_000_000  # of the server and the product: they are in memory at once
_MAX_TEXTS: Final = 10_000  # of a column; more do not tell servers or products apart


def read_foreign_csv(
    file: CsvFile, columns: Columns, options: ImportOptions, result: ImportResult
) -> tuple[Rows, list[ImportedPool]]:
    """Return the figures of one server and product, and the pools that they belong to.

    Raises UsageError where dates are ambiguous, or where no row is of the product.
    """
    content = _Content(file, columns, options)
    stored = content.read(result)
    texts = {index: numbers.keys() for index, numbers in content.texts.items()}
    selected = select_values(columns, texts, options)
    filters = {
        f"text{index}": [number for text, number in content.texts[index].items() if text in values]
        for index, values in selected.items()
    }
    conditions = columns.conditions(options)
    filters |= {f"where{index}": [True] for index in conditions}
    result.used = columns.description()
    used = {*columns.times, *columns.indexes.values(), *selected, *conditions}
    result.unused = [
        cell.strip() for at, cell in enumerate(file.header) if at not in used and cell.strip()
    ]
    parts = [stored.rows()[:0]]
    for rows in stored.chunks():
        parts.append(_valid(rows, filters, result))
        if sum(map(len, parts)) > _MAX_ROWS:
            raise UsageError(
                f"more than {_MAX_ROWS:,} rows of one product", "split the file by time"
            )
    return _Dating(content, options, np.concatenate(parts)).figures(result)


# Cells to numbers


_COUNT_LIMIT: Final = 10**9
_GROUPED: Final = re.compile(r"\d{1,3}([.,' \u00a0\u202f\u2019])\d{3}(?:\1\d{3})*", re.ASCII)
_NUMBER: Final = re.compile(r"(\d{1,10})(?:[.,](\d+))?", re.ASCII)
_UNIT: Final = re.compile(r"\s*(#|lic\w*|lizenz\w*|users?|sessions?|benutzer)$", re.IGNORECASE)
_NO_FIGURE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "unlimited", "uncounted", "?"})


def _count(cell: str, purpose: str, *, is_raw: bool) -> int:
    """Return twice the number in a cell, and 1 more if it had to be rounded. Raises RowError.

    A raw number has no thousands separators.
    """
    if purpose != "in_use" and cell.strip().lower() in _NO_FIGURE:
        return UNKNOWN
    label, text = purpose.replace("_", " "), _UNIT.sub("", cell.strip())
    if not text:
        raise RowError(f"{label} is empty")
    if not is_raw and _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    match = _NUMBER.fullmatch(text)
    if not match or int(match[1]) >= _COUNT_LIMIT:
        raise RowError(f"{label} is not a number: {shorten(text)}")
    decimals = match[2] or ""
    return 2 * (int(match[1]) + (decimals[:1] >= "5")) + bool(decimals.strip("0"))


def _text_number(cell: str, numbers: Numbers[str]) -> int:
    text = cell.strip().lower()
    return numbers[text] if text in numbers or len(numbers) < _MAX_TEXTS else UNKNOWN


def _is_equal(cell: str, text: str) -> bool:
    return cell.strip().lower() == text


# What is read of every row: UNKNOWN without such a column
_REQUIRED: Final = ("date", "clock", "subscription_date", *FIGURES)


class _Content:
    """Reads the rows of a file, a column at a time, into rows of numbers."""

    def __init__(self, file: CsvFile, columns: Columns, options: ImportOptions) -> None:
        self.file = file
        self.columns = columns
        self.dates = Numbers[LocalDate]()
        self.clocks = Numbers[TimeOfDay]()
        self.texts = {index: Numbers[str]() for index in columns.texts}
        self._format = options.date_format
        self._dates = CellReader(lambda cell: self.dates[parse_date(cell)])
        self._clocks = CellReader(lambda cell: self.clocks[parse_clock(cell)])
        cells: dict[str, tuple[int, Callable[[str], int]]] = {}
        for purpose, index in columns.indexes.items():
            if purpose in FIGURES:
                is_raw = columns.names[index].endswith("raw")
                cells[purpose] = index, partial(_count, purpose=purpose, is_raw=is_raw)
            elif purpose == "subscription_date":
                cells[purpose] = index, self._subscription_date
        if columns.ranges is not None:
            cells["range"] = columns.ranges, self._range
        for index, numbers in self.texts.items():
            cells[f"text{index}"] = index, partial(_text_number, numbers=numbers)
        for index, value in columns.conditions(options).items():
            cells[f"where{index}"] = index, partial(_is_equal, text=value)
        self._cells = {name: (index, CellReader(parse)) for name, (index, parse) in cells.items()}

    def _subscription_date(self, cell: str) -> int:
        text = " ".join(cell.split())
        return UNKNOWN if text.lower() in _NO_FIGURE else self._dates.parse(split_time(text)[0])

    def _range(self, cell: str) -> int:
        return self._clocks.parse(split_time(cell.strip())[1])

    def read(self, result: ImportResult) -> RowFile:
        """Return all rows that meet the conditions, in the order of the file."""
        names = dict.fromkeys(("line", *_REQUIRED, "range", *self._cells))
        dtype = np.dtype([(name, np.int32) for name in names])
        stored = RowFile(dtype)
        for lines, columns in self.file.tables(result, fill=True):
            dates, clocks = self._split(columns)
            rows = np.full(len(lines), UNKNOWN, dtype)
            rows["line"] = lines
            rows["date"], rows["clock"] = self._dates.column(dates), self._clocks.column(clocks)
            for name, (index, reader) in self._cells.items():
                rows[name] = reader.column(columns[index])
            stored.add(rows)
        return stored

    def _split(self, columns: Sequence[Sequence[str]]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the dates and the clocks of rows."""
        used = [columns[index] for index in self.columns.times]
        if len(used) > 1 and not self._format:
            return used[0], used[1]
        if self._format:
            texts = (" ".join(" ".join(cells).split()) for cells in zip(*used, strict=True))
            pairs = [split_formatted_time(text, self._format) for text in texts]
        else:
            pairs = [split_time(cell.strip()) for cell in used[0]]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def explain(self, dates: Mapping[LocalDate, str], cells: list[str], reason: str) -> str:
        """Return why a row is not valid."""
        cells = [*cells, *[""] * len(self.columns.header)]
        ((day,), (clock,)) = self._split([[cell] for cell in cells])
        if reason:
            return f"{reason}: {dates[parse_date(day)]}"

        def check(*purposes: str) -> None:
            for index, reader in (self._cells[p] for p in purposes if p in self._cells):
                reader.parse(cells[index])

        try:
            check(*FIGURES)
            if INVALID in (self._dates[day], self._clocks[clock]):
                text = " ".join(" ".join([cells[index] for index in self.columns.times]).split())
                if clock == NOT_A_CLOCK:
                    return f"{shorten(text)} does not match the format {self._format!r}"
                return f"invalid time: {shorten(text)}"
            check("subscription_date")
        except RowError as error:
            return str(error)
        return "total is less than overdraft"


# Rows to figures


def _valid(rows: Rows, filters: Mapping[str, Sequence[int]], result: ImportResult) -> Rows:
    """Return the rows that the filters select, without those that could not be read."""
    is_selected = np.ones(len(rows), np.bool_)
    for name, numbers in filters.items():
        is_selected &= np.isin(rows[name], numbers)
    result.filtered_out += int(np.count_nonzero(~is_selected))
    rows = rows[is_selected]
    is_valid = np.all([rows[name] > INVALID for name in _REQUIRED], axis=0)
    is_rounded = np.any([(rows[name] > 0) & (rows[name] & 1) for name in FIGURES], axis=0)
    for name in FIGURES:
        rows[name] >>= 1
    # Without an overdraft the total is all that is known.
    has_total, without = rows["total"] >= 0, rows["total"] - np.maximum(rows["overdraft"], 0)
    rows["installed"][has_total] = without[has_total]
    is_valid &= ~has_total | (without >= 0)
    result.skip(rows["line"][~is_valid])
    result.rounded = result.rounded or bool((is_rounded & is_valid).any())
    return rows[is_valid]


class _Dating:
    """Gives rows their times in UTC: what is a day or a month depends on all of them."""

    def __init__(self, content: _Content, options: ImportOptions, rows: Rows) -> None:
        self._content = content
        self._options = options
        self._rows = rows
        self._dates = list(content.dates)
        day_first = options.date_format.find("%d") < options.date_format.find("%m")
        if not options.date_format:
            used = np.union1d(rows["date"], rows["subscription_date"]).tolist()
            day_first = is_day_first(self._dates[number] for number in used if number >= 0)
        self._iso = {written: written.iso(day_first=day_first) for written in self._dates}
        self._days = np.array([*map(epoch_day, self._iso.values()), UNKNOWN])

    def figures(self, result: ImportResult) -> tuple[Rows, list[ImportedPool]]:
        """Return the rows with a valid time, and their pools."""
        rows, (time, high_at, width) = self._rows, self._times()
        subscription = self._days[rows["subscription_date"]]
        is_valid = np.ones(len(rows), np.bool_)
        for is_right, reason in (
            ((self._days[rows["date"]] >= 0) & (subscription > INVALID), "invalid date"),
            (time >= 0, "clock change leaves this time out"),
            (time <= self._options.until, "time is in the future"),
        ):
            result.skip(rows["line"][is_valid & ~is_right], reason)
            is_valid &= is_right
        self._content.file.explain(result, partial(self._content.explain, self._iso))
        pool, pools = self._pools(subscription)
        is_other = is_valid & (pool == UNKNOWN)
        result.filtered_out += int(np.count_nonzero(is_other))
        is_valid &= ~is_other
        names = ("line", "in_use", "installed", "overdraft")
        columns = {name: rows[name][is_valid] for name in names}
        license_type = self._content.columns.indexes.get("license_type")
        if license_type in self._content.texts:
            columns["license_type"] = rows[f"text{license_type}"][is_valid]
        for name, column in (("pool", pool), ("time", time), ("high_at", high_at)):
            columns[name] = column[is_valid]
        return imported_rows(len(columns["line"]), width=width[is_valid], **columns), pools

    def _times(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the times, when the maximum was, and the width of rows; INVALID for no time."""
        rows, columns = self._rows, self._content.columns
        clocks = np.array([*self._content.clocks, TimeOfDay(0)])
        seconds, offset, width = clocks[rows["clock"]].T
        if columns.ranges is not None:
            width = np.maximum(clocks[np.maximum(rows["range"], UNKNOWN)].T[2], 0)
            seconds = seconds - width
        is_local = offset == LOCAL
        is_midnight = is_local & (seconds == 0) & (width <= 0)
        is_day = (width == WHOLE_DAY) | (len(rows) > 1 and bool(is_midnight.all()))
        local: IntArray = np.maximum(self._days[rows["date"]], 0) * _DAY + seconds
        days = local // _DAY
        zone = UTC if columns.are_utc or columns.ranges is not None else self._options.zone
        times = LocalTimes(zone, newest_first=bool((local[:1] > local[-1:]).any()))
        time = np.where(is_local, times.utc(days, local % _DAY), local - offset)
        is_bucket = np.isin(width, _BUCKET_WIDTHS) & (time % np.maximum(width, 1) == 0)
        width = np.where(is_day, _DAY, np.where(is_bucket, width, 0))
        is_month = np.array([written.second == 0 for written in self._dates], np.bool_)
        width[is_month[rows["date"]]] = MONTH
        high_at = time.copy()
        high_at[is_day] = times.noon(days[is_day])
        return np.where(is_day, days * _DAY, time), high_at, width

    def _pools(self, subscription: IntArray) -> tuple[IntArray, list[ImportedPool]]:
        """Return the number of the pool of each row, UNKNOWN for another one, and the pools."""
        options = self._options
        ((server,), (product,)) = options.servers, options.products
        values, place = np.unique(subscription, return_inverse=True)
        numbers, known = Numbers[str](), []
        for value in values.tolist():
            day = f"{np.datetime64(value, 'D')}" if value >= 0 else options.subscription_date
            day = day or options.undated()
            is_other = options.subscription_date not in ("", day)
            known.append(UNKNOWN if is_other else numbers[day])
        model, no_rows = products.describe(product).model, imported_rows(0)
        pools = [ImportedPool(server, PoolKey(product, day), model, no_rows) for day in numbers]
        return np.array(known, np.int64)[place], pools
