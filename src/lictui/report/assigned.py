"""Assignments in one month: how many at its end, how many came and went. Never a concurrency peak.

Owns the figures of one scope of user/device and named user licenses. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lictui.model import Model
from lictui.report.days import at_ends, by_day, day, overdrafts
from lictui.report.values import Assigned, Day, DaysAbove, Monthly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, tzinfo

    from lictui.analysis.series import Bucket
    from lictui.model import Told
    from lictui.report.concurrent import Scoped

ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)


def daily(scope: Scoped, zone: tzinfo | None) -> tuple[Day, ...]:
    """Every day of the month, with what was assigned at its end where that is known."""
    month, parts, _ = scope
    figures = at_ends(month, parts, zone, lambda bucket: bucket.last)
    installed = at_ends(month, parts, zone, lambda bucket: bucket.installed)
    granted = overdrafts(month, parts, zone)
    return tuple(
        Day(
            day(start, zone),
            figures.get(start),
            None,
            None,
            installed.get(start),
            granted.get(start),
        )
        for start, _ in by_day(month, (), zone)
    )


def monthly(scope: Scoped, days: Sequence[Day], coverage: float) -> Monthly:
    """The month in one figure: what was assigned at the end of the last day that is known."""
    first = scope.month.first
    last = next((each for each in reversed(days) if each.figure is not None), None)
    if last is None:
        return Monthly(first, coverage=coverage)
    ended = [part.buckets[-1].end for part in scope.parts]
    at = min(max(ended), scope.month.end - 1)
    return Monthly(first, last.figure, at, last.installed, None, coverage, scope.width)


def days_above(days: Iterable[Day], shares: tuple[float, float]) -> DaysAbove:
    """On how many days warn, critical and all that was installed were assigned at the end."""
    known = [each for each in days if each.figure is not None]

    def reached(share: float) -> int:
        return sum(bool(d.installed) and d.figure >= share * d.installed for d in known)  # type: ignore[operator]

    return DaysAbove(reached(shares[0]), reached(shares[1]), reached(1.0), len(known))


def moves(
    buckets: Mapping[str, Sequence[Bucket]], before: Mapping[str, int], at_start: int | None
) -> Assigned:
    """What came and went, from the differences between readings: at least so many of each.

    `before` is what a server had at the end of the month before.
    """
    newly = released = 0
    for server, found in buckets.items():
        values = [round(bucket.last) for bucket in found]
        values[:0] = [before[server]] if server in before else []
        for earlier, later in pairwise(values):
            newly += max(0, later - earlier)
            released += max(0, earlier - later)
    return Assigned(at_start, newly if buckets else None, released if buckets else None, told=False)


def told_of(months: Iterable[Sequence[Told]], first: date) -> Told | None:
    """What the source told of all these pools in that month, added up; None unless of every one."""
    found = [next((each for each in pool if _month(each) == first), None) for pool in months]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None

    def total(figures: Iterable[int | None]) -> int | None:
        values = list(figures)
        there = [value for value in values if value is not None]
        return sum(there) if len(there) == len(values) else None

    return type(known[0])(
        known[0].key,
        known[0].at,
        total(each.in_use for each in known),
        total(each.installed for each in known),
        total(each.newly for each in known),
        total(each.released for each in known),
    )


def _month(told: Told) -> date:
    return datetime.fromtimestamp(told.at, UTC).date().replace(day=1)
