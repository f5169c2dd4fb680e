from __future__ import annotations

from datetime import date

import pytest
from tests.engine.conftest import EngineHarness, status_of
from tests.support.clock import START, settle
from tests.support.values import pool, server, snapshot

from lictui.analysis.series import SeriesQuery
from lictui.engine.engine import Engine, RunScope
from lictui.engine.product_history import ProductHistory, ProductQuery
from lictui.errors import LictuiError
from lictui.model import FailureKind, PoolKey, State
from lictui.sources.source import SourceError

ROUND = 4.0  # seconds; a little more than the engine's own


async def recorded(engine: Engine, name: str = "lic-01") -> list[float]:
    """What was in use, bucket by bucket."""
    question = SeriesQuery(
        ((name, PoolKey("XDT_PLT_UD")),), int(START) - 60, int(START) + 86400, 300
    )
    (series,) = await engine.history.series_batch((question,))
    return [bucket.last for bucket in series.buckets]


async def test_a_poll_is_on_the_board_published_and_in_the_history(harness: EngineHarness) -> None:
    harness.register(server())
    engine = await harness.engine()
    assert status_of(engine).state is State.UP
    assert harness.boards[-1] == engine.board
    assert await recorded(engine) == [412]
    assert [event.message for event in await engine.history.events(1000)] == [
        "first successful poll"
    ]


async def test_after_a_restart_the_board_is_as_it_was_left(harness: EngineHarness) -> None:
    harness.register(server())
    first = await harness.engine()
    before = status_of(first)
    await harness.close(first)
    second = await harness.engine(begin=False)
    after = status_of(second)
    assert after.state is State.UP
    assert after.snapshot
    assert before.snapshot
    assert after.snapshot.pools[0].reading == before.snapshot.pools[0].reading
    assert (after.polled_at, after.since) == (before.polled_at, before.since)


async def test_a_failed_poll_is_a_gap_and_survives_a_restart(harness: EngineHarness) -> None:
    harness.register(server(interval=300.0))
    engine = await harness.engine()
    harness.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await harness.clock.advance(400)
    assert status_of(engine).state is State.DOWN
    assert status_of(engine).snapshot is not None
    assert await recorded(engine) == [412]
    await harness.close(engine)
    again = status_of(await harness.engine(begin=False))
    assert again.state is State.DOWN
    assert again.failure
    assert again.failure.message == "no answer"


async def test_a_renewed_license_keeps_its_past(harness: EngineHarness) -> None:
    harness.register(server(interval=300.0))
    harness.replies["lic-01"] = snapshot(pool(in_use=400, subscription=date(2026, 12, 1)))
    engine = await harness.engine()
    renewed = pool(in_use=401, subscription=date(2027, 12, 1))
    harness.replies["lic-01"] = snapshot(renewed, pool("MPS_ENT_CCU"))
    await harness.clock.advance(400)
    start = int(START)
    query = ProductQuery(("lic-01",), "XDT_PLT_UD", (start, start + 300, start + 600), 300)
    history = await engine.history.product_history(query)
    assert [bucket.last for bucket in history.buckets] == [400, 401]


async def test_a_hot_edit_is_picked_up(harness: EngineHarness) -> None:
    harness.register(server())
    engine = await harness.engine()
    harness.register(server(), server("lic-02"))
    await harness.clock.advance(ROUND)
    assert status_of(engine, "lic-02").state is State.UP
    assert harness.polled_names.count("lic-01") == 1


async def test_a_broken_edit_keeps_the_last_good_and_says_so(harness: EngineHarness) -> None:
    harness.register(server())
    engine = await harness.engine()
    harness.paths.servers.write_text("[[server]\n")
    await harness.clock.advance(ROUND)
    assert status_of(engine).state is State.UP
    assert any("servers.toml" in notice for notice in engine.board.notices)
    harness.register(server())
    await harness.clock.advance(ROUND)
    assert engine.board.notices == ()


async def test_a_broken_config_at_the_start_leaves_the_defaults_and_says_so(
    harness: EngineHarness,
) -> None:
    harness.register(server())
    (harness.paths.config_dir / "config.toml").write_text("[alerts]\nwarn = 80\n")
    engine = await harness.engine()
    assert status_of(engine).state is State.UP
    assert any("alerts.warn" in notice for notice in engine.board.notices)


async def test_a_history_that_cannot_be_opened_costs_no_monitoring(harness: EngineHarness) -> None:
    harness.register(server())
    harness.paths.data_dir.mkdir()
    harness.paths.history.mkdir()
    engine = await harness.engine()
    assert status_of(engine).state is State.UP
    assert any("recording is disabled" in notice for notice in engine.board.notices)
    query = ProductQuery(("lic-01",), "XDT_PLT_UD", (0, 300), 300)
    history = await engine.history.product_history(query)
    assert history == ProductHistory()
    assert await engine.history.events(1000) == ()


async def test_a_second_lictui_follows_what_the_first_records(harness: EngineHarness) -> None:
    harness.register(server(interval=60.0))
    leader = await harness.engine()
    follower = await harness.engine()
    asked = len(harness.polled_names)
    assert any("another lictui instance" in notice for notice in follower.board.notices)
    harness.replies["lic-01"] = snapshot(pool(in_use=433))
    await harness.clock.advance(60)
    await harness.clock.advance(ROUND * 2)
    assert len(harness.polled_names) <= asked + 2
    followed = status_of(follower).snapshot
    assert followed
    assert followed.pools[0].reading.in_use == 433
    await harness.close(leader)
    await harness.clock.advance(ROUND)
    assert follower.board.notices == ()
    before = len(harness.polled_names)
    await harness.clock.advance(130)
    assert len(harness.polled_names) > before


async def test_saving_registers_polls_and_renaming_keeps_the_history(
    harness: EngineHarness,
) -> None:
    engine = await harness.engine()
    await engine.save(server())
    await settle()
    assert status_of(engine).state is State.UP
    await engine.save(server("lic-new"), replacing="lic-01")
    await settle()
    assert engine.board.find("lic-01") is None
    assert await recorded(engine, "lic-new") == [412]
    with pytest.raises(LictuiError, match="already"):
        await engine.save(server("lic-new"))


async def test_a_removed_server_leaves_the_board_and_keeps_its_history(
    harness: EngineHarness,
) -> None:
    harness.register(server())
    engine = await harness.engine()
    await engine.remove("lic-01")
    assert engine.board.servers == ()
    assert await recorded(engine) == [412]


async def test_a_scope_is_kept_to(harness: EngineHarness) -> None:
    harness.register(server("a", group="emea"), server("b", group="us"))
    engine = await harness.engine(RunScope(group="us", interval=10.0))
    assert [status.server.name for status in engine.board.servers] == ["b"]
    assert (
        status_of(engine, "b").server.interval is None
    )  # what the form would write stays the user's
    await harness.clock.advance(35)
    assert harness.polled_names.count("b") >= 3
    assert engine.board.notices == (
        "polling every 10 s; recommended minimum is 900 s (Citrix guidance)",
    )
    assert "a" not in harness.polled_names


async def test_an_up_server_that_is_not_polled_any_more_goes_stale(harness: EngineHarness) -> None:
    harness.register(server(interval=60.0))
    await harness.close(await harness.engine())
    await harness.clock.advance(400)
    assert (
        status_of(await harness.engine(begin=False)).state is State.UP
    )  # not aged until it is looked at
