from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictui.model import Level, Reading
from lictui.tui.text import Tone, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS
from lictui.tui.widgets.gauge import draw_gauge

figures = st.one_of(st.none(), st.integers(0, 10_000))


def drawn(reading: Reading, peak: float | None = None, cells: int = 13) -> str:
    level = reading.level(0.8, 0.9)
    return "".join(text for text, _ in draw_gauge(reading, level, peak, cells, UNICODE_SYMBOLS))


def test_an_empty_a_half_and_a_full_gauge() -> None:
    assert drawn(Reading(0, 100)) == "··········▏  "
    assert drawn(Reading(50, 100)) == "█████·····▏  "
    assert drawn(Reading(100, 100)) == "██████████▏  "


def test_eighths() -> None:
    assert drawn(Reading(55, 100)) == "█████▌····▏  "


def test_more_than_nothing_shows_and_less_than_all_never_fills() -> None:
    assert drawn(Reading(1, 10_000)) == "▏·········▏  "
    assert drawn(Reading(9_999, 10_000)).startswith("█████████▉▏")


def test_overdraft_stands_apart_beyond_the_end() -> None:
    assert drawn(Reading(90, 100, 20)) == "█████████·▏░░"
    assert drawn(Reading(105, 100, 20)) == "██████████▏▓░"
    assert drawn(Reading(120, 100, 20)) == "██████████▏▓▓"
    assert drawn(Reading(500, 100, None)) == "██████████▏▓▓"


def test_the_peak_of_the_day_is_a_tick() -> None:
    assert drawn(Reading(20, 100), peak=65) == "██····▕···▏  "
    assert drawn(Reading(20, 100), peak=100) == "██·······▕▏  "
    assert drawn(Reading(20, 100), peak=20) == "██········▏  "


def test_an_unknown_figure_draws_no_bar() -> None:
    assert drawn(Reading(None, 100)) == drawn(Reading(7, None)) == "··········▏  "


def test_a_full_gauge_is_in_the_tone_of_its_level() -> None:
    (_, tone), *_ = draw_gauge(Reading(100, 100), Level.EXHAUSTED, None, 13, UNICODE_SYMBOLS)
    assert tone is Tone.CRITICAL


@given(figures, figures, figures, st.one_of(st.none(), st.floats(0, 20_000)), st.integers(0, 60))
def test_a_gauge_has_exactly_its_width(
    in_use: int | None, installed: int | None, overdraft: int | None, peak: float | None, cells: int
) -> None:
    reading = Reading(in_use, installed, overdraft)
    for symbols in (UNICODE_SYMBOLS, ASCII_SYMBOLS):
        runs = draw_gauge(reading, reading.level(0.8, 0.9), peak, cells, symbols)
        assert line_width(runs) == cells


@given(figures, figures, figures, st.integers(4, 60))
def test_ascii_is_seven_bit(
    in_use: int | None, installed: int | None, overdraft: int | None, cells: int
) -> None:
    runs = draw_gauge(Reading(in_use, installed, overdraft), Level.OK, 3.0, cells, ASCII_SYMBOLS)
    assert "".join(text for text, _ in runs).isascii()


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000), st.integers(4, 60))
def test_more_in_use_never_draws_a_shorter_bar(a: int, b: int, installed: int, cells: int) -> None:
    def eighths(in_use: int) -> int:
        (bar, _), *_ = draw_gauge(
            Reading(in_use, installed), Level.OK, None, cells, UNICODE_SYMBOLS
        )
        return sum(UNICODE_SYMBOLS.gauge_bars.index(character) + 1 for character in bar)

    assert eighths(min(a, b)) <= eighths(max(a, b))
