"""The time range of a chart: its length, moving back and forth, its buckets and ticks.

Times are UTC epoch seconds; a time zone matters only for calendar days and labels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import day_of, day_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_BUCKETS: Final = tuple(
    minutes * 60 for minutes in (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720)
) + tuple(days * _DAY for days in (1, 2, 7))


class RangeLength(Enum):
    """Length of a time range, in seconds."""

    DAY = _DAY
    WEEK = 7 * _DAY
    MONTH = 30 * _DAY
    YEAR = 365 * _DAY


_LENGTHS: Final = tuple(RangeLength)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A time range that ends `offset` lengths before now."""

    length: RangeLength = RangeLength.WEEK
    offset: int = 0  # 0 follows the present

    def longer(self, step: int = 1) -> TimeRange:
        """Return the next longer (with -1 shorter) range up to now, if there is one."""
        index = _LENGTHS.index(self.length) + step
        return TimeRange(_LENGTHS[min(max(index, 0), len(_LENGTHS) - 1)])

    def shorter(self) -> TimeRange:
        return self.longer(-1)

    def earlier(self) -> TimeRange:
        return replace(self, offset=self.offset + 1)

    def later(self) -> TimeRange:
        return replace(self, offset=max(0, self.offset - 1))

    def bounds(self, now: float, bucket: int) -> tuple[int, ...]:
        """Return the boundaries of buckets that show the whole length up to now.

        The last bucket contains now, and the first one begins one length before.
        """
        end = (int(now) // bucket + 1) * bucket
        unit = min(bucket, _HOUR)
        start = (int(now) - self.length.value) // unit * unit
        back = self.offset * self.length.value
        inner = range((start // bucket + 1) * bucket, end + 1, bucket)
        return tuple(boundary - back for boundary in (start, *inner))

    def days(self, now: float, count: int, tz: ZoneInfo | None) -> tuple[int, ...]:
        """Return the boundaries of buckets of `count` calendar days: midnights in `tz`.

        Weeks start on Mondays. Counted from a fixed origin, so that a day stays in its bucket
        as time passes.
        """
        days = self.length.value // _DAY
        today = day_of(now, tz).toordinal() - self.offset * days
        end = today + 1 + -today % count  # ordinal 1 was a Monday
        ordinals = range(end - days // count * count, end + 1, count)
        return tuple(day_start(date.fromordinal(ordinal), tz) for ordinal in ordinals)

    @classmethod
    def containing(cls, at: float, now: float, length: RangeLength = RangeLength.DAY) -> TimeRange:
        return cls(length, max(0, int((now - at) // length.value)))


def bucket_seconds(length: RangeLength, columns: int, interval: float) -> int:
    """Return the bucket width: at most two buckets per column, at least two polls per bucket.

    With fewer polls the jitter of the polls alone could leave a bucket empty, and an empty bucket
    must mean that no poll succeeded.
    """
    minimum = max(length.value / max(1, 2 * columns), 2 * interval)
    return next((bucket for bucket in _BUCKETS if bucket >= minimum), _BUCKETS[-1])


def time_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with this IANA name; None means the system's."""
    if not name:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only for who sets a zone

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def to_local(at: float, tz: ZoneInfo | None) -> datetime:
    """Return the local time of `at` in `tz`."""
    return datetime.fromtimestamp(at, UTC).astimezone(tz)


def format_moment(
    at: float, tz: ZoneInfo | None, today: date | None = None, *, year: bool = False
) -> str:
    """Return a time such as `Tue 24 Nov 10:40`, with its year if that is not the one of `today`.

    With `year`, return the day with its year, without the time.
    """
    local_time = to_local(at, tz)
    years = "%Y" if year else "%Y %H:%M"
    if not year and (today is None or local_time.year == today.year):
        years = "%H:%M"
    return local_time.strftime(f"%a {local_time.day} %b {years}")


def format_timestamp(at: float, tz: ZoneInfo | None, today: date) -> str:
    """Return a time for a list column: `24 Nov 10:40`, `24 Nov 2025` in another year."""
    local_time = to_local(at, tz)
    form = "%b %H:%M" if local_time.year == today.year else "%b %Y"
    return f"{local_time.day:2} {local_time.strftime(form)}"


def ticks(
    start: int, end: int, length: RangeLength, tz: ZoneInfo | None, columns: int
) -> tuple[tuple[int, str], ...]:
    """Return round local times within the range, with labels that fit into `columns`."""
    for unit, count, form in _STEPS[length]:
        labels = tuple(
            (int(at.timestamp()), at.strftime(form.format(day=at.day)))
            for at in _round_times(to_local(start, tz), end, unit, count)
            if at.timestamp() >= start
        )
        if sum(len(label) + 2 for _, label in labels) <= columns:
            return labels
    return ()


class _Unit(Enum):
    HOUR = timedelta(hours=1)
    DAY = timedelta(days=1)
    MONTH = None  # without a fixed length


_STEPS: Final = {
    RangeLength.DAY: tuple((_Unit.HOUR, hours, "%H:%M") for hours in (2, 3, 4, 6, 12)),
    RangeLength.WEEK: (
        (_Unit.DAY, 1, "%a {day} %b"),
        (_Unit.DAY, 1, "%a {day}"),
        (_Unit.DAY, 2, "%a {day}"),
    ),
    RangeLength.MONTH: tuple((_Unit.DAY, days, "{day} %b") for days in (2, 7, 14)),
    RangeLength.YEAR: (
        (_Unit.MONTH, 1, "%b %Y"),
        *((_Unit.MONTH, months, "%b") for months in (1, 2, 3, 6)),
    ),
}


def _round_times(first: datetime, end: int, unit: _Unit, count: int) -> Iterator[datetime]:
    """Yield every `count`-th hour, midnight or first of a month in local time, from before `first`.

    Counted from a fixed origin, so that the ticks keep their places as time passes.
    """
    at = first.replace(hour=0, minute=0, second=0, microsecond=0)
    month = at.year * 12 + at.month - 1
    month -= month % count
    match unit:
        case _Unit.MONTH:
            at = _with_current_offset(at.replace(year=month // 12, month=month % 12 + 1, day=1))
        case _Unit.DAY:
            at = _with_current_offset(at - timedelta(days=(at.toordinal() - 1) % count))
        case _Unit.HOUR:
            pass  # the counts divide a day
    while at.timestamp() < end:
        yield at
        if unit.value is None:
            month += count
            at = _with_current_offset(at.replace(year=month // 12, month=month % 12 + 1))
        else:
            at = _with_current_offset(at + unit.value * count)


def _with_current_offset(at: datetime) -> datetime:
    """Find the system zone's offset anew: it changes with daylight saving time."""
    import zoneinfo  # noqa: PLC0415 - as above

    return at if isinstance(at.tzinfo, zoneinfo.ZoneInfo) else at.replace(tzinfo=None).astimezone()
