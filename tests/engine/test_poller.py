"""Schedules, time limits and requested polls."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START, FakeClock, settle
from tests.support.values import failure, poll, server, snapshot

from lictui.config.settings import Limits
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.poller import Poller, first_due, next_due, start_offset, wait_after
from lictui.model import Failure, FailureKind, Poll, Server, Snapshot, Step
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lictui.clock import Clock


LIMITS = Limits(timeout=5.0)


class Script:
    """A source that does what the test says, and counts what is asked of it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.fetches: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.answer: Snapshot | Exception = snapshot()
        self.takes = 0.0
        self.closed = 0

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        del found
        self.fetches.append(self.clock.now() - START)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.clock.sleep(self.takes)
        finally:
            self.at_once -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        self.closed += 1


class Bench:
    """A poller whose sources are scripts, by server name."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.scripts: dict[str, Script] = {}
        self.polls: list[Poll] = []
        self.poller = Poller(clock, self.open, self.report)
        self.poller.set_enabled(allowed=True)

    def open(self, server: Server, limits: Limits, clock: Clock) -> Script:
        del limits
        return self.scripts.setdefault(server.name, Script(clock))

    def report(self, server: Server, poll: Poll, due: float) -> None:
        assert server.name == poll.server
        assert due > poll.time
        self.polls.append(poll)

    async def serve(self, *servers: Server, board: Board | None = None) -> None:
        await self.poller.update_servers(servers, LIMITS, board or Board())
        await settle()


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
    bench = Bench(clock)
    yield bench
    await bench.poller.stop()


async def test_servers_are_polled_at_their_own_interval(bench: Bench) -> None:
    await bench.serve(server("a", interval=60.0), server("b", interval=300.0))
    await bench.clock.advance(620)
    assert len(bench.scripts["a"].fetches) in (10, 11)
    assert len(bench.scripts["b"].fetches) in (2, 3)


async def test_polls_keep_their_interval_exactly(bench: Bench) -> None:
    await bench.serve(server("a", interval=60.0))
    bench.scripts["a"].takes = 7.0
    await bench.clock.advance(600)
    times = bench.scripts["a"].fetches[1:]
    assert {round(after - before, 6) for before, after in itertools.pairwise(times)} == {60.0}


async def test_polls_of_one_server_never_overlap(bench: Bench) -> None:
    await bench.serve(server("a", interval=1.0))
    bench.scripts["a"].takes = 2.5
    await bench.clock.advance(30)
    bench.poller.poll_now("a")
    await bench.clock.advance(10)
    assert bench.scripts["a"].most_at_once == 1


async def test_hanging_server_delays_no_other(bench: Bench) -> None:
    await bench.serve(server("hangs", interval=10.0), server("b", interval=10.0))
    bench.scripts["hangs"].takes = 1e9
    await bench.clock.advance(100)
    assert len(bench.scripts["b"].fetches) >= 9


async def test_poll_ends_at_its_timeout(clock: FakeClock) -> None:
    from lictui.engine.poller import poll_server as poll_once  # noqa: PLC0415 - `poll` is a value here

    class Hangs(Script):
        async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
            del found
            await asyncio.Event().wait()
            raise AssertionError

    ended = await poll_once(server(), Hangs(clock), 0.01, clock)
    assert isinstance(ended.result, Failure)
    assert ended.result.kind is FailureKind.TIMEOUT


async def test_defect_of_a_source_is_a_failure(bench: Bench) -> None:
    await bench.serve(server("a", interval=10.0))
    bench.scripts["a"].answer = ZeroDivisionError()
    await bench.clock.advance(100)
    assert len(bench.polls) > 2
    assert all(isinstance(poll.result, Failure) for poll in bench.polls[1:])


async def test_failing_server_is_polled_less_often(bench: Bench) -> None:
    await bench.serve(server("a", interval=10.0))
    bench.scripts["a"].answer = SourceError(FailureKind.REFUSED, "nobody listens")
    await bench.clock.advance(400)
    times = bench.scripts["a"].fetches
    gaps = [round(after - before) for before, after in itertools.pairwise(times)]
    assert gaps[1:6] == [10, 20, 40, 80, 80]


async def test_poll_now_does_not_wait_for_the_schedule(bench: Bench) -> None:
    await bench.serve(server("a"), server("b"))
    bench.poller.poll_now("a")
    await settle()
    assert len(bench.scripts["a"].fetches) == 2
    assert len(bench.scripts["b"].fetches) == 1
    bench.poller.poll_now()
    await settle()
    assert len(bench.scripts["b"].fetches) == 2


async def test_poll_requested_before_the_start_is_not_lost(bench: Bench) -> None:
    board = apply_poll(with_servers(Board(), (server("a"),)), poll(name="a", at=START - 100))
    bench.poller.poll_now("a")
    await bench.serve(server("a"), board=board)
    assert len(bench.polls) == 1


async def test_follower_polls_only_on_request(bench: Bench) -> None:
    bench.poller.set_enabled(allowed=False)
    await bench.serve(server("a", interval=10.0))
    await bench.clock.advance(100)
    assert bench.polls == []
    bench.poller.poll_now("a")
    await settle()
    assert len(bench.polls) == 1


async def test_recent_poll_is_not_repeated_after_a_restart(bench: Bench) -> None:
    board = apply_poll(with_servers(Board(), (server("a"),)), poll(name="a", at=START - 100))
    await bench.serve(server("a"), board=board)
    await bench.clock.advance(700)
    assert bench.polls == []
    await bench.clock.advance(200)
    assert len(bench.polls) == 1


async def test_connection_is_kept_for_short_intervals_only(bench: Bench) -> None:
    await bench.serve(server("often", interval=60.0), server("seldom"))
    await bench.clock.advance(1)
    assert bench.scripts["often"].closed == 0
    assert bench.scripts["seldom"].closed == 1


async def test_changed_registry_restarts_only_changed_servers(bench: Bench) -> None:
    await bench.serve(server("a"), server("b"))
    await bench.serve(server("b"), server("c"), server("off", enabled=False))
    assert bench.scripts["a"].closed > bench.scripts["b"].closed
    assert len(bench.scripts["b"].fetches) == 1
    assert "c" in bench.scripts
    assert "off" not in bench.scripts


async def test_disabled_server_is_never_contacted(bench: Bench) -> None:
    await bench.serve(server("off", enabled=False))
    bench.poller.poll_now()
    await bench.clock.advance(2000)
    assert bench.scripts == {}


SECONDS = st.floats(min_value=0, max_value=2e9)
EVERY = st.floats(min_value=1, max_value=86400)
NOW = 1_000_000.0


@given(EVERY, SECONDS, st.floats(min_value=0, max_value=1e5))
def test_next_poll_is_a_multiple_of_the_interval_ahead(
    every: float, due: float, late: float
) -> None:
    one = server(interval=every)
    following = next_due(one, due, due + late, every)
    assert following > due + late - 1e-3
    turns = (following - due) / every
    assert abs(turns - round(turns)) < 1e-3


def test_slow_poll_skips_polls_instead_of_drifting() -> None:
    one = server(interval=10.0)
    assert next_due(one, NOW, NOW + 3, 10.0) == NOW + 10
    assert next_due(one, NOW, NOW + 25, 10.0) == NOW + 30


def test_first_poll_waits_for_a_recent_one() -> None:
    one = server()
    assert first_due(one, NOW - 200, NOW) == NOW + 700
    assert first_due(one, NOW - 2000, NOW) == NOW
    assert first_due(one, None, NOW) == NOW
    assert first_due(one, NOW + 50, NOW) == NOW  # a clock that was set back


def test_start_offset_is_small_and_constant() -> None:
    offsets = {start_offset(server(f"lic-{number:02}")) for number in range(50)}
    assert len(offsets) > 40
    assert all(0 <= offset <= 30 for offset in offsets)
    assert start_offset(server("lic-07")) == start_offset(server("lic-07"))


def test_backoff_doubles_three_times_and_ends_with_a_success() -> None:
    one = server(interval=60.0)
    waits = [wait_after(one, failure(), failures, cap=900) for failures in range(1, 7)]
    assert waits == [60, 120, 240, 480, 480, 480]
    assert wait_after(one, snapshot(), 0, cap=900) == 60


def test_rejected_password_backs_off_to_the_limit() -> None:
    one = server(interval=1.0)
    denied = failure(FailureKind.AUTH)
    assert wait_after(one, denied, 20, cap=900) == 900
    assert wait_after(one, failure(), 20, cap=900) == 8


def test_backoff_never_shortens_a_long_interval() -> None:
    assert wait_after(server(interval=3600.0), failure(), 5, cap=900) == 3600
