"""Engines over real files: polling, history, alerts, actions and the lease."""

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.conftest import EngineHarness, status_of
from tests.support.clock import START, settle
from tests.support.csv_files import forget_last_poll
from tests.support.values import pool, server, snapshot

from lictui.analysis.series import SeriesQuery
from lictui.config.settings import Retention, Settings
from lictui.engine.board import Filter, GroupBy, MergedBoard
from lictui.engine.engine import Engine, RunScope
from lictui.engine.product_history import ProductHistory, ProductQuery
from lictui.engine.thread import LoopThread
from lictui.errors import LictuiError
from lictui.history.csv_reader import ImportedPool, imported_rows
from lictui.history.errors import HistoryError
from lictui.history.store import History, HistoryStats
from lictui.model import (
    Acknowledgement,
    AlertKey,
    AlertKind,
    EventKind,
    FailureKind,
    Model,
    Poll,
    PoolKey,
    Reading,
    Snapshot,
    State,
)
from lictui.paths import current_user
from lictui.sources.source import SourceError

ROUND = 4.0  # seconds; a little more than the engine's own


async def recorded(engine: Engine, name: str = "lic-01") -> list[float]:
    """What was in use, bucket by bucket."""
    start = int(START)
    query = SeriesQuery(((name, PoolKey("XDT_PLT_UD")),), start - 60, start + 86400, 300)
    (series,) = await engine.history.series_batch((query,))
    return [bucket.last for bucket in series.buckets]


async def test_poll_is_published_recorded_and_restored_after_a_restart(
    harness: EngineHarness,
) -> None:
    harness.register(server(interval=60.0))
    engine = await harness.engine()
    before = status_of(engine)
    assert before.state is State.UP
    assert harness.boards[-1] == engine.board
    assert await recorded(engine) == [412]
    (event,) = await engine.history.events(1000)
    assert event.message == "first successful poll"
    await harness.close(engine)
    await harness.clock.advance(400)
    after = status_of(await harness.engine(begin=False))
    assert (after.state, after.polled_at) == (State.UP, before.polled_at)  # not stale yet
    assert (after.since, after.last_success_at) == (before.since, before.last_success_at)
    assert after.snapshot
    assert after.snapshot.pools[0].reading.in_use == 412


async def test_failed_poll_is_a_gap_and_survives_a_restart(harness: EngineHarness) -> None:
    harness.register(server(interval=300.0))
    engine = await harness.engine()
    harness.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await harness.clock.advance(400)
    assert status_of(engine).state is State.DOWN
    assert status_of(engine).snapshot is not None
    assert await recorded(engine) == [412]
    await harness.close(engine)
    restored = status_of(await harness.engine(begin=False))
    assert restored.state is State.DOWN
    assert restored.failure
    assert restored.failure.message == "no answer"


async def test_edited_registry_is_reloaded_and_an_invalid_one_is_not(
    harness: EngineHarness,
) -> None:
    harness.register(server())
    engine = await harness.engine()
    harness.register(server(), server("lic-02"))
    await harness.clock.advance(ROUND)
    assert status_of(engine, "lic-02").state is State.UP
    assert harness.polled_names.count("lic-01") == 1
    harness.paths.servers.write_text("[[server]\n")
    await harness.clock.advance(ROUND)
    assert status_of(engine, "lic-02").state is State.UP
    assert any("servers.toml" in notice for notice in engine.board.notices)
    harness.register(server())
    await harness.clock.advance(3)
    assert engine.board.find("lic-02")  # an editor may still be writing
    await harness.clock.advance(ROUND)
    assert engine.board.find("lic-02") is None
    assert engine.board.notices == ()


async def test_history_that_cannot_be_opened_is_tried_again(harness: EngineHarness) -> None:
    harness.register(server(interval=60.0))
    harness.paths.data_dir.mkdir()
    harness.paths.history.mkdir()
    engine = await harness.engine()
    assert status_of(engine).state is State.UP
    assert any("kept in memory" in notice for notice in engine.board.notices)
    query = ProductQuery(("lic-01",), "XDT_PLT_UD", (0, 300), 300)
    assert await engine.history.product_history(query) == ProductHistory()
    assert await engine.history.events(1000) == ()
    await harness.clock.advance(100)
    harness.paths.history.rmdir()
    await harness.clock.advance(ROUND)
    assert engine.board.notices == ()
    assert (await stored(harness)).readings == 2


