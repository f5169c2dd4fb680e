from datetime import UTC, date, datetime

from lictui.analysis.assignments import observed_changes, reported_month, sum_reported_months
from lictui.model import MonthlyUsage, PoolKey

NOVEMBER = date(2026, 11, 1)


def month(number: int, in_use: int | None, new: int | None, day: str = "") -> MonthlyUsage:
    start = datetime(2026, number, 1, tzinfo=UTC).timestamp()
    return MonthlyUsage(PoolKey("CVAD:Premium", day), start, in_use, 500, new, 1)


def test_observed_changes_add_up_rises_and_falls_apart() -> None:
    assert observed_changes([100, 103, 101, 101, 106]) == (8, 2)
    assert observed_changes([100]) == observed_changes([]) == (0, 0)


def test_reported_months_of_several_pools_are_summed_by_month() -> None:
    first = [month(10, 40, 3, "2026-12-01"), month(11, 41, 2, "2026-12-01")]
    second = [month(11, 9, None, "2027-12-01")]
    october, november = sum_reported_months([first, second])
    assert (october.in_use, october.newly_assigned, october.released) == (40, 3, 1)
    assert (november.in_use, november.newly_assigned, november.released) == (50, None, 2)
    assert november.key == PoolKey("CVAD:Premium")


def test_reported_month_is_unknown_without_a_report_of_every_pool_if_all_are_required() -> None:
    pools = [[month(11, 40, 3)], [month(10, 9, 1)]]
    result = reported_month(pools, NOVEMBER)
    assert result is not None
    assert result.newly_assigned == 3
    assert reported_month(pools, NOVEMBER, of_all=True) is None
    assert reported_month(pools, date(2026, 12, 1)) is None
