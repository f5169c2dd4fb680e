"""Columns of CSV files of other programs, and which rows are of a server and a product."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui import products
from lictui.errors import UsageError
from lictui.history.csv_reader import normalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.history.csv_reader import CsvFile, ImportOptions

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
FIGURES: Final = ("in_use", "installed", "total", "overdraft")


@dataclass(slots=True)
class Columns:
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


def recognize_columns(header: Sequence[str], chosen: Mapping[str, str]) -> Columns | None:
    """Return the columns of a header, `chosen` ones first; None without time and in use."""
    names = [normalize_name(cell) for cell in header]
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    indexes: dict[str, int] = {}
    for purpose, known in _NAMES.items():
        index = next((bare.index(name) for name in known if name in bare), None)
        if index is not None:
            raw = f"{bare[index]}raw"
            is_raw = purpose in FIGURES and raw in names
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
    return Columns(list(header), times, indexes)


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


_MAX_VALUES: Final = 10_000  # of a column; more do not tell servers or products apart
_MAX_SHOWN: Final = 6  # that a message names
_LICENSE_TYPES: Final = frozenset(
    {"retail", "retails", "eval", "evaluation", "sys", "nfr", "not for resale", "csp", "trial"}
)
_LICENSE_CODE: Final = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)+")


class RowFilter(NamedTuple):
    """The values of a column that select a row."""

    column: int
    values: frozenset[str]  # in lower case

    def includes(self, cell: str) -> bool:
        """Whether a cell has one of the values."""
        return cell.strip().lower() in self.values


def row_filters(
    file: CsvFile, delimiter: str, header_line: int, columns: Columns, options: ImportOptions
) -> list[RowFilter]:
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
        filters.append(RowFilter(index, frozenset({value.strip().lower()})))
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


def _selection(
    column: str, index: int, same: set[str], values: set[str], searched: str
) -> RowFilter:
    if not same:
        names = ", ".join(sorted(values)[:_MAX_SHOWN])
        raise UsageError(
            f"no rows of {searched}; the column {column.strip()} has {names}",
            f"select rows with --where {column.strip()!r}=VALUE",
        )
    # A row without a value is of the only one.
    return RowFilter(index, frozenset(same if len(values) > 1 else {*same, ""}))


def _distinct_values(
    file: CsvFile, delimiter: str, header_line: int, columns: Columns
) -> dict[int, set[str]]:
    """Return the values of the columns without figures, in lower case: the first thousands."""
    figures = {*columns.times, *(columns.indexes.get(purpose) for purpose in FIGURES)}
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
    columns: Columns, values: Mapping[int, set[str]], product: str, options: ImportOptions
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
