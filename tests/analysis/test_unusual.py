"""One quiet line when today is not like the same weekday was in the last weeks, else none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from tests.analysis.backtest import TODAY, series

from lictui.analysis.series import Bucket
from lictui.analysis.usage import anomaly_today, describe_anomaly

_TUESDAYS = (305, 290, 312, 298, 320, 301, 288, 309)


def _before(figures: tuple[float, ...] = _TUESDAYS) -> dict[date, float]:
    return {TODAY - timedelta(weeks=at): figure for at, figure in enumerate(figures, 1)}


def test_far_above_is_said_with_the_hour_and_what_is_usual() -> None:
    said = describe_anomaly(_before(), TODAY, 412, time(10, 40))
    assert said == "unusual usage: 412 by 10:40 (typical Tuesday: 288-320)"


def test_far_below_is_said_too_and_of_a_whole_day_without_an_hour() -> None:
    assert describe_anomaly(_before(), TODAY, 80) == "unusual usage: 80 (typical Tuesday: 288-320)"


@pytest.mark.parametrize("figure", [270, 300, 345])
def test_what_is_near_is_not_said(figure: float) -> None:
    assert describe_anomaly(_before(), TODAY, figure) is None


@pytest.mark.parametrize(("many", "said"), [(4, False), (5, True)])
def test_five_of_a_weekday_are_needed(many: int, said: bool) -> None:  # noqa: FBT001 - a case
    assert (describe_anomaly(_before(_TUESDAYS[:many]), TODAY, 500) is not None) is said


def test_other_weekdays_and_older_weeks_do_not_count() -> None:
    figures = {day: 300.0 for day in series(90, lambda _: 300) if day.weekday() != TODAY.weekday()}
    assert describe_anomaly(figures, TODAY, 500) is None
    old = {TODAY - timedelta(weeks=at): 300.0 for at in range(13, 40)}
    assert describe_anomaly(old, TODAY, 500) is None


def test_a_holiday_among_them_changes_nothing() -> None:
    figures = (*_TUESDAYS[:6], 20, 15)
    assert describe_anomaly(_before(figures), TODAY, 300) is None
    said = describe_anomaly(_before(figures), TODAY, 480)
    assert said is not None
    assert " 20 " not in said


def test_a_handful_more_is_no_news() -> None:
    assert describe_anomaly(_before((3, 3, 4, 3, 3, 3)), TODAY, 8) is None
    assert describe_anomaly(_before((3, 3, 4, 3, 3, 3)), TODAY, 9) is not None


def test_weeks_that_were_all_alike_need_more_than_a_little() -> None:
    assert describe_anomaly(_before((100,) * 8), TODAY, 114) is None
    said = describe_anomaly(_before((100,) * 8), TODAY, 120)
    assert said == "unusual usage: 120 (typical Tuesday: 100)"


def test_most_days_of_a_year_are_usual() -> None:
    figures = series(365, lambda at: 500 + 0.3 * at, noise=0.04)
    said = [
        day
        for day, figure in figures.items()
        if describe_anomaly(figures, day, figure) and day.weekday() < 5
    ]
    assert len(said) <= 4


def test_an_hour_that_is_not_over_says_nothing_yet() -> None:
    noon = datetime.combine(TODAY, time(12), UTC).timestamp()
    starts = range(int(noon) - 84 * 86400 - 43200, int(noon) + 1, 3600)
    highs = [50 + 40 * (start % 86400 // 3600) for start in starts]
    highs[-1] = highs[-2]  # the hour has just begun
    hours = [
        Bucket(start, start + 3600, high, high, high, start, high, 999, 0, 4)
        for start, high in zip(starts, highs, strict=True)
    ]
    assert anomaly_today(hours, noon + 60, UTC) is None
    doubled = [each if each.start < noon - 43200 else each._replace(high=900) for each in hours]
    said = anomaly_today(doubled, noon + 60, UTC)
    assert said == "unusual usage: 900 by 12:00 (typical Tuesday: 490)"
    summed = anomaly_today(doubled, noon + 60, UTC, upper_bound=True)
    assert summed == "unusual usage: up to 900 by 12:00 (typical Tuesday: 490)"
