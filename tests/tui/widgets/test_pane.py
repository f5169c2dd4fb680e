from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.example_board import TIMEOUT_FAILURE, down_status, example_board, pool, up_status

from lictui.config.settings import AlertSettings
from lictui.engine.merge import merge_board
from lictui.model import Failure, FailureKind
from lictui.tui.text import Line, line_width
from lictui.tui.theme import ASCII_SYMBOLS, UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import pane
from lictui.tui.widgets.dashboard_view import CurrentTime, PaneBuilder, PaneView
from lictui.tui.widgets.dashboard_view import build_pane as view_of

NOW = CurrentTime(START, date(2026, 11, 24))
HOSTILE = "[/x] \x1b[31m\x07\n\u202eevil\u2066 " + "ライセンス" * 60


def drawn(view: PaneView, cells: int, symbols: Symbols = UNICODE_SYMBOLS) -> list[Line]:
    digits, longest = pane.measure_pane(view)
    shape = pane.pane_columns(pane.inner_width(cells), digits, longest)
    return [*pane.draw_pane(view, {}, cells, pane.pane_height(view, cells), shape, symbols)]


def said(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize("cells", [40, 58, 60, 79, 100, 119, 200])
@pytest.mark.parametrize("symbols", [UNICODE_SYMBOLS, ASCII_SYMBOLS])
def test_every_line_has_exactly_its_width_and_figures_are_whole(
    cells: int, symbols: Symbols
) -> None:
    for view in PaneBuilder().build(merge_board(example_board()), AlertSettings(), NOW):
        lines = drawn(view, cells, symbols)
        assert {line_width(line) for line in lines} == {cells}
        for row in view.rows:
            for figure in (row.reading.in_use, row.reading.installed):
                assert figure is None or f"{figure:,}" in said(lines)


@given(st.integers(40, 220), st.integers(0, 10**9), st.integers(0, 10**9), st.text(max_size=80))
def test_no_name_and_no_figure_breaks_a_pane(
    cells: int, in_use: int, installed: int, name: str
) -> None:
    told = replace(pool("ACME_X", in_use, installed), name=name)
    view = view_of(up_status(name or "a", told), AlertSettings(), NOW)
    assert {line_width(line) for line in drawn(view, cells)} == {cells}


@pytest.mark.parametrize("cells", [40, 80, 200])
def test_hostile_strings_stay_in_their_cells(cells: int) -> None:
    told = replace(pool("ACME_X", 3, 4), name=HOSTILE)
    status = up_status(HOSTILE, told, group=HOSTILE, reported_name=HOSTILE, version=HOSTILE)
    failed = down_status(status, Failure(FailureKind.PARSE, HOSTILE, HOSTILE))
    for each in (status, failed):
        lines = drawn(view_of(each, AlertSettings(), NOW), cells)
        assert {line_width(line) for line in lines} == {cells}
        assert not set(said(lines)) & set("\x1b\x07\u202e\u2066")


def test_the_level_is_a_sign_as_well_as_a_colour() -> None:
    lines = said(
        drawn(PaneBuilder().build(merge_board(example_board()), AlertSettings(), NOW)[0], 80)
    )
    assert "82 %!" in lines
    assert "112 %⚑" in lines


def test_overdraft_is_never_clamped_to_100() -> None:
    view = view_of(up_status("a", pool("PVS_STD_CCS", 500, 80, 20)), AlertSettings(), NOW)
    assert "625 %✖" in said(drawn(view, 80))


def test_assignments_are_called_assigned_where_there_is_room() -> None:
    view = view_of(
        up_status("a", pool("XDT_PLT_UD", 5, 8), pool("MPS_ADV_CCU", 5, 8)), AlertSettings(), NOW
    )
    wide = said(drawn(view, 120)).splitlines()
    assert "assigned" in wide[1]
    assert "in use" in wide[2]
    assert "user/device" in said(drawn(view, 80))


def test_a_row_without_live_figures_says_how_old_they_are() -> None:
    view = view_of(
        down_status(up_status("a", pool("XDT_PLT_UD", 214, 300)), TIMEOUT_FAILURE),
        AlertSettings(),
        NOW,
    )
    lines = said(drawn(view, 80))
    assert "last 214 / 300, 4 min ago" in lines
    assert "%" not in lines
    assert TIMEOUT_FAILURE.message in lines


def test_a_changing_figure_moves_nothing() -> None:
    one, other = (
        said(drawn(view_of(up_status("a", pool("XDT_PLT_UD", n, 500)), AlertSettings(), NOW), 80))
        for n in (9, 499)
    )
    assert one.index("/ 500") == other.index("/ 500")
    assert one.index("%") == other.index("%")


def test_ascii_is_seven_bit() -> None:
    for view in PaneBuilder().build(merge_board(example_board()), AlertSettings(), NOW):
        assert said(drawn(view, 80, ASCII_SYMBOLS)).isascii()