async def stored(harness: EngineHarness) -> HistoryStats:
    """What is in the file, as another process sees it."""
    with History(harness.paths.history, Retention(), harness.clock) as history:
        return history.stats()


async def test_deleted_history_is_noticed_and_loses_nothing_afterwards(
    half_used: EngineHarness,
) -> None:
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85)
    await engine.acknowledge(USAGE, Acknowledgement("alice", half_used.clock.now()))
    half_used.paths.history.unlink()
    await poll(half_used, engine, 86)
    await half_used.clock.advance(ROUND)
    assert (await stored(half_used)).readings == 1
    (event,) = [e for e in await engine.history.events(9) if e.kind is EventKind.NOTICE]
    assert "was deleted, moved or replaced" in event.message
    await half_used.close(engine)
    restored = await half_used.engine()
    assert [state.key for state in restored.board.alert_states or ()] == [USAGE]
    assert restored.board.acknowledgements.keys() == {USAGE}


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_answer_is_repeated_when_the_history_was_opened_again(
    half_used: EngineHarness, *, is_cancelled: bool
) -> None:
    queries = (await half_used.engine()).history
    after = queries._history
    interrupted = asyncio.CancelledError() if is_cancelled else HistoryError("closed")

    class Closed:
        def pools(self) -> None:
            queries.use(after)
            raise interrupted

    queries.use(Closed())  # type: ignore[arg-type]
    assert await queries.summaries(GroupBy.PRODUCT)


