"""The demo in this process: served from a thread, and gone without a trace."""

import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.support.clock import START, FakeClock
from tests.support.demo import run_demo

from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.config.registry import load_servers
from lictui.config.settings import Retention
from lictui.errors import LictuiError
from lictui.history.csv_reader import ImportedPool
from lictui.history.store import History
from lictui.model import PoolKey
from lictui.paths import Paths, make_folder
from lictui.simulator import demo as demo_module
from lictui.simulator.demo import run_demo as prepare_demo
from lictui.simulator.demo import write_history
from lictui.simulator.estate import SimulatedEstate
from lictui.simulator.usage import DAY


def _plain(paths: Paths) -> str:
    return next(server.url for server in load_servers(paths) if server.url.startswith("http://"))


def _ask(url: str) -> int:
    try:
        urllib.request.urlopen(url, data=b"", timeout=5)  # noqa: S310 - our own http URL
    except urllib.error.HTTPError as answer:
        answer.close()
        return answer.code
    raise AssertionError("a server that asks for no password")


def test_demo_serves_during_the_block_and_leaves_nothing() -> None:
    with run_demo(1, 60.0, past=False) as demo:
        root = demo.paths.config_dir.parent
        url = _plain(demo.paths)
        assert _ask(url) == 401
        assert demo.clock.speed == 60
    assert not root.exists()
    with pytest.raises(urllib.error.URLError):
        _ask(url)
    assert "simulator" not in {thread.name for thread in threading.enumerate()}


def test_demo_leaves_nothing_after_an_error() -> None:
    roots = []
    with pytest.raises(ZeroDivisionError), run_demo(1, past=False) as demo:  # noqa: PT012 - the block is what is tested
        roots.append(demo.paths.config_dir.parent)
        raise ZeroDivisionError
    assert not roots[0].exists()


def test_demo_raises_a_failed_start_and_cleans_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots: list[Path] = []

    async def fail(_estate: object, _clock: object, config_dir: Path, **_options: object) -> None:
        make_folder(config_dir)
        roots.append(config_dir.parent)
        raise LictuiError("cannot listen")

    monkeypatch.setattr(demo_module, "start_servers", fail)
    with pytest.raises(LictuiError, match="cannot listen"), run_demo(1, past=False):
        pass
    assert not roots[0].exists()
    assert "simulator" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("limit", [3, None])
def test_demo_writes_its_past_until_it_is_stopped(
    tmp_path: Path, clock: FakeClock, limit: int | None
) -> None:
    estate, stopped = SimulatedEstate(1, START, scale=2), threading.Event()
    written = []

    def write(pool: ImportedPool, progress: float) -> None:
        written.append((pool.server, progress))
        if progress == 1 or len(written) == limit:
            stopped.set()

    clock.speed = 60.0
    prepare_demo(estate, clock, tmp_path, stopped, write)
    assert [server for server, _ in written] == [
        server.name for server in estate.servers for _ in server.pools
    ][:limit]
    assert written[-1][1] == (1 if limit is None else limit / 10)
    assert "simulator" not in {thread.name for thread in threading.enumerate()}


def test_history_has_the_year_before(tmp_path: Path, clock: FakeClock) -> None:
    estate, paths = SimulatedEstate(1, START, scale=2), Paths(tmp_path, tmp_path)
    write_history(estate, paths, clock)
    name = estate.servers[0].name
    held = estate.inventory_at(name, START)[0]
    key = PoolKey(held.product, held.subscription_date.isoformat())
    with History(paths.history, Retention(), clock) as history:

        def series(days: int, width: int, *servers: str) -> Series:
            pools = tuple((server, key) for server in servers)
            return history.series(SeriesQuery(pools, int(START - days * DAY), int(START), width))

        day, year = series(1, 300, name).buckets, series(364, DAY, name).buckets
        months = series(54, DAY, *(server.name for server in estate.servers))
    assert (len(day), len(year)) == (288, 365)
    assert max(bucket.high for bucket in day) <= max(bucket.high for bucket in year[-2:])
    now = estate.inventory_at(name, day[-1].start)[0]
    assert (day[-1].last, day[-1].installed) == (now.in_use, now.installed)
    assert months.exact  # since 1 October: a report of last month has no upper bounds
