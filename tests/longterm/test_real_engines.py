"""VictoriaMetrics and Prometheus of the system: a year is pushed, read back and answered."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT
from tests.longterm.conftest import PushFixture
from tests.support.tcp_server import free_port
from tests.support.values import server

from lictui.analysis.series import SeriesQuery
from lictui.clock import SystemClock
from lictui.config.settings import LongTermSettings, Retention, Settings
from lictui.engine.thread import run
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.history.store import History
from lictui.longterm.read import LongTermHistory
from lictui.model import PoolKey
from lictui.sources.source import SourceError

pytestmark = pytest.mark.slow
NOW = MIDNIGHT + 12 * HOUR
NAMES = {"lic-01": 900.0, "lic-02": 900.0, "fast": 60.0}
SERVERS = [server(name, interval=interval) for name, interval in NAMES.items()]
_CONFIG = "storage: {tsdb: {out_of_order_time_window: 4000d}}\n"


class RealEngine:
    """One process on a port of loopback; its folder stays when it is stopped."""

    def __init__(self, name: str, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        config = folder / "prometheus.yml"
        config.write_text(_CONFIG)
        program = shutil.which(name)
        assert program, f"install {name}"
        self._command = {
            "victoria-metrics": [
                *(program, "-retentionPeriod=10y", f"-storageDataPath={folder / 'data'}"),
                f"-httpListenAddr={self.address}",
            ],
            "prometheus": [
                *(program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
                *(f"--web.listen-address={self.address}", "--web.enable-remote-write-receiver"),
                "--storage.tsdb.retention.time=10y",
            ],
        }[name]
        self._log = folder / "log"
        url = f"http://{self.address}"
        self.settings = Settings(long_term=LongTermSettings(f"{url}/api/v1/write", url))

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            self._log.open("ab") as log,
            subprocess.Popen(self._command, stdout=log, stderr=log) as process,
        ):
            try:
                self._wait(process)
                yield
            finally:
                process.terminate()
                process.wait(60)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        clock = SystemClock()
        while process.poll() is None:
            try:
                with urlopen(f"http://{self.address}/-/ready", timeout=5):
                    return
            except OSError:
                asyncio.run(clock.sleep(0.1))
        raise AssertionError(f"{self._command[0]} ended")


@pytest.fixture(params=["victoria-metrics", "prometheus"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> RealEngine:
    os.environ.pop("HTTP_PROXY", None)
    return RealEngine(request.param, tmp_path)


def fill(push: PushFixture) -> None:
    """A year of two servers, in which polls fail, and 80 days of one that is polled each minute."""
    for number, (name, interval) in enumerate(list(NAMES.items())[:2]):
        start, count = NOW - 365 * DAY + number, 365 * DAY // int(interval)
        figures = [200 + (turn * 7) % 97 + turn // 600 for turn in range(count)]
        push.poll_series(start, figures[: count // 2], name, interval)
        push.record_failure(start + count // 2 * interval, name, interval)
        push.poll_series(start + (count // 2 + 1) * interval, figures[count // 2 :], name, interval)
    push.poll_series(NOW - 20 * DAY, [turn % 53 for turn in range(20 * 1440)], "fast")
    push.clock._now = NOW
    push.history.compact_all()


def settled(push: PushFixture) -> None:
    asyncio.run(SystemClock().sleep(10))  # until the engine shows what it has stored
    push.clock._now = NOW


def check(push: PushFixture, path: Path, settings: Settings) -> None:
    """Everything is there once, and another machine gets the same answers from the engine."""
    comparison = run(push.pusher.compare({}))
    assert (comparison.missing, comparison.different, comparison.doubled) == (0, 0, 0)
    assert comparison.local == comparison.stored > 200_000
    assert comparison.checksums[0] == comparison.checksums[1]
    push.clock._now = NOW
    History(path, Retention(), push.clock).close()
    with LongTermHistory(path, settings, SERVERS, push.clock, run) as other:
        query = PeakQuery(NOW, None, set(NAMES))
        assert list(find_peaks(other, query)) == list(find_peaks(push.history, query))
        owners = tuple((name, PoolKey(PRODUCT)) for name in NAMES)
        for width in (300, HOUR, DAY):
            year = SeriesQuery(owners[:2], NOW - 365 * DAY, NOW, width)
            assert other.series(year) == push.history.series(year)
        month = SeriesQuery(owners, NOW - 19 * DAY, NOW, HOUR)
        assert other.series(month) == push.history.series(month)
        assert other.engine_notices == ()


def test_engine_has_everything_once_after_outages_and_gives_the_same_answers(
    real: RealEngine, tmp_path: Path
) -> None:
    push = PushFixture(tmp_path / "history.db")
    push.restart(real.settings)
    fill(push)
    with real.running():
        assert run(push.push()) > 200_000
        settled(push)
        check(push, tmp_path / "first.db", real.settings)
    for turn in range(1, 5):  # polls while it is stopped
        push.record(NOW + turn * 900, 300 + turn, "lic-01", every=900.0)
        push.clock._now = NOW + turn * 900
        with pytest.raises(SourceError):
            run(push.push())
    assert push.pusher.waiting({}) != {}
    with real.running():
        assert run(push.push()) == 4 * 4
        settled(push)
        push.pusher.forget()  # fill it once more
        assert run(push.push()) == 0
        push.clock._now = NOW + 5 * 900
        comparison = run(push.pusher.compare({}))
        assert (comparison.missing, comparison.different, comparison.doubled) == (0, 0, 0)
        assert comparison.checksums[0] == comparison.checksums[1]
    push.close()
