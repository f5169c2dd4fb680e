"""The only module that reads the time or sleeps, so that tests and the demo can set the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

HOUR: Final = 3600  # seconds
DAY: Final = 24 * HOUR


class Clock(Protocol):
    """A source of time, in UTC epoch seconds, and a way to wait."""

    speed: float  # of its seconds, in real ones

    def now(self) -> float:
        """Return UTC epoch seconds: a time stamp. Durations are measured with `monotonic`."""
        ...

    def monotonic(self) -> float:
        """Return seconds since a fixed time, at the speed of this clock; never decreases."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` at the speed of this clock."""
        ...


# Continues while the machine is suspended; `time.monotonic` does so on Windows only.
_BOOT_CLOCK: Final[int | None] = getattr(
    time,
    "CLOCK_BOOTTIME",
    getattr(time, "CLOCK_MONOTONIC", None),  # Linux, macOS and BSD
)


class SystemClock:
    """The system clock; with a `speed` or a `start`, a simulated one."""

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        self.speed = speed
        self._is_real = speed == 1.0 and start is None
        self._started = time.time() if start is None else start
        self._started_monotonic = _elapsed()

    def now(self) -> float:
        """Return UTC epoch seconds; of a simulated clock without corrections of the system's."""
        if self._is_real:
            return time.time()
        return self._started + self.monotonic()

    def monotonic(self) -> float:
        """Return seconds since this clock was created, multiplied by its speed."""
        return (_elapsed() - self._started_monotonic) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` at the speed of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


class PastClock(SystemClock):
    """A clock that stands still in [first, last] until it is moved; waiting takes real time."""

    def __init__(self, at: float, first: float, last: float) -> None:
        super().__init__()
        self._first, self._last = first, last
        self._at = min(max(at, first), last)

    def now(self) -> float:
        """Return the time to which it was moved last."""
        return self._at

    def move(self, seconds: float) -> bool:
        """Move it forward, or back; return whether it was not at the end already."""
        before, self._at = self._at, min(max(self._at + seconds, self._first), self._last)
        return self._at != before


def _elapsed() -> float:
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


_SMALLEST_STEP: Final = 2.0  # seconds; smaller corrections change nothing that anybody sees


class ClockWatch:
    """Notices that somebody set the system clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()

    def step(self) -> float:
        """Return by how many seconds the clock was set forward since the last call, or 0.

        Slow corrections, as of NTP, are followed without notice.
        """
        offset = self._clock.now() - self._clock.monotonic()
        step, self._offset = offset - self._offset, offset
        return step if abs(step) >= _SMALLEST_STEP else 0.0


_FIRST_TIME: Final = -30610224000  # year 1000
_LAST_TIME: Final = 253402300799  # end of year 9999


def iso(timestamp: float) -> str:
    """Return UTC epoch seconds as ISO 8601: `2026-11-24T06:00:00Z`; never raises.

    What no calendar has is shown as its nearest end: one odd value must not hide all others.
    """
    if not _FIRST_TIME <= timestamp <= _LAST_TIME:
        timestamp = _FIRST_TIME if timestamp < 0 else _LAST_TIME
    return datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(timestamp: float, timezone: str = "") -> date:
    """Return the date at `timestamp` (UTC epoch seconds) in an IANA time zone, or the system's."""
    return datetime.fromtimestamp(timestamp, UTC).astimezone(time_zone(timezone)).date()


def time_zone(name: str) -> ZoneInfo | None:
    """Return an IANA time zone that exists; None, the system's, without a name."""
    return ZoneInfo(name) if name else None
