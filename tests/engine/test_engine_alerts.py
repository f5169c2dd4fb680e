"""Alerts of an engine over real files: raised, kept, followed, answered, acted upon."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.clock import settle
from tests.support.values import pool, server, snapshot

from lictui.engine.board import Filter
from lictui.model import Acknowledgement, AlertKey, AlertKind, EventKind, FailureKind, Snapshot
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import EngineHarness

    from lictui.engine.engine import Engine

EVERY = 300.0
USAGE = AlertKey("lic-01", AlertKind.USAGE, "XDT_PLT_UD")


def used(in_use: int) -> Snapshot:
    return snapshot(pool(in_use=in_use, installed=100, overdraft=10))


async def read(harness: EngineHarness, engine: Engine, *figures: int, name: str = "lic-01") -> None:
    """So many polls, with these in use of 100."""
    for figure in figures:
        await harness.clock.advance(1)
        harness.replies[name] = used(figure)
        engine.poll_now(name)
        await harness.clock.advance(1)


async def said(engine: Engine) -> list[str]:
    """The alerts' lines in the journal, oldest first."""
    lines = await engine.history.events(1000)
    return [it.message.partition(":")[0] for it in reversed(lines) if it.kind is EventKind.ALERT]


@pytest.mark.parametrize("restarts", [(), (1,), (2,), (3,), (1, 2, 3, 4, 5, 6)])
async def test_a_restart_in_between_changes_nothing(
    harness: EngineHarness, restarts: tuple[int, ...]
) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(50)
    engine = await harness.engine()
    for turn, figure in enumerate((85, 85, 78, 85, 74, 74, 50)):
        if turn in restarts:
            await harness.close(engine)
            engine = await harness.engine()
        await read(harness, engine, figure)
    lines = await said(engine)
    assert [line.split(" after")[0] for line in lines] == ["raised", "resolved"]
    assert engine.board.alert_states == ()


async def test_a_line_is_written_once_where_an_alert_speaks(harness: EngineHarness) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(50)
    engine = await harness.engine()
    await read(harness, engine, 85, 85)
    harness.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await harness.clock.advance(6 * EVERY)
    kinds = [it.kind for it in await engine.history.events(1000)]
    assert kinds.count(EventKind.LEVEL) == 0
    assert kinds.count(EventKind.ALERT) == 1
    assert kinds.count(EventKind.SERVER) == 2


async def test_a_follower_shows_what_the_leader_decides_and_may_answer(
    harness: EngineHarness,
) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(85)
    leader = await harness.engine()
    follower = await harness.engine()
    await read(harness, leader, 85, 85)
    await harness.clock.advance(4)
    assert leader.board.alert_states
    assert [it.key for it in follower.board.alert_states or ()] == [USAGE]
    await follower.acknowledge(USAGE, Acknowledgement("alice", harness.clock.now()))
    await harness.clock.advance(4)
    assert leader.board.acknowledgements[USAGE].by == "alice"
    await harness.clock.advance(5 * 3600.0)
    assert [line.split()[0] for line in await said(leader)] == ["raised", "acknowledged"]
    await leader.acknowledge(USAGE, None)
    await harness.clock.advance(4 * 3600.0)
    assert (await said(leader))[-1].startswith("ongoing for")


async def test_who_is_removed_is_cleared_and_who_is_renamed_keeps_what_stands(
    harness: EngineHarness,
) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await read(harness, engine, 85, 85)
    harness.replies["lic-02"] = used(85)
    await engine.save(server("lic-02", interval=EVERY), replacing="lic-01")
    await settle()
    assert [it.key.server for it in engine.board.alert_states or ()] == ["lic-02"]
    await read(harness, engine, 85, 85, name="lic-02")
    assert await said(engine) == ["raised"]
    await engine.remove("lic-02")
    assert engine.board.alert_states == ()
    assert (await said(engine))[-1].startswith("resolved after")


async def test_that_lictui_was_away_makes_no_server_stale(harness: EngineHarness) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(50)
    engine = await harness.engine()
    await harness.close(engine)
    await harness.clock.advance(100 * EVERY)
    engine = await harness.engine()
    await harness.clock.advance(2 * EVERY)
    assert await said(engine) == []


async def test_the_whole_journal_is_looked_through(harness: EngineHarness) -> None:
    harness.register(server(interval=EVERY))
    harness.replies["lic-01"] = used(50)
    engine = await harness.engine()
    await read(harness, engine, 85, 85, 50, 50)
    looking = asyncio.create_task(engine.history.search(Filter.parse("^raised")))
    await harness.clock.advance(1)
    assert [it.message.partition(":")[0] for it in await looking] == ["raised"]


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


async def test_a_command_gets_each_event_on_its_input(
    harness: EngineHarness, tmp_path: Path
) -> None:
    harness.register(server(interval=EVERY, group="emea"))
    out = configure(harness, tmp_path, more='on = ["usage"]\ngroups = ["emea"]\n')
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await read(harness, engine, 85, 95, 95, 50, 50)
    await acted(engine)
    events: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(it["event"], it["level"]) for it in events] == [
        ("raised", "warn"), ("worse", "critical"), ("cleared", "critical"),
    ]  # fmt: skip
    assert events[0] | {"since": "", "raised": "", "at": "", "message": ""} == {
        "schema": "lictui.event/1", "event": "raised", "at": "", "kind": "usage", "level": "warn",
        "was": None, "server": "lic-01", "group": "emea", "product": "XDT_PLT_UD", "about": None,
        "since": "", "raised": "", "ratio": 0.85, "message": "",
    }  # fmt: skip
    assert events[1]["was"] == "warn"


async def test_a_command_that_fails_is_one_line_and_the_level_is_heeded(
    harness: EngineHarness, tmp_path: Path
) -> None:
    harness.register(server(interval=EVERY))
    out = configure(harness, tmp_path, code=3, more='level = "critical"\n')
    harness.replies["lic-01"] = used(85)
    engine = await harness.engine()
    await read(harness, engine, 85, 95, 95, 105, 105, 50, 50)
    await acted(engine)
    assert len(out.read_text().splitlines()) == 3
    failed = [it for it in await engine.history.events(1000) if it.kind is EventKind.ACTION]
    assert [it.message.split(" failed")[0] for it in failed] == ["action file:"]
    assert "exited with code 3" in failed[0].message
    configure(harness, tmp_path)
    await harness.clock.advance(4)
    await read(harness, engine, 95, 95)
    await acted(engine)
    assert (await engine.history.events(1))[0].message == "action file: recovered"
