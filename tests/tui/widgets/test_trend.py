from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictui.analysis.series import Bucket, Series
from lictui.config.settings import Thresholds
from lictui.model import Reading
from lictui.tui.text import Tone, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS
from lictui.tui.widgets.gauge import (
    DEFAULT_TREND_SECONDS,
    TrendData,
    draw_trend,
    trend_bucket,
    trend_data,
    with_reading,
)

LIMITS = Thresholds()


def bucket(start: int, high: float, length: int = 300, installed: int | None = 100) -> Bucket:
    return Bucket(start, start + length, 0, high, high, start, high, installed, None, 1)


def drawn(known: TrendData, cells: int, installed: int = 100) -> str:
    return "".join(text for text, _ in draw_trend(known, installed, LIMITS, cells, UNICODE_SYMBOLS))


def test_the_domain_is_fixed_so_a_full_license_is_the_highest_bar() -> None:
    known = TrendData(0, 300, (5.0,) * 4, (5,) * 4)
    assert drawn(known, 4, 5) == "████"


def test_heights_gaps_and_zero() -> None:
    known = TrendData(0, 300, (0.0, None, 50.0, 100.0, 130.0), (100,) * 5)
    assert drawn(known, 5) == "▁ ▄██"


def test_the_newest_is_at_the_right_edge() -> None:
    assert drawn(TrendData(0, 300, (100.0,), (100,)), 4) == "   █"
    assert drawn(TrendData(0, 300, (0.0, 0.0, 100.0), (100,) * 3), 2) == "▁█"


def test_levels_colour_the_bars() -> None:
    known = TrendData(0, 300, (10.0, 85.0, 95.0, 120.0), (100,) * 4)
    tones = [tone for text, tone in draw_trend(known, 100, LIMITS, 4, UNICODE_SYMBOLS) if text]
    assert tones == [Tone.OK, Tone.WARN, Tone.CRITICAL, Tone.OVER]


def test_installed_of_that_time_is_the_scale() -> None:
    assert drawn(TrendData(0, 300, (50.0, 50.0), (50, 100)), 2) == "█▄"


def test_without_a_known_installed_the_day_is_its_own_scale_and_has_no_level() -> None:
    known = TrendData(0, 300, (5.0, 10.0), (None, None))
    assert draw_trend(known, None, LIMITS, 2, UNICODE_SYMBOLS)[-1] == ("▄█", Tone.QUIET)


def test_the_last_day_fits_into_the_cells() -> None:
    for cells in range(1, 60):
        assert trend_bucket(cells) * cells >= DEFAULT_TREND_SECONDS
        assert trend_bucket(cells) % 300 == 0


@given(
    st.lists(st.tuples(st.integers(0, 287), st.integers(0, 1000)), max_size=60),
    st.integers(1, 60),
)
def test_buckets_keep_the_maximum(readings: list[tuple[int, int]], cells: int) -> None:
    now = 10 * 86400 - 1
    width = trend_bucket(cells)
    start = (now // width - cells + 1) * width
    made = [bucket(start + at * 300, high) for at, high in readings if start + at * 300 <= now]
    known = trend_data(Series(tuple(made), 300), now, cells, width)
    assert len(known.maxima) == cells
    assert known.peak == max((b.high for b in made), default=None)


@given(st.integers(0, 10**6), st.integers(0, 500), st.integers(1, 40))
def test_a_reading_is_kept_in_the_newest_bucket(later: int, in_use: int, cells: int) -> None:
    before = TrendData(0, 300, (7.0,) * cells, (100,) * cells)
    at = (cells - 1) * 300 + later
    after = with_reading(before, at, Reading(in_use, 100))
    assert len(after.maxima) == cells
    assert after.start <= at < after.start + cells * 300
    known = 7.0 if later < 300 else 0.0
    assert after.maxima[-1] == max(known, in_use)


def test_a_reading_repeated_changes_nothing() -> None:
    before = TrendData(0, 300, (7.0, None), (100, None))
    once = with_reading(before, 400, Reading(5, 100))
    assert once.maxima == (7.0, 5.0)
    assert with_reading(once, 410, Reading(5, 100)) == once
    assert with_reading(once, 410, Reading(None, 100)) == once
    assert with_reading(TrendData(), 410, Reading(5, 100)) == TrendData()


def test_a_long_silence_is_a_gap() -> None:
    before = TrendData(0, 300, (7.0, 8.0, 9.0), (100,) * 3)
    assert with_reading(before, 4 * 300, Reading(5, 100)).maxima == (9.0, None, 5.0)
    assert with_reading(before, 4000 * 300, Reading(5, 100)).maxima == (None, None, 5.0)


@given(st.lists(st.one_of(st.none(), st.floats(0, 2000)), max_size=50), st.integers(0, 60))
def test_a_trend_has_exactly_its_width(highs: list[float | None], cells: int) -> None:
    known = TrendData(0, 300, tuple(highs), (100,) * len(highs))
    for symbols in (UNICODE_SYMBOLS, ASCII_SYMBOLS):
        assert line_width(draw_trend(known, None, LIMITS, cells, symbols)) == cells
