"""A series that grows over the weeks, for forecasts."""

from __future__ import annotations

from tests.support.clock import START

from lictui.analysis.series import Bucket, Series, SeriesQuery

_DAY = 86400


def growing_series(question: SeriesQuery) -> Series:
    """Office hours of working days; some licenses more every day, 2,600 of 3,000 today."""
    step = question.width or 300
    buckets = []
    for start in range(question.start // step * step, min(question.end, int(START) + 1), step):
        day, hour = start // _DAY, start % _DAY // 3600
        busy = (day + 3) % 7 < 5 and (step >= _DAY or 7 <= hour < 18)  # day 0 was a Thursday
        level = 2600 - (int(START) // _DAY - day) * 4 + day * 7 % 5 * 10
        high = round(level if busy else level / 4)
        buckets.append(Bucket(start, start + step, high, high, high, start, high, 3000, 300, 4))
    return Series(tuple(buckets), step)
