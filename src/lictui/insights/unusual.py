"""What is unusual about today: far from what the same weekday was like in the last weeks.

Owns how far is far. Pure: must not know where figures come from, nor who is told.
"""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from lictui.insights.breaks import sigma

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time

WEEKS: Final = 12  # that are looked back
LEAST: Final = 5  # same weekdays among them, to know what is usual
_SIGMA: Final = 4.0  # from the median
_RELATIVE: Final = 0.15  # of the median; a dozen days that happened to be alike prove little
_ABSOLUTE: Final = 5.0  # licenses: a handful of people is no news
_USUAL: Final = 2.0  # sigma that are called usual
_WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


def unusual(
    figures: Mapping[date, float], today: date, figure: float, until: time | None = None
) -> str | None:
    """A sentence if `figure` is not what this weekday usually brings, None if it is or who knows.

    `figures` of past days must be comparable: each the most until the same hour as `until`, the
    local time it is now, or of the whole day where that is None.
    """
    days = (today - timedelta(weeks=week) for week in range(1, WEEKS + 1))
    before = [figures[day] for day in days if day in figures]
    if len(before) < LEAST:
        return None
    middle = median(before)
    spread = sigma([each - middle for each in before])
    if abs(figure - middle) <= max(_SIGMA * spread, _RELATIVE * middle, _ABSOLUTE):
        return None
    low = max(min(before), middle - _USUAL * spread)
    high = min(max(before), middle + _USUAL * spread)
    usual = f"{low:,.0f}" if round(low) == round(high) else f"{low:,.0f} to {high:,.0f}"
    by = f" by {until:%H:%M}" if until else ""
    return f"unusual for a {_WEEKDAYS[today.weekday()]}: {figure:,.0f}{by}, usually {usual}"
