"""The worker of the engine, and the command: a failure is a notice, and is tried again later."""

from pathlib import Path

import pytest
from tests.cli.conftest import Cli, cli, paths, set_time
from tests.engine.conftest import EngineHarness, harness
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT
from tests.longterm.conftest import PushFixture
from tests.longterm.fake_prometheus import FakePrometheus
from tests.support.clock import settle
from tests.support.values import pool, server, snapshot

from lictui.engine.engine import RunScope
from lictui.engine.product_history import ProductQuery
from lictui.engine.thread import LoopThread
from lictui.paths import Paths

__all__ = ["cli", "harness", "paths"]  # fixtures
CONFIG = '[history]\npush = "http://engine.example"\nengine = "http://engine.example"\n'


def write_config(paths: Paths, text: str = CONFIG) -> None:
    paths.config_dir.mkdir(parents=True, exist_ok=True)
    paths.config.write_text(text, encoding="utf-8")


async def test_engine_pushes_what_it_polls_and_reports_an_outage(
    harness: EngineHarness, fake: FakePrometheus
) -> None:
    write_config(harness.paths, CONFIG.replace("push", "#push"))
    harness.register(server("lic-01", interval=60.0))
    harness.replies["lic-01"] = snapshot(pool(in_use=7))
    fake.failures = ["before"] * 3
    engine = await harness.engine(RunScope(push="http://engine.example/api/v1/write"))
    await harness.clock.advance(60)
    message = "long-term engine engine.example: "
    (notice,) = [text for text in engine.board.notices if text.startswith(message)]
    assert "figures of 1 servers since" in notice
    assert fake.samples == {}
    await harness.clock.advance(600)
    await settle()
    assert not [text for text in engine.board.notices if text.startswith(message)]
    polled = [value for _, value in fake.of("citrix_license_in_use", server="lic-01")]
    assert polled == [7.0] * len(polled)
    assert len(polled) >= 10
    events = [event.message for event in await engine.history.events(50)]
    assert [text for text in events if text.startswith(message) and "recovered" in text]


def test_command_fills_verifies_and_tells_a_failure(
    cli: Cli, paths: Paths, fake: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = PushFixture(paths.history)
    history.poll_series(MIDNIGHT, range(48), every=900.0)
    history.close()
    set_time(monkeypatch, MIDNIGHT + 12 * HOUR)
    monkeypatch.setattr("lictui.longterm.push._SETTLE", 0.0)
    assert "set [history] push" in cli.refused("history", "push")
    write_config(paths)
    assert cli.json("history", "push")["servers_waiting"] == 1
    fake.failures = ["503"]
    assert "HTTP 503" in cli("history", "push", "--verify", code=1).err
    assert cli.json("history", "push", "--verify", code=1)["missing"] == 4 * 48
    report = cli.json("history", "push", "--backfill", "--verify")
    assert report["checksum"] == report["checksum_in_engine"]
    assert [report[key] for key in ("sent", "servers_waiting", "missing", "doubled")] == [
        *(4 * 48, 0, 0, 0)
    ]
    assert cli.json("history", "push", "--backfill")["sent"] == 0


async def test_questions_are_answered_with_the_engine_while_it_is_configured(
    harness: EngineHarness, tmp_path: Path, fake: FakePrometheus
) -> None:
    push = PushFixture(tmp_path / "collector" / "history.db")
    push.poll_series(MIDNIGHT, range(24), every=900.0)
    push.clock._now = MIDNIGHT + 6 * HOUR
    await push.push()
    push.close()
    write_config(harness.paths, CONFIG.replace("push", "#push"))
    harness.register(server("lic-01", interval=900.0))
    harness.replies["lic-01"] = snapshot(pool(in_use=7))
    harness.thread = LoopThread
    engine = await harness.engine()
    bounds = tuple(range(MIDNIGHT, MIDNIGHT + 7 * HOUR, 3600))
    query = ProductQuery(("lic-01",), PRODUCT, bounds, HOUR)
    await engine._update_reader()
    past = await engine.history.product_history(query)
    assert [bucket.high for bucket in past.buckets[:6]] == [3, 7, 11, 15, 19, 23]
    (event,) = [event.message for event in past.events if "long-term engine" in event.message]
    assert event == (
        "figures from 2026-11-24 to here are in part those of the long-term engine engine.example"
    )
    fake.failures = ["503"] * 9
    write_config(harness.paths, CONFIG.replace("push", "#push") + 'engine_username = "x"\n')
    await engine._reconfigure()
    await engine._update_reader()
    await engine.history.product_history(query)
    await engine._update_reader()
    assert [text for text in engine.board.notices if "only figures of the local" in text]
    fake.failures = []
    await harness.clock.advance(60)
    await engine._update_reader()
    assert not [text for text in engine.board.notices if "only figures of the local" in text]
    past = await engine.history.product_history(query)
    assert past.buckets[0].high == 3
    write_config(harness.paths, "")
    await engine._reconfigure()
    await engine._update_reader()
    past = await engine.history.product_history(query)
    assert not [event for event in past.events if "long-term engine" in event.message]
    assert not [text for text in engine.board.notices if "only figures of the local" in text]
