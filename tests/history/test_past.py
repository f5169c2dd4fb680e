"""The history as it was at another time, and a part of it for somebody else."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.series import SeriesQuery
from lictui.clock import PastClock
from lictui.config.settings import Retention
from lictui.history.bundle import copy_span
from lictui.history.errors import HistoryError
from lictui.history.past import PastHistory
from lictui.model import Event, EventKind, Level, PoolKey, State

NOON = MIDNIGHT + 12 * HOUR
NAMES = {"lic-01": "server-01", "lic-02": "server-02", "us": "group-01", "alice": "user-01"}


@pytest.fixture
def recorded(fixture: HistoryFixture) -> HistoryFixture:
    """Two servers, polled every five minutes for a day; one is lost from 12:00 to 13:00."""
    lost = range(NOON, NOON + HOUR, 300)
    for at in range(MIDNIGHT, MIDNIGHT + DAY, 300):
        events = []
        if at in (lost.start, lost.stop):
            text = "down: no answer from lic-02.corp" if at == lost.start else "recovered"
            events = [Event(at, EventKind.SERVER, "lic-02", text, "", Level.CRITICAL)]
        result = snapshot(pool(PRODUCT, at // 300 % 100, 500), version="11.17")
        history = fixture.history
        history.append(server(interval=300.0), poll(result, "lic-01", at))
        answer = failure() if at in lost else result
        history.append(server("lic-02", interval=300.0), poll(answer, "lic-02", at), events)
    fixture.compact_at(MIDNIGHT + DAY)
    return fixture


@pytest.fixture
def past(recorded: HistoryFixture) -> Iterator[tuple[PastHistory, PastClock]]:
    clock = PastClock(NOON + 60, MIDNIGHT, MIDNIGHT + DAY)
    with closing(PastHistory(recorded.path, Retention(), clock, read_only=True)) as history:
        yield history, clock


def test_past_has_the_figures_and_states_of_its_time(
    past: tuple[PastHistory, PastClock],
) -> None:
    history, clock = past
    for moment, down in ((NOON - 240, False), (NOON + 60, True), (NOON + HOUR, False)):
        clock.move(moment - clock.now())
        polls = history.last_polls()
        first, second = polls["lic-01"], polls["lic-02"]
        assert first.snapshot
        assert first.snapshot.pools[0].reading.in_use == moment // 300 % 100
        assert (first.polled_at, first.failure) == (moment // 300 * 300, None)
        assert (second.failure is not None) is down
        if second.failure:
            assert second.failure.state is State.DOWN
            assert second.failure.message == "no answer from lic-02.corp"
            assert second.state_since == NOON


def test_past_knows_nothing_of_what_came_later(past: tuple[PastHistory, PastClock]) -> None:
    history, clock = past
    query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + DAY, 300)
    for moment in (NOON + 60, NOON + HOUR + 60):
        clock.move(moment - clock.now())
        assert history.series(query).end[-1] <= moment + 300
        assert {event.time <= moment for event in history.events(9)} == {True}
        assert len(history.events(9)) == sum(len(page) for page in history.event_pages())
    clock.move(-DAY)
    assert {pool.since for pool in history.pools()} == {MIDNIGHT}
    assert clock.move(-1) is False
    assert history.alert_states() == ()


def test_past_without_a_recording_is_not_zero(recorded: HistoryFixture) -> None:
    clock = PastClock(MIDNIGHT + 5 * DAY, 0, MIDNIGHT + 9 * DAY)
    with closing(PastHistory(recorded.path, Retention(), clock, read_only=True)) as history:
        last = history.last_polls()["lic-01"]
    assert last.failure
    assert "nothing was recorded" in last.failure.message
    assert last.snapshot
    assert last.snapshot.pools[0].reading.in_use is None


def test_copy_has_only_its_span(recorded: HistoryFixture, tmp_path: Path) -> None:
    recorded.record(MIDNIGHT + 3 * DAY, 7, "lic-09")  # after the span
    target = tmp_path / "copy.db"
    copy_span(recorded.history, target, NOON, NOON + 2 * HOUR)
    clock = PastClock(NOON + 60, 0, MIDNIGHT + 9 * DAY)
    with closing(PastHistory(target, Retention(), clock, read_only=True)) as history:
        assert {pool.server for pool in history.pools()} == {"lic-01", "lic-02"}
        assert history.last_polls()["lic-02"].failure
        query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + DAY, 300)
        clock.move(DAY)
        series = history.series(query)
        assert (series.start[0], series.end[-1]) == (MIDNIGHT, NOON + 2 * HOUR + 300)
        assert series.last[-1] == (NOON + 2 * HOUR) // 300 % 100


def test_scrubbed_copy_contains_no_name(recorded: HistoryFixture, tmp_path: Path) -> None:
    lines = (
        Event(NOON + 1, EventKind.SERVER, "lic-02", r"denied: CORP\alice at 10.1.2.3", ""),
        Event(NOON + 2, EventKind.ALERT, "lic-01", "acknowledged by alice: 9 in use", PRODUCT),
        Event(NOON + 3, EventKind.NOTICE, "", "lic-02: /home/alice/x"),
        Event(NOON + 4, EventKind.ALERT, "lic-02", "raised: no answer from lic-02.corp"),
    )
    recorded.add_events(*lines)
    result = snapshot(
        pool(PRODUCT, 5, 500, vendor="alicevendor"),
        reported_name="LIC-02",
        license_server_host="h.corp",
    )
    recorded.history.append(server("lic-02"), poll(result, "lic-02", NOON + 5))
    target = tmp_path / "copy.db"
    copy_span(recorded.history, target, NOON, NOON + HOUR, NAMES)
    data = target.read_bytes().lower()
    assert not [name for name in ("lic-0", "alice", "corp", "10.1.2.3") if name.encode() in data]
    with closing(sqlite3.connect(target)) as db:
        texts = {text for (text,) in db.execute("SELECT message FROM event")}
    assert "acknowledged by somebody: 9 in use" in texts  # the group `us` is not part of a word
    assert {"denied: removed", "raised: removed"} <= texts


def test_history_of_unknown_origin_is_read_or_refused(
    recorded: HistoryFixture, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    copy_span(recorded.history, target, MIDNIGHT, MIDNIGHT + DAY)
    intact, outcomes = target.read_bytes(), set()
    query = SeriesQuery((("lic-01", PoolKey(PRODUCT)),), MIDNIGHT, MIDNIGHT + DAY, 300)
    for number in range(100):
        chance = random.Random(number)  # noqa: S311 - the same damage every time
        damaged = bytearray(intact)
        for place in chance.choices(range(len(intact)), k=chance.choice((1, 20, 200))):
            damaged[place] = chance.randrange(256)
        target.write_bytes(damaged)
        clock = PastClock(NOON + 60, MIDNIGHT, MIDNIGHT + DAY)
        try:
            with closing(PastHistory(target, Retention(), clock, read_only=True)) as history:
                history.last_polls(), history.series(query), history.events(limit=50)
            outcomes.add("read")
        except HistoryError as error:
            outcomes.add(str(error).partition(str(target))[2])
    assert {"read", " is corrupt"} <= outcomes
