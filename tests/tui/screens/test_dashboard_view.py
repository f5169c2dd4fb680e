"""Panes and rows of the dashboard, their selection and order."""

from datetime import date

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.example_board import (
    SA,
    TIMEOUT_FAILURE,
    down_status,
    example_board,
    pool,
    up_status,
)

from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, Filter, ServerStatus, apply_poll
from lictui.engine.merge import merge_board
from lictui.model import (
    Activation,
    ActivationStatus,
    Level,
    Mode,
    Poll,
    Server,
    Snapshot,
    SourceName,
    State,
)
from lictui.tui.text import Tone
from lictui.tui.widgets.dashboard_view import (
    CurrentTime,
    DashboardFilter,
    PaneBuilder,
    PaneView,
    build_pane,
    select_panes,
)

NOW = CurrentTime(START, date(2026, 11, 24))


LIMITS = AlertSettings()


def panes(board: Board, moment: CurrentTime = NOW) -> tuple[PaneView, ...]:
    return PaneBuilder().build(merge_board(board), LIMITS, moment)


def names(views: tuple[PaneView, ...]) -> list[str]:
    return [view.server for view in views]


def test_pane_warns_of_disabled_tls_verification() -> None:
    status = example_board().servers[0]
    status = replace(status, server=replace(status.server, verify=False))
    assert build_pane(status, LIMITS, NOW).source == "winrm TLS off!"


@pytest.mark.parametrize(
    ("state", "word"),
    [(State.WAITING, "first poll"), (State.DISABLED, "disabled"), (State.STALE, "three")],
)
def test_pane_reason_follows_the_state(state: State, word: str) -> None:
    status = ServerStatus(Server("a", SourceName.WINRM), state)
    assert word in build_pane(status, LIMITS, NOW).reason[0]
    assert "without license data" in build_pane(up_status("a"), LIMITS, NOW).reason[0]


def test_pane_notes_have_the_level_of_the_expiry() -> None:
    soon, later = date(2026, 12, 20), date(2027, 2, 1)
    status = up_status(
        "a", pool("XDT_PLT_UD", 1, 2, expires=soon), pool("MPS_ADV_CCU", 1, 2, subscription=later)
    )
    notes = build_pane(status, LIMITS, NOW).notes
    assert notes[0] == ("licenses expire in 26 d", Tone.CRITICAL)
    assert notes[-1] == ("SA ends in 69 d", Tone.WARN)


def test_pane_notes_omit_permanent_and_far_expiries() -> None:
    startup = pool("CITRIX", 0, 10, expires=date(2026, 12, 1))
    far = pool("XDT_PLT_UD", 1, 2, expires=date(2028, 1, 1), subscription=date(2028, 1, 1))
    assert build_pane(up_status("a", startup, far), LIMITS, NOW).notes == ()


def test_row_level_uses_the_most_specific_threshold() -> None:
    strict = AlertSettings(product={"XDT_PLT_UD": {"warn": 0.1, "critical": 0.2}})
    status = up_status("a", pool("XDT_PLT_UD", 30, 100))
    assert build_pane(status, strict, NOW).rows[0].level is Level.CRITICAL


def test_row_names_of_one_product_have_the_subscription() -> None:
    status = up_status(
        "a",
        pool("XDT_PLT_UD", 1, 2, subscription=SA),
        pool("XDT_PLT_UD", 1, 2, subscription=date(2025, 1, 1)),
    )
    assert [row.name for row in build_pane(status, LIMITS, NOW).rows] == [
        "CVAD Premium SA 2026-12",
        "CVAD Premium SA 2025-01",
    ]


def test_pane_mode_has_the_activation_date() -> None:
    activation = Activation(ActivationStatus.ACTIVATED, date(2026, 12, 3))
    view = build_pane(up_status("a", mode=Mode.LAS, activation=activation), LIMITS, NOW)
    assert view.mode == "las to 3 Dec"


def test_pane_builder_keeps_unchanged_panes() -> None:
    board, maker = example_board(), PaneBuilder()
    before = maker.build(merge_board(board), LIMITS, NOW)
    poll = Poll("lic-lab", START, 0.1, Snapshot(()))
    after = maker.build(merge_board(apply_poll(board, poll)), LIMITS, NOW)
    changed = [old.server for old, new in zip(before, after, strict=True) if old is not new]
    assert changed == ["lic-lab"]


def test_pane_changes_with_minutes_not_seconds() -> None:
    maker = PaneBuilder()
    board = Board((up_status("a", pool("XDT_PLT_UD", 1, 2), ago=5),))
    before = maker.build(merge_board(board), LIMITS, NOW)
    assert maker.build(merge_board(board), LIMITS, replace(NOW, now=START + 54)) == before
    assert maker.build(merge_board(board), LIMITS, replace(NOW, now=START + 55)) != before


@pytest.mark.parametrize(
    ("pattern", "servers", "products"),
    [
        ("emea-01", ["lic-emea-01"], ["XDT_PLT_UD", "MPS_ADV_CCU", "PVS_STD_CCS", "CITRIX"]),
        ("PVS|Provisioning", ["lic-emea-01"], ["PVS_STD_CCS"]),
        ("!emea|CVAD", ["lic-new", "lic-lab"], ["ACME_X"]),
        ("no such thing", [], []),
    ],
)
def test_filter_matches_servers_with_all_rows_or_rows(
    pattern: str, servers: list[str], products: list[str]
) -> None:
    views = select_panes(panes(example_board()), DashboardFilter(filter=Filter.parse(pattern)))
    assert names(views) == servers
    assert [row.key.product for view in views for row in view.rows] == products


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("registry", ["b", "C", "a"]),
        ("name", ["a", "b", "C"]),
        ("ratio", ["C", "b", "a"]),
        ("free", ["C", "b", "a"]),
        ("alerts", ["a", "C", "b"]),
    ],
)
def test_sorting_by_each_key(sort: str, order: list[str]) -> None:
    board = Board(
        (
            up_status("b", pool("XDT_PLT_UD", 50, 100)),
            up_status("C", pool("XDT_PLT_UD", 90, 100)),
            down_status(up_status("a"), TIMEOUT_FAILURE),
        )
    )
    assert names(select_panes(panes(board), DashboardFilter(sort=sort))) == order
    assert (
        names(select_panes(panes(board), DashboardFilter(sort=sort, reverse=True)))[-1] == order[0]
    )
