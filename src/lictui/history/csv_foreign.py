"""CSV import: files of other programs, whose columns are recognized by name and content.

A file is read once: its cells become numbers in a temporary file. Which rows are of the server and
the product, and whether the day or the month comes first in dates, follows from all of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from lictui import products
from lictui.analysis.series import WIDTHS
from lictui.clock import DAY
from lictui.errors import UsageError
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
    normalize_name,
    shorten,
    visible,
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
    from collections.abc import Set as AbstractSet

    from lictui.history.csv_reader import CsvFile, ImportOptions, IntArray, Rows

_MAX_ROWS: Final = 4_000_000  # of the server and the product: they are in memory together
_MAX_TEXTS: Final = 10_000  # of a column; more do not distinguish servers or products


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
    selected = _select_values(columns, texts, options)
    result.used = columns.description()
    used = {*columns.times, *columns.indexes.values(), *selected}
    result.unused = [name for at, name in enumerate(file.header) if at not in used and name]
    filters = {
        f"text{index}": [number for text, number in content.texts[index].items() if text in values]
        for index, values in selected.items()
    }
    # All texts have done their work but those of license types, which add up.
    purposes = {f"text{columns.indexes.get('license_type')}": "license_type"}
    names = [n for n in stored.dtype.names or () if n in purposes or not n.startswith("text")]
    dtype = np.dtype([(purposes.get(name, name), np.int32) for name in names])
    parts = [np.empty(0, dtype)]
    for rows in stored.chunks():
        parts.append(_readable(rows, filters, result)[names].astype(dtype))
        if sum(map(len, parts)) > _MAX_ROWS:
            raise UsageError(
                f"more than {_MAX_ROWS:,} rows of one product", "split the file by time"
            )
    return _Dating(content, options, np.concatenate(parts)).figures(result)


# Which column is which


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
FIGURES: Final = ("in_use", "installed", "total", "overdraft")


class Columns(Struct):
    """The columns of a header, by purpose."""

    header: Sequence[str]
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

    def texts(self, options: ImportOptions) -> dict[int, Numbers[str]]:
        """Return the columns that may distinguish servers, products and license types.

        Texts that --where names have numbers already, for there may be too many others.
        """
        conditions = self.conditions(options)
        purposes = {*FIGURES, "subscription_date"}
        used = {*self.times, *(self.indexes.get(purpose) for purpose in purposes)}
        indexes = (set(range(len(self.header))) - used) | conditions.keys()
        return {at: Numbers(zip(conditions[at], count(), strict=False)) for at in sorted(indexes)}

    def index_of(self, name: str) -> int | None:
        """Return the index of a column by its name, or by its number from 1."""
        if name in self.header:
            return list(self.header).index(name)
        if normalize_name(name) and normalize_name(name) in self.names:
            return self.names.index(normalize_name(name))
        if name.isascii() and name.isdecimal() and 0 < int(name) <= len(self.header):
            return int(name) - 1
        return None

    def conditions(self, options: ImportOptions) -> dict[int, set[str]]:
        """Return the texts, in lower case, of which a column must have one. Raises UsageError."""
        conditions: dict[int, set[str]] = defaultdict(set)
        for name, value in options.where:
            index = self.index_of(name)
            if index is None:
                columns = ", ".join(self.header)
                raise UsageError(f"--where: no column {name!r}", f"columns: {columns}")
            conditions[index].add(value.strip().lower())
        return conditions

    def description(self) -> dict[str, str]:
        """Return the used columns by purpose."""
        keys = ("time",) if len(self.times) == 1 else ("date", "time")
        times = dict(zip(keys, self.times, strict=False))
        return {key: self.header[at] for key, at in {**times, **self.indexes}.items()}


def recognize_columns(header: Sequence[str], chosen: Mapping[str, str]) -> Columns | None:
    """Return the columns of a header, `chosen` ones first; None without time and in use."""
    columns = Columns(header, (), {})
    names, indexes = columns.names, columns.indexes
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    for purpose, known in _NAMES.items():
        index = next((bare.index(name) for name in known if name in bare), None)
        if index is not None:
            raw = f"{bare[index]}raw"
            is_raw = purpose in FIGURES and raw in names
            indexes[purpose] = names.index(raw) if is_raw else index
    for purpose, name in chosen.items():
        index = columns.index_of(name)
        if index is None:
            return None
        indexes[purpose] = index
    moment, day, clock = (indexes.pop(purpose, None) for purpose in ("moment", "date", "time"))
    if "date" in chosen or (moment is None and "time" not in chosen):
        times = (day, clock)
    else:
        times = (clock if "time" in chosen else moment, None)
    # PRTG has ranges of time, and their ends as raw numbers next to them.
    plain = {names.index(f"{n}raw"): names.index(n) for n in names if f"{n}raw" in names}
    columns.times = tuple(plain.get(index, index) for index in times if index is not None)
    if "in_use" not in indexes or not columns.times:
        return None
    if "total" in indexes and "installed" in indexes and "total" not in chosen:
        del indexes["total"]
    return columns


# Which rows are of the server and the product


_MAX_SHOWN: Final = 6  # values that a message names
_LICENSE_TYPES: Final = frozenset(
    {"retail", "retails", "eval", "evaluation", "sys", "nfr", "not for resale", "csp", "trial"}
)
_LICENSE_CODE: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)+")


def _select_values(
    columns: Columns, texts: Mapping[int, AbstractSet[str]], options: ImportOptions
) -> dict[int, AbstractSet[str]]:
    """Return which texts select a row, by column; the column of the product is set.

    `texts` are those of the columns, in lower case. Raises UsageError where none selects a row.
    """
    conditions = columns.conditions(options)
    values: dict[int, AbstractSet[str]] = defaultdict(set)
    values |= {index: found - {""} for index, found in texts.items()}
    ((server,), (product,)) = options.servers, options.products
    name = products.describe(product).name.lower()
    product_column = _product_column(columns, values, (product.lower(), name), options)
    if product_column is not None:
        columns.indexes["product"] = product_column
    else:
        columns.indexes.pop("product", None)
    selected: dict[int, AbstractSet[str]] = {**conditions}
    for purpose, searched in (("server", server), ("product", product)):
        index = columns.indexes.get(purpose)
        if index is None or index in conditions:
            continue
        found = values[index]
        if purpose == "server":
            same, is_code = _same_server(found, server.lower()), False
        else:
            same = found & {product.lower()} or found & {name}
            is_code = any(_LICENSE_CODE.fullmatch(value) for value in found)
        if not same and (len(found) > 1 or is_code):
            column = columns.header[index]
            names = ", ".join(map(visible, sorted(found)[:_MAX_SHOWN]))
            raise UsageError(
                f"no rows of {purpose} {searched!r}; the column {column} has {names}",
                f"select rows with --where {column!r}=VALUE",
            )
        if same:
            # A row without a value is of the only one.
            selected[index] = same if len(found) > 1 else {*same, ""}
    at = columns.indexes.get("license_type")
    if at is not None and "license_type" not in options.columns and values[at] - _LICENSE_TYPES:
        del columns.indexes["license_type"]  # of something else, which does not add up
    return selected


def _same_server(values: AbstractSet[str], server: str) -> AbstractSet[str]:
    """Return the names of the server: as registered, or the same host name with a domain."""
    same = {value for value in values if _host(value) == _host(server)}
    domains = {value for value in same if "." in value}
    return same if len(domains | ({server} if "." in server else set())) <= 1 else same & {server}


def _host(name: str) -> str:
    """Return the host name without port and domain; an address as it is."""
    name = name.rpartition("@")[2].partition(":")[0]
    return name if name.replace(".", "").isdigit() else name.partition(".")[0]


def _product_column(
    columns: Columns,
    values: Mapping[int, AbstractSet[str]],
    product: Sequence[str],
    options: ImportOptions,
) -> int | None:
    """Return the column that contains the product; else one that is named so, or None."""
    if "product" in options.columns:
        return columns.indexes["product"]
    names = columns.names
    named = [names.index(name) for name in _NAMES["product"] if name in names]
    others = [index for index in values if index not in columns.indexes.values()]
    for searched in product:
        for index in (*named, *others):
            if searched in values.get(index, ()):
                return index
    return next((index for index in named if not _are_numbers(values.get(index, set()))), None)


def _are_numbers(values: AbstractSet[str]) -> bool:
    return all(value.replace(".", "").replace(",", "").isdigit() for value in values)


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


_DATE: Final = len("2026-11-24")
_CLOCK_START: Final = re.compile(r"[T ]\d", re.ASCII)  # after a date of this length


class _Content:
    """The cells of a file as numbers: of dates, of times of day and of texts."""

    def __init__(self, file: CsvFile, columns: Columns, options: ImportOptions) -> None:
        self.columns = columns
        self.dates = Numbers[LocalDate]()
        self.clocks = Numbers[TimeOfDay]()
        self.texts = columns.texts(options)
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
        self.reader = RowReader(file, parsers, self._split, np.int32, fill=True)

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
        ends = {cell[_DATE : _DATE + 2] for cell in used[0]}
        if not self._format and all(map(_CLOCK_START.fullmatch, ends)):
            return [c[:_DATE] for c in used[0]], [c[_DATE + 1 :] for c in used[0]]
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
        return reason if column or reason == _TOO_FEW else f"{reason}: {dates[parse_date(day)]}"


# Rows to figures


_TOO_FEW: Final = "total is less than overdraft"


def _readable(rows: Rows, filters: Mapping[str, Sequence[int]], result: ImportResult) -> Rows:
    """Return the rows that the filters select, without those that could not be read."""
    is_selected = np.ones(len(rows), np.bool_)
    for name, numbers in filters.items():
        is_selected &= np.isin(rows[name], numbers)
    result.filtered_out += int(np.count_nonzero(~is_selected))
    rows = rows.compress(is_selected)
    is_valid = np.all([rows[name] > INVALID for name in rows.dtype.names or ()], axis=0)
    result.skip(rows["line"][~is_valid])
    return rows.compress(is_valid)


class _Dating:
    """Gives rows their times in UTC: what is a day or a month depends on all of them."""

    def __init__(self, content: _Content, options: ImportOptions, rows: Rows) -> None:
        self._content = content
        self._options = options
        self._rows = rows
        self._dates = list(content.dates)
        day_first = options.date_format.find("%d") < options.date_format.find("%m")
        if not options.date_format:
            used = np.unique((rows["date"], self._column("subscription_date"))).tolist()
            day_first = is_day_first(self._dates[number] for number in used if number >= 0)
        self._iso = {written: written.iso(day_first=day_first) for written in self._dates}
        self._days = np.array([*map(epoch_day, self._iso.values()), UNKNOWN])

    def figures(self, result: ImportResult) -> tuple[Rows, list[ImportedPool]]:
        """Return the rows with a valid time, and their pools."""
        rows, (time, high_at, width) = self._rows, self._times()
        subscription = self._days[self._column("subscription_date")]
        in_use, installed, total, overdraft = (self._column(name) >> 1 for name in FIGURES)
        # Without an overdraft the total is all that is known.
        without = total - np.maximum(overdraft, 0)
        is_valid = np.ones(len(rows), np.bool_)
        for is_right, reason in (
            ((total < 0) | (without >= 0), _TOO_FEW),
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
        counts = np.array([self._column(name) for name in FIGURES])[:, is_valid]
        result.rounded = bool(((counts > 0) & (counts % 2 == 1)).any())
        columns = {
            "line": rows["line"],
            "pool": pool,
            "time": time,
            "high_at": high_at,
            "width": width,
            "in_use": in_use,
            "overdraft": overdraft,
            "installed": np.where(total >= 0, without, installed),
            "license_type": self._column("license_type"),
        }
        valid = {name: column[is_valid] for name, column in columns.items()}
        return imported_rows(len(valid["line"]), **valid), pools

    def _column(self, name: str) -> IntArray:
        """Return a column of all rows, UNKNOWN where the file does not have it."""
        has_column = name in (self._rows.dtype.names or ())
        return self._rows[name] if has_column else np.full(len(self._rows), UNKNOWN)

    def _times(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the times, when the maximum was, and the width of rows; INVALID for no time."""
        rows, columns = self._rows, self._content.columns
        clocks = np.array([*self._content.clocks]).reshape(-1, 3)
        seconds, offset, width = clocks[rows["clock"]].T
        is_local = offset == LOCAL
        is_midnight = is_local & (seconds == 0) & (width <= 0)
        is_day = (width == WHOLE_DAY) | (len(rows) > 1 and bool(is_midnight.all()))
        local: IntArray = np.maximum(self._days[rows["date"]], 0) * DAY + seconds
        days = local // DAY
        zone = UTC if columns.are_utc else self._options.zone
        times = LocalTimes(zone, newest_first=bool((local[:1] > local[-1:]).any()))
        types = self._column("license_type").astype(np.int64)
        series = types * len(self._days) + self._column("subscription_date")
        time = np.where(is_local, times.utc(days, local % DAY, series), local - offset)
        is_bucket = np.isin(width, WIDTHS) & (time % np.maximum(width, 1) == 0)
        width = np.where(is_day, DAY, np.where(is_bucket, width, 0))
        is_month = np.array([written.second == 0 for written in self._dates], np.bool_)
        width[is_month[rows["date"]]] = MONTH
        high_at = time.copy()
        high_at[is_day] = times.noon(days[is_day])
        return np.where(is_day, days * DAY, time), high_at, width

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
