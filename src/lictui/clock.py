"""The only room that may look at the time or sleep.

Owns the clock everything else is given. Must not know who asks. Times are UTC epoch seconds.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    """What the time is, and how to wait for it to pass."""

    def now(self) -> float:
        """UTC epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment, of this clock's own length; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of this clock's own length."""
        ...


class SystemClock:
    """The machine's clock; with `speed` above 1 a simulated one that started at the real now."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._started = time.time()
        self._started_monotonic = time.monotonic()

    def now(self) -> float:
        """UTC epoch seconds; follows the system's own corrections only at speed 1."""
        if self.speed == 1.0:
            return time.time()
        return self._started + self.monotonic()

    def monotonic(self) -> float:
        """Seconds since this clock was made, times its speed."""
        return (time.monotonic() - self._started_monotonic) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` as this clock counts them."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


def iso(at: float) -> str:
    """UTC epoch seconds as the contract writes them: `2026-11-24T06:00:00Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(at: float, timezone: str = "") -> date:
    """The calendar day at `at` (UTC epoch seconds) in an IANA zone, or in the system's."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - the first frame seldom needs a zone

    zone = ZoneInfo(timezone) if timezone else None
    return datetime.fromtimestamp(at, UTC).astimezone(zone).date()
