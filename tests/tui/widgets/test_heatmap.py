"""The map of the week as rows of characters."""

from __future__ import annotations

import pytest

from lictui.analysis.usage import HeatMatrix
from lictui.tui.text import Tone, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS
from lictui.tui.widgets.chart import HeatMapView, draw_heat_map, legend, read_off, tone_of


def heat(weeks: int = 2) -> HeatMatrix:
    """Nothing on Sundays; on other days the hour times four, and at most twice that."""
    average = tuple(tuple(4.0 * h if day < 6 else None for h in range(24)) for day in range(7))
    peak = tuple(tuple(8.0 * h if day < 6 else None for h in range(24)) for day in range(7))
    return HeatMatrix(average, peak, weeks)


def text(
    view: HeatMapView, cells: int = 78, lines: int = 10, symbols: object = UNICODE_SYMBOLS
) -> list[str]:
    found = draw_heat_map(view, cells, lines, symbols)  # type: ignore[arg-type]
    return ["".join(part for part, _ in line) for line in found]


def test_a_cell_is_as_high_as_its_hour_was_full_and_empty_where_nothing_was_read() -> None:
    found = text(HeatMapView(heat(), 100))
    assert found[0].split() == [f"{hour:02}" for hour in range(24)]
    assert found[1].split()[0] == "Mon"
    assert found[1][5 + 3 * 23] == "█"  # 92 of 100
    assert found[1][5 + 3 * 3] == "▁"
    assert found[7].strip() == "Sun"


def test_without_installed_the_highest_hour_is_the_measure() -> None:
    view = HeatMapView(heat())
    assert view.scale == 8.0 * 23
    assert text(view)[1][5 + 3 * 23] == "▄"


def test_the_tone_only_repeats_the_level() -> None:
    view = HeatMapView(heat(), 100)
    assert [tone_of(view, value) for value in (10, 80, 90)] == [
        Tone.OK,
        Tone.WARN,
        Tone.CRITICAL,
    ]


def test_ascii_is_ascii_and_tells_heights_apart() -> None:
    found = text(HeatMapView(heat(), 100, cursor=(2, 4)), symbols=ASCII_SYMBOLS)
    assert "".join(found).isascii()
    assert len(set(found[1])) > 8


@pytest.mark.parametrize("cells", [20, 29, 53, 58, 78, 200])
@pytest.mark.parametrize("lines", [3, 8, 30])
def test_it_fits_wherever_there_is_room_for_it(cells: int, lines: int) -> None:
    found = draw_heat_map(HeatMapView(heat(), 100, cursor=(0, 0)), cells, lines, UNICODE_SYMBOLS)
    assert cells < 29 or all(line_width(line) <= cells for line in found)


def test_the_cursor_reads_a_cell_off() -> None:
    said = read_off(HeatMapView(heat(), 100, cursor=(1, 10)), UNICODE_SYMBOLS)
    line = "".join(part for part, _ in said)
    assert line == "▲ Tue 10:00  40 (40 %) on average, max 80 (2 weeks)"
    empty = read_off(HeatMapView(heat(), 100, cursor=(6, 23)), UNICODE_SYMBOLS)
    assert "".join(part for part, _ in empty) == "▲ Sun 23:00  no data"
    assert read_off(HeatMapView(heat()), UNICODE_SYMBOLS) == ()


def test_the_legend_says_what_the_measure_is() -> None:
    assert "of installed" in _legend(HeatMapView(heat(), 9))
    assert "of the busiest hour" in _legend(HeatMapView(heat()))


def test_the_legend_says_nothing_by_halves() -> None:
    whole = _legend(HeatMapView(heat(), 9))
    assert whole.endswith("arrow keys: inspect values")
    assert _legend(HeatMapView(heat(), 9), len(whole)) == whole
    assert _legend(HeatMapView(heat(), 9), len(whole) - 1).endswith("of installed")


def _legend(view: HeatMapView, width: int = 80) -> str:
    return "".join(part for part, _ in legend(view, UNICODE_SYMBOLS, width))


def test_a_note_or_nothing_at_all_is_said() -> None:
    assert "reading the history" in "".join(text(HeatMapView(note="reading the history")))
    assert "no data" in "".join(text(HeatMapView()))
