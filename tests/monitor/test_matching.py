from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.values import poll, pool, server, snapshot

from lictui.errors import UsageError
from lictui.monitor.board import Board, apply, register
from lictui.monitor.matching import Filter, matching

SERVERS = (server("lic-emea-01", group="emea"), server("lic-us-01", group="us"), server("silent"))


@pytest.fixture
def board() -> Board:
    board = register(Board(), SERVERS)
    board = apply(board, poll(snapshot(pool("XDT_PLT_UD"), pool("PVS_STD_CCS")), "lic-emea-01"))
    return apply(board, poll(snapshot(pool("XDT_PLT_UD")), "lic-us-01"))


def shown(board: Board, text: str) -> dict[str, list[str]]:
    kept = matching(board, Filter.parse(text))
    return {
        status.server.name: [pool.product for pool in status.snapshot.pools]
        if status.snapshot
        else []
        for status in kept.servers
    }


def test_nothing_typed_shows_all(board: Board) -> None:
    assert matching(board, Filter.parse("")) is board


def test_a_server_that_matches_is_shown_whole(board: Board) -> None:
    assert shown(board, "EMEA") == {"lic-emea-01": ["XDT_PLT_UD", "PVS_STD_CCS"]}
    assert shown(board, "^us$") == {"lic-us-01": ["XDT_PLT_UD"]}


def test_a_product_that_matches_is_shown_alone(board: Board) -> None:
    assert shown(board, "pvs") == {"lic-emea-01": ["PVS_STD_CCS"]}


def test_an_exclamation_mark_hides_what_matches(board: Board) -> None:
    assert shown(board, "!emea") == {"lic-us-01": ["XDT_PLT_UD"], "silent": []}
    assert shown(board, "!XDT") == {"lic-emea-01": ["PVS_STD_CCS"], "silent": []}


def test_a_broken_expression_says_where() -> None:
    with pytest.raises(UsageError, match="unterminated"):
        Filter.parse("(lic")


@given(st.text(max_size=20))
def test_any_text_filters_or_is_refused(text: str) -> None:
    try:
        wanted = Filter.parse(text)
    except UsageError:
        return
    assert isinstance(wanted(["lic"]), bool)
