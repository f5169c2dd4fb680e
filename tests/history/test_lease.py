from __future__ import annotations

from typing import TYPE_CHECKING

from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture

if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest


@pytest.fixture
def other(desk: HistoryFixture) -> Iterator[HistoryFixture]:
    """Another process with the same file."""
    other = HistoryFixture(desk.path)
    yield other
    other.close()


def test_one_polls_and_the_other_follows(desk: HistoryFixture, other: HistoryFixture) -> None:
    assert desk.history.claim_lease("one", MIDNIGHT + 30, MIDNIGHT)
    assert not other.history.claim_lease("other", MIDNIGHT + 40, MIDNIGHT + 10)
    assert desk.history.claim_lease("one", MIDNIGHT + 50, MIDNIGHT + 20)
    assert not other.history.claim_lease("other", MIDNIGHT + 75, MIDNIGHT + 45)


def test_a_claim_that_ran_out_is_up_for_grabs(desk: HistoryFixture, other: HistoryFixture) -> None:
    assert desk.history.claim_lease("one", MIDNIGHT + 30, MIDNIGHT)
    assert other.history.claim_lease("other", MIDNIGHT + 60, MIDNIGHT + 30)
    assert not desk.history.claim_lease("one", MIDNIGHT + 61, MIDNIGHT + 31)


def test_letting_go_helps_at_once_but_only_the_holder_can(
    desk: HistoryFixture, other: HistoryFixture
) -> None:
    assert desk.history.claim_lease("one", MIDNIGHT + 30, MIDNIGHT)
    other.history.release_lease("other")
    assert not other.history.claim_lease("other", MIDNIGHT + 30, MIDNIGHT + 1)
    desk.history.release_lease("one")
    assert other.history.claim_lease("other", MIDNIGHT + 30, MIDNIGHT + 1)


def test_a_claim_of_a_clock_that_was_wrong_does_not_last(
    desk: HistoryFixture, other: HistoryFixture
) -> None:
    assert desk.history.claim_lease("one", MIDNIGHT + 400 * DAY, MIDNIGHT + 399 * DAY)
    assert other.history.claim_lease("other", MIDNIGHT + 30, MIDNIGHT)
