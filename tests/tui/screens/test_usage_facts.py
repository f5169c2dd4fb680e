"""The facts next to the usage chart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket
from lictui.analysis.usage_stats import usage_stats
from lictui.model import MonthlyUsage, PoolKey
from lictui.tui.screens.usage_view import (
    monthly_facts,
    peak_fact,
    percentile_fact,
    threshold_facts,
)

if TYPE_CHECKING:
    from lictui.analysis.usage import UsageStats
    from lictui.tui.screens.usage_view import Fact

ZONE, HOUR = ZoneInfo("UTC"), 3600


def texts(*facts: Fact) -> list[str]:
    return [f"{label}: " + "".join(text for text, _ in fragments) for label, fragments in facts]


def hours(*highs: float) -> UsageStats:
    """As many hours as there are figures, of 100 installed."""
    buckets = (
        Bucket(index * HOUR, (index + 1) * HOUR, high, high, high, index * HOUR, high, 100, None, 4)
        for index, high in enumerate(highs)
    )
    stats = usage_stats(Series.of(buckets, HOUR))
    assert stats is not None
    return stats


def test_peak_fact_has_time_and_free_licenses() -> None:
    assert texts(peak_fact(hours(20, 97, 50), ZONE)) == ["peak: 97  Thu 1 Jan 01:00  3 of 100 free"]
    assert texts(peak_fact(hours(20, 97, 50), ZONE, is_upper_bound=True)) == [
        "peak: at most 97  Thu 1 Jan 01:00  at least 3 of 100 free"
    ]


def test_percentile_fact_omits_the_median_of_coarse_data() -> None:
    stats = hours(*range(1, 101))
    assert texts(percentile_fact(stats, is_coarse=False, at_most=False)) == [
        "percentiles: 95th 95 · 99th 99 · median 50"
    ]
    assert texts(percentile_fact(stats, is_coarse=True, at_most=True)) == [
        "percentiles: 95th at most 95 · 99th at most 99"
    ]


def test_threshold_facts_show_time_above_and_the_longest_at_full() -> None:
    stats = hours(85, 95, 100, 100, 20, 100)
    assert texts(*threshold_facts(stats, ZONE, at_most=False)) == [
        "time above: 80 %: 5 h · 90 %: 4 h · 100 %: 3 h",
        "at 100 %: longest 2 h, from Thu 1 Jan 02:00",
    ]
    bound = texts(*threshold_facts(stats, ZONE, at_most=True))[0]
    assert bound.startswith("time above: 80 %: up to 5 h")
    assert texts(*threshold_facts(hours(10, 79), ZONE, at_most=False)) == ["time above: 80 %: none"]


def month_start(month: int) -> int:
    return int(datetime(2026, month, 1, tzinfo=UTC).timestamp())


def test_monthly_facts_show_this_and_last_month() -> None:
    key, now = PoolKey("CVAD:Premium"), datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    months = tuple(
        MonthlyUsage(key, month_start(month), 100 + month, 500, month, 1) for month in range(1, 12)
    )
    assert texts(*monthly_facts(months, now)) == [
        "this month: 11 assigned, 1 released",
        "last month: 10 assigned, 1 released",
        "monthly: values from the source since Jan 2026",
    ]
    assert list(monthly_facts((), now)) == []
