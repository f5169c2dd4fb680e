"""What was needed for how long, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lictui.analysis.series import Bucket
from lictui.analysis.usage import UsageStats, usage_stats
from lictui.tui.screens.usage_facts import peak_facts, percentile_facts, threshold_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.tui.text import Fragment

UTC, HOUR = ZoneInfo("UTC"), 3600


def said(facts: Iterable[tuple[str, list[Fragment]]]) -> list[str]:
    return [f"{word}: " + "".join(text for text, _ in runs) for word, runs in facts]


def day(*highs: float) -> UsageStats:
    """As many hours as there are figures, of 100 installed."""
    buckets = (
        Bucket(at * HOUR, (at + 1) * HOUR, high, high, high, at * HOUR, high, 100, None, 4)
        for at, high in enumerate(highs)
    )
    found = usage_stats(tuple(buckets))
    assert found is not None
    return found


def test_the_peak_has_its_time_and_what_was_free_then() -> None:
    assert said(peak_facts(day(20, 97, 50), UTC)) == ["peak: 97  Thu 1 Jan 01:00  3 free of 100"]


def test_a_bound_is_no_peak() -> None:
    assert said(peak_facts(day(20, 97, 50), UTC, bound=True)) == [
        "peak: at most 97  Thu 1 Jan 01:00  at least 3 free of 100"
    ]


def test_what_would_have_covered_most_of_the_time() -> None:
    found = day(*range(1, 101))
    assert said(percentile_facts(found, coarse=False)) == [
        "needed: 95 to cover 95 % of the time, 99 for 99 %, 50 for half"
    ]
    assert "half" not in said(percentile_facts(found, coarse=True))[0]


def test_time_above_thresholds_and_the_longest_without_a_free_license() -> None:
    found = day(85, 95, 100, 100, 20, 100)
    assert said(threshold_facts(found, UTC, coarse=False)) == [
        "above: 80 % for 5 h, 90 % for 4 h, 100 % for 3 h",
        "full: for 2 h at most, from Thu 1 Jan 02:00",
    ]
    assert said(threshold_facts(found, UTC, coarse=True))[0].startswith("above: 80 % for up to 5 h")
    assert said(threshold_facts(day(10, 79), UTC, coarse=False)) == [
        "above: never at 80 % of installed"
    ]
