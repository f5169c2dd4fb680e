"""What the APIs of sites, customers and partners have in common: access, and simulated faults."""

from collections.abc import AsyncIterator

import pytest
from tests.simulator.callers import (
    Caller,
    CloudCaller,
    PartnerCaller,
    SiteCaller,
    serve,
)
from tests.support.clock import FakeClock

from lictui.simulator import FaultMode

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
    ("caller", "header"),
    [(CloudCaller, "CC-TransactionId"), (PartnerCaller, "X-Cws-TransactionId")],
)
async def test_every_reply_of_the_cloud_has_its_own_transaction(
    clock: FakeClock, caller: type[Caller], header: str
) -> None:
    async with serve(caller, clock) as api:
        answers = [await api.log_in(), await api.get("/"), await api.get(api.reads[0])]
    assert len({answer.headers[header] for answer in answers}) == 3
