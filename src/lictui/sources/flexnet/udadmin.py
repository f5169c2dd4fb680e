"""Parser of `udadmin -list` output: assignments as pools, and the users and devices themselves.

The grammar is that of Citrix CTX215674, with and without -times and -a; the block of devices is
assumed to look like that of users. udadmin does not report how many licenses are installed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Level, LicenseUser, Notice, Pool, Reading, Snapshot, Step
from lictui.products import describe
from lictui.sources.flexnet.parser import CITRIX
from lictui.sources.sanitize import MONTHS, parse_date, sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_MAX_LINE: Final = 1000  # characters read of a line
_MAX_USERS: Final = 100_000
_MAX_CODE: Final = 60  # characters
_AGE: Final = re.compile(r"Usage data is (\d{1,9}) minutes? old", re.IGNORECASE)
_BLOCK: Final = re.compile(r"(Users|Devices):[ (]*\d*\)?", re.IGNORECASE)
# `(Thu Sep 14 13:41:07 2017)` at the end of a line, with -times
_TIME: Final = re.compile(
    r"\((?:[A-Za-z]{3} )?([A-Za-z]{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\)$"
)
_VERSION: Final = re.compile(r"\d[\d.]{0,20}")
_PARTS: Final = 3  # name, feature, version


@dataclass(frozen=True, slots=True)
class _Assignment:
    name: str  # of a user or device
    feature: str
    version: str
    is_device: bool
    time: str = ""  # as printed, with -times


@dataclass(slots=True)
class _AssignmentList:
    assignments: list[_Assignment] = field(default_factory=list)
    age: str = ""  # minutes
    is_recognized: bool = False  # a line that only udadmin prints was found
    unreadable: int = 0  # lines in a block that are not an assignment


def udadmin_snapshot(text: str, label: str) -> Snapshot:
    """Return the assignments in `text`, one pool per feature and version.

    `label` names the server in errors. Raises SourceError (`parse`) if `text` is not such a list.
    """
    listed = _parse(text, label)
    pools: dict[tuple[str, date | None], list[_Assignment]] = {}
    for assignment in listed.assignments:
        key = sanitize(assignment.feature, _MAX_CODE), parse_date(assignment.version)
        pools.setdefault(key, []).append(assignment)
    return Snapshot(
        tuple(_pool(*key, assignments, listed.age) for key, assignments in pools.items()),
        notices=tuple(_unreadable_notices(listed.unreadable)),
    )


def udadmin_license_users(text: str) -> tuple[LicenseUser, ...]:
    """Return the users and devices a license is assigned to, with the time if -times was given.

    Raises SourceError (`parse`) if `text` is not such a list.
    """
    return tuple(
        LicenseUser(
            sanitize(assignment.feature, _MAX_CODE),
            user="" if assignment.is_device else sanitize(assignment.name, 100),
            device=sanitize(assignment.name, 100) if assignment.is_device else "",
            since=_timestamp(assignment.time),
            assigned=True,
            subscription_date=parse_date(assignment.version),
        )
        for assignment in _parse(text, "the license server").assignments[:_MAX_USERS]
    )


def _pool(
    feature: str, subscription_date: date | None, assignments: list[_Assignment], age: str
) -> Pool:
    product = describe(feature)
    devices = sum(assignment.is_device for assignment in assignments)
    return Pool(
        product=feature,
        name=product.name,
        model=product.model,
        reading=Reading(in_use=len(assignments)),
        subscription_date=subscription_date,
        counted=product.counted,
        vendor=CITRIX,
        raw_fields=(
            ("users", str(len(assignments) - devices)),
            ("devices", str(devices)),
            ("version", sanitize(assignments[0].version, 40)),
            *((("minutes old", age),) if age else ()),
        ),
        formulas=(("in_use", "users + devices in the list"),),
    )


def _unreadable_notices(lines: int) -> Iterator[Notice]:
    if lines:
        yield Notice(
            "server",
            Level.WARN,
            "Unreadable assignments",
            f"{lines} line(s) without feature and version: in use may be too low.",
            "Please report this, with an example line.",
        )


def _parse(text: str, label: str) -> _AssignmentList:
    listed = _AssignmentList()
    block = ""
    for raw in filter(None, text.replace("\r", "\n").split("\n")):
        line = raw[:_MAX_LINE].strip()
        if not line:
            continue
        if head := _BLOCK.fullmatch(line):
            block, listed.is_recognized = head[1].lower(), True
        elif age := _AGE.match(line):
            listed.age, listed.is_recognized = age[1], True
        elif block and (assignment := _assignment(line, is_device=block == "devices")):
            listed.assignments.append(assignment)
        elif block:
            listed.unreadable += 1
    if not listed.is_recognized:
        first = next(filter(None, map(sanitize, text[:4000].splitlines())), "")
        problem = f"not udadmin output: {sanitize(first, 80)}" if first else "no output"
        raise SourceError(
            FailureKind.PARSE,
            f"{problem} (from {label})",
            "The command must print the output of `udadmin -list -times` on the license server.",
            Step.PARSE,
        )
    return listed


def _assignment(line: str, *, is_device: bool) -> _Assignment | None:
    """Parse one line from the right: a name may contain blanks, and anything else."""
    time = _TIME.search(line)
    parts = (line[: time.start()] if time else line).rsplit(None, _PARTS - 1)
    if len(parts) != _PARTS or not _VERSION.fullmatch(parts[2]):
        return None
    name, feature, version = parts
    return _Assignment(name, feature, version, is_device, time[0] if time else "")


def _timestamp(time: str) -> float | None:
    """Return UTC epoch seconds; udadmin prints no time zone, so this machine's is used."""
    match = _TIME.match(time)
    if match and match[1].lower() in MONTHS:
        month = MONTHS.index(match[1].lower()) + 1
        day, hour, minute, second, year = map(int, match.groups()[1:])
        with suppress(ValueError, OverflowError, OSError):
            local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - as printed
            return local.astimezone().timestamp()
    return None
