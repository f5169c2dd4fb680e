from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.estate import TIMEOUT, down, estate, pool, up

from lictui.config.settings import Alerts
from lictui.model import Failure, FailureKind
from lictui.tui.screens.wall_view import Moment, Panes, PaneView
from lictui.tui.screens.wall_view import pane as view_of
from lictui.tui.text import Line, width
from lictui.tui.theme import ASCII, UNICODE, Symbols
from lictui.tui.widgets import pane

NOW = Moment(START, date(2026, 11, 24))
HOSTILE = "[/x] \x1b[31m\x07\n\u202eevil\u2066 " + "ライセンス" * 60


def drawn(view: PaneView, cells: int, symbols: Symbols = UNICODE) -> list[Line]:
    digits, longest = pane.measure(view)
    shape = pane.columns(pane.inside(cells), digits, longest)
    return [*pane.lines(view, {}, cells, pane.height(view, cells), shape, symbols)]


def said(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


@pytest.mark.parametrize("cells", [40, 58, 60, 79, 100, 119, 200])
@pytest.mark.parametrize("symbols", [UNICODE, ASCII])
def test_every_line_has_exactly_its_width_and_figures_are_whole(
    cells: int, symbols: Symbols
) -> None:
    for view in Panes().of(estate(), Alerts(), NOW):
        lines = drawn(view, cells, symbols)
        assert {width(line) for line in lines} == {cells}
        for row in view.rows:
            for figure in (row.reading.in_use, row.reading.installed):
                assert figure is None or f"{figure:,}" in said(lines)


@given(st.integers(40, 220), st.integers(0, 10**9), st.integers(0, 10**9), st.text(max_size=80))
def test_no_name_and_no_figure_breaks_a_pane(
    cells: int, in_use: int, installed: int, name: str
) -> None:
    told = replace(pool("ACME_X", in_use, installed), name=name)
    view = view_of(up(name or "a", told), Alerts(), NOW)
    assert {width(line) for line in drawn(view, cells)} == {cells}


@pytest.mark.parametrize("cells", [40, 80, 200])
def test_hostile_strings_stay_in_their_cells(cells: int) -> None:
    told = replace(pool("ACME_X", 3, 4), name=HOSTILE)
    status = up(HOSTILE, told, group=HOSTILE, reported_name=HOSTILE, version=HOSTILE)
    failed = down(status, Failure(FailureKind.PARSE, HOSTILE, HOSTILE))
    for each in (status, failed):
        lines = drawn(view_of(each, Alerts(), NOW), cells)
        assert {width(line) for line in lines} == {cells}
        assert not set(said(lines)) & set("\x1b\x07\u202e\u2066")


def test_the_level_is_a_sign_as_well_as_a_colour() -> None:
    lines = said(drawn(Panes().of(estate(), Alerts(), NOW)[0], 80))
    assert "82 %!" in lines
    assert "112 %⚑" in lines


def test_overdraft_is_never_clamped_to_100() -> None:
    view = view_of(up("a", pool("PVS_STD_CCS", 500, 80, 20)), Alerts(), NOW)
    assert "625 %✖" in said(drawn(view, 80))


def test_assignments_are_called_assigned_where_there_is_room() -> None:
    view = view_of(up("a", pool("XDT_PLT_UD", 5, 8), pool("MPS_ADV_CCU", 5, 8)), Alerts(), NOW)
    wide = said(drawn(view, 120)).splitlines()
    assert "assigned" in wide[1]
    assert "in use" in wide[2]
    assert "user/device" in said(drawn(view, 80))


def test_a_row_without_live_figures_says_how_old_they_are() -> None:
    view = view_of(down(up("a", pool("XDT_PLT_UD", 214, 300)), TIMEOUT), Alerts(), NOW)
    lines = said(drawn(view, 80))
    assert "last 214 / 300, 4 min ago" in lines
    assert "%" not in lines
    assert TIMEOUT.message in lines


def test_a_changing_figure_moves_nothing() -> None:
    one, other = (
        said(drawn(view_of(up("a", pool("XDT_PLT_UD", n, 500)), Alerts(), NOW), 80))
        for n in (9, 499)
    )
    assert one.index("/ 500") == other.index("/ 500")
    assert one.index("%") == other.index("%")


def test_ascii_is_seven_bit() -> None:
    for view in Panes().of(estate(), Alerts(), NOW):
        assert said(drawn(view, 80, ASCII)).isascii()
