"""What `udadmin -list` prints, as a Snapshot and as the users and devices it names.

Owns its grammar (Citrix CTX215674; the block of devices by analogy), with -times and without, with
-a and without. Pure: must not know how the text came. How many licenses there are is not told.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, LicenseUser, Notice, Pool, Reading, Snapshot, Step
from lictui.products import describe
from lictui.sources.flexnet.parser import CITRIX
from lictui.sources.sanitize import parse_date
from lictui.sources.sanitize import sanitize as cleaned
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST: Final = 1000  # characters of a line that are looked at
_MOST: Final = 100_000  # holders that are named
_AGE: Final = re.compile(r"Usage data is (\d{1,9}) minutes? old", re.IGNORECASE)
_BLOCK: Final = re.compile(r"(Users|Devices):[ (]*\d*\)?", re.IGNORECASE)
# `(Thu Sep 14 13:41:07 2017)` at the end, with -times
_TIME: Final = re.compile(
    r"\((?:[A-Za-z]{3} )?([A-Za-z]{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\)$"
)
_VERSION: Final = re.compile(r"\d[\d.]{0,20}")
_PARTS: Final = 3  # name, feature, version
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec"  # each begins at 4 times itself


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    feature: str
    version: str
    is_device: bool
    time: str = ""  # as printed, with -times


@dataclass(slots=True)
class _List:
    entries: list[_Entry] = field(default_factory=list)
    age: str = ""  # minutes
    known: bool = False  # a line of udadmin's own was there
    unread: int = 0  # lines in a block that name nobody


def udadmin_snapshot(text: str, where: str) -> Snapshot:
    """The assignments that `text` tells of, by feature and version.

    `where` names the server in errors. Raises SourceError (parse) for what is no such list.
    """
    found = _read(text, where)
    pools: dict[tuple[str, date | None], list[_Entry]] = {}
    for entry in found.entries:
        pools.setdefault((cleaned(entry.feature, 60), parse_date(entry.version)), []).append(entry)
    return Snapshot(
        tuple(_pool(*key, entries, found.age) for key, entries in pools.items()),
        notices=tuple(_unread(found.unread)),
    )


def udadmin_license_users(text: str) -> tuple[LicenseUser, ...]:
    """Whom a license is assigned to, and since when where -times tells.

    Raises SourceError (parse) for what is no such list.
    """
    return tuple(
        LicenseUser(
            cleaned(entry.feature, 60),
            user="" if entry.is_device else cleaned(entry.name, 100),
            device=cleaned(entry.name, 100) if entry.is_device else "",
            since=_since(entry.time),
            assigned=True,
            subscription_date=parse_date(entry.version),
        )
        for entry in _read(text, "the license server").entries[:_MOST]
    )


def _pool(feature: str, subscribed: date | None, entries: list[_Entry], age: str) -> Pool:
    known = describe(feature)
    devices = sum(1 for entry in entries if entry.is_device)
    return Pool(
        product=feature,
        name=known.name,
        model=known.model,
        reading=Reading(in_use=len(entries)),
        subscription_date=subscribed,
        counted=known.counted,
        vendor=CITRIX,
        raw_fields=(
            ("users", str(len(entries) - devices)),
            ("devices", str(devices)),
            ("version", cleaned(entries[0].version, 40)),
            *((("minutes old", age),) if age else ()),
        ),
        formulas=(("in use", "users + devices that are listed"),),
    )


def _unread(lines: int) -> Iterable[Notice]:
    if lines:
        yield Notice(
            "server",
            Level.WARN,
            "Assignments that cannot be read",
            f"{lines} line(s) of the list name no feature and version: in use may be too low.",
            "Please report this, with such a line.",
        )


def _read(text: str, where: str) -> _List:
    found = _List()
    block = ""
    for raw in filter(None, text.replace("\r", "\n").split("\n")):
        line = raw[:_LONGEST].strip()
        if not line:
            continue
        if head := _BLOCK.fullmatch(line):
            block, found.known = head[1].lower(), True
        elif age := _AGE.match(line):
            found.age, found.known = age[1], True
        elif entry := _entry(line, is_device=block == "devices") if block else None:
            found.entries.append(entry)
        elif block:
            found.unread += 1
    if not found.known:
        first = next(filter(None, map(cleaned, text[:4000].splitlines())), "")
        what = f"this is no list of udadmin's: {cleaned(first, 80)}" if first else "nothing came"
        raise SourceError(
            FailureKind.PARSE,
            f"{what} (from {where})",
            "It must print what `udadmin -list -times` does, run on the license server.",
            Step.PARSE,
        )
    return found


def _entry(line: str, *, is_device: bool) -> _Entry | None:
    """One line, from the right: a name may hold blanks, and anything else."""
    time = _TIME.search(line)
    parts = (line[: time.start()] if time else line).rsplit(None, _PARTS - 1)
    if len(parts) != _PARTS or not _VERSION.fullmatch(parts[2]):
        return None
    return _Entry(parts[0], parts[1], parts[2], is_device, time[0] if time else "")


def _since(time: str) -> float | None:
    """UTC epoch seconds; udadmin tells no zone, so this machine's is taken."""
    found = _TIME.match(time)
    if found and found[1].lower() in _MONTHS:
        month = _MONTHS.index(found[1].lower()) // 4 + 1
        number, hour, minute, second, year = map(int, found.groups()[1:])
        with suppress(ValueError, OverflowError, OSError):
            local = datetime(year, month, number, hour, minute, second)  # noqa: DTZ001 - as printed
            return local.astimezone().timestamp()
    return None
