import sqlite3

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.clock import FakeClock
from tests.support.values import poll, server

from lictui.history.errors import HistoryError
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import (
    Acknowledgement,
    AlertKey,
    AlertKind,
    AlertState,
    AlertTransition,
    Event,
    EventKind,
    JournalFilter,
    Level,
)


def event(at: float, message: str = "x") -> Event:
    return Event(at, EventKind.LEVEL, "lic-01", message, "XDT_PLT_UD", Level.WARN)


def test_events_are_newest_first(fixture: HistoryFixture) -> None:
    lines = [event(MIDNIGHT, "a"), event(MIDNIGHT + 9, "b"), event(MIDNIGHT + 9, "c")]
    fixture.history.append(server(), poll(), lines)
    assert fixture.history.events(10) == tuple(reversed(lines))
    assert fixture.history.events(2) == (lines[2], lines[1])


def test_events_of_a_wrong_future_hide_no_newer_ones(fixture: HistoryFixture) -> None:
    now = fixture.clock.now()
    fixture.add_events(event(now + 9 * 365 * DAY, "ahead"), event(now + 1, "next"))
    fixture.add_events(event(now - 1, "before"), event(now, "now"))
    assert [it.message for it in fixture.history.events(3)] == ["now", "before", "ahead"]
    assert [it.message for it in fixture.history.events(9, now + 2)] == ["now", "before", "next"]
    pages = fixture.history.event_pages(1)
    assert [it.message for (it,) in pages] == ["now", "before", "ahead", "next"]


def test_events_expire_after_retention(fixture: HistoryFixture) -> None:
    fixture.add_events(event(MIDNIGHT - 401 * DAY), event(MIDNIGHT - DAY))
    fixture.compact_at(MIDNIGHT + 4000 * DAY)
    assert len(fixture.history.events(10)) == 2  # no reading shows that so much time has passed
    fixture.poll_series(MIDNIGHT, [5] * 24, every=HOUR)
    fixture.compact_at(MIDNIGHT + 4000 * DAY)
    assert [each.time for each in fixture.history.events(10)] == [MIDNIGHT - DAY]


def test_event_of_an_unknown_kind_is_left_out(fixture: HistoryFixture) -> None:
    fixture.history.append(server(), poll(), [event(MIDNIGHT), event(MIDNIGHT + 1)])
    fixture.history._db.execute("UPDATE event SET kind = 'omen' WHERE time = ?", (MIDNIGHT + 1,))
    assert fixture.history.events(10) == (event(MIDNIGHT),)


def test_events_are_filtered_by_server_product_kind_and_time(fixture: HistoryFixture) -> None:
    def line(at: float, name: str, product: str, kind: EventKind) -> Event:
        return Event(at, kind, name, "x", product)

    mine = line(MIDNIGHT + 1, "lic-01", "A", EventKind.LICENSES)
    whole = line(MIDNIGHT + 2, "lic-02", "", EventKind.VERSION)
    others = [
        line(MIDNIGHT - 1, "lic-01", "A", EventKind.LICENSES),
        line(MIDNIGHT + 9, "lic-01", "A", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-03", "A", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-01", "B", EventKind.LICENSES),
        line(MIDNIGHT + 3, "lic-01", "A", EventKind.LEVEL),
    ]
    fixture.history.append(server(), poll(), [mine, whole, *others])
    about = JournalFilter(("lic-01", "lic-02"), "A", (EventKind.LICENSES, EventKind.VERSION))
    assert fixture.history.events(9, MIDNIGHT + 9, MIDNIGHT, about) == (whole, mine)
    assert fixture.history.events(1, MIDNIGHT + 9, MIDNIGHT, about) == (whole,)
    assert len(fixture.history.events(9)) == 7


USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
STATE = AlertKey("lic-01", AlertKind.SERVER, "", "state")
STANDS = AlertState(
    USAGE,
    Level.WARN,
    "85 of 100",
    MIDNIGHT,
    0.85,
    "emea",
    AlertTransition.WORSE,
    polls=1,
    polls_required=2,
    raised_at=MIDNIGHT,
    notified_at=MIDNIGHT,
)
LOST = AlertState(
    STATE, Level.CRITICAL, "no answer", change=AlertTransition.RAISED, polls=1, polls_required=2
)
ANSWER = Acknowledgement("alice", MIDNIGHT, MIDNIGHT + 3600)


def decided(fixture: HistoryFixture, *stands: AlertState, **rest: tuple[AlertKey, ...]) -> None:
    fixture.history.append_many((), AlertChanges(stands, **rest))  # type: ignore[arg-type]


def test_alerts_and_acknowledgements_survive_a_restart(fixture: HistoryFixture) -> None:
    decided(fixture, STANDS, LOST)
    fixture.history.set_acknowledgement(USAGE, ANSWER)
    fixture.close()
    with History(fixture.history.path, fixture.history.retention, FakeClock()) as again:
        assert set(again.alert_states()) == {STANDS, LOST}
        assert again.acknowledgements() == {USAGE: ANSWER}


def test_removed_alert_loses_its_acknowledgement(
    fixture: HistoryFixture,
) -> None:
    decided(fixture, STANDS, LOST)
    fixture.history.set_acknowledgement(USAGE, ANSWER)
    fixture.history.set_acknowledgement(STATE, ANSWER)
    fixture.history.set_acknowledgement(STATE, None)
    assert fixture.history.acknowledgements() == {USAGE: ANSWER}
    decided(fixture, removed=(USAGE,))
    assert fixture.history.alert_states() == (LOST,)
    assert fixture.history.acknowledgements() == {}


def test_alert_changes_are_written_with_the_poll_or_not_at_all(fixture: HistoryFixture) -> None:
    line = Event(MIDNIGHT, EventKind.ALERT, "lic-01", "raised")
    broken = (server(), poll(at=MIDNIGHT), (object(),))
    with pytest.raises((HistoryError, sqlite3.Error, AttributeError)):
        fixture.history.append_many((broken,), AlertChanges((STANDS,), events=(line,)))  # type: ignore[arg-type]
    assert fixture.history.alert_states() == ()
    assert (fixture.readings(), fixture.history.last_polls()) == ([], {})
    fixture.history.append_many(
        ((server(), poll(at=MIDNIGHT), ()),), AlertChanges((STANDS,), (), (), (line,))
    )
    assert fixture.history.alert_states() == (STANDS,)
    assert fixture.history.events(1) == (line,)
    assert "lic-01" in fixture.history.last_polls()


def test_renamed_server_keeps_its_alerts(fixture: HistoryFixture) -> None:
    decided(fixture, STANDS)
    fixture.history.set_acknowledgement(USAGE, ANSWER)
    fixture.history.rename_server("lic-01", "lic-02")
    (result,) = fixture.history.alert_states()
    assert (result.key.server, result.message) == ("lic-02", "85 of 100")
    assert [who.server for who in fixture.history.acknowledgements()] == ["lic-02"]


def test_alert_of_an_unknown_kind_is_left_out(fixture: HistoryFixture) -> None:
    decided(fixture, STANDS)
    fixture.history._db.execute("INSERT INTO alert VALUES('a', 'omen', '', '', '{}')")
    fixture.history._db.execute("INSERT INTO alert VALUES('a', 'usage', '', '', 'no JSON')")
    assert fixture.history.alert_states() == (STANDS,)


def test_event_pages_yield_the_whole_log(fixture: HistoryFixture) -> None:
    lines = [Event(MIDNIGHT + at // 2, EventKind.ALERT, "a", str(at)) for at in range(25)]
    fixture.add_events(*lines)
    pages = list(fixture.history.event_pages(10))
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [it.message for page in pages for it in page] == [str(at) for at in range(24, -1, -1)]
