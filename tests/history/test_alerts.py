from __future__ import annotations

import sqlite3

import pytest
from tests.history.desk import MIDNIGHT, Desk
from tests.support.clock import FakeClock
from tests.support.values import poll, server

from lictui.history.errors import HistoryError
from lictui.history.journal import Decided
from lictui.history.store import History
from lictui.model import AlertKind, Answer, Event, EventKind, Identity, Level, Standing

USAGE = Identity("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
STATE = Identity("lic-01", AlertKind.SERVER, "", "state")
STANDS = Standing(USAGE, Level.WARN, "85 of 100", MIDNIGHT, 0.85, "emea", 2, 2, MIDNIGHT, MIDNIGHT)
LOST = Standing(STATE, Level.CRITICAL, "no answer", seen=1, wanted=2)
ANSWER = Answer("alice", MIDNIGHT, MIDNIGHT + 3600)


def decided(desk: Desk, *stands: Standing, **rest: tuple[Identity, ...]) -> None:
    desk.history.append_many((), Decided(stands, **rest))  # type: ignore[arg-type]


def test_what_stands_and_what_was_answered_comes_back_after_a_restart(desk: Desk) -> None:
    decided(desk, STANDS, LOST)
    desk.history.answer(USAGE, ANSWER)
    desk.close()
    with History.open(desk.history.path, desk.history.retention, FakeClock()) as again:
        assert set(again.alerts()) == {STANDS, LOST}
        assert again.answers() == {USAGE: ANSWER}


def test_what_is_gone_takes_its_answer_along_and_an_answer_can_be_taken_back(desk: Desk) -> None:
    decided(desk, STANDS, LOST)
    desk.history.answer(USAGE, ANSWER)
    desk.history.answer(STATE, ANSWER)
    desk.history.answer(STATE, None)
    assert desk.history.answers() == {USAGE: ANSWER}
    decided(desk, gone=(USAGE,))
    assert desk.history.alerts() == (LOST,)
    assert desk.history.answers() == {}


def test_it_is_written_with_the_poll_or_not_at_all(desk: Desk) -> None:
    line = Event(MIDNIGHT, EventKind.ALERT, "lic-01", "raised")
    broken = (server(), poll(at=MIDNIGHT), (object(),))
    with pytest.raises((HistoryError, sqlite3.Error, AttributeError)):
        desk.history.append_many((broken,), Decided((STANDS,), events=(line,)))  # type: ignore[arg-type]
    assert desk.history.alerts() == ()
    desk.history.append_many(
        ((server(), poll(at=MIDNIGHT), ()),), Decided((STANDS,), (), (), (line,))
    )
    assert desk.history.alerts() == (STANDS,)
    assert desk.history.events(1) == (line,)
    assert "lic-01" in desk.history.latest()


def test_a_renamed_server_takes_its_alerts_along(desk: Desk) -> None:
    decided(desk, STANDS)
    desk.history.answer(USAGE, ANSWER)
    desk.history.rename("lic-01", "lic-02")
    (found,) = desk.history.alerts()
    assert (found.who.server, found.message) == ("lic-02", "85 of 100")
    assert [who.server for who in desk.history.answers()] == ["lic-02"]


def test_what_a_newer_lictui_wrote_is_left_out(desk: Desk) -> None:
    decided(desk, STANDS)
    desk.history._db.execute("INSERT INTO alert VALUES('a', 'omen', '', '', '{}')")
    desk.history._db.execute("INSERT INTO alert VALUES('a', 'usage', '', '', 'no JSON')")
    assert desk.history.alerts() == (STANDS,)


def test_the_whole_journal_comes_in_pages(desk: Desk) -> None:
    lines = [Event(MIDNIGHT + at // 2, EventKind.ALERT, "a", str(at)) for at in range(25)]
    desk.history.note(lines)
    pages = list(desk.history.journal(10))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [it.message for page in pages for it in page] == [str(at) for at in range(24, -1, -1)]
