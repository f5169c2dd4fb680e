"""The usage view without a screen: marks, forecast days, the time axis, and facts."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.daily_series import forecast_of
from tests.support.example_board import TIMEOUT_FAILURE, down_status, pool, up_status

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket
from lictui.analysis.usage import UsageStats
from lictui.analysis.usage_stats import usage_stats
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.entitlements import expiries
from lictui.engine.merge import merge_board
from lictui.engine.product_history import (
    ProductHistory,
    ProductOutlook,
    ProductQuery,
    ProductSelection,
    select_product,
)
from lictui.model import Event, EventKind, Level, MonthlyUsage, PoolKey
from lictui.time_range import RangeLength, TimeRange
from lictui.tui.screens.usage_view import (
    Fact,
    UsageData,
    axis_end,
    chart_view,
    cursor_line,
    event_marks,
    expiry_facts,
    expiry_marks,
    fact_lines,
    facts,
    forecast_days,
    mark_line,
    monthly_facts,
    peak_fact,
    percentile_fact,
    range_line,
    range_name,
    threshold_facts,
)
from lictui.tui.text import Tone
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.chart import ChartView, Mark, MarkKind
from lictui.tui.widgets.dashboard_view import CurrentTime

BERLIN, ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
HOUR, DAY = 3600, 86400
TODAY = datetime.fromtimestamp(START, UTC).date()


def selection(*servers: str) -> ProductSelection:
    board = merge_board(Board(tuple(up_status(name, pool("X", 1, 2)) for name in servers)))
    return select_product(board, servers, "X", Settings())


def outlook(growth: float, expires: date | None = None) -> ProductOutlook:
    days = {date.fromordinal(TODAY.toordinal() - ago): 400 - ago * growth + ago % 3
            for ago in range(1, 365)}  # fmt: skip
    expiring = {expires: 500} if expires else {}
    return ProductOutlook(forecast_of(days, 500, expiring, today=TODAY), 500, expiring)


def test_axis_reaches_into_the_future_where_a_trend_is_forecast() -> None:
    growing, late = outlook(0.5), START + 30 * DAY
    assert (
        axis_end(growing, TimeRange(RangeLength.YEAR), START, ZONE)
        == int(START) + RangeLength.YEAR.value // 4
    )
    for length in RangeLength:
        past = TimeRange(length, START - 400 * DAY)
        for shown, expected in ((past, growing), (TimeRange(length), None)):
            assert axis_end(expected, shown, late, ZONE) == shown.period(late, ZONE)[1]
    for time_range in (TimeRange(RangeLength.DAY), TimeRange(RangeLength.WEEK)):
        assert axis_end(growing, time_range, START, ZONE) == time_range.period(START, ZONE)[1]
    year = TimeRange(RangeLength.YEAR)
    assert axis_end(outlook(0), year, START, ZONE) == year.period(START, ZONE)[1]


def test_forecast_days_join_and_end_at_the_horizon() -> None:
    growing, end = outlook(0.5), int(START) // HOUR * HOUR + HOUR
    days = tuple(forecast_days(growing, end, end + 90 * DAY, ZONE))
    assert days[0].start == end
    assert all(before.end == after.start for before, after in pairwise(days))
    assert days[-1].expected > days[0].expected > 350
    assert all(day.low <= day.expected <= day.high for day in days)
    assert growing.forecast.horizon is not None
    assert datetime.fromtimestamp(days[-1].start, UTC).date() <= growing.forecast.horizon


def test_forecast_days_show_what_is_installed_then() -> None:
    expires = date.fromordinal(TODAY.toordinal() + 10)
    days = forecast_days(outlook(0.5, expires), int(START), int(START) + 20 * DAY, ZONE)
    installed = {datetime.fromtimestamp(day.start, UTC).date(): day.installed for day in days}
    assert installed[date.fromordinal(expires.toordinal() - 1)] == 500
    assert installed[expires] == 0


def test_event_marks_have_a_kind_for_each_change() -> None:
    kinds = (
        (EventKind.LICENSES, Level.OK, MarkKind.LICENSES),
        (EventKind.LICENSES, Level.WARN, MarkKind.REMOVED),
        (EventKind.SERVER, Level.CRITICAL, MarkKind.SERVER_DOWN),
        (EventKind.SERVER, Level.OK, MarkKind.SERVER_UP),
        (EventKind.VERSION, Level.OK, MarkKind.VERSION),
        (EventKind.ACTIVATION, Level.OK, MarkKind.ACTIVATION),
        (EventKind.CERTIFICATE, Level.OK, MarkKind.CERTIFICATE),
        (EventKind.NOTICE, Level.WARN, MarkKind.NOTICE),
    )
    events = [Event(1.0, kind, "lic-01", "so", "", level) for kind, level, _ in kinds]
    marks = event_marks(events, selection("lic-01", "lic-02"))
    assert [mark.kind for mark in marks] == [kind for *_, kind in kinds]
    assert marks[0].text == "lic-01: so"
    assert event_marks(events[:1], selection("lic-01"))[0].text == "so"


def test_expiry_marks_are_on_the_local_day() -> None:
    license_pool = pool("X", 1, 20, expires=date(2026, 12, 1))
    all_expiries = expiries(merge_board(Board((up_status("lic-01", license_pool),))))
    midnight = 1796079600  # of 1 December in Berlin
    (mark,) = expiry_marks(all_expiries, midnight, midnight + 1, BERLIN)
    assert (mark.time, mark.text) == (midnight, "20 licenses expire")
    assert list(expiry_marks(all_expiries, midnight - 9, midnight, BERLIN)) == []


def test_mark_line_fits_and_counts_the_other_marks() -> None:
    marks = (
        Mark(1796079600, MarkKind.SERVER_DOWN, "lic-01: down " * 20),
        Mark(0, MarkKind.SERVER_UP, "up"),
    )
    line = "".join(text for text, _ in mark_line(marks, BERLIN, TODAY, 78, UNICODE_SYMBOLS))
    assert len(line) <= 78
    assert line.startswith("· Tue 1 Dec 00:00  lic-01: down")
    assert line.endswith("…  and 1 more")
    assert mark_line((), BERLIN, TODAY, 78, UNICODE_SYMBOLS) == ()


# Facts


def test_current_figures_compare_only_what_covers_the_same_servers() -> None:
    for pools, shown in (
        ([(230, 300), (300, None)], "530 of ≥300 in use  some figures unknown"),
        ([(230, 300), (None, 300)], "≥230 of 600 in use  some figures unknown"),
        ([(230, 300), (10, 300)], "240 of 600 in use  40 %  360 free"),
        ([(230, None)], "230 of ? in use  some figures unknown"),
    ):
        servers = [up_status(f"lic-{n}", pool("X_CCU", *known)) for n, known in enumerate(pools)]
        names = tuple(status.server.name for status in servers)
        chosen = select_product(merge_board(Board(tuple(servers))), names, "X_CCU", Settings())
        label, fragments = next(facts(data(chosen), ChartView(), UNICODE_SYMBOLS))
        text = "".join(text for text, _ in fragments)
        assert (label, text) == ("now", shown)


@pytest.mark.parametrize("width", [39, 46, 60])
def test_fact_lines_break_between_groups_of_words_and_never_within_a_word(width: int) -> None:
    status = up_status("a", pool("X", 1234567, None, 1000), pool("X", 1234567, 999, 1000))
    chosen = select_product(merge_board(Board((status,))), ("a",), "X", Settings())
    stats = replace(hours(12345, 12345, installed=12345), peak_is_bound=True)
    entries = next(facts(data(chosen), ChartView(), UNICODE_SYMBOLS)), peak_fact(stats, ZONE, TODAY)
    lines = [
        "".join(text for text, _ in line).removeprefix("now ").removeprefix("peak ").strip()
        for line in fact_lines(entries, width)
    ]
    words = " ".join(" ".join(texts(fact)).partition(":")[2] for fact in entries).split()
    assert " ".join(lines).split() == words
    assert ("some figures unknown, overdraft 2,000" in lines) is (width > 48)
    assert all(len(line) <= width - 12 for line in lines)


def data(chosen: ProductSelection) -> UsageData:
    query = ProductQuery(chosen.servers, chosen.product, (0, DAY), HOUR)
    time = CurrentTime(START, TODAY)
    return UsageData(chosen, query, TimeRange(), ProductHistory(), None, (), time, ZONE)


def texts(*facts: Fact) -> list[str]:
    return [f"{label}: " + "".join(text for text, _ in parts).replace("\u00a0", " ")
            for label, parts in facts]  # fmt: skip


YEAR_OF_HOURS = date(1970, 12, 1)


def hours(*highs: float, installed: int | None = 100) -> UsageStats:
    """As many hours as there are figures, of 100 installed."""
    buckets = (
        Bucket(at, at + HOUR, high, high, high, at, high, installed, None, 4)
        for at, high in zip(range(0, len(highs) * HOUR, HOUR), highs, strict=True)
    )
    stats = usage_stats(Series.of(buckets, HOUR))
    assert stats is not None
    return stats


def test_peak_fact_has_time_and_free_licenses() -> None:
    stats = hours(20, 97, 50)
    assert texts(peak_fact(stats, ZONE, YEAR_OF_HOURS)) == [
        "peak: 97  Thu 1 Jan 01:00  3 of 100 free"
    ]
    assert texts(peak_fact(replace(stats, peak_is_bound=True), ZONE, YEAR_OF_HOURS)) == [
        "peak: at most 97  Thu 1 Jan 01:00  at least 3 of 100 free"
    ]


def test_moments_of_another_year_show_it() -> None:
    stats, today = hours(20, 100, 50), date(1971, 1, 1)
    chart = ChartView((Bucket(0, HOUR, 1, 1, 1, 0, 1, 9, 0, 1),), 0, DAY, tz=ZONE, cursor=0)
    time = CurrentTime(datetime(1971, 1, 1, tzinfo=UTC).timestamp(), today)
    past = replace(data(selection("a")), time_range=TimeRange(RangeLength.DAY, 0), time=time)
    mark = Mark(0, MarkKind.SERVER_UP, "up")
    lines = (
        *(fragments for _, fragments in [peak_fact(stats, ZONE, today)]),
        *(fragments for _, fragments in threshold_facts(stats, ZONE, today, at_most=False)),
        mark_line((mark,), ZONE, today, 78, UNICODE_SYMBOLS),
        range_line(past),
        cursor_line(chart, today, UNICODE_SYMBOLS, 80),
    )
    shown = ["".join(text for text, _ in line) for line in lines]
    assert ["Jan 1970" in line for line in shown] == [True, False, True, True, True, True]
    west = ZoneInfo("America/New_York")  # there the year had not begun
    assert "Wed 31 Dec 1969 20:00" in texts(peak_fact(stats, west, YEAR_OF_HOURS))[0]


def test_percentile_fact_omits_the_median_of_coarse_data() -> None:
    stats = hours(*range(1, 101))
    assert texts(percentile_fact(stats, is_coarse=False, at_most=False)) == [
        "percentiles: 95th 95, 99th 99, median 50"
    ]
    assert texts(percentile_fact(stats, is_coarse=True, at_most=True)) == [
        "percentiles: 95th at most 95, 99th at most 99"
    ]


def test_threshold_facts_show_time_above_and_the_longest_at_full() -> None:
    stats = hours(85, 95, 100, 100, 20, 100)
    assert texts(*threshold_facts(stats, ZONE, YEAR_OF_HOURS, at_most=False)) == [
        "time above: 80 %: 5 h, 90 %: 4 h, 100 %: 3 h",
        "at 100 %: longest 2 h, from Thu 1 Jan 02:00",
    ]
    bound = texts(*threshold_facts(stats, ZONE, YEAR_OF_HOURS, at_most=True))[0]
    assert bound.startswith("time above: 80 %: up to 5 h")
    assert texts(*threshold_facts(hours(10, 79), ZONE, YEAR_OF_HOURS, at_most=False)) == [
        "time above: 80 %: none"
    ]
    partial = replace(stats, is_partial=True)
    assert texts(*threshold_facts(partial, ZONE, YEAR_OF_HOURS, at_most=False))[0] == (
        "time above: 80 %: at least 5 h, 90 %: at least 4 h, 100 %: at least 3 h"
    )
    for unknown, sentence in (
        (hours(10, 79, installed=None), "unknown, because the number of installed licenses is"),
        (replace(hours(10, 79), is_partial=True), "80 %: none while installed was known"),
    ):
        (fact,) = texts(*threshold_facts(unknown, ZONE, YEAR_OF_HOURS, at_most=False))
        assert fact == f"time above: {sentence}"


def test_expiry_facts_unite_equal_dates() -> None:
    support, end, later = date(2027, 6, 18), date(2026, 12, 20), date(2028, 1, 6)
    pools = (
        pool("X", 1, 300, subscription=support),
        pool("X", 1, 150, subscription=support),
        pool("X", 1, 50, subscription=later),
        pool("X", 1, 450, expires=end),
    )
    found = expiries(merge_board(Board((up_status("lic-01", *pools),))))
    facts = texts(*expiry_facts(sorted(found, key=lambda expiry: expiry.day)))
    assert "SA ends: 18 Jun 2027 (450), 6 Jan 2028 (50)" in facts
    assert "expires: 20 Dec 2026 (450)" in facts


@pytest.mark.parametrize("width", [78, 66, 54, 48])
def test_cursor_line_is_never_cut(width: int) -> None:
    week = Bucket(1764543600, 1765148400, 0, 1900, 2073, 0, 2073, 2500, 0, 9)
    chart = ChartView((week,), 0, DAY, tz=BERLIN, cursor=0)
    line = "".join(text for text, _ in cursor_line(chart, TODAY, UNICODE_SYMBOLS, width))
    assert len(line) <= width
    assert line.startswith("▲ 1 to 7 Dec 2025  2,073 of 2,500 in use  83 % !")
    assert (", 427 free" in line, ", average 1,900" in line) == (width > 60, width > 70)
    unknown = replace(chart, buckets=(week._replace(installed=None),))
    line = "".join(text for text, _ in cursor_line(unknown, TODAY, UNICODE_SYMBOLS, width))
    assert line.partition(", average")[0].endswith(" 2,073 of ? in use  ?")


@pytest.mark.parametrize(
    ("time_range", "name"),
    [
        (TimeRange(RangeLength.HOURS), "Tue 24 Nov 06:00 to 12:00"),
        (TimeRange(RangeLength.DAY), "today, Tue 24 Nov"),
        (TimeRange(RangeLength.DAY, START - 365 * DAY), "Mon 24 Nov 2025"),
        (TimeRange(recent=True), "last 7 days"),
        (TimeRange(RangeLength.WEEK), "week 48, 23 to 29 Nov"),
        (TimeRange(RangeLength.WEEK, 1764543600), "week 49, 1 to 7 Dec 2025"),
        (TimeRange(RangeLength.WEEK, START + 7 * DAY), "week 49, 30 Nov to 6 Dec"),
        (TimeRange(RangeLength.MONTH), "November 2026"),
        (TimeRange(RangeLength.YEAR), "2026"),
    ],
)
def test_range_name_is_that_of_the_calendar(time_range: TimeRange, name: str) -> None:
    assert range_name(time_range, START, BERLIN) == name


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


@pytest.mark.parametrize(
    ("expected", "labels", "tone"),
    [
        (None, ["now", "servers"], None),
        (outlook(0), ["now", "forecast", "servers", "basis"], Tone.TEXT),
        (
            replace(
                outlook(0.5, date.fromordinal(TODAY.toordinal() + 10)),
                anomaly="fewer than on other Tuesdays",
                assignments=(5, 1),
            ),
            ["now", "today", "forecast", "this month", "servers", "basis"],
            Tone.WARN,
        ),
    ],
    ids=["none", "level", "dated"],
)
def test_facts_have_the_outlook_and_the_servers_that_do_not_report(
    expected: ProductOutlook | None, labels: list[str], tone: Tone | None
) -> None:
    up, down = up_status("a", pool("X", 1, 2)), up_status("b", pool("X", 1, 2))
    board = merge_board(Board((up, down_status(down, TIMEOUT_FAILURE))))
    chosen = select_product(board, ("a", "b"), "X", Settings())
    shown = dict(facts(replace(data(chosen), outlook=expected), ChartView(), UNICODE_SYMBOLS))
    assert list(shown) == labels
    assert [tone for _, tone in shown.get("forecast", [])] == [tone] * (tone is not None)
    assert dict(shown["servers"]) == {
        "1 of 2: ": Tone.TEXT, "a": Tone.TEXT, ", ": Tone.QUIET, "b": Tone.CRITICAL
    }  # fmt: skip


def test_cursor_is_on_the_bucket_that_has_its_time_else_on_the_last() -> None:
    buckets = tuple(Bucket(at, at + HOUR, 0, 1, 1, at, 1, 2, None, 1) for at in (0, HOUR, 9 * HOUR))
    drawn = replace(data(selection("a")), history=ProductHistory(buckets))
    times = {0: 0, HOUR - 1: 0, HOUR: 1, 3 * HOUR: 2, DAY: 2, None: None}
    assert {time: chart_view(drawn, time).cursor for time in times} == times
