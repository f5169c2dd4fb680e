"""Schedules, time limits and requested polls."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.clock import START, FakeClock, settle
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.clock import Clock
from lictui.config.settings import Limits, Retention
from lictui.engine.board import Board, ServerStatus, apply_poll, with_servers
from lictui.engine.poller import (
    LEASE_SECONDS,
    Lease,
    Poller,
    next_due,
    poll_server,
    start_offset,
    wait_after,
)
from lictui.history.store import History
from lictui.model import Failure, FailureKind, Poll, Reading, Server, Snapshot, Step
from lictui.sources.source import SourceError

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
        self.dues: list[float] = []  # the times of the next polls, since the start
        self.defect: Exception | None = None  # of opening a source
        self.restarts: list[tuple[str, BaseException | None]] = []
        self.poller = Poller(clock, self.open, self.report, lambda *end: self.restarts.append(end))
        self.poller.set_enabled(allowed=True)

    def open(self, server: Server, limits: Limits, clock: Clock) -> Script:
        del limits
        if self.defect:
            raise self.defect
        return self.scripts.setdefault(server.name, Script(clock))

    def report(self, server: Server, poll: Poll, due: float) -> None:
        assert server.name == poll.server
        self.polls.append(poll)
        self.dues.append(due - START)

    async def serve(
        self, *servers: Server, board: Board | None = None, limits: Limits = LIMITS
    ) -> None:
        await self.poller.update_servers(servers, limits, board or Board())
        await settle()


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
    bench = Bench(clock)
    yield bench
    await bench.poller.stop()


async def test_polls_keep_the_interval_of_their_server_exactly(bench: Bench) -> None:
    await bench.serve(server("a", interval=60.0), server("b", interval=300.0))
    bench.scripts["a"].takes = 7.0
    await bench.clock.advance(620)
    for name, interval in (("a", 60.0), ("b", 300.0)):
        times = bench.scripts[name].fetches[1:]
        assert {round(after - before, 6) for before, after in pairwise(times)} == {interval}


async def test_first_interval_has_the_offset_of_its_server_and_polls_tell_the_next(
    bench: Bench,
) -> None:
    only = server("a", interval=60.0)
    await bench.serve(only)
    bench.scripts["a"].takes = 7.0
    await bench.clock.advance(250)
    times = bench.scripts["a"].fetches
    assert times[1] == pytest.approx(60.0 + start_offset(only), abs=0.01)
    assert bench.dues[: len(times) - 1] == pytest.approx(times[1:], abs=0.01)


async def test_no_more_polls_run_at_once_than_allowed(bench: Bench) -> None:
    bench.scripts |= {name: Script(bench.clock) for name in "abcde"}
    for script in bench.scripts.values():
        script.takes = 3.0
    await bench.serve(*map(server, "abcde"), limits=replace(LIMITS, concurrency=2))
    started = []
    for _ in range(4):
        started.append(sum(len(script.fetches) for script in bench.scripts.values()))
        await bench.clock.advance(3)
    assert started == [2, 4, 5, 5]


async def test_poll_that_ends_by_a_defect_is_reported_and_made_again(bench: Bench) -> None:
    bench.defect = ZeroDivisionError()
    await bench.serve(server("a"))
    assert bench.restarts == [("poll a", bench.defect)]
    bench.defect = None
    await bench.clock.advance(59)
    assert bench.polls == []
    await bench.clock.advance(1)
    assert len(bench.polls) == 1


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


async def test_divisor_applies_to_quantities_and_formulas(clock: FakeClock) -> None:
    formulas = (("in_use", "InUse"), ("installed", "Count - Overdraft"), ("overdraft", "Over"))
    counted = replace(pool(in_use=301, installed=1001, overdraft=101), formulas=formulas)
    script = Script(clock)
    script.answer = snapshot(counted, pool("Q", 1, None, None))
    result = (await poll_server(server(quantity_divisor=2), script, 5, clock)).result
    assert not isinstance(result, Failure)
    first, second = result.pools
    assert (first.reading, second.reading) == (Reading(301, 500, 50), Reading(1, None, None))
    assert dict(first.formulas) == {
        "in_use": "InUse",
        "installed": "(Count - Overdraft) / 2",
        "overdraft": "Over / 2",
    }
    assert (await poll_server(server(), script, 5, clock)).result == script.answer


async def test_poll_ends_at_its_timeout(clock: FakeClock) -> None:
    class Hangs(Script):
        async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
            del found
            await asyncio.Event().wait()
            raise AssertionError

    result = (await poll_server(server(), Hangs(clock), 0.01, clock)).result
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.TIMEOUT


async def test_poll_has_the_time_of_each_step(clock: FakeClock) -> None:
    class Steps(Script):
        async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
            found(Step.AUTH, "")
            found(Step.INVENTORY, "")
            raise SourceError(FailureKind.PARSE, "no JSON")

    poll = await poll_server(server(), Steps(clock), 5, clock)
    assert [step for step, _ in poll.steps] == [Step.AUTH, Step.INVENTORY]
    assert 0 <= sum(seconds for _, seconds in poll.steps) <= poll.latency
    waiting = Board((ServerStatus(server()),))
    assert apply_poll(waiting, poll).servers[0].steps == poll.steps


async def test_snapshot_has_one_pool_per_key(clock: FakeClock) -> None:
    """A source may list a pool again, with the same figures or with others."""
    twice, other = pool(in_use=3, installed=10), pool(in_use=1, installed=5)
    script = Script(clock)
    for pools, expected in (((twice, twice), (3, 10)), ((twice, other, twice), (4, 15))):
        script.answer = snapshot(*pools)
        result = (await poll_server(server(), script, 5.0, clock)).result
        assert isinstance(result, Snapshot)
        (single,) = result.pools
        assert (single.reading.in_use, single.reading.installed) == expected


@pytest.mark.parametrize("error", [ZeroDivisionError(), SourceError(FailureKind.REFUSED, "none")])
async def test_failing_server_is_polled_less_often(bench: Bench, error: Exception) -> None:
    await bench.serve(server("a", interval=10.0))
    bench.scripts["a"].answer = error
    await bench.clock.advance(400)
    times = bench.scripts["a"].fetches
    assert [round(after - before) for before, after in pairwise(times)][1:6] == [10, 20, 40, 80, 80]
    assert all(isinstance(poll.result, Failure) for poll in bench.polls[1:])


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


NOW = 1_000_000.0


def test_slow_poll_skips_polls_instead_of_drifting() -> None:
    assert next_due(server(interval=10.0), NOW, NOW + 3, 10.0) == NOW + 10
    assert next_due(server(interval=10.0), NOW, NOW + 25, 10.0) == NOW + 30


def test_start_offset_is_small_and_constant() -> None:
    offsets = {start_offset(server(f"lic-{number:02}")) for number in range(50)}
    assert len(offsets) > 40
    assert all(0 <= offset <= 30 for offset in offsets)
    assert start_offset(server("lic-07")) == start_offset(server("lic-07"))


@pytest.mark.parametrize(
    ("interval", "result", "failures", "wait"),
    [
        *((60.0, failure(), *case) for case in ((1, 60), (2, 120), (3, 240), (4, 480), (6, 480))),
        (60.0, snapshot(), 0, 60),
        (1.0, failure(), 20, 8),
        (1.0, failure(FailureKind.AUTH), 20, 900),  # up to the limit: directories lock accounts
        (3600.0, failure(), 5, 3600),
        (60.0, failure(FailureKind.CONFIG), 4, 60),  # local, and mended by an edit
    ],
)
def test_failing_server_backs_off(
    interval: float, result: Snapshot | Failure, failures: int, wait: float
) -> None:
    assert wait_after(server(interval=interval), result, failures, cap=900) == wait


@pytest.fixture
def history(tmp_path: Path, clock: FakeClock) -> Iterator[History]:
    with History(tmp_path / "history.db", Retention(), clock) as history:
        yield history


async def test_lease_is_held_by_one_process_until_released_or_not_renewed(
    history: History, clock: FakeClock
) -> None:
    first, second = Lease(clock), Lease(clock)
    assert first.renew(history)
    assert not second.renew(history)
    history.release_lease(first.holder)
    assert second.renew(history)
    assert not first.renew(history)
    for step in (7200, -7200, 0):  # whatever the clocks of two machines show
        clock.set_wall(step)
        await clock.advance(LEASE_SECONDS - 1)
        assert not first.renew(history)
        assert second.renew(history)
        assert not first.renew(history)
    await clock.advance(LEASE_SECONDS)
    assert first.renew(history)


@pytest.mark.parametrize(("interval", "seconds"), [(1.0, 9.0), (6.0, 12.0), (900.0, 30.0)])
async def test_lease_of_another_host_is_taken_over_before_the_third_poll_is_missed(
    history: History, clock: FakeClock, interval: float, seconds: float
) -> None:
    dead, heir = Lease(clock), Lease(clock)
    dead.holder, heir.interval = "elsewhere:1:a", interval
    assert dead.renew(history)
    assert not heir.renew(history)
    await clock.advance(seconds - 1)
    assert not heir.renew(history)
    await clock.advance(1)
    assert heir.renew(history)


@pytest.mark.parametrize("is_reaped", [False, True])
def test_lease_of_a_dead_process_or_of_another_time_is_void(
    history: History, clock: FakeClock, *, is_reaped: bool
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        if is_reaped:
            ended.wait()
        dead = Lease(clock)
        dead.holder = f"{socket.gethostname()}:{ended.pid}:1"
        assert dead.renew(history)
        assert Lease(clock).renew(history)
        clock.set_wall(-3600)
        assert Lease(clock).renew(history)


@pytest.mark.parametrize("holder", ["elsewhere:1:a", "{host}:{pid}:b", "?"])
def test_lease_of_another_host_is_waited_for(
    history: History, clock: FakeClock, holder: str
) -> None:
    other = Lease(clock)
    other.holder = holder.format(host=socket.gethostname(), pid=os.getpid())
    assert other.renew(history)
    assert not Lease(clock).renew(history)
