"""Panes as lines of text, and where the grid places them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import example_board, pool, up_status

from lictui.config.settings import AlertSettings
from lictui.engine.board import ServerStatus
from lictui.engine.merge import merge_board
from lictui.tui.text import Line, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import dashboard
from lictui.tui.widgets.dashboard import layout_panes
from lictui.tui.widgets.dashboard_view import CurrentTime, PaneBuilder, PaneView, build_pane

NOW = CurrentTime(START, date(2026, 11, 24))
EXAMPLES = PaneBuilder().build(merge_board(example_board()), AlertSettings(), NOW)


def pane_of(status: ServerStatus) -> PaneView:
    return build_pane(status, AlertSettings(), NOW)


def draw(view: PaneView, cells: int, symbols: Symbols = UNICODE_SYMBOLS) -> list[Line]:
    digits, longest = dashboard.measure_panes((view,))
    shape = dashboard.pane_columns(cells - dashboard.FRAME_CELLS, digits, longest)
    height = dashboard.pane_height(view, cells)
    return [*dashboard.draw_pane(view, {}, cells, height, shape, symbols)]


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


@pytest.mark.parametrize("cells", [40, 58, 60, 79, 100, 119, 200])
@pytest.mark.parametrize("symbols", [UNICODE_SYMBOLS, ASCII_SYMBOLS])
def test_pane_lines_have_exactly_their_width_and_whole_figures(
    cells: int, symbols: Symbols
) -> None:
    for view in EXAMPLES:
        lines = draw(view, cells, symbols)
        assert {line_width(line) for line in lines} == {cells}
        assert symbols is UNICODE_SYMBOLS or text(lines).isascii()
        for row in view.rows:
            for figure in (row.reading.in_use, row.reading.installed):
                assert figure is None or f"{figure:,}" in text(lines)


@given(st.integers(40, 220), st.integers(0, 10**9), st.integers(0, 10**9), st.text(max_size=80))
def test_pane_keeps_its_width_with_any_name_and_figure(
    cells: int, in_use: int, installed: int, name: str
) -> None:
    product = replace(pool("ACME_X", in_use, installed), name=name)
    lines = draw(pane_of(up_status(name or "a", product)), cells)
    assert {line_width(line) for line in lines} == {cells}


def test_pane_shows_levels_as_signs_and_overuse_in_full() -> None:
    assert "82 % !" in text(draw(EXAMPLES[0], 80))
    assert "112 % ⚑" in text(draw(EXAMPLES[0], 80))
    assert "79 %  " in text(draw(pane_of(up_status("a", pool("PVS_STD_CCS", 797, 1000))), 80))
    assert "625 % ✖" in text(draw(pane_of(up_status("a", pool("PVS_STD_CCS", 500, 80, 20))), 80))
    assert "? ✖" in text(draw(pane_of(up_status("a", pool("PVS_STD_CCS", 5, 0))), 80))


def test_pane_folds_what_is_not_counted_and_names_what_is_unknown() -> None:
    start_up, unknown = pool("CITRIX", 1, 10), pool("XDT_STD_UD", 27, None)
    pane = text(draw(pane_of(up_status("a", unknown, start_up)), 100)).splitlines()
    assert len(pane) == 3
    assert "installed unknown" in pane[1]
    assert "▏" not in pane[1]
    assert pane[-1].endswith("── 1 more, not counted ╯")
    assert "not counted" in text(draw(pane_of(up_status("a", start_up)), 80)).splitlines()[1]


@pytest.mark.parametrize("cells", [60, 80, 120])
def test_names_of_a_pane_are_never_cut_alike(cells: int) -> None:
    codes = "XDT_ADV_UD", "XDT_STD_UD", "MPS_ENT_CCU", "MPS_PLT_CCU", "XDS_PLT_CCS"
    view = pane_of(up_status("a", *(pool(code, 1234, 56789) for code in codes)))
    names = {line.split("  ")[0] for line in text(draw(view, cells)).splitlines()[1:-1]}
    assert len(names) == len(codes)
    assert cells < 80 or all(f" {row.name} " in text(draw(view, cells)) for row in view.rows)


@pytest.mark.parametrize("cells", [40, 60, 100])
def test_pane_shows_queued_requests_in_any_width(cells: int) -> None:
    view = pane_of(up_status("a", replace(pool("XDT_PLT_CCS", 9, 9), queued=1234)))
    lines = draw(view, cells)
    assert "1,234 queued" in text(lines)
    assert {line_width(line) for line in lines} == {cells}


def test_pane_columns_stay_when_a_figure_changes() -> None:
    few, many = (
        text(draw(pane_of(up_status("a", pool("XDT_PLT_UD", n, 500))), 80)) for n in (9, 499)
    )
    assert few.index("/ 500") == many.index("/ 500")
    assert few.index("%") == many.index("%")


# Layout


def test_panes_flow_in_reading_order_in_rows_of_equal_height() -> None:
    layout = layout_panes([("", 3), ("", 5), ("", 4)], 200, 2)
    rows = [(row.top, row.height, row.first, row.count) for row in layout.rows]
    assert rows == [(0, 5, 0, 2), (5, 4, 2, 1)]
    assert len(layout.lines) == 9
    places = [(0, 0), (199, 4), (0, 5), (199, 5), (0, 99)]
    assert [layout.pane_at(x, y) for x, y in places] == [0, 1, 2, None, None]


def test_panes_of_several_groups_have_headings() -> None:
    layout = layout_panes([("a", 3), ("b", 3), ("b", 3)], 200, 2)
    assert [(row.top, row.count) for row in layout.rows] == [(0, 0), (1, 1), (4, 0), (5, 2)]
    assert (layout.row_of(0).top, layout.row_of(2).top) == (1, 5)
    assert layout.pane_at(0, 0) is None
    assert all(row.count for row in layout_panes([("a", 3), ("a", 3)], 200, 2).rows)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(2, 9)), max_size=40),
    st.integers(40, 300),
)
def test_panes_have_a_place_of_their_own(panes: list[tuple[str, int]], width: int) -> None:
    panes.sort()
    columns = dashboard.column_count(width)
    layout = layout_panes(panes, width, columns)
    assert sum(row.height for row in layout.rows) == len(layout.lines)
    shown = [row.first + at for row in layout.rows for at in range(row.count)]
    assert shown == list(range(len(panes)))
    for index, (_, height) in enumerate(panes):
        row = layout.row_of(index)
        assert row.first <= index < row.first + row.count <= row.first + columns
        assert row.height >= height
    assert layout.edges[-1] == width
