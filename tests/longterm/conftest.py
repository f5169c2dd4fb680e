"""A history, and an engine in memory that it is pushed to."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.history.history_fixture import MIDNIGHT, HistoryFixture
from tests.longterm.fake_prometheus import FakePrometheus
from tests.support.clock import FakeClock
from tests.support.values import server

from lictui.config.settings import LongTermSettings, Retention, Settings
from lictui.longterm.push import Pusher
from lictui.longterm.spool import Spool
from lictui.sources.http import HttpClient

SETTINGS = Settings(
    long_term=LongTermSettings("http://engine.example/api/v1/write", "http://engine.example")
)


class InstantClock(FakeClock):
    """A clock on which waiting takes no time."""

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


class PushFixture(HistoryFixture):
    """A history with a pusher; `push` pushes what was recorded until now."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, InstantClock(), Retention(raw=1))
        self.clock._now = MIDNIGHT
        self.spool = Spool(path, Retention(), self.clock)
        self.restart()

    def restart(self, settings: Settings = SETTINGS) -> None:
        self.pusher = Pusher(self.spool, settings, self.clock)

    async def push(self) -> int:
        polled = {name: last.polled_at for name, last in self.history.last_polls().items()}
        servers = {name: server(name, group="emea") for name in polled}
        return await self.pusher.push(servers, polled)

    def close(self) -> None:
        self.spool.close()
        super().close()


@pytest.fixture
def push(tmp_path: Path) -> Iterator[PushFixture]:
    fixture = PushFixture(tmp_path / "data" / "history.db")
    yield fixture
    fixture.close()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePrometheus:
    fake = FakePrometheus()
    transport = httpx.MockTransport(fake)
    monkeypatch.setattr(
        "lictui.longterm.client.HttpClient",
        lambda server, limits: HttpClient(server, limits, None, transport),
    )
    return fake
