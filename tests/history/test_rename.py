from __future__ import annotations

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.model import Event, EventKind


def test_a_new_name_keeps_the_history(desk: HistoryFixture) -> None:
    event = Event(MIDNIGHT, EventKind.SERVER, "old", "found")
    desk.history.append(server("old", interval=60.0), poll(name="old", at=MIDNIGHT), [event])
    desk.history.rename_server("old", "new")
    desk.history.append(server("new", interval=60.0), poll(name="new", at=MIDNIGHT + 60))
    assert desk.readings() == [(MIDNIGHT, 412), (MIDNIGHT + 60, 412)]
    assert desk.rows() == [(MIDNIGHT, 60, 2, 412)]
    assert set(desk.history.last_polls()) == {"new"}
    assert [each.server for each in desk.history.events(9)] == ["new"]
    assert desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "old") == ()


@pytest.mark.parametrize("rolled_between", [False, True])
def test_a_name_that_had_a_history_goes_on_with_both(
    desk: HistoryFixture, *, rolled_between: bool
) -> None:
    desk.line(MIDNIGHT, [5] * 10, "new")
    desk.read(MIDNIGHT, {"ONLY_OLD": 3}, "old")
    desk.line(MIDNIGHT + DAY, [7] * 10, "old")
    if rolled_between:
        desk.move_to(MIDNIGHT + DAY + 6 * HOUR)
    desk.history.rename_server("old", "new")
    desk.line(MIDNIGHT + DAY + 600, [8], "new")
    desk.clock._now = MIDNIGHT + 2 * DAY
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY, "new")
    assert [(one.high, one.samples) for one in found] == [(5, 10), (8, 11)]
    assert {each.server for each in desk.history.pools()} == {"new"}
    assert len(desk.history.pools()) == 2
    assert desk.history.last_polls()["new"].snapshot == snapshot(pool(in_use=8))
    assert len(desk.readings()) == 22
    desk.move_to(MIDNIGHT + 3 * DAY)
    assert len(desk.readings()) == 22


def test_the_same_name_changes_nothing(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5])
    desk.history.rename_server("lic-01", "lic-01")
    desk.history.rename_server("nobody", "somebody")
    assert desk.readings() == [(MIDNIGHT, 5)]
    assert set(desk.history.last_polls()) == {"lic-01"}
