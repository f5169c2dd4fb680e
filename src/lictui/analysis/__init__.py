"""Pure functions on usage over time: aligned sums, peaks, statistics, trend and forecast.

The package itself offers the values that everything draws and sums. What start-up does not need is
imported from its module: `peaks`, `usage`, `assignments`, `trend` and `forecast`.
"""

from lictui.analysis.aligned import ALIGNMENT, ServerSeries, aligned_sum
from lictui.analysis.series import (
    BackfillRow,
    Bucket,
    Resolution,
    Series,
    SeriesQuery,
    day_of,
    day_start,
    first_of_month,
    next_month,
    rebucket,
)

__all__ = [
    "ALIGNMENT",
    "BackfillRow",
    "Bucket",
    "Resolution",
    "Series",
    "SeriesQuery",
    "ServerSeries",
    "aligned_sum",
    "day_of",
    "day_start",
    "first_of_month",
    "next_month",
    "rebucket",
]
