"""What is unusual about today: far from what the same weekday was like in the last weeks.

Owns how far is far. Pure: must not know where figures come from, nor who is told.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from lictui.insights.breaks import sigma
from lictui.insights.calendar import begins, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, tzinfo

    from lictui.insights.series import Bucket

WEEKS: Final = 12  # that are looked back
LEAST: Final = 5  # same weekdays among them, to know what is usual
_SIGMA: Final = 4.0  # from the median
_RELATIVE: Final = 0.15  # of the median; a dozen days that happened to be alike prove little
_ABSOLUTE: Final = 5.0  # licenses: a handful of people is no news
_USUAL: Final = 2.0  # sigma that are called usual
_MOVED: Final = 0.02  # of what is assigned: fewer that come or go in a day are no news
_HOUR: Final = 3600
_GAP: Final = 3 * _HOUR  # from the last figure of a day to the first of the next, at most
_FEW: Final = 10  # of so many hours of today, one may be missing on a day before
_WEEKDAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)


def unusual(
    figures: Mapping[date, float],
    today: date,
    figure: float,
    until: time | None = None,
    *,
    moved: bool = False,
    bound: bool = False,
) -> str | None:
    """A sentence if `figure` is not what this weekday usually brings, None if it is or who knows.

    `figures` of past days must be comparable: each the most until the same hour as `until`, the
    local time it is now, or of the whole day where that is None. With `moved` they are not what
    was in use, but how many more were assigned than the day before.
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
    most = "up to " if bound else ""
    shown = f"{figure:+,.0f} assigned" if moved else f"{most}{figure:,.0f}"
    return f"unusual for a {_WEEKDAYS[today.weekday()]}: {shown}{by}, usually {usual}"


def unusual_today(
    hours: Iterable[Bucket],
    now: float,
    zone: tzinfo | None,
    *,
    assigned: bool = False,
    bound: bool = False,
) -> str | None:
    """The same, of the hours of the last weeks in order of time; `now` in UTC epoch seconds.

    Only hours that are over count: in the morning a part of one says little. What was not read
    today is not asked of the days before, and a day that lacks what was read today says nothing.
    Of what is `assigned` the change since midnight counts, not how many there are by now. The most
    of an hour is but a `bound` where it is the sum of several pools' own.
    """
    today = day_of(now, zone)
    days, before = _by_day(hours, today, now, zone)
    mine = days.pop(today, {})
    if not mine:
        return None
    figures = {}
    for day, known in ((today, mine), *days.items()):
        same = mine.keys() & known.keys()
        if not same or (len(mine) - len(same)) * _FEW > len(mine):
            continue
        if not assigned:
            figures[day] = max(known[hour].high for hour in same)
        elif day in before:
            figures[day] = known[max(same)].last - before[day]
    shown = figures.pop(today, None)
    if shown is None or (assigned and abs(shown) < _MOVED * mine[max(mine)].last):
        return None
    return unusual(figures, today, shown, time(max(mine) + 1), moved=assigned, bound=bound)


def _by_day(
    hours: Iterable[Bucket], today: date, now: float, zone: tzinfo | None
) -> tuple[dict[date, dict[int, Bucket]], dict[date, float]]:
    """The full hours of this weekday by its hours of the wall clock, and the last figure before."""
    wanted = {today - timedelta(weeks=week) for week in range(WEEKS + 1)}
    first = begins(min(wanted), zone) - _GAP
    days: dict[date, dict[int, Bucket]] = defaultdict(dict)
    before: dict[date, float] = {}
    last: Bucket | None = None
    for each in hours:
        if each.start < first or each.end - each.start > _HOUR or each.end > now:
            continue
        here = datetime.fromtimestamp(each.start, UTC).astimezone(zone)
        day = here.date()
        if day in wanted:
            if day not in days and last is not None and each.start - last.end <= _GAP:
                before[day] = last.last
            same = days[day].get(here.hour)  # twice an hour, when clocks go back
            days[day][here.hour] = each if same is None or each.high >= same.high else same
        last = each
    return days, before