async def test_imported_past_is_in_the_next_answer(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    key, rows = PoolKey("XDT_PLT_UD"), imported_rows(
        1, width=86400, time=np.array([int(START) // 86400 * 86400 - 86400]), low=1, average=1,
        in_use=95, high_at=int(START) - 86400, last=1, samples=1, installed=100, overdraft=0,
    )  # fmt: skip
    peaks = []
    for _ in range(2):
        (summary,) = (await engine.history.summaries(GroupBy.PRODUCT)).values()
        peaks.append(summary.all_time and summary.all_time.peak.peak)
        await engine.import_readings(ImportedPool("lic-01", key, Model.USER_DEVICE, rows))
    assert peaks == [50, 95]


async def test_every_question_is_answered_in_the_thread_of_the_history(
    half_used: EngineHarness,
) -> None:
    """SQLite refuses another thread: two transactions at once would end in errors."""
    half_used.thread = LoopThread
    engine = await half_used.engine()
    while engine._history is None:
        await half_used.clock.advance(20)  # the history may be opened late
    ask, names, product = engine.history, ("lic-01",), "XDT_PLT_UD"
    query = ProductQuery(names, product, (0, 300), 300)
    await ask.product_history(query)
    await ask.product_outlook(names, product)
    await ask.series_batch((SeriesQuery((("lic-01", PoolKey(product)),), 0, 300, 300),))
    await ask.events(9)
    await ask.search(Filter.parse("x"))
    asked = asyncio.create_task(ask.summaries(GroupBy.PRODUCT))
    while not asked.done():
        await half_used.clock.advance(1)  # between two steps it lets polls be written
    await asked
    await half_used.close(engine)


async def test_observer_that_fails_does_not_end_the_recording(half_used: EngineHarness) -> None:
    def publish(_board: MergedBoard, _settings: Settings) -> None:
        raise BrokenPipeError

    engine = await half_used.engine(begin=False)
    await engine.start(publish)
    await poll(half_used, engine, 50, 51, 52)
    assert (await stored(half_used)).readings == 4


@pytest.mark.parametrize("step", [-3600.0, 3 * 86400.0])
async def test_clock_that_is_set_is_logged_once_and_changes_nothing(
    half_used: EngineHarness, step: float
) -> None:
    engine = await half_used.engine()
    await half_used.clock.advance(EVERY / 2)
    before, polls = status_of(engine), len(half_used.polled_names)
    half_used.clock.set_wall(step)
    await half_used.clock.advance(ROUND)
    after = status_of(engine)
    assert (after.state, len(half_used.polled_names)) == (State.UP, polls)
    assert (after.polled_at or 0) - (before.polled_at or 0) == step
    await half_used.clock.advance(EVERY * 3)
    assert len(half_used.polled_names) == polls + 3
    notices = [e for e in await engine.history.events(100) if e.kind is EventKind.NOTICE]
    direction = "back by 1 h" if step < 0 else "forward by 3 d"
    assert [e.message for e in notices] == [f"the system clock was set {direction}"]
    assert await alert_lines(engine) == []


async def test_snooze_keeps_its_length_when_the_clock_is_set(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85)
    now = half_used.clock.now()
    await engine.acknowledge(USAGE, Acknowledgement("alice", now, now + 4 * 3600))
    half_used.clock.set_wall(-7200)
    await half_used.clock.advance(2 * ROUND)
    (snooze,) = (await half_used.engine()).board.acknowledgements.values()
    assert snooze.until == now - 7200 + 4 * 3600


async def test_suspended_machine_polls_immediately_and_blames_no_server(
    half_used: EngineHarness,
) -> None:
    engine = await half_used.engine()
    polls = len(half_used.polled_names)
    half_used.clock.stand_still(8 * 3600.0)
    await half_used.clock.advance(ROUND)
    assert len(half_used.polled_names) == polls + 1
    assert status_of(engine).state is State.UP
    (event, *_) = [e for e in await engine.history.events(9) if e.kind is EventKind.NOTICE]
    assert event.message == "lictui did not run for 8 h: suspended or stopped"


async def test_poll_of_the_future_is_stale_until_the_next_one(half_used: EngineHarness) -> None:
    half_used.clock.set_wall(3600 * 86400.0)
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85)
    await half_used.close(engine)
    half_used.clock.set_wall(-3600 * 86400.0)
    engine = await half_used.engine(begin=False)
    (state,) = engine.board.alert_states or ()
    assert state.raised_at == half_used.clock.now()
    half_used.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await engine.start(half_used.publish)
    assert (status_of(engine).polled_at or 0) > half_used.clock.now()
    await engine._watch()
    assert status_of(engine).state is State.STALE
    assert any("dated in the future" in notice for notice in engine.board.notices)
    await settle()
    await half_used.clock.advance(ROUND)
    assert status_of(engine).state is State.DOWN
    assert engine.board.notices == ()


async def test_registry_that_is_half_written_loses_no_alert(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85)
    await engine.acknowledge(USAGE, Acknowledgement("alice", half_used.clock.now()))
    text = half_used.paths.servers.read_bytes()
    for pause in (2, 20):  # for one look, and for several
        half_used.paths.servers.write_bytes(b"")
        await half_used.clock.advance(pause)
        half_used.paths.servers.write_bytes(text)
        await half_used.clock.advance(ROUND)
        assert status_of(engine).state is State.UP
        assert engine.board.acknowledgements.keys() == {USAGE}
        assert await alert_lines(engine) == ["raised", f"acknowledged by {current_user()}"]


async def test_history_that_hangs_is_reported_and_left_behind(
    half_used: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.engine.engine._PATIENCE", 0.05)
    half_used.thread = LoopThread
    never = threading.Event()
    monkeypatch.setattr(History, "append_many", lambda *_: never.wait())
    engine = await half_used.engine()
    while status_of(engine).state is not State.UP:
        await settle()
    while engine._history is None:
        await half_used.clock.advance(20)  # the history may be opened late
    while not any("does not respond; polls" in notice for notice in engine.board.notices):
        await half_used.clock.advance(20)
    history = engine._history
    await half_used.close(engine)
    engine._history_thread.notify(history.close)  # no other thread can close it
    never.set()
    for thread in threading.enumerate():
        if thread.name == "history":
            thread.join()


async def test_lock_that_outlasts_the_start_is_not_an_unexpected_error(
    half_used: EngineHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lictui.engine.engine._PATIENCE", 0.05)
    half_used.thread = LoopThread
    given_up, failed = threading.Event(), threading.Event()

    def claim_lease(*_: object) -> None:
        given_up.wait()
        failed.set()
        raise HistoryError("locked by another program")

    monkeypatch.setattr(History, "claim_lease", claim_lease)
    engine = await half_used.engine()
    given_up.set()
    while not failed.is_set():
        await half_used.clock.advance(20)  # the history may be opened late
    monkeypatch.setattr("lictui.engine.engine._PATIENCE", 60.0)  # what is closed is not left behind
    await half_used.close(engine)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_second_instance_shows_what_the_first_records(harness: EngineHarness) -> None:
    harness.register(server(interval=60.0))
    leader = await harness.engine()
    follower = await harness.engine()
    polls = len(harness.polled_names)
    assert (leader.board.poller, follower.board.notices) == ("", ())
    assert f"({os.getpid()})" in follower.board.poller
    harness.replies["lic-01"] = snapshot(pool(in_use=433))
    await harness.clock.advance(60)
    await harness.clock.advance(ROUND * 2)
    assert len(harness.polled_names) <= polls + 2
    followed = status_of(follower).snapshot
    assert followed
    assert followed.pools[0].reading.in_use == 433
    await harness.close(leader)
    await harness.clock.advance(ROUND)
    assert follower.board.notices == ()
    before = len(harness.polled_names)
    await harness.clock.advance(130)
    assert len(harness.polled_names) > before


async def test_saved_renamed_and_removed_servers_keep_their_history(
    harness: EngineHarness,
) -> None:
    engine = await harness.engine()
    await engine.save(server())
    await settle()
    assert status_of(engine).state is State.UP
    await engine.save(server("lic-new"), replacing=server())
    await settle()
    assert engine.board.find("lic-01") is None
    assert await recorded(engine, "lic-new") == [412]
    with pytest.raises(LictuiError, match="already"):
        await engine.save(server("lic-new"))
    await engine.remove("lic-new")
    assert engine.board.servers == ()
    assert await recorded(engine, "lic-new") == [412]


async def test_scope_limits_servers_and_interval(harness: EngineHarness) -> None:
    harness.register(server("a", group="emea"), server("b", group="us"))
    engine = await harness.engine(RunScope(group="us", interval=10.0))
    (status,) = engine.board.servers
    assert (status.server.name, status.server.interval) == ("b", None)  # as registered
    await harness.clock.advance(35)
    assert harness.polled_names.count("b") >= 3
    assert "a" not in harness.polled_names
    assert engine.board.notices == (
        "polling every 10 s; recommended minimum is 900 s (Citrix guidance)",
    )


async def test_read_only_engine_follows_and_never_polls_or_writes(harness: EngineHarness) -> None:
    harness.register(server("lic-01", interval=10.0))
    polling = await harness.engine()
    await settle()
    reading = await harness.engine(RunScope(read_only=True))
    assert status_of(reading).snapshot == status_of(polling).snapshot is not None
    await harness.close(polling)
    polled = len(harness.polled_names)
    before = harness.paths.history.read_bytes()
    reading.poll_now("lic-01")
    await harness.clock.advance(3600)  # the lease expires, and maintenance is due
    assert len(harness.polled_names) == polled
    assert harness.paths.history.read_bytes() == before
    assert reading.board.notices == ()


EVERY = 300.0
USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")


def used(in_use: int) -> Snapshot:
    return snapshot(pool(in_use=in_use, installed=100, overdraft=10))


async def poll(harness: EngineHarness, engine: Engine, *counts: int, name: str = "lic-01") -> None:
    """Poll with these numbers of licenses in use, of 100."""
    for count in counts:
        await harness.clock.advance(1)
        harness.replies[name] = used(count)
        engine.poll_now(name)
        await harness.clock.advance(1)


async def alert_lines(engine: Engine) -> list[str]:
    """What happened to alerts according to the event log, oldest first."""
    events = await engine.history.events(1000)
    return [e.message.partition(":")[0] for e in reversed(events) if e.kind is EventKind.ALERT]


@pytest.fixture
def half_used(harness: EngineHarness) -> EngineHarness:
    """One server with 50 of 100 licenses in use."""
    harness.register(server(interval=EVERY, group="emea"))
    harness.replies["lic-01"] = used(50)
    return harness


@pytest.mark.parametrize("restarts", [(), (1,), (2,), (3,), (1, 2, 3, 4, 5, 6)])
async def test_alerts_survive_restarts_between_polls(
    half_used: EngineHarness, restarts: tuple[int, ...]
) -> None:
    engine = await half_used.engine()
    for index, count in enumerate((85, 85, 78, 85, 74, 74, 50)):
        if index in restarts:
            await half_used.close(engine)
            engine = await half_used.engine()
        await poll(half_used, engine, count)
    lines = await alert_lines(engine)
    assert [line.split(" after")[0] for line in lines] == ["raised", "resolved"]
    assert engine.board.alert_states == ()


async def test_alert_replaces_the_line_of_a_level_change(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85)
    half_used.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await half_used.clock.advance(6 * EVERY)
    kinds = [event.kind for event in await engine.history.events(1000)]
    assert kinds.count(EventKind.LEVEL) == 0
    assert kinds.count(EventKind.ALERT) == 1
    assert kinds.count(EventKind.SERVER) == 2


async def test_follower_shows_alerts_and_may_acknowledge(
    harness: EngineHarness,
) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(85)
    leader = await harness.engine()
    follower = await harness.engine()
    await poll(harness, leader, 85, 85)
    await harness.clock.advance(4)
    assert leader.board.alert_states
    assert [state.key for state in follower.board.alert_states or ()] == [USAGE]
    await follower.acknowledge(USAGE, Acknowledgement("alice", harness.clock.now()))
    await harness.clock.advance(4)
    assert leader.board.acknowledgements[USAGE].by == "alice"
    await harness.close(follower)
    await harness.clock.advance(5 * 3600.0)
    assert [line.split()[0] for line in await alert_lines(leader)] == ["raised", "acknowledged"]
    await leader.acknowledge(USAGE, None)
    await harness.clock.advance(4 * 3600.0)
    assert (await alert_lines(leader))[-1].startswith("ongoing for")


async def test_removed_server_clears_alerts_and_renamed_one_keeps_them(
    harness: EngineHarness,
) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await poll(harness, engine, 85, 85)
    harness.replies["lic-02"] = used(85)
    await engine.save(server("lic-02", interval=EVERY), replacing=server(interval=EVERY))
    await settle()
    assert [state.key.server for state in engine.board.alert_states or ()] == ["lic-02"]
    await poll(harness, engine, 85, 85, name="lic-02")
    assert await alert_lines(engine) == ["raised"]
    await engine.remove("lic-02")
    assert engine.board.alert_states == ()
    assert (await alert_lines(engine))[-1].startswith("resolved after")


async def test_server_is_not_stale_because_lictui_did_not_run(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    await half_used.close(engine)
    await half_used.clock.advance(100 * EVERY)
    engine = await half_used.engine()
    await half_used.clock.advance(2 * EVERY)
    assert await alert_lines(engine) == []


async def test_search_reads_the_whole_event_log(half_used: EngineHarness) -> None:
    engine = await half_used.engine()
    await poll(half_used, engine, 85, 85, 50, 50)
    search = asyncio.create_task(engine.history.search(Filter.parse("^raised")))
    await half_used.clock.advance(1)
    assert [event.message.partition(":")[0] for event in await search] == ["raised"]


SCRIPT = """\
import json, pathlib, sys
event = json.load(sys.stdin)
with pathlib.Path(sys.argv[1]).open("a") as out:
    out.write(json.dumps(event) + "\\n")
sys.exit(int(sys.argv[2]))
"""


def configure(harness: EngineHarness, folder: Path, code: int = 0, more: str = "") -> Path:
    """An action that writes every event into the file that is returned."""
    script, out = folder / "act.py", folder / "events.jsonl"
    script.write_text(SCRIPT)
    command = json.dumps([sys.executable, str(script), str(out), str(code)])
    harness.paths.config_dir.mkdir(exist_ok=True)
    harness.paths.config.write_text(f"[actions.file]\ncommand = {command}\n{more}")
    return out


async def acted(engine: Engine) -> None:
    """Let every action that is under way come to its end."""
    tasks = [queue.task for queue in engine._actions._queues.values() if queue.task]
    await asyncio.gather(*tasks)
    await settle()


async def test_action_command_gets_each_event_on_stdin(
    harness: EngineHarness, tmp_path: Path
) -> None:
    harness.register(server(interval=EVERY, group="emea"))
    out = configure(harness, tmp_path, more='on = ["usage"]\ngroups = ["emea"]\n')
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await poll(harness, engine, 85, 95, 95, 50, 50)
    await acted(engine)
    events: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(event["event"], event["level"]) for event in events] == [
        ("raised", "warn"), ("worse", "critical"), ("cleared", "critical"),
    ]  # fmt: skip
    assert events[0] | {"since": "", "raised": "", "at": "", "message": ""} == {
        "schema": "lictui.event/1", "event": "raised", "at": "", "kind": "usage", "level": "warn",
        "was": None, "server": "lic-01", "group": "emea", "product": "XDT_PLT_UD", "about": None,
        "since": "", "raised": "", "ratio": 0.85, "message": "",
    }  # fmt: skip
    assert events[1]["was"] == "warn"


async def test_failing_action_is_logged_once_and_its_level_applies(
    harness: EngineHarness, tmp_path: Path
) -> None:
    harness.register(server(interval=EVERY))
    out = configure(harness, tmp_path, code=3, more='level = "critical"\n')
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await poll(harness, engine, 85, 95, 95, 105, 105, 50, 50)
    await acted(engine)
    assert len(out.read_text().splitlines()) == 3
    failed = [e for e in await engine.history.events(1000) if e.kind is EventKind.ACTION]
    assert [event.message.split(" failed")[0] for event in failed] == ["action file:"]
    assert "exited with code 3" in failed[0].message
    configure(harness, tmp_path)
    await harness.clock.advance(4)
    await poll(harness, engine, 95, 95)
    await acted(engine)
    assert (await engine.history.events(1))[0].message == "action file: recovered"


async def test_server_with_a_history_is_expected_before_its_first_poll(
    harness: EngineHarness,
) -> None:
    """Which servers a total should cover is known from registry and history, not from polls."""
    harness.register(server("a"), server("b"))
    harness.replies["a"] = snapshot(pool("PVS_STD_CCS", 5, 100, model=Model.CONCURRENT))
    harness.replies["b"] = SourceError(FailureKind.REFUSED, "no answer")
    with History(harness.paths.history, Retention(), harness.clock) as history:
        for name in ("b", "not-registered"):
            read = pool("PVS_STD_CCS", 3, 40, model=Model.CONCURRENT)
            history.append(server(name), Poll(name, START - 60, 0.1, snapshot(read)))
    forget_last_poll(harness.paths, "b")
    engine = await harness.engine(begin=False)
    (total,) = engine.board.totals()
    assert (total.reading, total.servers_reporting, total.servers_expected) == (
        Reading(),
        (),
        ("b",),
    )
    await engine.start(harness.publish)
    await settle()
    (total,) = harness.boards[-1].totals()
    assert (total.reading.in_use, total.reading.installed) == (5, 100)
    assert (total.servers_reporting, total.servers_expected) == (("a",), ("a", "b"))
    pools = engine.board.total_pools(GroupBy.PRODUCT, "", "PVS_STD_CCS", Model.CONCURRENT)
    key = PoolKey("PVS_STD_CCS")
    assert pools == (("a", key), ("b", key))
    harness.replies["b"] = snapshot(pool("MPS_ENT_CCU", 1, 10))
    engine.poll_now("b")
    await settle()
    assert [total.servers_expected for total in engine.board.totals()] == [("a",), ("b",)]
