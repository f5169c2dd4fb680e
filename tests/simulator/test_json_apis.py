"""What the APIs of sites, customers and partners have in common: access, and simulated faults."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.simulator.callers import (
    TRUSTED,
    Caller,
    CloudCaller,
    PartnerCaller,
    SiteCaller,
    serve,
)

from lictui.simulator.inventory import FaultMode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock

CALLERS = [CloudCaller, PartnerCaller, SiteCaller]


@pytest.fixture(params=CALLERS, ids=lambda caller: caller.__name__)
async def api(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[Caller]:
    """A logged-in client of each API."""
    async with serve(request.param, clock) as caller:
        await caller.log_in()
        yield caller


def _ok(api: Caller) -> list[int]:
    return [200] * len(api.reads)


async def test_token_expires_after_an_hour(api: Caller) -> None:
    await api.stage.clock.advance(3599)
    assert await api.statuses() == _ok(api)
    await api.stage.clock.advance(1)
    assert await api.statuses() == [401] * len(api.reads)
    await api.log_in()
    assert await api.statuses() == _ok(api)


@pytest.mark.parametrize("scheme", ["CwsAuth Bearer=", "CWSAuth bearer=", "cwsauth BEARER="])
async def test_scheme_of_token_ignores_case(api: Caller, scheme: str) -> None:
    token = api.headers["Authorization"].partition("=")[2]
    assert await api.statuses(Authorization=scheme + token) == _ok(api)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "CwsAuth",
        "Bearer {}",
        "Bearer Bearer={}",
        "CwsAuth {}",
        "CwsAuth Token={}",
        "CwsAuth Bearer={}x",
    ],
)
async def test_other_authorization_is_refused(api: Caller, header: str | None) -> None:
    token = api.headers["Authorization"].partition("=")[2]
    refused = await api.statuses(Authorization=header and header.format(token))
    assert refused == [401] * len(api.reads)


async def test_path_ignores_case_and_a_last_slash(api: Caller) -> None:
    path, _, query = api.reads[0].partition("?")
    assert (await api.get(f"{path.upper()}/?{query}")).status_code == 200


async def test_resources_cannot_be_changed(api: Caller) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await api.http.request(method, api.reads[0], headers=api.headers)
        assert answer.status_code == 405


async def test_client_of_the_standard_library_is_answered(api: Caller) -> None:
    trust = ssl.create_default_context(cadata=TRUSTED)
    url = str(api.http.base_url.join(api.reads[0]))
    request = urllib.request.Request(url, headers=api.headers)  # noqa: S310 - our own https URL

    def read() -> bytes:
        with urllib.request.urlopen(request, context=trust, timeout=5) as answer:  # noqa: S310 - our own https URL
            return bytes(answer.read())

    assert json.loads(await asyncio.to_thread(read)) == (await api.get(api.reads[0])).json()


async def test_failing_handler_is_a_500_and_the_next_request_is_answered(api: Caller) -> None:
    stage = api.stage
    states = (stage.site, stage.customer, stage.partner)
    stage.site = stage.customer = stage.partner = "broken"  # type: ignore[assignment]
    assert (await api.get(api.reads[0])).status_code == 500
    stage.site, stage.customer, stage.partner = states
    assert await api.statuses() == _ok(api)


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.BUSY, 503), (FaultMode.RATE_LIMITED, 429)]
)
async def test_busy_api_sends_retry_after(api: Caller, fault: FaultMode, status: int) -> None:
    api.stage.fault = fault
    for answer in (await api.token(), *[await api.get(path) for path in api.reads]):
        assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
        assert answer.json()
    api.stage.fault = FaultMode.NORMAL
    assert await api.statuses() == _ok(api)


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultMode.FORBIDDEN, 403), (FaultMode.UNKNOWN_CUSTOMER, 404)]
)
async def test_token_alone_does_not_give_access(api: Caller, fault: FaultMode, status: int) -> None:
    api.stage.fault = fault
    assert api.token_key in (await api.token()).json()
    assert await api.statuses() == [status] * len(api.reads)


async def test_denied_client_loses_its_token(api: Caller) -> None:
    api.stage.fault = FaultMode.DENIED
    assert await api.statuses() == [401] * len(api.reads)
    assert (await api.token()).status_code == 401


async def test_expired_secret_gives_no_new_token(api: Caller) -> None:
    api.stage.fault = FaultMode.CREDENTIALS_EXPIRED
    assert await api.statuses() == _ok(api)
    assert api.token_key not in (await api.token()).json()


async def test_login_page_replaces_every_reply(api: Caller) -> None:
    api.stage.fault = FaultMode.LOGIN_PAGE
    for answer in (await api.token(), *[await api.get(path) for path in api.reads]):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"Sign in" in answer.content


async def test_truncated_reply_ends_in_its_body(api: Caller) -> None:
    api.stage.fault = FaultMode.TRUNCATED
    assert api.token_key in (await api.token()).json()
    for path in api.reads:
        with pytest.raises(httpx.RemoteProtocolError):
            await api.get(path)


async def test_oversized_reply_differs_only_in_length(api: Caller) -> None:
    normal = (await api.get(api.reads[-1])).json()
    api.stage.fault = FaultMode.OVERSIZED
    answer = await api.get(api.reads[-1])
    assert len(answer.content) > 10 * 1024 * 1024
    assert answer.json() == normal


async def test_garbage_is_neither_text_nor_json(api: Caller) -> None:
    api.stage.fault = FaultMode.GARBAGE
    for path in api.reads:
        answer = await api.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        with pytest.raises(UnicodeDecodeError):
            answer.content.decode()
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer.content.decode("latin-1"))


async def test_silent_api_answers_nothing(api: Caller) -> None:
    api.stage.fault = FaultMode.SILENT
    for path in (api.token_path, api.reads[0]):
        with pytest.raises(httpx.ReadTimeout):
            await api.http.get(path, headers=api.headers, timeout=0.05)
    api.stage.fault = FaultMode.NORMAL
    assert await api.statuses() == _ok(api)


async def test_every_fault_differs_from_every_other(api: Caller) -> None:
    async def replies() -> tuple[object, ...]:
        try:
            token = await api.token()
            answers = [await api.get(path) for path in api.reads]
        except httpx.HTTPError as error:
            return (type(error),)
        return (
            (token.status_code, token.content[:9]),
            *[(each.status_code, each.content[:30], len(each.content)) for each in answers],
        )

    api.http.timeout = httpx.Timeout(5, read=0.5)
    seen = {}
    for fault in FaultMode:
        await api.stage.clock.advance(60)  # or there would be too many tokens
        api.stage.fault = fault
        seen[fault] = await replies()
    assert len(set(seen.values())) == len(FaultMode), seen


@pytest.mark.parametrize(
    ("caller", "header"),
    [(CloudCaller, "CC-TransactionId"), (PartnerCaller, "X-Cws-TransactionId")],
)
async def test_every_reply_of_the_cloud_has_its_own_transaction(
    clock: FakeClock, caller: type[Caller], header: str
) -> None:
    async with serve(caller, clock) as api:
        answers = [await api.log_in(), await api.get("/"), await api.get(api.reads[0])]
    assert len({answer.headers[header] for answer in answers}) == 3
