from __future__ import annotations

from datetime import date

import pytest
from tests.engine.conftest import EngineHarness, status_of
from tests.support.clock import START, settle
from tests.support.values import pool, server, snapshot

from lictui.analysis.series import SeriesQuery
from lictui.engine.engine import Engine, RunScope
from lictui.errors import LictuiError
from lictui.model import FailureKind, PoolKey, State
from lictui.sources.source import SourceError

ROUND = 4.0  # seconds; a little more than the engine's own


async def recorded(engine: Engine, name: str = "lic-01") -> list[float]:
    """What was in use, bucket by bucket."""
    question = SeriesQuery(
        ((name, PoolKey("XDT_PLT_UD")),), int(START) - 60, int(START) + 86400, 300
    )
    (series,) = await engine.queries.many((question,))
    return [bucket.last for bucket in series.buckets]


async def test_a_poll_is_on_the_board_published_and_in_the_history(desk: EngineHarness) -> None:
    desk.register(server())
    engine = await desk.engine()
    assert status_of(engine).state is State.UP
    assert desk.boards[-1] == engine.board
    assert await recorded(engine) == [412]
    assert [event.message for event in await engine.queries.events()] == [
        "reports for the first time"
    ]


async def test_after_a_restart_the_board_is_as_it_was_left(desk: EngineHarness) -> None:
    desk.register(server())
    first = await desk.engine()
    before = status_of(first)
    await desk.close(first)
    second = await desk.engine(begin=False)
    after = status_of(second)
    assert after.state is State.UP
    assert after.snapshot
    assert before.snapshot
    assert after.snapshot.pools[0].reading == before.snapshot.pools[0].reading
    assert (after.polled_at, after.since) == (before.polled_at, before.since)


async def test_a_failed_poll_is_a_gap_and_survives_a_restart(desk: EngineHarness) -> None:
    desk.register(server(interval=300.0))
    engine = await desk.engine()
    desk.replies["lic-01"] = SourceError(FailureKind.TIMEOUT, "no answer")
    await desk.clock.advance(400)
    assert status_of(engine).state is State.DOWN
    assert status_of(engine).snapshot is not None
    assert await recorded(engine) == [412]
    await desk.close(engine)
    again = status_of(await desk.engine(begin=False))
    assert again.state is State.DOWN
    assert again.failure
    assert again.failure.message == "no answer"


async def test_a_renewed_license_keeps_its_past(desk: EngineHarness) -> None:
    desk.register(server(interval=300.0))
    desk.replies["lic-01"] = snapshot(pool(in_use=400, subscription=date(2026, 12, 1)))
    engine = await desk.engine()
    renewed = pool(in_use=401, subscription=date(2027, 12, 1))
    desk.replies["lic-01"] = snapshot(renewed, pool("MPS_ENT_CCU"))
    await desk.clock.advance(400)
    pools = await engine.queries.pools(("lic-01", "lic-02"), "XDT_PLT_UD")
    assert pools == tuple(
        ("lic-01", PoolKey("XDT_PLT_UD", day)) for day in ("2026-12-01", "2027-12-01")
    )
    assert await engine.queries.pools(("lic-02",), "XDT_PLT_UD") == ()
    question = SeriesQuery(pools, int(START), int(START) + 600, 300)
    (series,) = await engine.queries.many((question,))
    assert [bucket.last for bucket in series.buckets] == [400, 401]


async def test_a_hot_edit_is_picked_up(desk: EngineHarness) -> None:
    desk.register(server())
    engine = await desk.engine()
    desk.register(server(), server("lic-02"))
    await desk.clock.advance(ROUND)
    assert status_of(engine, "lic-02").state is State.UP
    assert desk.polled_names.count("lic-01") == 1


async def test_a_broken_edit_keeps_the_last_good_and_says_so(desk: EngineHarness) -> None:
    desk.register(server())
    engine = await desk.engine()
    desk.paths.servers.write_text("[[server]\n")
    await desk.clock.advance(ROUND)
    assert status_of(engine).state is State.UP
    assert any("servers.toml" in notice for notice in engine.board.notices)
    desk.register(server())
    await desk.clock.advance(ROUND)
    assert engine.board.notices == ()


async def test_a_broken_config_at_the_start_leaves_the_defaults_and_says_so(
    desk: EngineHarness,
) -> None:
    desk.register(server())
    (desk.paths.config_dir / "config.toml").write_text("[alerts]\nwarn = 80\n")
    engine = await desk.engine()
    assert status_of(engine).state is State.UP
    assert any("alerts.warn" in notice for notice in engine.board.notices)


async def test_a_history_that_cannot_be_opened_costs_no_monitoring(desk: EngineHarness) -> None:
    desk.register(server())
    desk.paths.data_dir.mkdir()
    desk.paths.history.mkdir()
    engine = await desk.engine()
    assert status_of(engine).state is State.UP
    assert any("nothing is recorded" in notice for notice in engine.board.notices)
    assert await engine.queries.pools(("lic-01",), "XDT_PLT_UD") == ()
    assert await engine.queries.events() == ()


async def test_a_second_lictui_follows_what_the_first_records(desk: EngineHarness) -> None:
    desk.register(server(interval=60.0))
    leader = await desk.engine()
    follower = await desk.engine()
    asked = len(desk.polled_names)
    assert any("another lictui" in notice for notice in follower.board.notices)
    desk.replies["lic-01"] = snapshot(pool(in_use=433))
    await desk.clock.advance(60)
    await desk.clock.advance(ROUND * 2)
    assert len(desk.polled_names) <= asked + 2
    followed = status_of(follower).snapshot
    assert followed
    assert followed.pools[0].reading.in_use == 433
    await desk.close(leader)
    await desk.clock.advance(ROUND)
    assert follower.board.notices == ()
    before = len(desk.polled_names)
    await desk.clock.advance(130)
    assert len(desk.polled_names) > before


async def test_saving_registers_polls_and_renaming_keeps_the_history(desk: EngineHarness) -> None:
    engine = await desk.engine()
    await engine.save(server())
    await settle()
    assert status_of(engine).state is State.UP
    await engine.save(server("lic-new"), replacing="lic-01")
    await settle()
    assert engine.board.find("lic-01") is None
    assert await recorded(engine, "lic-new") == [412]
    with pytest.raises(LictuiError, match="already"):
        await engine.save(server("lic-new"))


async def test_a_removed_server_leaves_the_board_and_keeps_its_history(desk: EngineHarness) -> None:
    desk.register(server())
    engine = await desk.engine()
    await engine.remove("lic-01")
    assert engine.board.servers == ()
    assert await recorded(engine) == [412]


async def test_a_scope_is_kept_to(desk: EngineHarness) -> None:
    desk.register(server("a", group="emea"), server("b", group="us"))
    engine = await desk.engine(RunScope(group="us", interval=10.0))
    assert [status.server.name for status in engine.board.servers] == ["b"]
    assert (
        status_of(engine, "b").server.interval is None
    )  # what the form would write stays the user's
    await desk.clock.advance(35)
    assert desk.polled_names.count("b") >= 3
    assert engine.board.notices == ("polling every 10 s, where 900 s is the shortest advised",)
    assert "a" not in desk.polled_names


async def test_an_up_server_that_is_not_polled_any_more_goes_stale(desk: EngineHarness) -> None:
    desk.register(server(interval=60.0))
    await desk.close(await desk.engine())
    await desk.clock.advance(400)
    assert (
        status_of(await desk.engine(begin=False)).state is State.UP
    )  # not aged until it is looked at
