"""States of servers, totals of products, and the filter of a board."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.example_board import (
    TIMEOUT_FAILURE,
    down_status,
    up_status,
)
from tests.support.example_board import (
    pool as example_pool,
)
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.config.settings import AlertSettings
from lictui.engine.board import (
    Board,
    Filter,
    ServerStatus,
    Total,
    apply_poll,
    filter_board,
    mark_stale,
    with_servers,
)
from lictui.engine.merge import merge_board
from lictui.errors import UsageError
from lictui.model import FailureKind, Level, Model, Reading, Snapshot, State


def status(board: Board, name: str = "lic-01") -> ServerStatus:
    found = board.find(name)
    assert found is not None
    return found


@pytest.fixture
def board() -> Board:
    return with_servers(Board(), (server(), server("lic-02"), server("off", enabled=False)))


def test_registered_server_is_waiting_or_disabled(board: Board) -> None:
    assert status(board).state is State.WAITING
    assert status(board, "off").state is State.DISABLED


def test_successful_poll_changes_only_its_server(board: Board) -> None:
    after = apply_poll(board, poll())
    assert status(after).state is State.UP
    assert status(after).snapshot == snapshot()
    assert status(after, "lic-02") is status(board, "lic-02")


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FailureKind.TIMEOUT, State.DOWN),
        (FailureKind.REFUSED, State.DOWN),
        (FailureKind.DNS, State.DOWN),
        (FailureKind.UNAVAILABLE, State.DOWN),
        (FailureKind.RATE_LIMITED, State.DOWN),
        (FailureKind.AUTH, State.DENIED),
        (FailureKind.FORBIDDEN, State.DENIED),
        (FailureKind.TLS, State.UNTRUSTED),
        (FailureKind.NO_DATA, State.NO_DATA),
        (FailureKind.PARSE, State.ERROR),
        (FailureKind.PROTOCOL, State.ERROR),
        (FailureKind.TOO_LARGE, State.ERROR),
        (FailureKind.CONFIG, State.ERROR),
    ],
)
def test_failure_keeps_the_last_figures_and_sets_the_state(
    board: Board, kind: FailureKind, state: State
) -> None:
    after = apply_poll(apply_poll(board, poll()), poll(failure(kind), at=START + 60))
    assert status(after).state is state
    assert status(after).snapshot == snapshot()
    assert status(after).last_success_at == START
    assert status(after).polled_at == START + 60


def test_state_since_is_the_first_poll_with_that_state(board: Board) -> None:
    after = apply_poll(apply_poll(board, poll(failure())), poll(failure(), at=START + 60))
    assert status(after).since == START


def test_server_that_missed_three_polls_is_stale(board: Board) -> None:
    up = apply_poll(board, poll())
    assert status(mark_stale(up, START + 2600)).state is State.UP
    assert status(mark_stale(up, START + 2800)).state is State.STALE
    assert status(mark_stale(up, START + 2800), "lic-02").state is State.WAITING


def test_stale_follows_the_interval_in_use(board: Board) -> None:
    up = apply_poll(board, poll(), due=START + 10)
    assert status(mark_stale(up, START + 31)).state is State.STALE


def test_equal_polls_make_equal_boards(board: Board) -> None:
    assert apply_poll(board, poll()) == apply_poll(board, poll())


def test_edited_server_keeps_its_figures(board: Board) -> None:
    up = apply_poll(board, poll())
    after = with_servers(up, (replace(server(), group="emea"),))
    assert status(after).state is State.UP
    assert status(after).server.group == "emea"
    assert after.find("lic-02") is None


def test_disabled_server_waits_when_enabled_again(board: Board) -> None:
    up = apply_poll(board, poll())
    off = with_servers(up, (server(enabled=False),))
    assert status(off).state is State.DISABLED
    assert status(with_servers(off, (server(),))).state is State.WAITING


def test_poll_of_a_removed_server_changes_nothing(board: Board) -> None:
    assert apply_poll(board, poll(name="gone")) == board


def total(*servers: ServerStatus) -> Total:
    (found,) = merge_board(Board(servers)).totals()
    return found


def test_total_sums_a_product_over_servers() -> None:
    found = total(
        up_status("a", example_pool("XDT_PLT_UD", 412, 500, 50)),
        up_status("b", example_pool("XDT_PLT_UD", 288, 400, 40)),
    )
    assert (found.product, found.model) == ("XDT_PLT_UD", Model.USER_DEVICE)
    assert found.reading == Reading(700, 900, 90)
    assert found.free == 200
    assert found.ratio == pytest.approx(0.7778, abs=1e-4)
    assert (found.level, found.unknown_pools) == (Level.OK, 0)
    assert found.servers_reporting == found.servers_expected == ("a", "b")


def test_total_leaves_out_a_server_whose_poll_failed() -> None:
    away = down_status(up_status("b", example_pool("XDT_PLT_UD", 288, 400)), TIMEOUT_FAILURE)
    found = total(up_status("a", example_pool("XDT_PLT_UD", 412, 500)), away)
    assert found.reading == Reading(412, 500)
    assert (found.servers_reporting, found.servers_expected) == (("a",), ("a", "b"))


def test_total_without_reporting_servers_is_unknown() -> None:
    found = total(down_status(up_status("a", example_pool("XDT_PLT_UD", 1, 2)), TIMEOUT_FAILURE))
    assert found.reading == Reading()
    assert (found.level, found.ratio, found.servers_reporting) == (Level.UNKNOWN, None, ())


def test_total_does_not_expect_disabled_servers() -> None:
    status = up_status("b", example_pool("XDT_PLT_UD", 1, 2))
    off = replace(status, server=replace(status.server, enabled=False), state=State.DISABLED)
    assert total(up_status("a", example_pool("XDT_PLT_UD", 1, 2)), off).servers_expected == ("a",)


def test_total_counts_missing_figures_and_sums_known_ones() -> None:
    found = total(
        up_status("a", example_pool("XDT_PLT_UD", None, 5), example_pool("XDT_PLT_UD", 3, 7))
    )
    assert found.reading == Reading(3, 12)
    assert (found.unknown_pools, found.ratio, found.free) == (1, None, None)
    assert found.level is Level.UNKNOWN


def test_total_leaves_out_startup_licenses() -> None:
    assert merge_board(Board((up_status("a", example_pool("CITRIX", 0, 10)),))).totals() == ()


def test_total_has_the_level_of_its_product() -> None:
    strict = AlertSettings(product={"XDT_PLT_UD": {"warn": 0.1, "critical": 0.2}})
    (found,) = merge_board(
        Board((up_status("a", example_pool("XDT_PLT_UD", 15, 100)),)), strict
    ).totals()
    assert found.level is Level.WARN


SERVERS = (server("lic-emea-01", group="emea"), server("lic-us-01", group="us"), server("silent"))


@pytest.fixture
def mixed_board() -> Board:
    board = with_servers(Board(), SERVERS)
    board = apply_poll(
        board, poll(snapshot(pool("XDT_PLT_UD"), pool("PVS_STD_CCS")), "lic-emea-01")
    )
    return apply_poll(board, poll(snapshot(pool("XDT_PLT_UD")), "lic-us-01"))


def shown(board: Board, text: str) -> dict[str, list[str]]:
    kept = filter_board(board, Filter.parse(text))
    return {
        status.server.name: [pool.product for pool in status.snapshot.pools]
        if status.snapshot
        else []
        for status in kept.servers
    }


def test_filter_without_text_matches_all(mixed_board: Board) -> None:
    assert filter_board(mixed_board, Filter.parse("")) is mixed_board


def test_filter_shows_a_matching_server_completely(mixed_board: Board) -> None:
    assert shown(mixed_board, "EMEA") == {"lic-emea-01": ["XDT_PLT_UD", "PVS_STD_CCS"]}
    assert shown(mixed_board, "^us$") == {"lic-us-01": ["XDT_PLT_UD"]}


def test_filter_shows_only_matching_products(mixed_board: Board) -> None:
    assert shown(mixed_board, "pvs") == {"lic-emea-01": ["PVS_STD_CCS"]}


def test_filter_with_exclamation_mark_is_inverted(mixed_board: Board) -> None:
    assert shown(mixed_board, "!emea") == {"lic-us-01": ["XDT_PLT_UD"], "silent": []}
    assert shown(mixed_board, "!XDT") == {"lic-emea-01": ["PVS_STD_CCS"], "silent": []}
    assert Filter.parse("!") == Filter.parse("")


def test_filter_hides_a_server_without_products_by_name_only(mixed_board: Board) -> None:
    mixed_board = apply_poll(mixed_board, poll(Snapshot(()), "silent"))
    assert shown(mixed_board, "!XDT|PVS") == {"silent": []}
    assert shown(mixed_board, "!silent|XDT") == {"lic-emea-01": ["PVS_STD_CCS"]}


@pytest.mark.parametrize("text", ["cvad premium", "Virtual Apps and Desktops Premium", "^xdt_plt"])
def test_filter_matches_code_name_and_short_name(mixed_board: Board, text: str) -> None:
    named = pool("XDT_PLT_UD", name="Citrix Virtual Apps and Desktops Premium")
    mixed_board = apply_poll(mixed_board, poll(snapshot(named, pool("ACME_X")), "silent"))
    assert shown(mixed_board, text)["silent"] == ["XDT_PLT_UD"]


def test_filter_matches_any_search_term() -> None:
    wanted = Filter.parse("EMEA|us-.1")
    assert wanted(("lic-emea-01", "x"))
    assert wanted(("x", "ddc-us-01"))
    assert not wanted(("lic-apac", ""))


@pytest.mark.parametrize(
    ("text", "says"),
    [("(lic", "unterminated"), ("*", "nothing to repeat"), ("a" * 201, "max 200")],
)
def test_invalid_filter_is_a_usage_error(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Filter.parse(text)


def test_filter_prints_no_warning_of_re() -> None:
    assert Filter.parse("[[a]")(["a"])


@given(st.text(max_size=20))
def test_filter_accepts_or_refuses_any_text(text: str) -> None:
    try:
        wanted = Filter.parse(text)
    except UsageError:
        return
    assert isinstance(wanted(["lic"]), bool)
