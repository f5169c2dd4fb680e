"""A month day by day, as days begin and end where the user is, daylight saving included. Pure.

Owns which bucket belongs to which day, and what held at a day's end. Must not know models.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from lictui.analysis.series import day_of, days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, tzinfo

    from lictui.analysis.peaks import Part
    from lictui.analysis.series import Bucket
    from lictui.report.values import Month


def day(start: int, zone: tzinfo | None) -> date:
    """The day that begins at `start`."""
    return day_of(start, zone)


def by_day(
    month: Month, buckets: Sequence[Bucket], zone: tzinfo | None
) -> Iterator[tuple[int, Sequence[Bucket]]]:
    """Every day of the month by its first moment, and the buckets that begin in it."""
    for start, end in pairwise(days(month.start, month.end, zone)):
        first = bisect_left(buckets, start, key=_start)
        yield start, buckets[first : bisect_left(buckets, end, first, key=_start)]


def _start(bucket: Bucket) -> int:
    return bucket.start


def at_ends(
    month: Month,
    parts: Sequence[Part],
    zone: tzinfo | None,
    figure: Callable[[Bucket], float | None],
) -> dict[int, int]:
    """What the servers came to at the end of each day, by its first moment.

    Only days on which every server that is expected then has a figure.
    """
    bounds = list(pairwise(days(month.start, month.end, zone)))
    sums = dict.fromkeys((start for start, _ in bounds), 0.0)
    for part in parts:
        for (start, end), (_, found) in zip(bounds, by_day(month, part.buckets, zone), strict=True):
            if part.since >= end or (part.until is not None and part.until < end):
                continue  # what was gone at the day's end counts no longer
            value = figure(found[-1]) if found else None
            if value is None:
                sums.pop(start, None)
            elif start in sums:
                sums[start] += value
    expected = [(part.since, part.until) for part in parts]
    return {
        start: round(sums[start])
        for start, end in bounds
        if start in sums
        and any(since < end and (until is None or until >= end) for since, until in expected)
    }


def overdrafts(month: Month, parts: Sequence[Part], zone: tzinfo | None) -> dict[int, int]:
    """The overdraft at the end of each day; an unknown one counts as none where another is."""
    if not any(bucket.overdraft is not None for part in parts for bucket in part.buckets[-1:]):
        return {}
    return at_ends(month, parts, zone, lambda bucket: bucket.overdraft or 0)
