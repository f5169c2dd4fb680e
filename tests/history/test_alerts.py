from __future__ import annotations

import sqlite3

import pytest
from tests.history.history_fixture import MIDNIGHT, HistoryFixture
from tests.support.clock import FakeClock
from tests.support.values import poll, server

from lictui.history.errors import HistoryError
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import Acknowledgement, AlertKey, AlertKind, AlertState, Event, EventKind, Level

USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
STATE = AlertKey("lic-01", AlertKind.SERVER, "", "state")
STANDS = AlertState(
    USAGE, Level.WARN, "85 of 100", MIDNIGHT, 0.85, "emea", 2, 2, MIDNIGHT, MIDNIGHT
)
LOST = AlertState(STATE, Level.CRITICAL, "no answer", polls_seen=1, polls_required=2)
ANSWER = Acknowledgement("alice", MIDNIGHT, MIDNIGHT + 3600)


def decided(desk: HistoryFixture, *stands: AlertState, **rest: tuple[AlertKey, ...]) -> None:
    desk.history.append_many((), AlertChanges(stands, **rest))  # type: ignore[arg-type]


def test_what_stands_and_what_was_answered_comes_back_after_a_restart(desk: HistoryFixture) -> None:
    decided(desk, STANDS, LOST)
    desk.history.set_acknowledgement(USAGE, ANSWER)
    desk.close()
    with History.open(desk.history.path, desk.history.retention, FakeClock()) as again:
        assert set(again.alert_states()) == {STANDS, LOST}
        assert again.acknowledgements() == {USAGE: ANSWER}


def test_what_is_gone_takes_its_answer_along_and_an_answer_can_be_taken_back(
    desk: HistoryFixture,
) -> None:
    decided(desk, STANDS, LOST)
    desk.history.set_acknowledgement(USAGE, ANSWER)
    desk.history.set_acknowledgement(STATE, ANSWER)
    desk.history.set_acknowledgement(STATE, None)
    assert desk.history.acknowledgements() == {USAGE: ANSWER}
    decided(desk, removed=(USAGE,))
    assert desk.history.alert_states() == (LOST,)
    assert desk.history.acknowledgements() == {}


def test_it_is_written_with_the_poll_or_not_at_all(desk: HistoryFixture) -> None:
    line = Event(MIDNIGHT, EventKind.ALERT, "lic-01", "raised")
    broken = (server(), poll(at=MIDNIGHT), (object(),))
    with pytest.raises((HistoryError, sqlite3.Error, AttributeError)):
        desk.history.append_many((broken,), AlertChanges((STANDS,), events=(line,)))  # type: ignore[arg-type]
    assert desk.history.alert_states() == ()
    desk.history.append_many(
        ((server(), poll(at=MIDNIGHT), ()),), AlertChanges((STANDS,), (), (), (line,))
    )
    assert desk.history.alert_states() == (STANDS,)
    assert desk.history.events(1) == (line,)
    assert "lic-01" in desk.history.last_polls()


def test_a_renamed_server_takes_its_alerts_along(desk: HistoryFixture) -> None:
    decided(desk, STANDS)
    desk.history.set_acknowledgement(USAGE, ANSWER)
    desk.history.rename_server("lic-01", "lic-02")
    (found,) = desk.history.alert_states()
    assert (found.key.server, found.message) == ("lic-02", "85 of 100")
    assert [who.server for who in desk.history.acknowledgements()] == ["lic-02"]


def test_what_a_newer_lictui_wrote_is_left_out(desk: HistoryFixture) -> None:
    decided(desk, STANDS)
    desk.history._db.execute("INSERT INTO alert VALUES('a', 'omen', '', '', '{}')")
    desk.history._db.execute("INSERT INTO alert VALUES('a', 'usage', '', '', 'no JSON')")
    assert desk.history.alert_states() == (STANDS,)


def test_the_whole_journal_comes_in_pages(desk: HistoryFixture) -> None:
    lines = [Event(MIDNIGHT + at // 2, EventKind.ALERT, "a", str(at)) for at in range(25)]
    desk.history.add_events(lines)
    pages = list(desk.history.event_pages(10))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [it.message for page in pages for it in page] == [str(at) for at in range(24, -1, -1)]
