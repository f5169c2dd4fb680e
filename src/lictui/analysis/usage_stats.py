"""Statistics over the time of a series: percentiles, time above shares of installed, heat map.

They are meant for series by five minutes: an entry counts with its whole length and its maximum.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.usage import USAGE_SHARES, HeatMatrix, Period, UsageStats

_CURVE_STEPS: Final = 20

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from lictui.analysis.columns import BoolArray, IntArray, Series


def usage_stats(series: Series) -> UsageStats | None:
    """Return the statistics of a series; None without entries.

    The percentile p is the lowest figure that was not exceeded for p of the time.
    """
    if not len(series):
        return None
    seconds = series.seconds
    by_height = np.argsort(series.high, kind="stable")
    elapsed = np.cumsum(seconds[by_height])
    total = int(elapsed[-1])
    ranks = np.searchsorted(elapsed, np.array((0.5, 0.95, 0.99)) * total)
    p50, p95, p99 = series.high[by_height[ranks]].tolist()
    known = ~np.isnan(series.installed)
    (peak,) = series.merged(np.zeros_like(series.start), series.end).buckets
    return UsageStats(
        total,
        float((series.average * seconds).sum() / max(1, total)),
        p50,
        p95,
        p99,
        peak.high,
        peak.high_at,
        peak.installed,
        tuple(
            (share, int(seconds[reaches(series, share)].sum()) if known.any() else None)
            for share in USAGE_SHARES
        ),
        _longest_saturation(series),
        bound=not series.exact,
        peak_is_bound=peak.bound,
        start=int(series.start[0]),
        is_partial=bool(not known.all()),
    )


def usage_curve(series: Series) -> tuple[tuple[int, int], ...]:
    """Return even steps up to the peak, each with the seconds at or above that quantity."""
    peak = int(series.high.max(initial=0))
    quantities = sorted({-(-peak * step // _CURVE_STEPS) for step in range(1, _CURVE_STEPS + 1)})
    return tuple((n, int(series.seconds[series.high >= n].sum())) for n in quantities if n)


def reaches(series: Series, share: float) -> BoolArray:
    """Return which entries reach a share of what was installed then; none where that is 0."""
    return (series.installed > 0) & (series.high >= share * series.installed)


def days_reaching(series: Series, bounds: Sequence[int], share: float) -> int:
    """Return on how many of the days between the bounds a share of installed was reached."""
    start = series.start[reaches(series, share)]
    day = np.searchsorted(np.asarray(bounds), start, side="right")
    return len(np.unique(day[(day > 0) & (day < len(bounds))]))


def excess(series: Series) -> tuple[int, int]:
    """Return how many more than installed were in use at most, and for how many seconds."""
    over = np.nan_to_num(series.high - series.installed, nan=0.0)
    return int(over.max(initial=0.0)), int(series.seconds[over > 0].sum())


def _longest_saturation(series: Series) -> Period | None:
    """Return the longest time without a free license; a gap ends it."""
    full = np.flatnonzero(reaches(series, 1.0))
    if not len(full):
        return None
    follows = (np.diff(full) == 1) & (series.start[full[1:]] == series.end[full[:-1]])
    first = np.flatnonzero(~np.concatenate(([False], follows)))
    last = np.append(first[1:], len(full)) - 1
    start, end = series.start[full[first]], series.end[full[last]]
    longest = int(np.argmax(end - start))
    return Period(int(start[longest]), int(end[longest]))


# Heat map: usage by hour and weekday


_CELLS: Final = 7 * 24
_QUARTER: Final = 900  # seconds: clocks change at whole quarters of an hour


def heat_matrix(series: Series, zone: tzinfo | None) -> HeatMatrix:
    """Return the matrix of entries of an hour or less, in `zone` (None: the system's)."""
    hour = _local_hours(series.start, zone)
    order = np.argsort(hour, kind="stable")
    hour = hour[order]
    first = np.flatnonzero(np.diff(hour, prepend=-1))
    high = np.maximum.reduceat(series.high[order], first) if len(first) else series.high
    cell = hour[first] % _CELLS
    weeks = np.bincount(cell, minlength=_CELLS)
    total = np.bincount(cell, weights=high, minlength=_CELLS)
    peak = np.zeros(_CELLS)
    np.maximum.at(peak, cell, high)
    rows = range(0, _CELLS, 24)
    counts: list[int] = weeks.tolist()
    average = [value / n if n else None for value, n in zip(total, counts, strict=True)]
    highest = [value if n else None for value, n in zip(peak.tolist(), counts, strict=True)]
    return HeatMatrix(
        tuple(tuple(average[row : row + 24]) for row in rows),
        tuple(tuple(highest[row : row + 24]) for row in rows),
        tuple(tuple(counts[row : row + 24]) for row in rows),
    )


def _local_hours(times: IntArray, zone: tzinfo | None) -> IntArray:
    """Return the hours of the wall clock since a Monday."""
    quarters, index = np.unique(times // _QUARTER, return_inverse=True)
    local = (datetime.fromtimestamp(q * _QUARTER, UTC).astimezone(zone) for q in quarters.tolist())
    hours = np.fromiter(((t.toordinal() - 1) * 24 + t.hour for t in local), np.int64)
    return hours[index]
