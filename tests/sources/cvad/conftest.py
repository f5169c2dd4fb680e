"""One source and one site that answers it, wired together without sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.support.fake_site import PASSWORD, USERNAME, FakeSite

from lictui.config.settings import Limits
from lictui.model import Failure, Server, SourceName
from lictui.sources.cvad.source import CvadSource
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.clock import FakeClock


SERVER = Server(
    "ddc-us-01",
    SourceName.CVAD,
    url="https://ddc01.acme.test",
    username=USERNAME,
    secret="env:LICTUI_TEST",
)


async def failure_of(source: CvadSource) -> Failure:
    """What a poll fails with: it says what to do, and gives nothing away."""
    with pytest.raises(SourceError) as caught:
        await source.fetch(ignore_steps)
    failure = caught.value.failure
    assert PASSWORD not in f"{failure}"
    assert "token-" not in f"{failure}"
    assert failure.hint
    return failure


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    monkeypatch.setenv("LICTUI_TEST", PASSWORD)
    return FakeSite()


@pytest.fixture
async def open_source(
    site: FakeSite, clock: FakeClock
) -> AsyncIterator[Callable[[Server], CvadSource]]:
    opened: list[CvadSource] = []

    def opening(server: Server = SERVER) -> CvadSource:
        opened.append(CvadSource(server, Limits(timeout=5.0), clock, httpx.MockTransport(site)))
        return opened[-1]

    yield opening
    for source in opened:
        await source.aclose()


@pytest.fixture
def source(open_source: Callable[[Server], CvadSource]) -> CvadSource:
    return open_source(SERVER)
