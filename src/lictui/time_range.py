"""The time range of a chart: a calendar period, its neighbors and its buckets.

Times are UTC epoch seconds; a time zone matters for calendar periods and labels.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.analysis.series import day_bounds, day_of, day_start, first_of_month, next_month
from lictui.clock import DAY, HOUR

if TYPE_CHECKING:
    from datetime import tzinfo

_MINUTES: Final = (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720)
_BUCKETS: Final = (*(minutes * 60 for minutes in _MINUTES), DAY, 2 * DAY, 7 * DAY)


class RangeLength(Enum):
    """Length of a time range, in seconds; months and years differ from it a little."""

    HOURS = 6 * HOUR  # a quarter of a day: only charts have it
    DAY = 24 * HOUR
    WEEK = 7 * DAY
    MONTH = 30 * DAY
    YEAR = 365 * DAY

    def longer(self, step: int = 1) -> RangeLength:
        """Return the next longer (with -1 shorter) length, if there is one."""
        lengths = tuple(RangeLength)
        return lengths[min(max(lengths.index(self) + step, 0), len(lengths) - 1)]


class TimeRange(Struct, frozen=True):
    """A calendar period in the user's time zone: the one of the moment `at`."""

    length: RangeLength = RangeLength.WEEK
    at: float | None = None  # None follows the present
    recent: bool = False  # the seven days up to today instead of a calendar week

    def moved(self, count: int, now: float, tz: tzinfo | None) -> TimeRange:
        """Return the period so many periods later at the same wall-clock time, up to now."""
        local = to_local(now if self.at is None else self.at, tz).replace(tzinfo=None)
        if self.length.value < RangeLength.MONTH.value:
            local += timedelta(seconds=count * self.length.value)
        else:
            months = count * (12 if self.length is RangeLength.YEAR else 1)
            year, month = divmod(max(1970 * 12, local.year * 12 + local.month - 1 + months), 12)
            last = monthrange(year, month + 1)[1]
            local = local.replace(year=year, month=month + 1, day=min(local.day, last))
        at = max(0.0, from_local(local, tz))
        return TimeRange(self.length, at if at < now else None)

    def days(self, now: float, tz: tzinfo | None) -> tuple[date, date]:
        """Return its first day, and the day after its last."""
        day = day_of(now if self.at is None else self.at, tz)
        match self.length:
            case RangeLength.WEEK:
                first = day - timedelta(days=6 if self.recent else day.weekday())
                return first, first + timedelta(days=7)
            case RangeLength.MONTH:
                return first_of_month(day), next_month(day)
            case RangeLength.YEAR:
                return date(day.year, 1, 1), date(day.year + 1, 1, 1)
        return day, day + timedelta(days=1)

    def period(self, now: float, tz: tzinfo | None) -> tuple[int, int]:
        """Return its start and its end, exclusive."""
        start, end = (day_start(day, tz) for day in self.days(now, tz))
        if self.length is RangeLength.HOURS:
            hour = to_local(now if self.at is None else self.at, tz).hour // 6 * 6
            noon = datetime.combine(day_of(start, tz), time(12))
            hours = (timedelta(hours=hour - 12), timedelta(hours=hour - 6))
            start, end = (int(from_local(noon + ahead, tz)) for ahead in hours)
        return start, end

    def bounds(self, now: float, bucket: int, tz: tzinfo | None) -> tuple[int, ...]:
        """Return the boundaries of its buckets, counted from midnight or from Mondays.

        On the days on which clocks change the last bucket is shorter or longer than the others.
        Ordinal 1 of Python's calendar was a Monday.
        """
        start, end = self.period(now, tz)
        midnights = day_bounds(start, end, tz)
        if bucket >= DAY:
            count = bucket // DAY
            inner = [at for at in midnights if not (day_of(at, tz).toordinal() - 1) % count]
        else:
            days = pairwise(midnights)
            inner = [at for day, following in days for at in range(day, following, bucket)]
        return tuple(sorted({start, *(at for at in inner if start < at < end), end}))

    def is_current(self, now: float, tz: tzinfo | None) -> bool:
        """Whether the present is in it."""
        start, end = self.period(now, tz)
        return start <= now < end


def bucket_seconds(length: RangeLength, columns: int, interval: float) -> int:
    """Return the bucket width: at most two buckets per column, at least two polls per bucket.

    With fewer polls the jitter of the polls alone could leave a bucket empty, and an empty bucket
    must mean that no poll succeeded.
    """
    minimum = max(length.value / max(1, 2 * columns), 2 * interval)
    return next((bucket for bucket in _BUCKETS if bucket >= minimum), _BUCKETS[-1])


def to_local(at: float, tz: tzinfo | None) -> datetime:
    """Return the local time of `at` in `tz`."""
    return datetime.fromtimestamp(at, UTC).astimezone(tz)


def from_local(local: datetime, tz: tzinfo | None) -> float:
    """Return the time of a wall clock, which has no time zone of its own, in `tz`."""
    return (local.replace(tzinfo=tz) if tz else local.astimezone()).timestamp()


def format_moment(
    at: float, tz: tzinfo | None, today: date | None = None, *, year: bool = False
) -> str:
    """Return a time such as `Tue 24 Nov 10:40`, with its year if that is not the one of `today`.

    With `year`, return the day with its year, without the time.
    """
    local = to_local(at, tz)
    years = "" if today is None or local.year == today.year else "%Y "
    return local.strftime(f"%a {local.day} %b {'%Y' if year else f'{years}%H:%M'}")


def format_timestamp(at: float, tz: tzinfo | None, today: date) -> str:
    """Return a time for a list column: `24 Nov 10:40`, `24 Nov 2025` in another year."""
    local = to_local(at, tz)
    return f"{local.day:2} {local:{'%b %H:%M' if local.year == today.year else '%b %Y'}}"
