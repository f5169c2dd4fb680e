"""The heat map as lines of text."""

import pytest

from lictui.analysis.usage import HeatMatrix
from lictui.tui.text import Line, line_width
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets.chart import HeatMapView, draw_heat_map, legend, read_off


def heat() -> HeatMatrix:
    """Nothing on Sundays; on other days the hour times four, and at most twice that."""
    average = tuple(tuple(4.0 * h if day < 6 else None for h in range(24)) for day in range(7))
    peak = tuple(tuple(8.0 * h if day < 6 else None for h in range(24)) for day in range(7))
    weeks = tuple(tuple(1 if h == 9 else 2 for h in range(24)) for day in range(7))
    return HeatMatrix(average, peak, weeks)


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def draw(view: HeatMapView, symbols: Symbols = UNICODE_SYMBOLS) -> list[str]:
    return [text(line) for line in draw_heat_map(view, 78, 10, symbols)]


def test_heat_map_without_installed_uses_the_busiest_hour() -> None:
    view = HeatMapView(heat())
    assert view.scale == 8.0 * 23
    assert draw(view)[1].split()[-1] == "50"
    assert "of the busiest hour" in text(legend(view, 80, "enter"))


def test_heat_map_color_is_that_of_the_share() -> None:
    monday = draw_heat_map(HeatMapView(heat(), 100), 78, 10, UNICODE_SYMBOLS)[1]
    tones = list(dict.fromkeys(tone for _, tone in monday[1:]))
    assert tones == [f"heat-{kind}" for kind in (0, 1, 2, 3, "warn", "critical")]


@pytest.mark.parametrize(
    ("width", "figures"), [(200, "0 4 8"), (77, "0 4 8"), (60, "0 0 0"), (30, "0 0 0")]
)
def test_heat_map_cells_fill_the_width_and_have_a_figure(width: int, figures: str) -> None:
    rows = draw_heat_map(HeatMapView(heat(), 100), width, 22, UNICODE_SYMBOLS)
    assert len(rows) == 22
    middle = text(rows[2])
    shown = middle.split()[1:4] if width > 30 else list(middle[5:8])
    assert " ".join(shown) == figures
    assert width - 24 < line_width(rows[1]) <= width
    assert [tone for _, tone in rows[1][1:]] == [tone for _, tone in rows[2][1:]]


@pytest.mark.parametrize("cells", [20, 29, 53, 58, 78, 200])
@pytest.mark.parametrize("lines", [3, 8, 30])
def test_heat_map_fits_its_width(cells: int, lines: int) -> None:
    drawn = draw_heat_map(HeatMapView(heat(), 100, cursor=(0, 0)), cells, lines, UNICODE_SYMBOLS)
    assert cells < 29 or all(line_width(line) <= cells for line in drawn)


def test_heat_map_cursor_shows_the_values_of_its_cell() -> None:
    line = read_off(HeatMapView(heat(), 100, cursor=(1, 10)), UNICODE_SYMBOLS)
    assert text(line) == "▲ Tue 10:00  40 (40 %) on average, max 80 (2 weeks)"
    once = read_off(HeatMapView(heat(), 100, cursor=(1, 9)), UNICODE_SYMBOLS)
    assert text(once).endswith("(1 week)")
    empty = read_off(HeatMapView(heat(), 100, cursor=(6, 23)), UNICODE_SYMBOLS)
    assert text(empty) == "▲ Sun 23:00  no data"
    assert read_off(HeatMapView(heat()), UNICODE_SYMBOLS) == ()


def test_heat_map_legend_drops_what_does_not_fit() -> None:
    legends = {
        width: text(legend(HeatMapView(heat(), 100), width, "enter")) for width in (58, 78, 118)
    }
    assert legends[118].endswith("in % of installed  arrow keys: inspect values  enter: chart")
    assert legends[78].endswith("in % of installed  arrow keys: inspect values")
    assert legends[58].endswith("in tens of % of installed")


def test_heat_map_figures_never_touch_each_other() -> None:
    over = HeatMapView(heat(), 50)
    assert draw(over)[1].split()[1:] == [f"{8 * h}" if h < 13 else "++" for h in range(24)]
    assert "++: 100+" in text(legend(over, 76, "enter"))
    wide = draw_heat_map(over, 120, 10, UNICODE_SYMBOLS)
    assert text(wide[1]).split()[1:] == [f"{8 * h}" for h in range(24)]
