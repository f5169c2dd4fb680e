"""Concurrent licenses in one month: the peak of the sum, what was needed for how long, its days.

Owns the figures of one scope. The arithmetic of peaks and spreads is that of `insights`. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lictui.analysis.peaks import Gauge, Window, aligned
from lictui.analysis.series import Resolution
from lictui.analysis.usage import spread
from lictui.report.days import by_day, day, overdrafts
from lictui.report.values import Day, DaysAbove, Monthly, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from lictui.analysis.peaks import Part
    from lictui.analysis.series import Bucket
    from lictui.report.values import Month


class Scoped(NamedTuple):
    """The servers of one scope in one month."""

    month: Month
    parts: Sequence[Part]
    width: int  # seconds


def summed(scope: Scoped) -> list[Bucket]:
    """The sum at each moment at which every server has a figure."""
    return aligned(scope.parts, scope.width) if scope.parts else []


def monthly(scope: Scoped, sums: Sequence[Bucket]) -> Monthly:
    """The month in one figure: its peak."""
    month, parts, width = scope
    if not sums:
        return Monthly(month.first)
    ends = [part.until for part in parts]
    until = max((end for end in ends if end is not None), default=month.end)
    end = month.end if None in ends else min(month.end, until)
    first = min(part.since for part in parts)
    gauge = Gauge((Window("month", month.start),), first, end - 1)
    gauge.add(sums, width)
    (peak,) = gauge.peaks()
    return Monthly(
        *(month.first, peak.peak, peak.at, peak.installed_then, peak.average, peak.coverage, width),
        at_most=width >= Resolution.DAY and len(parts) > 1,
    )


def usage(sums: Sequence[Bucket]) -> Usage | None:
    """How much was needed for how long."""
    found = spread(sums)
    if found is None:
        return None
    beyond = [
        (bucket.high - bucket.installed, bucket.end - bucket.start)
        for bucket in sums
        if bucket.installed is not None and bucket.high > bucket.installed
    ]
    return Usage(
        found.seconds,
        round(found.p50),
        round(found.p95),
        round(found.p99),
        found.above,
        found.saturated,
        round(max((over for over, _ in beyond), default=0)),
        sum(seconds for _, seconds in beyond),
    )


def daily(scope: Scoped, sums: Sequence[Bucket], zone: tzinfo | None) -> tuple[Day, ...]:
    """Every day of the month, with its peak where there is one."""
    month = scope.month
    granted = overdrafts(month, scope.parts, zone)
    return tuple(
        _day(found, zone, start, granted.get(start)) for start, found in by_day(month, sums, zone)
    )


def _day(found: Sequence[Bucket], zone: tzinfo | None, start: int, overdraft: int | None) -> Day:
    if not found:
        return Day(day(start, zone))
    top = max(found, key=lambda bucket: bucket.high)
    seconds = sum(bucket.end - bucket.start for bucket in found)
    weighted = sum(bucket.average * (bucket.end - bucket.start) for bucket in found)
    return Day(
        day(start, zone),
        round(top.high),
        top.high_at,
        weighted / max(1, seconds),
        top.installed,
        overdraft,
    )


def days_above(
    month: Month,
    sums: Sequence[Bucket],
    zone: tzinfo | None,
    shares: tuple[float, float],
) -> DaysAbove:
    """On how many days warn, critical and all that was installed were reached at any moment."""
    days = [found for _, found in by_day(month, sums, zone) if found]

    def reached(share: float) -> int:
        return sum(any(_at(bucket, share) for bucket in found) for found in days)

    return DaysAbove(reached(shares[0]), reached(shares[1]), reached(1.0), len(days))


def _at(bucket: Bucket, share: float) -> bool:
    return bool(bucket.installed) and bucket.high >= share * (bucket.installed or 0)
