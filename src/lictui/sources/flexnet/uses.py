"""The lines of `lmstat -a` that name who has a license, or waits for one.

Owns their grammar, and the year that they leave out. Pure: must not know which feature is meant.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lictui.sources.clean import whole

# After the names: `2026.1201) (srv/27000 101), start Tue 11/24 8:09, 3 licenses (linger: 1 / 2)`
_TAIL: Final = re.compile(r"[^()]*\) \([^()]*\)(.*)")
_QUEUED: Final = re.compile(r" *queued for (\d+) licenses?")
_COUNT: Final = re.compile(r", (\d+) licenses?\b")
_START: Final = re.compile(
    r",? *start (?:([A-Za-z]{3})[a-z]* )?(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d\d)"
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LEAP: Final = 8  # years between two 29ths of February, at most
_ZONES: Final = 26 * 3600.0  # seconds between the clocks of two time zones, at most
_SKEW: Final = 300.0  # seconds by which two clocks may differ
_WHO: Final = 3  # user, host, display
_DISPLAY: Final = re.compile(r"/dev/.*|:.*|[\w.-]+:\d+(?:\.\d+)?")  # of X or a terminal


@dataclass(slots=True)
class Use:
    """One who has, or waits for, `count` licenses."""

    user: str
    host: str
    count: int
    queued: bool
    lingers: bool  # borrowed, or kept for a while after it was given back
    start: str  # as printed, "" if it is not
    license: str = ""  # the version of the license; the line has only the one that was asked for


def read_use(line: str) -> Use | None:
    """The use or the wait that a stripped `line` tells of; None if it is another line."""
    # From the right: names are whatever a client sent, what follows them is the server's own.
    names, found, tail = line.rpartition(" (v")
    if not found or not names:
        return None
    match = _TAIL.match(tail)
    if not match:
        return None
    rest = match[1]
    user, host = _who(names)
    if wait := _QUEUED.match(rest):
        number = whole(wait[1])
        return Use(user, host, number or 0, queued=True, lingers=False, start="")
    start = _START.match(rest)
    if not start:
        return None
    count = _COUNT.search(rest)
    number = whole(count[1]) if count else 1
    return Use(
        user,
        host,
        1 if number is None else number,
        queued=False,
        lingers="(linger" in rest,
        start=start[0],
    )


def _who(names: str) -> tuple[str, str]:
    """User and host, though users may have blanks in them and the display may be missing.

    A display that is missing leaves its blank; on Windows it repeats the host, some vendors add a
    number to it after a colon; on Unix it looks like one. Words may follow it. Whatever else is
    there, the last two words are host and display.
    """
    quoted = re.match(r'"([^"]*)" +(.*)', names)
    user, rest = (quoted[1], quoted[2]) if quoted else ("", names)
    bare = names.endswith(" ")  # no display: the blank that would be before it is left
    words = [word for word in rest.split() if not word.startswith("feature=")]
    if quoted:
        return user, words[0] if words else ""
    if bare or len(words) < _WHO:
        words.append("")
    host = _host(words)
    return " ".join(words[:host]), words[host]


def _host(words: list[str]) -> int:
    """Which of `words` is the host; it is never the first."""
    for index in range(1, len(words) - 1):
        host, display = words[index].lower(), words[index + 1].lower()
        same = display == host or display.startswith(f"{host}:")
        if same or _DISPLAY.fullmatch(display):
            return index
    return max(len(words) - 2, 1)


def since(start: str, now: float) -> float | None:
    """When it began, in UTC epoch seconds; lmstat leaves out year and zone.

    The zone is this machine's. The year makes it the most recent past of `now`, unless the day of
    the week says that the clock which wrote it is ahead of `now` by a time zone.
    """
    found = _START.match(start)
    if not found:
        return None
    month, day, hour, minute = map(int, found.groups()[1:])
    named = (found[1] or "").lower()
    this = datetime.fromtimestamp(now).astimezone().year
    for year in range(this + 1, this - _LEAP - 1, -1):
        with suppress(ValueError, OverflowError, OSError):
            moment = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - local, as printed
            at = moment.astimezone().timestamp()
            ahead = _ZONES if named == _DAYS[moment.weekday()] else _SKEW
            if at <= now + ahead:
                return min(at, now)
    return None
