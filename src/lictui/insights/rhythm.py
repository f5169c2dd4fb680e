"""The week's rhythm in daily figures: which weekdays are worked on, and each one's usual share.

Owns what a week is like. Pure: must not know trends. Days are proleptic ordinals; `day % 7` is a
weekday and `day // 7` a week, whichever day they begin with.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean, median, pvariance
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Point = tuple[float, float]  # day, figure

_BUSY: Final = 0.6  # of the busiest weekday's median: below, a weekday is one of rest
_LEAST_SHARE: Final = 0.1  # of a week's average that a weekday is taken for: it is divided by
_CHANCE: Final = 3  # a rhythm counts as far as it exceeds so many times what chance would make
_MEDIAN: Final = 1.86  # sigma of a median of n, times sqrt(n), over the median deviation


def working(figures: Mapping[int, float]) -> dict[int, float]:
    """The days of those weekdays that are busy as a rule, whichever those are."""
    typical = {weekday: median(found) for weekday, found in weekdays(figures.items()).items()}
    least = _BUSY * max(typical.values(), default=0.0)
    return {day: figure for day, figure in figures.items() if typical[day % 7] >= least}


def weekdays(figures: Iterable[tuple[int, float]]) -> dict[int, list[float]]:
    """The figures of each weekday, by `day % 7`."""
    of: dict[int, list[float]] = defaultdict(list)
    for day, figure in figures:
        of[day % 7].append(figure)
    return of


def even(days: Mapping[int, float]) -> tuple[list[Point], float]:
    """The days in order, each divided by its weekday's usual share; and the largest share."""
    share = _shares(days)
    return [(day, days[day] / share[day % 7]) for day in sorted(days)], max(share.values())


def trimmed(figures: Sequence[float], share: float = 0.2) -> float:
    """The mean without the lowest and highest fifth."""
    cut = int(len(figures) * share)
    return fmean(sorted(figures)[cut : len(figures) - cut])


def _shares(days: Mapping[int, float]) -> dict[int, float]:
    """Each weekday's usual share of its week's average; 1 as far as it may be chance."""
    growth = _growth(days)
    weeks: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for day, figure in days.items():
        weeks[day // 7].append((day, figure))
    shares: dict[int, list[float]] = defaultdict(list)
    for week in weeks.values():
        middle, average = (fmean(column) for column in zip(*week, strict=True))
        for day, figure in week:
            level = average + growth * (day - middle)  # a week that grows is no rhythm
            shares[day % 7].append(figure / level if level > 0 else 1.0)
    usual = {weekday: median(found) for weekday, found in shares.items()}
    spread = median(
        abs(share - usual[weekday]) for weekday, found in shares.items() for share in found
    )
    chance = (_MEDIAN * spread) ** 2 / min(map(len, shares.values()))
    between = pvariance(usual.values())
    weight = max(0.0, 1 - _CHANCE * chance / between) if between else 0.0
    return {weekday: max(_LEAST_SHARE, 1 + (each - 1) * weight) for weekday, each in usual.items()}


def _growth(days: Mapping[int, float]) -> float:
    """What a day brings as a rule, by the same weekday a week before."""
    rises = [figure - days[day - 7] for day, figure in days.items() if day - 7 in days]
    return median(rises) / 7 if rises else 0.0
