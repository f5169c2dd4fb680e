"""What is remembered of an alert from poll to poll, and what people have said to it.

Owns these frozen values, which the monitor decides on, the history keeps and the screen shows. Must
not know when an alert is raised. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from lictui.words import AlertKind, Happening, Level  # noqa: TC001 - read at run time by the codec


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What tells one alert from every other."""

    server: str
    kind: AlertKind
    product: str = ""  # "" when the server as a whole is meant
    about: str = ""  # which of several: dates of a pool, the title of a notice


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert, from the first poll that found its cause until it is cleared."""

    who: Identity
    level: Level
    message: str
    since: float | None = None  # when its cause was first seen
    ratio: float | None = None  # in use / installed, of usage alone
    group: str = ""  # of the server
    seen: int = 0  # polls in a row that found it, until it is raised
    wanted: int = 1  # and how many it takes
    raised: float | None = None  # when it was; None while it is not
    said: float | None = None  # when it was last spoken of
    rising: int = 0  # polls in a row that found it worse than its level
    falling: int = 0  # and better
    clear: int = 0  # polls in a row that did not find it
    counted: float | None = None  # the poll that was counted last


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said to an alert: it is known (until it clears), or not before a time."""

    by: str
    at: float
    until: float | None = None  # of a snooze; None: acknowledged

    def holds(self, now: float) -> bool:
        """Whether it still silences at `now`."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that happened to an alert; `standing` is how it is after it, or was before."""

    what: Happening
    at: float
    standing: Standing
    before: Level = Level.OK  # the level until then, of `worse` and `better`
