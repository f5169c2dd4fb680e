"""Assignments of a month: licenses newly assigned and released.

A cloud source reports them itself. Other sources report only how many are assigned, so that the
differences between readings give a lower bound: an assignment that was released and made again
between two readings is not seen.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from lictui.model import MonthlyUsage, PoolKey, sum_all_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.analysis.columns import IntArray


class MonthAssignments(Struct, frozen=True):
    """Assignments since the first day of a month; None where the figure is unknown."""

    at_start: int | None = None  # assigned when the month started
    newly_assigned: int | None = None
    released: int | None = None


def observed_changes(figures: IntArray | Sequence[int]) -> tuple[int, int]:
    """Return how many were newly assigned and released at least, from successive figures."""
    steps = np.diff(figures)
    return int(steps[steps > 0].sum()), -int(steps[steps < 0].sum())


def sum_reported_months(
    months_by_pool: Iterable[Iterable[MonthlyUsage]],
) -> tuple[MonthlyUsage, ...]:
    """Return the months that the source reported of several pools as those of one, in order.

    A month is summed over the pools that have it; a figure that one of these lacks is unknown.
    """
    by_start: dict[float, list[MonthlyUsage]] = defaultdict(list)
    for months in months_by_pool:
        for month in months:
            by_start[month.month_start].append(month)
    return tuple(
        MonthlyUsage(
            PoolKey(months[0].key.product),
            month_start,
            sum_all_known(month.in_use for month in months),
            sum_all_known(month.installed for month in months),
            sum_all_known(month.newly_assigned for month in months),
            sum_all_known(month.released for month in months),
        )
        for month_start, months in sorted(by_start.items())
    )


def reported_month(
    months_by_pool: Iterable[Sequence[MonthlyUsage]], first_day: date, *, of_all: bool = False
) -> MonthlyUsage | None:
    """Return what the source reported of one month of several pools; None if nothing.

    With `of_all`, None too if it reported nothing of any of the pools.
    """
    reported = [
        [month for month in months if _first_day(month) == first_day] for months in months_by_pool
    ]
    if of_all and not all(reported):
        return None
    return next(iter(sum_reported_months(reported)), None)


def _first_day(month: MonthlyUsage) -> date:
    """Return the first day of a reported month: sources report months in UTC."""
    return datetime.fromtimestamp(month.month_start, UTC).date().replace(day=1)
