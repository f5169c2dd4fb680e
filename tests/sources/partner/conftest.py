"""One source and a License Usage Insights that answers it, wired together without sockets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lictui.config.settings import Limits
from lictui.model import Failure, Server, SourceName
from lictui.sources.partner import PartnerSource
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.clock import FakeClock

    Answer = object | httpx.Response | Callable[[httpx.Request], object]
    Opening = Callable[..., PartnerSource]

SECRET = "s3cret/+ä"
TOKENS = "/root/tokens/clients"
SERVERS = "/partner-1/licenseservers"
USAGE = "/partner-1/licenseusagedata"
SERVER = Server(
    "partner",
    SourceName.PARTNER,
    url="https://licensing.citrixworkspacesapi.net",
    trust_url="https://trust.citrixworkspacesapi.net",
    username="client-1",
    secret="env:LICTUI_TEST",
    customer_id="partner-1",
)


def listed(name: str = "lic01", **changes: object) -> dict[str, Any]:
    """A license server that reports and is in order."""
    return {
        "hostId": name.upper(),
        "fqdn": f"{name}.acme.test",
        "lastPhoningHomeTime": "2026-11-23T11:12:04.00+00:00",
        "isPhoningHome": True,
        "isEverReported": True,
        "isFoundInBackOffice": True,
        "isCompliant": True,
        "isLicenseServerFree": False,
        "isNonCspLicenseInstalled": False,
        "isCcu": False,
        "ccuFeatureStatistics": None,
        "isExpired": False,
        "licenseExpirationDate": "2027-07-27T00:00:00.00+00:00",
        "daysToExpire": 245,
        "linkedCustomerList": [],
    } | changes


def never(name: str = "new01") -> dict[str, Any]:
    nulls = ("fqdn", "lastPhoningHomeTime", "licenseExpirationDate", "daysToExpire")
    return listed(name, isPhoningHome=False, isEverReported=False) | dict.fromkeys(nulls)


def servers(*rows: object) -> dict[str, Any]:
    return {"customerId": "partner-1", "orgId": "51000000", "licenseServersStatus": list(rows)}


def feature(code: str = "XDT_PLT_UD", count: object = 226, **changes: object) -> dict[str, Any]:
    return {
        "featureId": code,
        "featureDescription": "Premium",
        "count": count,
        "freeUsersCount": 6,
        "units": "users",
        "isUserList": True,
        "licenseServerCount": 5,
        "freeLicenseServerCount": 0,
        "linkedCustomerCount": 2,
        "licenseServerUsages": [used("lic01.acme.test", 14)],
        "linkedCustomerUsages": [],
    } | changes


def used(fqdn: str, count: int, **changes: object) -> dict[str, Any]:
    return {
        "fqdn": fqdn,
        "count": count,
        "freeUsersCount": 0,
        "reportingDate": "0001-01-01T00:00:00",
        "isLicenseServerFree": False,
    } | changes


def usage(*features: object, sku: str = "sku-1") -> dict[str, Any]:
    one = {"skuId": sku, "skuDescription": "CVAD for CSP", "features": list(features)}
    return {"customerId": "partner-1", "orgId": "51000000", "skus": [one] if features else []}


class FakeInsights:
    """A handler for `httpx.MockTransport`; change `answers` to change what it says."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {SERVERS: servers(listed()), USAGE: usage(feature())}
        self.asked: list[httpx.Request] = []
        self.valid = 0  # the number of the token that is accepted

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        await asyncio.sleep(0)  # as over a wire: others come in between
        path = request.url.path
        if path == TOKENS and path not in self.answers:
            return self._token(request)
        if path not in self.answers:
            return httpx.Response(404, json={"type": "404", "detail": "no such thing"})
        bearer = f"CwsAuth bearer=token-{self.valid}"
        if request.method == "GET" and request.headers["Authorization"] != bearer:
            return httpx.Response(401)
        answer = self.answers[path]
        if callable(answer) and not isinstance(answer, httpx.Response):
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _token(self, request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/json"
        if json.loads(request.content) != {"clientId": "client-1", "clientSecret": SECRET}:
            return httpx.Response(401, json={"type": "401", "detail": "expired secret"})
        self.valid += 1
        token = {"principal": "p", "subject": "s", "openIdToken": "other", "expiresIn": 3600}
        return httpx.Response(200, json=token | {"token": f"token-{self.valid}"})


async def failure_of(source: PartnerSource) -> Failure:
    """What a poll fails with: it says what to do, and gives nothing away."""
    with pytest.raises(SourceError) as caught:
        await source.fetch(ignore_steps)
    failure = caught.value.failure
    assert SECRET not in f"{failure}"
    assert "token-" not in f"{failure}"
    assert failure.hint
    return failure


@pytest.fixture
def insights(monkeypatch: pytest.MonkeyPatch) -> FakeInsights:
    monkeypatch.setenv("LICTUI_TEST", SECRET)
    return FakeInsights()


@pytest.fixture
async def open_source(insights: FakeInsights, clock: FakeClock) -> AsyncIterator[Opening]:
    opened: list[PartnerSource] = []

    def opening(server: Server) -> PartnerSource:
        transport = httpx.MockTransport(insights)
        opened.append(PartnerSource(server, Limits(timeout=5.0), clock, transport))
        return opened[-1]

    yield opening
    for source in opened:
        await source.aclose()


@pytest.fixture
def source(open_source: Opening) -> PartnerSource:
    return open_source(SERVER)
