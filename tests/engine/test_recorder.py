"""What the recorder makes of polls before they reach board, history and event log."""

from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from tests.history.history_fixture import HistoryFixture
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
    recorder = Recorder(with_servers(Board(), (source,)), None, AlertSettings())
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


@pytest.mark.parametrize("with_history", [False, True])
def test_acknowledgement_is_forgotten_when_its_alert_clears(
    tmp_path: Path, *, with_history: bool
) -> None:
    usage = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")
    events: list[AlertEvent] = []
    with ExitStack() as stack:
        history = stack.enter_context(closing(HistoryFixture(tmp_path / "history.db"))).history
        recorder = Recorder(
            with_servers(Board(), (server(),)),
            history if with_history else None,
            AlertSettings(),
            events.extend,
        )
        recorder.enable_alerts(START, allowed=True)
        for number, in_use in enumerate((85, 85, 50, 50, 85, 85)):
            result = snapshot(pool(in_use=in_use, installed=100))
            recorder.record([(server(), poll(result, at=START + 900 * number), None)])
            if number == 1:
                recorder.acknowledge(usage, Acknowledgement("alice", START), "alice", START)
                assert recorder.board.acknowledgements.keys() == {usage}
            if number == 3:
                assert recorder.board.acknowledgements == {}
                assert not with_history or history.acknowledgements() == {}
    assert [event.transition for event in events] == ["raised", "cleared", "raised"]


def test_removed_server_clears_its_raised_alerts_only() -> None:
    events: list[AlertEvent] = []
    recorder = Recorder(with_servers(Board(), (server(),)), None, AlertSettings(), events.extend)
    recorder.enable_alerts(START, allowed=True)
    full = snapshot(pool(in_use=85, installed=100))
    for number in range(2):
        recorder.record([(server(), poll(full, at=START + 900 * number), None)])
        events.clear()
        recorder.clear_removed((), START + 900 * number)
        assert [event.transition for event in events] == []
        assert recorder.board.alert_states == ()
    for number in range(2, 4):
        recorder.record([(server(), poll(full, at=START + 900 * number), None)])
    recorder.clear_removed((server(),), START + 3600)
    assert [event.transition for event in events] == ["raised"]
    recorder.clear_removed((server(enabled=False),), START + 3600)
    assert [event.transition for event in events] == ["raised", "cleared"]


def test_alerts_of_a_shared_entitlement_are_evaluated_over_its_servers() -> None:
    events: list[AlertEvent] = []
    servers = [server(name, entitlement="acme") for name in ("a", "b")]
    recorder = Recorder(with_servers(Board(), servers), None, AlertSettings(), events.extend)
    recorder.enable_alerts(START, allowed=True)
    half = snapshot(pool(in_use=45, installed=100))
    for number in range(3):
        for one in servers:
            recorder.record([(one, poll(half, one.name, START + 900 * number), None)])
    assert {event.alert.key.server for event in events} == {"a", "b"}
