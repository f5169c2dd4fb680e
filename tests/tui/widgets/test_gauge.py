"""Gauges and trends: their shape, their level, and how trends follow readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.example_board import workday_series

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket
from lictui.config.settings import Thresholds
from lictui.model import Reading
from lictui.time_range import RangeLength
from lictui.tui.text import Tone, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS
from lictui.tui.widgets.gauge import (
    TrendCache,
    TrendData,
    draw_gauge,
    draw_trend,
    trend_bucket,
    trend_data,
    trend_query,
)

LIMITS = Thresholds()
DAY = 86400
figures = st.one_of(st.none(), st.integers(0, 10_000))


@pytest.mark.parametrize(
    ("reading", "peak", "gauge"),
    [
        (Reading(0, 100), None, "··········▏  "),
        (Reading(50, 100), None, "█████·····▏  "),
        (Reading(55, 100), None, "█████▌····▏  "),
        (Reading(100, 100), None, "██████████▏  "),
        (Reading(1, 10_000), None, "▏·········▏  "),  # more than nothing shows
        (Reading(9_999, 10_000), None, "█████████▉▏  "),  # less than all never fills
        (Reading(90, 100, 20), None, "█████████·▏░░"),
        (Reading(105, 100, 20), None, "██████████▏▓░"),
        (Reading(120, 100, 20), None, "██████████▏▓▓"),
        (Reading(500, 100, None), None, "██████████▏▓▓"),
        (Reading(20, 100), 65, "██····▕···▏  "),
        (Reading(20, 100), 100, "██·······▕▏  "),
        (Reading(20, 100), 20, "██········▏  "),
        (Reading(None, 100), None, "      unknown"),
        (Reading(7, None), None, "      unknown"),
    ],
)
def test_gauge_shows_usage_overdraft_and_peak(
    reading: Reading, peak: float | None, gauge: str
) -> None:
    level = reading.level(0.8, 0.9)
    drawn = draw_gauge(reading, level, peak, 13, UNICODE_SYMBOLS)
    assert "".join(text for text, _ in drawn) == gauge


@given(figures, figures, figures, st.one_of(st.none(), st.floats(0, 20_000)), st.integers(0, 60))
def test_gauge_has_exactly_its_width(
    in_use: int | None, installed: int | None, overdraft: int | None, peak: float | None, cells: int
) -> None:
    reading = Reading(in_use, installed, overdraft)
    for symbols in (UNICODE_SYMBOLS, ASCII_SYMBOLS):
        gauge = draw_gauge(reading, reading.level(0.8, 0.9), peak, cells, symbols)
        assert line_width(gauge) == cells
        assert symbols is UNICODE_SYMBOLS or "".join(text for text, _ in gauge).isascii()


# Trends


@pytest.mark.parametrize(
    ("maxima", "then", "cells", "trend"),
    [
        ((5.0,) * 4, (5,) * 4, 4, "████"),
        ((0.0, None, 50.0, 100.0, 130.0), (100,) * 5, 5, "▁ ▄██"),
        ((100.0,), (100,), 4, "   █"),  # the newest is at the right
        ((0.0, 0.0, 100.0), (100,) * 3, 2, "▁█"),
        ((50.0, 50.0), (50, 100), 2, "█▄"),  # on the scale of that time
    ],
)
def test_trend_is_drawn_on_the_scale_of_installed(
    maxima: tuple[float | None, ...], then: tuple[int, ...], cells: int, trend: str
) -> None:
    drawn = draw_trend(TrendData(0, 300, maxima, then), 100, LIMITS, cells, UNICODE_SYMBOLS)
    assert "".join(text for text, _ in drawn) == trend


@pytest.mark.parametrize(
    ("maxima", "trend"),
    [
        ((100.0, 110.0, 120.0), "▁▄█"),
        ((1000.0, 1000.0, 1001.0), "▄▄▅"),  # a level line stays level
        ((0.0, 0.0, 0.0), "▁▁▁"),
        ((5.0, None, 50.0), "▁ █"),
    ],
)
def test_trend_on_its_own_scale_keeps_the_color_of_its_level(
    maxima: tuple[float | None, ...], trend: str
) -> None:
    data = TrendData(0, 300, maxima, (1200,) * 3, own_scale=True)
    drawn = draw_trend(data, 1200, LIMITS, 3, UNICODE_SYMBOLS)
    assert "".join(text for text, _ in drawn) == trend
    assert {tone for text, tone in drawn if text.strip()} <= {Tone.OK, Tone.WARN}


def test_trend_has_the_colors_of_its_levels() -> None:
    trend = TrendData(0, 300, (10.0, 85.0, 95.0, 120.0), (100,) * 4)
    tones = [tone for text, tone in draw_trend(trend, 100, LIMITS, 4, UNICODE_SYMBOLS) if text]
    assert tones == [Tone.OK, Tone.WARN, Tone.CRITICAL, Tone.OVER]


def test_trend_without_installed_has_its_own_scale_and_no_level() -> None:
    trend = TrendData(0, 300, (5.0, 10.0), (None, None))
    assert draw_trend(trend, None, LIMITS, 2, UNICODE_SYMBOLS)[-1] == ("▄█", Tone.QUIET)


@given(st.lists(st.one_of(st.none(), st.floats(0, 2000)), max_size=50), st.integers(0, 60))
def test_trend_has_exactly_its_width(maxima: list[float | None], cells: int) -> None:
    trend = TrendData(0, 300, tuple(maxima), (100,) * len(maxima))
    for symbols in (UNICODE_SYMBOLS, ASCII_SYMBOLS):
        assert line_width(draw_trend(trend, None, LIMITS, cells, symbols)) == cells


@given(st.integers(1, 200), st.sampled_from(RangeLength))
def test_trend_buckets_cover_the_length(cells: int, length: RangeLength) -> None:
    bucket = trend_bucket(cells, length.value)
    assert length.value <= bucket * cells
    assert bucket < 2 * (length.value / cells) + 300
    query = trend_query((), START, cells, length.value)
    assert query.width <= DAY
    assert bucket % query.width == 0 or bucket % DAY == 0
    assert trend_bucket(cells) * cells >= DAY


@given(
    st.lists(st.tuples(st.integers(0, 287), st.integers(0, 1000)), max_size=60),
    st.integers(1, 60),
)
def test_trend_keeps_the_maximum_of_a_bucket(readings: list[tuple[int, int]], cells: int) -> None:
    now = 10 * DAY - 1
    width = trend_bucket(cells)
    start = (now // width - cells + 1) * width
    buckets = tuple(
        Bucket(start + at * 300, start + at * 300 + 300, 0, high, high, start + at * 300, high, 100,
               None, 1)
        for at, high in readings
        if start + at * 300 <= now
    )  # fmt: skip
    trend = trend_data(Series.of(buckets, 300), now, cells, width)
    assert len(trend.maxima) == cells
    assert trend.peak == max((bucket.high for bucket in buckets), default=None)


def test_trend_peak_is_that_of_the_day() -> None:
    cache: TrendCache[str] = TrendCache()
    cache.seconds = RangeLength.YEAR.value
    for times, (period, keys) in enumerate(cache.due(("a",), START, 10), start=1):
        series = workday_series(trend_query((), START, 10, period))
        higher = tuple(bucket._replace(high=times * bucket.high) for bucket in series.buckets)
        cache.store(period, [(keys[0], type(series).of(higher, series.width))], START, 10)
    trend = cache.trends["a"]
    assert trend.bucket == trend_bucket(10, RangeLength.YEAR.value)
    assert trend.day is not None
    assert trend.peak_of_day == trend.day.peak != trend.peak
    assert cache.due(("a",), START, 10) == ()
    soon = trend_bucket(10) / 10
    assert cache.due(("a",), START + soon, 10) == ((RangeLength.DAY.value, ("a",)),)  # is current
    cache.seconds = RangeLength.DAY.value
    assert cache.trends["a"].day is None
