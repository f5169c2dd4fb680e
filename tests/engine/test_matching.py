from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.values import poll, pool, server, snapshot

from lictui.engine.board import Board, Filter, apply_poll, filter_board, with_servers
from lictui.errors import UsageError
from lictui.model import Snapshot

SERVERS = (server("lic-emea-01", group="emea"), server("lic-us-01", group="us"), server("silent"))


@pytest.fixture
def board() -> Board:
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


def test_nothing_typed_shows_all(board: Board) -> None:
    assert filter_board(board, Filter.parse("")) is board


def test_a_server_that_matches_is_shown_whole(board: Board) -> None:
    assert shown(board, "EMEA") == {"lic-emea-01": ["XDT_PLT_UD", "PVS_STD_CCS"]}
    assert shown(board, "^us$") == {"lic-us-01": ["XDT_PLT_UD"]}


def test_a_product_that_matches_is_shown_alone(board: Board) -> None:
    assert shown(board, "pvs") == {"lic-emea-01": ["PVS_STD_CCS"]}


def test_an_exclamation_mark_hides_what_matches(board: Board) -> None:
    assert shown(board, "!emea") == {"lic-us-01": ["XDT_PLT_UD"], "silent": []}
    assert shown(board, "!XDT") == {"lic-emea-01": ["PVS_STD_CCS"], "silent": []}
    assert Filter.parse("!") == Filter.parse("")


def test_a_server_without_products_is_hidden_by_its_name_alone(board: Board) -> None:
    board = apply_poll(board, poll(Snapshot(()), "silent"))
    assert shown(board, "!XDT|PVS") == {"silent": []}
    assert shown(board, "!silent|XDT") == {"lic-emea-01": ["PVS_STD_CCS"]}


@pytest.mark.parametrize("text", ["cvad premium", "Virtual Apps and Desktops Premium", "^xdt_plt"])
def test_a_product_goes_by_its_code_its_name_and_the_name_on_the_screen(
    board: Board, text: str
) -> None:
    named = pool("XDT_PLT_UD", name="Citrix Virtual Apps and Desktops Premium")
    board = apply_poll(board, poll(snapshot(named, pool("ACME_X")), "silent"))
    assert shown(board, text)["silent"] == ["XDT_PLT_UD"]


def test_any_of_the_words_is_enough() -> None:
    wanted = Filter.parse("EMEA|us-.1")
    assert wanted(("lic-emea-01", "x"))
    assert wanted(("x", "ddc-us-01"))
    assert not wanted(("lic-apac", ""))


@pytest.mark.parametrize(
    ("text", "says"),
    [("(lic", "unterminated"), ("*", "nothing to repeat"), ("a" * 201, "max 200")],
)
def test_what_is_no_filter_is_said_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Filter.parse(text)


def test_a_regex_that_python_wonders_about_says_nothing_over_the_screen() -> None:
    assert Filter.parse("[[a]")(["a"])


@given(st.text(max_size=20))
def test_any_text_filters_or_is_refused(text: str) -> None:
    try:
        wanted = Filter.parse(text)
    except UsageError:
        return
    assert isinstance(wanted(["lic"]), bool)
