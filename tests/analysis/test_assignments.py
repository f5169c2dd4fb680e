from datetime import UTC, date, datetime

from lictui.analysis.assignments import observed_changes, reported_month
from lictui.model import MonthlyUsage, PoolKey

NOVEMBER = date(2026, 11, 1)


def month(number: int, in_use: int | None, new: int | None, day: str = "") -> MonthlyUsage:
    start = datetime(2026, number, 1, tzinfo=UTC).timestamp()
    return MonthlyUsage(PoolKey("CVAD:Premium", day), start, in_use, 500, new, 1)


def test_observed_changes_add_up_rises_and_falls_apart() -> None:
    assert observed_changes([100, 103, 101, 101, 106]) == (8, 2)
    assert observed_changes([100]) == observed_changes([]) == (0, 0)


def test_reported_month_is_unknown_without_a_report_of_every_pool_if_all_are_required() -> None:
    pools = [[month(11, 40, 3)], [month(10, 9, 1)]]
    result = reported_month(pools, NOVEMBER)
    assert result is not None
    assert result.newly_assigned == 3
    assert reported_month(pools, NOVEMBER, of_all=True) is None
    assert reported_month(pools, date(2026, 12, 1)) is None
