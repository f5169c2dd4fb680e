"""Which column of somebody else's CSV is what.

Owns the names that are recognised, in any case, with blanks, underscores or neither: `Total`,
`Installed`, `Licenses Owned`, `InUse`, `In Use`, `Used` and their like. The header of the license
server's own Historical Use export is not public. Pure: must not know what the cells hold.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from lictui.errors import UsageError
from lictui.history.intake.cells import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What a column is for -> the names it goes by, the surest first.
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "moment": (
        *("timestamp", "datetime", "dateandtime", "at", "when", "recorded"),
        *("collectedat", "collected", "sampletime", "timegenerated"),
    ),
    "date": ("date", "day", "usagedate", "datum"),
    "time": ("time", "timeofday", "hour", "uhrzeit"),
    "in_use": (
        *("inuse", "licensesinuse", "licenseinuse", "inusecount", "inuselicenses", "used"),
        *("licensesused", "usedlicenses", "usedcount", "currentlyinuse", "usage", "licenseusage"),
        *("assigned", "licensesassigned", "checkedout", "consumed", "inusemax", "maxinuse"),
        *("maximuminuse", "peakinuse", "peakusage", "peak"),
    ),
    "installed": (
        *("installed", "licensesinstalled", "installedlicenses", "licensesowned", "owned", "total"),
        *(
            "totallicenses",
            "licensestotal",
            "totalinstalled",
            "totalcount",
            "licenses",
            "purchased",
        ),
    ),
    "overdraft": ("overdraft", "overdraftlicenses", "licensesoverdraft", "overdraftallowance"),
    "product": ("product", "productcode", "pld", "feature", "licenseproduct"),
}
_OTHERS: Final = ("installed", "overdraft", "product")
_SAID: Final = ("time", "date", "in_use", "installed", "overdraft", "product")


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of the columns in a row; None for one that the file does not have."""

    times: tuple[int, ...]  # one, or a date and a time of day
    in_use: int
    installed: int | None = None
    overdraft: int | None = None
    product: int | None = None
    utc: bool = False  # the name of a time's column says so


def said(option: str) -> dict[str, str]:
    """`time=Zeit,in_use=Belegt` as what is said of which column. Raises UsageError."""
    found: dict[str, str] = {}
    for part in next(csv.reader([option], skipinitialspace=True), []):
        what, equals, name = part.partition("=")
        what = what.strip().lower().replace(" ", "_").replace("-", "_")
        if not equals or not name.strip() or what not in _SAID:
            close = get_close_matches(what, _SAID, n=1)
            near = f", did you mean {close[0]!r}?" if close and close[0] != what else ""
            raise UsageError(
                f"--columns cannot say {part.strip()!r}{near}",
                f"it is a list of WHAT=COLUMN, with WHAT one of {', '.join(_SAID)}",
            )
        found[what] = name.strip()
    return found


def recognised(header: Sequence[str], told: Mapping[str, str]) -> Columns | None:
    """The columns of a header, `told` ones before those that are recognised; None: too few."""
    names = [plain(cell) for cell in header]
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    places = {
        what: next((bare.index(each) for each in known if each in bare), None)
        for what, known in _NAMES.items()
    }
    for what, name in told.items():
        place = _place(name, names, header)
        if place is None:
            return None
        places[what] = place
    in_use = places["in_use"]
    times = _times(places, told)
    if in_use is None or not times:
        return None
    utc = any(names[place].endswith("utc") for place in times)
    installed, overdraft, product = (places[what] for what in _OTHERS)
    return Columns(times, in_use, installed, overdraft, product, utc)


def _times(places: Mapping[str, int | None], told: Mapping[str, str]) -> tuple[int, ...]:
    date, time = places["date"], places["time"]
    if "time" in told and "date" not in told:
        return () if time is None else (time,)
    if "date" not in told and places["moment"] is not None:
        return (places["moment"],)
    return tuple(place for place in (date, time) if place is not None)


def _place(name: str, names: Sequence[str], header: Sequence[str]) -> int | None:
    """A column by its name, or by its number from 1."""
    cells = [cell.strip() for cell in header]
    if name in cells:
        return cells.index(name)
    if plain(name) and plain(name) in names:
        return names.index(plain(name))
    if name.isascii() and name.isdecimal() and 0 < int(name) <= len(names):
        return int(name) - 1
    return None
