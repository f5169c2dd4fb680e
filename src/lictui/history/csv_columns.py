"""Columns of CSV files of other programs, and which rows are of a server and a product."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.errors import UsageError
from lictui.history.csv_reader import normalize_name, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from lictui.history.csv_reader import ImportOptions

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

    @property
    def texts(self) -> list[int]:
        """The columns that may tell servers, products and license types apart."""
        purposes = {*FIGURES, "subscription_date"}
        used = {*self.times, *(self.indexes.get(purpose) for purpose in purposes)}
        return [index for index in range(len(self.header)) if index not in used]

    def index_of(self, name: str) -> int | None:
        """Return the index of a column by its name, or by its number from 1."""
        if name in self.header:
            return list(self.header).index(name)
        if normalize_name(name) and normalize_name(name) in self.names:
            return self.names.index(normalize_name(name))
        if name.isascii() and name.isdecimal() and 0 < int(name) <= len(self.header):
            return int(name) - 1
        return None

    def conditions(self, options: ImportOptions) -> dict[int, str]:
        """Return the texts, in lower case, that the user requires in columns. UsageError."""
        conditions = {}
        for name, value in options.where:
            index = self.index_of(name)
            if index is None:
                columns = ", ".join(self.header)
                raise UsageError(f"--where: no column {name!r}", f"columns: {columns}")
            conditions[index] = value.strip().lower()
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


def select_values(
    columns: Columns, texts: Mapping[int, AbstractSet[str]], options: ImportOptions
) -> dict[int, AbstractSet[str]]:
    """Return which texts select a row, by column; the column of the product is set.

    `texts` are those of the columns, in lower case. Raises UsageError where none selects a row.
    """
    values: dict[int, AbstractSet[str]] = defaultdict(set)
    values |= {index: found - {""} for index, found in texts.items()}
    ((server,), (product,)) = options.servers, options.products
    name = products.describe(product).name.lower()
    product_column = _product_column(columns, values, (product.lower(), name), options)
    if product_column is not None:
        columns.indexes["product"] = product_column
    else:
        columns.indexes.pop("product", None)
    selected = {}
    for purpose, searched in (("server", server), ("product", product)):
        index = columns.indexes.get(purpose)
        if index is None or index in columns.conditions(options):
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
