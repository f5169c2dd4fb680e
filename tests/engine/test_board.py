from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.clock import START
from tests.support.values import failure, poll, server, snapshot

from lictui.engine.board import Board, ServerStatus, apply_poll, mark_stale, with_servers
from lictui.model import FailureKind, State


def status(board: Board, name: str = "lic-01") -> ServerStatus:
    found = board.find(name)
    assert found is not None
    return found


@pytest.fixture
def board() -> Board:
    return with_servers(Board(), (server(), server("lic-02"), server("off", enabled=False)))


def test_a_registered_server_waits_and_a_disabled_one_says_so(board: Board) -> None:
    assert status(board).state is State.WAITING
    assert status(board, "off").state is State.DISABLED


def test_an_answer_brings_a_server_up_and_touches_no_other(board: Board) -> None:
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
def test_a_failure_keeps_the_last_figures_and_names_its_state(
    board: Board, kind: FailureKind, state: State
) -> None:
    after = apply_poll(apply_poll(board, poll()), poll(failure(kind), at=START + 60))
    assert status(after).state is state
    assert status(after).snapshot == snapshot()
    assert status(after).last_success_at == START
    assert status(after).polled_at == START + 60


def test_since_is_when_the_state_was_entered(board: Board) -> None:
    after = apply_poll(apply_poll(board, poll(failure())), poll(failure(), at=START + 60))
    assert status(after).since == START


def test_a_server_that_missed_three_polls_is_stale(board: Board) -> None:
    up = apply_poll(board, poll())
    assert status(mark_stale(up, START + 2600)).state is State.UP
    assert status(mark_stale(up, START + 2800)).state is State.STALE
    assert status(mark_stale(up, START + 2800), "lic-02").state is State.WAITING


def test_a_server_polled_at_another_pace_is_stale_by_that_pace(board: Board) -> None:
    up = apply_poll(board, poll(), due=START + 10)
    assert status(mark_stale(up, START + 31)).state is State.STALE


def test_equal_answers_make_equal_boards(board: Board) -> None:
    assert apply_poll(board, poll()) == apply_poll(board, poll())


def test_an_edited_server_keeps_what_is_known_of_it(board: Board) -> None:
    up = apply_poll(board, poll())
    after = with_servers(up, (replace(server(), group="emea"),))
    assert status(after).state is State.UP
    assert status(after).server.group == "emea"
    assert after.find("lic-02") is None


def test_disabling_and_enabling_again(board: Board) -> None:
    up = apply_poll(board, poll())
    off = with_servers(up, (server(enabled=False),))
    assert status(off).state is State.DISABLED
    assert status(with_servers(off, (server(),))).state is State.WAITING


def test_a_poll_of_a_removed_server_changes_nothing(board: Board) -> None:
    assert apply_poll(board, poll(name="gone")) == board
