"""One source and a Citrix Cloud that answers it, wired together without sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from lictui.config.settings import Limits
from lictui.model import Failure, Server, SourceName
from lictui.sources.cloud.source import CloudSource
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.clock import FakeClock

    Answer = object | httpx.Response | Callable[[httpx.Request], httpx.Response]
    Opening = Callable[..., CloudSource]

SECRET = "s3cret/+ä"
TOKENS = "/cctrustoauth2/acme/tokens/clients"
CURRENT = "/licensing/license/enterprise/cloud/cvad/ud/current"
PAST = "/licensing/license/enterprise/cloud/cvad/ud/historicalusage"
CONCURRENT = "/acme/license/enterprise/cloud/cvad/ccu/summary"
SERVER = Server(
    "cloud",
    SourceName.CITRIX_CLOUD,
    url="https://api-us.cloud.com",
    username="client-1",
    secret="env:LICTUI_TEST",
    customer_id="acme",
)


def current(**changes: object) -> dict[str, Any]:
    return {
        "customerId": "acme",
        "totalUsageCount": 412,
        "userLicenseUsage": {"totalUsageCount": 412, "releasedCount": 3},
        "deviceLicenseUsage": {"totalUsageCount": 501, "releasedCount": 0},
        "totalAvailableLicenseCount": 500,
        "remainingLicenseCount": 88,
        "timeStamp": "2026-11-24T06:00:00.0215469Z",
        "productName": "XenDesktop",
        "productEdition": "XAXDFull",
        "nextExpiredLicenses": {
            "nextExpiredTime": "2027-05-10T00:00:00.0000000Z",
            "totalCount": 500,
            "daysToExpire": 167,
        },
        "nextActivatingLicense": None,
    } | changes


def month(at: str, assigned: int = 400, **changes: object) -> dict[str, Any]:
    return {
        "timeStamp": f"{at}-01T00:00:00.0000000Z",
        "totalAvailableLicenseCount": 500,
        "cumulativeAssignedCount": assigned,
        "newAssignedCount": 12,
        "releasedCount": 4,
    } | changes


def past(*months: dict[str, Any], edition: str = "XAXDFull") -> dict[str, Any]:
    return {
        "customerId": "acme",
        "historicalUsageType": "Monthly",
        "productEdition": edition,
        "xenAppXenDesktopHistoricalUsageList": list(months),
        "historicalUsageList": [],
    }


def summary(in_use: object = 40, installed: object = 60, **changes: object) -> dict[str, Any]:
    now = {
        "totalLicenseCount": installed,
        "assignedLicenseCount": in_use,
        "reportTime": "2026-11-24T05:55:00Z",
    }
    peak = {"assignedLicenseCount": 55, "reportTime": "2026-11-20T10:00:00Z"}
    peaks = dict.fromkeys(("last24HoursPeak", "monthPeak", "allTimePeak"), peak)
    return {"currentCcu": now} | peaks | changes


class FakeCloud:
    """A handler for `httpx.MockTransport`; change `answers` to change what it says."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {
            CURRENT: current(),
            PAST: past(month("2026-10"), month("2026-09", 390)),
        }
        self.asked: list[httpx.Request] = []
        self.valid = 0  # the number of the token that is accepted
        self.token: dict[str, object] = {"token_type": "bearer", "expires_in": "3600"}

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        await asyncio.sleep(0)  # as over a wire: others come in between
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == TOKENS and path not in self.answers:
            return self._token(request)
        answer = self.answers.get(path)
        if answer is None:
            said = {"type": "404", "detail": "resource not found", "parameters": None}
            return httpx.Response(404, json=said)
        if request.method == "GET" and not self._knows(request.headers):
            return httpx.Response(401)
        if callable(answer) and not isinstance(answer, httpx.Response):
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _knows(self, headers: httpx.Headers) -> bool:
        mine = f"CwsAuth bearer=token-{self.valid}", "acme"
        return (headers["Authorization"], headers["Citrix-CustomerId"]) == mine

    def _token(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = parse_qs(request.content.decode(), strict_parsing=True)
        accepted = form == {
            "grant_type": ["client_credentials"],
            "client_id": ["client-1"],
            "client_secret": [SECRET],
        }
        if not accepted:
            said = {"error": "invalid_client", "error_description": "no such secret"}
            return httpx.Response(200, json=said)
        self.valid += 1
        return httpx.Response(200, json=self.token | {"access_token": f"token-{self.valid}"})


async def failure_of(source: CloudSource) -> Failure:
    """What a poll fails with: it says what to do, and gives nothing away."""
    with pytest.raises(SourceError) as caught:
        await source.fetch(ignore_steps)
    failure = caught.value.failure
    assert SECRET not in f"{failure}"
    assert "token-" not in f"{failure}"
    assert failure.hint
    return failure


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    monkeypatch.setenv("LICTUI_TEST", SECRET)
    return FakeCloud()


@pytest.fixture
async def open_source(cloud: FakeCloud, clock: FakeClock) -> AsyncIterator[Opening]:
    opened: list[CloudSource] = []

    def opening(server: Server, timeout: float = 5.0) -> CloudSource:
        limits = Limits(timeout=timeout)
        opened.append(CloudSource(server, limits, clock, httpx.MockTransport(cloud)))
        return opened[-1]

    yield opening
    for source in opened:
        await source.aclose()


@pytest.fixture
def source(open_source: Opening) -> CloudSource:
    return open_source(SERVER)
