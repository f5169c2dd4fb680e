"""The content of a chart as one frozen value, and its geometry. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from lictui.model import Level, MonthlyUsage, Reading
from lictui.tui.time_range import RangeLength, ticks

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from lictui.analysis.series import Bucket

_HALF_A_MONTH: Final = 15 * 86400  # seconds; a monthly value is drawn in the middle of its month


@dataclass(frozen=True, slots=True)
class LevelSegment:
    """A constant level from one time to another."""

    start: int
    end: int
    y: float


class MarkKind(IntEnum):
    """Kind of an event mark; of several in one column the first is drawn."""

    REMOVED = 0  # licenses removed
    LICENSES = 1  # licenses added, renewed, changed
    EXPIRY = 2  # licenses expire on that day
    SERVER_DOWN = 3  # server
    ACTIVATION = 4
    VERSION = 5
    CERTIFICATE = 6
    NOTICE = 7
    SERVER_UP = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """An event, past or expected."""

    time: float
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """The forecast of one day."""

    start: int
    end: int
    expected: float
    low: float
    high: float
    installed: int | None  # on that day, without what has expired


@dataclass(frozen=True, slots=True)
class ChartView:
    """Everything the chart draws."""

    buckets: tuple[Bucket, ...] = ()
    start: int = 0
    end: int = 1  # exclusive
    length: RangeLength = RangeLength.WEEK
    tz: ZoneInfo | None = None
    assigned: bool = False  # draw the last value of a bucket, not its maximum
    warn: float = 0.8  # ratios
    critical: float = 0.9
    cursor: int | None = None  # index of the bucket under the cursor
    note: str = ""  # shown instead of a chart
    monthly_usage: tuple[
        MonthlyUsage, ...
    ] = ()  # monthly values of the source, drawn where nothing was recorded
    previous: tuple[Bucket, ...] = ()  # the previous period, moved into this one
    previous_label: str = ""  # name of the previous period
    forecast: tuple[ForecastDay, ...] = ()  # forecast days up to `end`
    marks: tuple[Mark, ...] = ()

    def value(self, bucket: Bucket) -> float:
        """Return the value of a bucket that is drawn."""
        return bucket.last if self.assigned else bucket.high

    def level(self, bucket: Bucket) -> Level:
        """Return the level at that value."""
        reading = Reading(round(self.value(bucket)), bucket.installed, bucket.overdraft)
        return reading.level(self.warn, self.critical)

    @property
    def top(self) -> int:
        """The upper end of the value axis, a little above everything that is drawn."""
        tallest = max(
            max(
                (
                    max(self.value(bucket), (bucket.installed or 0) + (bucket.overdraft or 0))
                    for bucket in self.buckets
                ),
                default=0,
            ),
            *(y for _, y in self.monthly_points()),
            *map(self.value, self.previous),
            *(max(day.high, day.installed or 0) for day in self.forecast),
            0,
        )
        return max(1, ceil(tallest * 1.08))

    @property
    def label_width(self) -> int:
        """Columns of the widest label of the value axis."""
        return len(f"{self.top:,}") if self.buckets or self.monthly_points() else 1

    def monthly_points(self) -> tuple[tuple[int, int], ...]:
        """Return the source's monthly values before the first reading, for a year's chart."""
        if self.length is not RangeLength.YEAR:
            return ()
        first = self.buckets[0].start if self.buckets else self.end
        return tuple(
            (min(int(month.month_start) + _HALF_A_MONTH, first - 1), month.in_use)
            for month in self.monthly_usage
            if month.in_use is not None and self.start <= month.month_start < first
        )

    def value_ticks(self, height: int) -> tuple[int, ...]:
        """Return round values for the value axis, some rows apart."""
        unit = 1
        while True:
            for step in (unit, 2 * unit, 5 * unit):
                if self.top // step <= max(1, height // 4):
                    return tuple(range(0, self.top + 1, step))
            unit *= 10

    def time_ticks(self, columns: int) -> tuple[tuple[int, str], ...]:
        """Return round times for the time axis, as many as fit."""
        return ticks(self.start, self.end, self.length, self.tz, columns)

    def recorded_runs(self) -> tuple[tuple[Bucket, ...], ...]:
        """Return the buckets, split at gaps."""
        if not self.buckets:
            return ()
        gaps = [
            index
            for index, (before, after) in enumerate(pairwise(self.buckets), start=1)
            if after.start > before.end
        ]
        bounds = [0, *gaps, len(self.buckets)]
        return tuple(self.buckets[left:right] for left, right in pairwise(bounds))

    def level_segments(self, share: float, *, overdraft: bool = False) -> tuple[LevelSegment, ...]:
        """Return the level of a share of installed; it steps when licenses change."""
        segments: list[LevelSegment] = []
        capacities: list[tuple[int, int, int | None, int | None]] = [
            (it.start, it.end, it.installed, it.overdraft) for it in self.buckets
        ]
        capacities += [(day.start, day.end, day.installed, None) for day in self.forecast]
        for start, end, installed, overdraft_then in capacities:
            if installed is None or (overdraft and not overdraft_then):
                continue
            y = installed * share + (overdraft_then or 0 if overdraft else 0)
            if segments and segments[-1].y == y:
                segments[-1] = LevelSegment(segments[-1].start, end, y)
            else:
                segments.append(LevelSegment(start, end, y))
        return tuple(segments)

    def previous_bucket(self) -> Bucket | None:
        """Return the bucket of the previous period under the cursor."""
        if self.cursor is None:
            return None
        bucket = self.buckets[self.cursor]
        middle = (bucket.start + bucket.end) / 2
        return next((each for each in self.previous if each.start <= middle < each.end), None)

    def marks_at_cursor(self, columns: int) -> tuple[Mark, ...]:
        """Return the marks under the cursor, for an axis of so many columns."""
        if self.cursor is None:
            return ()
        bucket, column = self.buckets[self.cursor], (self.end - self.start) / max(1, columns)
        middle = (bucket.start + bucket.end) / 2
        reach = max((bucket.end - bucket.start) / 2, column)
        marks = (mark for mark in self.marks if abs(mark.time - middle) <= reach)
        return tuple(sorted(marks, key=lambda mark: (mark.kind, mark.time)))

    def position(self, at: float) -> float:
        """Return the position of a time on the time axis, 0 to 1."""
        return (at - self.start) / (self.end - self.start)
