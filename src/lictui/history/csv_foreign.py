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
    ImportedPool,
    ImportResult,
    Numbers,
    RowError,
    RowFile,
    RowReader,
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
    stored = RowFile(content.reader.dtype)
    for rows in content.reader.read(result):
        stored.add(rows)
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
    result.unused = [name for at, name in enumerate(file.header) if at not in used and name]
    parts = [np.empty(0, _VALID)]
    for rows in stored.chunks():
        parts.append(_valid(rows, filters, f"text{columns.indexes.get('license_type')}", result))
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

# What programs write for "no date": the least and greatest dates of .NET, Windows, OLE and Unix
_NO_DATE: Final = re.compile(r"\b(0001|1601|1899|1900|1970|9999)(?!\d)", re.ASCII)


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


class _Content:
    """The cells of a file as numbers: of dates, of times of day and of texts."""

    def __init__(self, file: CsvFile, columns: Columns, options: ImportOptions) -> None:
        self.columns = columns
        self.dates = Numbers[LocalDate]()
        self.clocks = Numbers[TimeOfDay]()
        self.texts = {index: Numbers[str]() for index in columns.texts}
        self._format = options.date_format
        width = len(columns.header)
        parsers: dict[str, tuple[int, Callable[[str], int]]] = {}
        for purpose in FIGURES:
            if purpose in columns.indexes:
                index = columns.indexes[purpose]
                is_raw = columns.names[index].endswith("raw")
                parsers[purpose] = index, partial(_count, purpose=purpose, is_raw=is_raw)
        parsers["date"] = width, lambda cell: self.dates[parse_date(cell)]
        parsers["clock"] = width + 1, lambda cell: self.clocks[parse_clock(cell)]
        if "subscription_date" in columns.indexes:
            index = columns.indexes["subscription_date"]
            parsers["subscription_date"] = index, self._subscription_date
        for index, numbers in self.texts.items():
            parsers[f"text{index}"] = index, partial(_text_number, numbers=numbers)
        for index, value in columns.conditions(options).items():
            parsers[f"where{index}"] = index, partial(_is_equal, text=value)
        self.reader = RowReader(file, parsers, self._split, fill=True)

    def _subscription_date(self, cell: str) -> int:
        text = " ".join(cell.split())
        if text.lower() in _NO_FIGURE or _NO_DATE.search(text):
            return UNKNOWN
        return self.dates[parse_date(split_time(text)[0])]

    def _split(self, columns: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
        """Return the dates and the clocks of rows."""
        used = [columns[index] for index in self.columns.times]
        if len(used) > 1 and not self._format:
            return used
        if self._format:
            texts = (" ".join(" ".join(cells).split()) for cells in zip(*used, strict=True))
            pairs = [split_formatted_time(text, self._format) for text in texts]
        else:
            pairs = [split_time(cell.strip()) for cell in used[0]]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def explain(
        self, dates: Mapping[LocalDate, str], cells: list[str], column: str, reason: str
    ) -> str:
        """Return why a row is not valid."""
        ((day,), (clock,)) = self._split([[cell] for cell in cells])
        if column in {"date", "clock"}:
            text = " ".join(" ".join([cells[index] for index in self.columns.times]).split())
            if clock == NOT_A_CLOCK:
                return f"{shorten(text)} does not match the format {self._format!r}"
            return f"invalid time: {shorten(text)}"
        if column:
            return reason
        return f"{reason}: {dates[parse_date(day)]}" if reason else "total is less than overdraft"


# Rows to figures


_VALID: Final = np.dtype(
    [
        *((name, np.int32) for name in ("line", "date", "clock", "subscription_date")),
        *((name, np.int32) for name in ("license_type", *FIGURES)),
    ]
)


def _valid(
    rows: Rows, filters: Mapping[str, Sequence[int]], license_type: str, result: ImportResult
) -> Rows:
    """Return the rows that the filters select, without those that could not be read."""
    is_selected = np.ones(len(rows), np.bool_)
    for name, numbers in filters.items():
        is_selected &= np.isin(rows[name], numbers)
    result.filtered_out += int(np.count_nonzero(~is_selected))
    rows = rows[is_selected]
    valid = np.full(len(rows), UNKNOWN, _VALID)
    is_valid, is_rounded = np.ones(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    for name in rows.dtype.names or ():
        is_valid &= rows[name] > INVALID
        if name in FIGURES:
            is_rounded |= (rows[name] > 0) & (rows[name] % 2 == 1)
            valid[name] = rows[name] >> 1
        elif name == license_type or name in (_VALID.names or ()):
            valid["license_type" if name == license_type else name] = rows[name]
    # Without an overdraft the total is all that is known.
    has_total, without = valid["total"] >= 0, valid["total"] - np.maximum(valid["overdraft"], 0)
    valid["installed"][has_total] = without[has_total]
    is_valid &= ~has_total | (without >= 0)
    result.skip(rows["line"][~is_valid])
    result.rounded = result.rounded or bool((is_rounded & is_valid).any())
    return valid[is_valid]


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
        self._content.reader.explain(result, partial(self._content.explain, self._iso))
        pool, pools = self._pools(subscription)
        is_other = is_valid & (pool == UNKNOWN)
        result.filtered_out += int(np.count_nonzero(is_other))
        is_valid &= ~is_other
        names = ("line", "license_type", "in_use", "installed", "overdraft")
        columns = {name: rows[name][is_valid] for name in names}
        for name, column in (("pool", pool), ("time", time), ("high_at", high_at)):
            columns[name] = column[is_valid]
        return imported_rows(len(columns["line"]), width=width[is_valid], **columns), pools

    def _times(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the times, when the maximum was, and the width of rows; INVALID for no time."""
        rows, columns = self._rows, self._content.columns
        clocks = np.array([*self._content.clocks]).reshape(-1, 3)
        seconds, offset, width = clocks[rows["clock"]].T
        is_local = offset == LOCAL
        is_midnight = is_local & (seconds == 0) & (width <= 0)
        is_day = (width == WHOLE_DAY) | (len(rows) > 1 and bool(is_midnight.all()))
        local: IntArray = np.maximum(self._days[rows["date"]], 0) * _DAY + seconds
        days = local // _DAY
        zone = UTC if columns.are_utc else self._options.zone
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
