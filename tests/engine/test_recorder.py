"""What the recorder makes of polls before they reach board, history and event log."""

from datetime import date

import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.config.settings import AlertSettings
from lictui.engine.board import Board, with_servers
from lictui.engine.recorder import Recorder
from lictui.model import (
    Acknowledgement,
    AlertEvent,
    AlertKey,
    AlertKind,
    Failure,
    Model,
    Pool,
    PoolKey,
    Server,
    Snapshot,
    SourceName,
    State,
)

LMSTAT = server(source=SourceName.LMSTAT, url="", address="27000@lic-01")
LMSTAT_COMMAND = server(source=SourceName.COMMAND, url="", command=("cat", "x"), format="lmstat")
DATED = pool(
    "XDT_PLT_CCS", 3, 100, None, date(2026, 12, 1), expires=date(2027, 3, 31), permanent=False,
    license_type="Retail",
)  # fmt: skip
IDLE = pool("XDT_PLT_CCS", 0, 120, None)


def pools_after(source: Server, *results: Snapshot | Failure) -> tuple[Pool, ...]:
    """The pools on the board after these polls."""
    recorder = Recorder(with_servers(Board(), (source,)), AlertSettings())
    for number, result in enumerate(results):
        recorder.record([(source, poll(result, source.name, START + 60 * number), None)])
    status = recorder.board.find(source.name)
    assert status is not None
    assert status.snapshot is not None
    return status.snapshot.pools


@pytest.mark.parametrize("source", [LMSTAT, LMSTAT_COMMAND])
def test_idle_lmstat_feature_keeps_its_dates_and_its_key(source: Server) -> None:
    polls = (snapshot(DATED), snapshot(IDLE), failure(), snapshot(IDLE))
    (found,) = pools_after(source, *polls)
    assert found == replace(DATED, reading=IDLE.reading)
    assert found.key == PoolKey("XDT_PLT_CCS", "2026-12-01")


OLDER = replace(DATED, subscription_date=date(2025, 12, 1))
RENEWED = replace(DATED, subscription_date=date(2027, 12, 1))


@pytest.mark.parametrize(
    ("source", "before", "pool"),
    [
        (LMSTAT, (DATED,), RENEWED),
        (LMSTAT, (IDLE,), IDLE),
        (LMSTAT, (DATED, OLDER), IDLE),
        (server(), (DATED,), IDLE),
    ],
    ids=["new date", "no earlier date", "two earlier dates", "another source"],
)
def test_pool_stays_as_it_was_reported(
    source: Server, before: tuple[Pool, ...], pool: Pool
) -> None:
    assert pools_after(source, snapshot(*before), snapshot(pool)) == (pool,)


def test_idle_node_locked_lmstat_feature_stays_uncounted() -> None:
    locked = pool("CAD", 1, None, None, permanent=True, counted=False, model=Model.OTHER)
    idle = pool("CAD", 0, 5, None, model=Model.CONCURRENT)
    (found,) = pools_after(LMSTAT, snapshot(locked), snapshot(idle))
    assert (found.counted, found.model, found.reading.installed) == (False, Model.OTHER, None)


def alerting(*servers: Server) -> tuple[Recorder, list[AlertEvent]]:
    """A recorder that evaluates alerts, and their events."""
    events: list[AlertEvent] = []
    recorder = Recorder(with_servers(Board(), servers), AlertSettings(), events.extend)
    recorder.evaluates_alerts = True
    return recorder, events


def record(recorder: Recorder, *counts: int, start: float = START) -> None:
    """Poll with these numbers of licenses in use, of 100."""
    for number, in_use in enumerate(counts):
        result = snapshot(pool(in_use=in_use, installed=100))
        recorder.record([(server(), poll(result, at=start + 900 * number), None)])


def test_acknowledgement_is_forgotten_when_its_alert_clears() -> None:
    usage = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
    recorder, events = alerting(server())
    record(recorder, 85, 85)
    recorder.take_unwritten()
    recorder.alert_store.acknowledgements[usage] = Acknowledgement("alice", START)
    record(recorder, 50, 50, start=START + 1800)
    assert recorder.board.acknowledgements == {}
    assert recorder.take_unwritten().changes.unacknowledged == (usage,)
    record(recorder, 85, 85, start=START + 3600)
    assert [event.transition for event in events] == ["raised", "cleared", "raised"]


def test_alerts_of_a_removed_server_are_kept_for_minutes_and_then_cleared() -> None:
    recorder, events = alerting(server())
    record(recorder, 85, 85)
    for elapsed, present in ((0, ()), (200, (server(),)), (400, ()), (699, ())):
        recorder.clear_removed(present, START + elapsed, elapsed)
        assert [event.transition for event in events] == ["raised"]
    recorder.clear_removed((), START + 700, 700)
    assert [event.transition for event in events] == ["raised", "cleared"]
    assert recorder.board.alert_states == ()


@pytest.mark.parametrize("in_use", [85, 50])
def test_disabled_server_clears_its_raised_alerts_immediately(in_use: int) -> None:
    recorder, events = alerting(server())
    record(recorder, in_use, 85)
    events.clear()
    recorder.clear_removed((server(enabled=False),), START + 3600, 0)
    assert [event.transition for event in events] == ["cleared"] * (in_use == 85)
    assert recorder.board.alert_states == ()


def test_what_cannot_be_written_waits_in_order_and_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lictui.engine.recorder._MAX_WAITING", 3)
    recorder, _ = alerting(server())
    record(recorder, 85, 85)
    first = recorder.take_unwritten()
    assert not recorder.take_unwritten()
    record(recorder, 50, 50, start=START + 1800)
    assert (recorder.put_back(first), recorder.lost) == (3, 1)
    again = recorder.take_unwritten()
    assert [poll.time for _, poll, _ in again.polls] == [START + 900 * n for n in (1, 2, 3)]
    assert again.changes.updated == ()  # raised, and cleared meanwhile
    assert [key.kind for key in again.changes.removed] == [AlertKind.USAGE]


def test_clock_that_was_set_changes_no_duration() -> None:
    recorder, events = alerting(server())
    record(recorder, 85, 85)
    (before,) = recorder.alert_store.states
    for step in (-3600.0, 86400.0):
        recorder.shift(step)
        (after,) = recorder.alert_store.states
        now = START + 900 + step
        assert recorder.board.servers[0].polled_at == now
        assert (after.raised_at, after.notified_at, after.last_poll) == (now, now, now)
        recorder.mark_stale(now + 60)
        assert recorder.board.servers[0].state is State.UP
        recorder.shift(-step)
    assert recorder.alert_store.states == (before,)
    assert recorder.take_unwritten().changes.updated == (before,)
    assert len(events) == 1


def test_alerts_of_a_shared_entitlement_are_evaluated_over_its_servers() -> None:
    servers = [server(name, entitlement="acme") for name in ("a", "b")]
    recorder, events = alerting(*servers)
    half = snapshot(pool(in_use=45, installed=100))
    for number in range(3):
        for one in servers:
            recorder.record([(one, poll(half, one.name, START + 900 * number), None)])
    assert {event.alert.key.server for event in events} == {"a", "b"}
