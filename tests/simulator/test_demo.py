"""The demo: its servers, while the past is written, and the history that a test may start with."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from tests.support.clock import START, FakeClock

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.config.registry import load_servers
from lictui.config.settings import Retention
from lictui.errors import LictuiError
from lictui.history.csv_reader import ImportedPool
from lictui.history.store import History
from lictui.model import PoolKey
from lictui.paths import Paths
from lictui.simulator.demo import run_demo, write_history
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.usage import DAY


@pytest.mark.parametrize("limit", [3, None])
async def test_demo_serves_and_writes_its_past_until_it_is_stopped(
    tmp_path: Path, clock: FakeClock, limit: int | None
) -> None:
    estate, stopped = SimulatedEstate(1, START, scale=2), threading.Event()
    written = []
    statuses = []

    def write(pool: ImportedPool, progress: float) -> None:
        written.append((pool.server, progress))
        url = load_servers(Paths(tmp_path, tmp_path))[1].url
        reply = httpx.post(url, verify=False)  # noqa: S501 - its certificate is its own
        statuses.append(reply.status_code)
        if progress == 1 or len(written) == limit:
            stopped.set()

    clock.speed = 60.0
    await run_demo(estate, clock, tmp_path, stopped, write)
    assert [server for server, _ in written] == [
        server.name for server in estate.servers for _ in server.pools
    ][:limit]
    assert written[-1][1] == (1 if limit is None else limit / 10)
    assert set(statuses) == {401}


async def test_demo_that_cannot_write_its_past_stops_serving(
    tmp_path: Path, clock: FakeClock
) -> None:
    def write(_pool: ImportedPool, _progress: float) -> None:
        raise LictuiError("disk full")

    with pytest.raises(LictuiError, match="disk full"):
        await run_demo(
            SimulatedEstate(1, START, scale=2), clock, tmp_path, threading.Event(), write
        )
    for server in load_servers(Paths(tmp_path, tmp_path)):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)


def test_history_has_the_year_before(tmp_path: Path, clock: FakeClock) -> None:
    estate, paths = SimulatedEstate(1, START, scale=2), Paths(tmp_path, tmp_path)
    write_history(estate, paths, clock)
    first = estate.servers[0]
    held = first.inventory_at(START)[0]
    key = PoolKey(held.product, held.subscription_date.isoformat())
    with History(paths.history, Retention(), clock) as history:

        def series(days: int, width: int, *servers: str) -> Series:
            pools = tuple((server, key) for server in servers)
            return history.series(SeriesQuery(pools, int(START - days * DAY), int(START), width))

        day, year = series(1, 300, first.name).buckets, series(364, DAY, first.name).buckets
        months = series(54, DAY, *(server.name for server in estate.servers))
    assert (len(day), len(year)) == (288, 365)
    assert max(bucket.high for bucket in day) <= max(bucket.high for bucket in year[-2:])
    now = first.inventory_at(day[-1].start)[0]
    assert (day[-1].last, day[-1].installed) == (now.in_use, now.installed)
    assert months.exact  # since 1 October: a report of last month has no upper bounds
