"""A poll of Citrix Cloud: current usage, monthly values, concurrent licenses."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.support.clock import FakeClock, settle
from tests.support.fake_api import SECRET
from tests.support.fake_cloud import (
    CONCURRENT,
    CURRENT,
    HISTORY,
    SERVER,
    TOKENS,
    FakeCloud,
    concurrent,
    current,
    history,
    month,
)
from tests.support.polls import failure_of, ignore_steps

from lictui.model import (
    FailureKind,
    Level,
    Model,
    Pool,
    Reading,
    Step,
)
from lictui.sources.citrix_cloud import (
    CloudSource,
    current_notices,
    read_current,
    read_monthly_usage,
)
from lictui.sources.source import SourceError

Open = Callable[..., CloudSource]


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def open_source(cloud: FakeCloud, open_rest_source: Open) -> Open:
    return lambda server: open_rest_source(server, cloud)


@pytest.fixture
def source(open_source: Open) -> CloudSource:
    return open_source(SERVER)


def pool(**changes: object) -> Pool:
    return read_current(current(**changes), "here:443")


def ending(count: object, at: str = "2027-05-10T00:00:00.0000000Z") -> dict[str, object]:
    return {"nextExpiredTime": at, "totalCount": count, "daysToExpire": 167}


async def test_poll_reads_the_customer_and_reports_each_step(
    source: CloudSource, cloud: FakeCloud
) -> None:
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    assert [pool.name for pool in snapshot.pools] == ["XenDesktop:XAXDFull"]
    assert snapshot.reported_name == "acme"
    assert [step for step, _ in steps] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert steps[0][1] == "client client-1 of acme"
    assert steps[2][1] == "XenDesktop:XAXDFull, 2 months of history"
    assert [month.in_use for month in snapshot.monthly_usage] == [390, 400]
    assert {request.url.host for request in cloud.requests} == {"api-us.cloud.com"}


def test_contradicting_figures_are_shown_and_not_corrected() -> None:
    read = pool(totalUsageCount=480, remainingLicenseCount=99)
    assert read.reading.in_use == 480
    raw = dict(read.raw_fields)
    assert raw["min(user, device)"] == "412, but totalUsageCount is 480"
    assert raw["owned - used"] == "20, but remainingLicenseCount is 99"


@pytest.mark.parametrize(
    ("changes", "product"),
    [
        ({"productEdition": None}, "XenDesktop"),
        ({"productName": ""}, "XAXDFull"),
        ({"productName": None, "productEdition": None}, "ud"),
        ({"productName": "Xen\x1b[31m\u202eDesktop"}, "Xen[31mDesktop:XAXDFull"),
    ],
)
def test_product_is_what_the_answer_names(changes: dict[str, object], product: str) -> None:
    assert pool(**changes).product == product


@pytest.mark.parametrize(
    ("installed", "count", "partly", "expiring"),
    [
        (500, 500, False, 500),
        (500, 100, True, 100),
        (500, None, True, None),
        (None, 100, True, 100),
    ],
)
def test_next_expiry_is_kept_if_it_applies_to_a_part(
    installed: object, count: object, partly: object, expiring: int | None
) -> None:
    read = pool(totalAvailableLicenseCount=installed, nextExpiredLicenses=ending(count))
    assert (read.expires, read.permanent) == (date(2027, 5, 10), False)
    assert (read.partial_expiry, read.expiring_count) == (partly, expiring)


@pytest.mark.parametrize(
    "nothing", [None, {}, [], "soon", ending(0), ending(5, "0001-01-01"), ending(5, "9999-12-31")]
)
def test_invalid_expiry_is_ignored(nothing: object) -> None:
    read = pool(nextExpiredLicenses=nothing)
    assert (read.expires, read.partial_expiry, read.permanent) == (None, False, None)


def test_future_licenses_are_a_notice() -> None:
    coming = {"activatingTime": "2027-01-01T00:00:00.0000000Z", "activatingCount": 1500}
    (notice,) = current_notices(current(nextActivatingLicense=coming))
    assert notice.title == "1,500 more licenses start on 2027-01-01"
    assert notice.level is Level.OK


@pytest.mark.parametrize("answer", [[], "", 5, {}, {"items": []}, None])
async def test_other_json_is_not_an_inventory(
    answer: object, source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = lambda _request: httpx.Response(200, json=answer)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) in {
        (FailureKind.PARSE, Step.PARSE),
        (FailureKind.NO_DATA, Step.INVENTORY),
    }


# Monthly values

DAY = 86400.0


async def test_twelve_months_are_requested_once_a_day(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    for _ in range(3):
        await source.fetch(ignore_steps)
        await clock.advance(900)
    (request,) = (request for request in cloud.requests if request.url.path == HISTORY)
    assert dict(request.url.params) == {"startDate": "2025-12", "endDate": "2026-11"}
    await clock.advance(DAY)
    assert (await source.fetch(ignore_steps)).monthly_usage
    assert cloud.paths.count(HISTORY) == 2


@pytest.mark.parametrize("status", [204, 401, 403, 500])
async def test_missing_months_do_not_fail_the_poll(
    status: int, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.answers[HISTORY] = httpx.Response(status, headers={"Retry-After": "60"})
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools
    assert snapshot.monthly_usage == ()
    assert cloud.token_number == 1
    cloud.answers[HISTORY] = history(month("2026-10"))
    again_after_an_hour = status in (401, 500)
    await clock.advance(3600 - 120)
    assert not (await source.fetch(ignore_steps)).monthly_usage
    await clock.advance(120)
    assert bool((await source.fetch(ignore_steps)).monthly_usage) is again_after_an_hour


async def test_last_months_are_kept_while_requests_fail(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    months = (await source.fetch(ignore_steps)).monthly_usage
    cloud.answers[HISTORY] = httpx.Response(500)
    await clock.advance(DAY)
    assert (await source.fetch(ignore_steps)).monthly_usage == months != ()


async def test_months_of_another_edition_are_ignored(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[HISTORY] = history(month("2026-10"), edition="Std")
    assert (await source.fetch(ignore_steps)).monthly_usage == ()
    assert cloud.answers[CURRENT] == current()


def test_unreadable_repeated_and_old_months_are_ignored() -> None:
    answer = history(
        month("2026-08", newAssignedCount=None, releasedCount="x"),
        month("2026-10", assigned=-1, totalAvailableLicenseCount=None),
        month("0001"),
        {"timeStamp": 5},
    )
    (usage,) = read_monthly_usage(answer, "XenDesktop:XAXDFull")
    assert (usage.in_use, usage.newly_assigned, usage.released) == (400, None, None)
    many = [month(f"{year}-05", year) for year in range(2000, 2026)]
    months = read_monthly_usage(history(*many, month("2025-05", 7)), "XenDesktop:XAXDFull")
    assert (len(months), months[-1].in_use) == (12, 7)


# Concurrent licenses

EXPERIMENTAL = replace(SERVER, experimental=True)


async def test_concurrent_usage_is_a_second_pool_if_configured(
    open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = concurrent()
    assert len((await open_source(SERVER).fetch(ignore_steps)).pools) == 1
    assert CONCURRENT not in cloud.paths
    _, pool = (await open_source(EXPERIMENTAL).fetch(ignore_steps)).pools
    assert (pool.product, pool.name, pool.model) == ("ccu", "ccu", Model.CONCURRENT)
    request = next(request for request in cloud.requests if request.url.path == CONCURRENT)
    assert request.url.host == "cloudlicense.citrixworkspacesapi.net"
    assert dict(request.url.params) == {"UsageType": "device", "LicenseModel": "Concurrent"}
    cloud.answers[CONCURRENT] = concurrent(None, 7)
    _, pool = (await open_source(EXPERIMENTAL).fetch(ignore_steps)).pools
    assert pool.reading == Reading(None, 7)


async def test_concurrent_usage_behind_a_proxy_uses_the_proxy(
    open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = concurrent()
    await open_source(replace(EXPERIMENTAL, url="https://proxy.acme.test:8443")).fetch(ignore_steps)
    assert {request.url.host for request in cloud.requests} == {"proxy.acme.test"}


@pytest.mark.parametrize(
    ("named", "product"),
    [
        ({"productName": "XenApp", "productEdition": "Plat"}, "XenApp:Plat"),
        ({"productName": "XenDesktop", "productEdition": "XAXDFull"}, "ccu"),
    ],
)
async def test_concurrent_product_differs_from_the_other(
    named: dict[str, str], product: str, open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = concurrent(**named)
    assert (await open_source(EXPERIMENTAL).fetch(ignore_steps)).pools[1].product == product


@pytest.mark.parametrize("status", [403, 500])
async def test_rejected_concurrent_usage_is_a_notice(
    status: int, open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = httpx.Response(status)
    source = open_source(EXPERIMENTAL)
    first, second = await source.fetch(ignore_steps), await source.fetch(ignore_steps)
    (notice,) = first.notices
    assert notice.level is Level.OK
    assert ("no permission" in notice.title) is (status == 403)
    assert first.notices == second.notices
    assert cloud.token_number == 1  # a token that was just good is not thrown away


@pytest.mark.parametrize("answer", [[], {}, {"currentCcu": 5}, concurrent(None, "x")])
async def test_known_concurrent_pool_is_kept_without_figures(
    answer: object, open_source: Open, cloud: FakeCloud
) -> None:
    source = open_source(EXPERIMENTAL)
    cloud.answers[CONCURRENT] = concurrent()
    await source.fetch(ignore_steps)
    cloud.answers[CONCURRENT] = httpx.Response(200, json=answer)
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools[1].reading == Reading()
    assert [notice.title for notice in snapshot.notices] == ["Concurrent usage not available"]


async def test_customer_may_have_concurrent_licenses_only(
    open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(204)
    failure = await failure_of(open_source(EXPERIMENTAL))
    assert (failure.kind, "experimental" in failure.hint) == (FailureKind.NO_DATA, True)
    cloud.answers[CONCURRENT] = concurrent()
    (pool,) = (await open_source(EXPERIMENTAL).fetch(ignore_steps)).pools
    assert pool.product == "ccu"


async def test_slow_concurrent_usage_does_not_fail_the_poll(
    open_source: Open, cloud: FakeCloud, timeouts: list[asyncio.Timeout]
) -> None:
    """A 503 asks for a second try after a pause, which here never ends."""
    cloud.answers[CONCURRENT] = httpx.Response(503)
    reading = asyncio.ensure_future(open_source(EXPERIMENTAL).fetch(ignore_steps))
    while CONCURRENT not in cloud.paths:
        await settle()
    assert not reading.done()
    timeouts[-1].reschedule(0)
    snapshot = await reading
    assert len(snapshot.pools) == 1
    assert [notice.detail for notice in snapshot.notices] == ["timeout"]


# Sign-in, tokens shared between servers, and error responses


@pytest.mark.parametrize("changes", [{"username": "client-2"}, {"url": "https://api-eu.cloud.com"}])
async def test_another_client_or_region_has_a_token_of_its_own(
    changes: dict[str, Any], open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = {"access_token": "token-0"}
    await open_source(SERVER).fetch(ignore_steps)
    await open_source(replace(SERVER, **changes)).fetch(ignore_steps)
    assert cloud.paths.count(TOKENS) == 2


async def test_changed_secret_is_used_immediately(
    open_source: Open, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_source(SERVER).fetch(ignore_steps)
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    assert (await failure_of(open_source(SERVER))).kind is FailureKind.AUTH
    assert cloud.paths.count(TOKENS) == 2


async def test_waiting_servers_share_the_failure(
    open_source: Open, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    sources = [open_source(SERVER) for _ in range(5)]
    results = await asyncio.gather(
        *(source.fetch(ignore_steps) for source in sources), return_exceptions=True
    )
    assert all(isinstance(result, SourceError) for result in results)
    assert cloud.paths.count(TOKENS) == 1
    await failure_of(sources[0])  # a later poll asks again
    assert cloud.paths.count(TOKENS) == 2


async def test_waiting_server_requests_a_token_if_the_first_is_canceled(
    open_source: Open, cloud: FakeCloud, clock: FakeClock
) -> None:
    replies = [httpx.Response(503), httpx.Response(200, json={"access_token": "token-0"})]
    cloud.answers[TOKENS] = lambda _request: replies.pop(0)
    first = asyncio.ensure_future(open_source(SERVER).fetch(ignore_steps))
    await settle()
    second = asyncio.ensure_future(open_source(SERVER).fetch(ignore_steps))
    await settle()
    first.cancel()
    assert (await second).pools
    with pytest.raises(asyncio.CancelledError):
        await first
    await clock.advance(1)


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [("600", 600), (600, 600), (None, 3600), (-5, 3600)]
)
async def test_token_lifetime_is_read_in_any_form(
    lifetime: object, seconds: int, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.token["expires_in"] = lifetime
    await source.fetch(ignore_steps)
    await clock.advance(seconds - 61)
    await source.fetch(ignore_steps)
    assert cloud.token_number == 1
    await clock.advance(1)
    await source.fetch(ignore_steps)
    assert cloud.token_number == 2


async def test_rejected_token_is_renewed_once_for_all_servers(
    open_source: Open, cloud: FakeCloud
) -> None:
    first, second = open_source(SERVER), open_source(SERVER)
    await asyncio.gather(first.fetch(ignore_steps), second.fetch(ignore_steps))
    cloud.token_number = 7  # token-1 is no longer known
    cloud.requests.clear()
    await asyncio.gather(first.fetch(ignore_steps), second.fetch(ignore_steps))
    assert cloud.paths.count(TOKENS) == 1


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_expired_secret_is_an_auth_failure(
    status: int, source: CloudSource, cloud: FakeCloud
) -> None:
    body = {"error": "invalid_client", "error_description": "is over"}
    cloud.answers[TOKENS] = httpx.Response(status, json=body)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "expired" in failure.hint
    assert "client secret" in failure.hint


async def test_unknown_customer_at_sign_in_lists_the_regions(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = httpx.Response(404)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)
    assert "United States: api-us.cloud.com" in failure.hint
    assert "(now: United States)" in failure.hint
    assert "Japan: api.citrixcloud.jp" in failure.hint
    assert "customer_id" in failure.hint


async def test_us_government_token_uses_the_legacy_form(
    open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers["/acme/tokens/clients"] = {"token": "token-0", "expiresIn": 3600}
    await open_source(replace(SERVER, url="https://api.cloud.us")).fetch(ignore_steps)
    request = cloud.requests[0]
    assert request.url.host == "trust.citrixworkspacesapi.us"
    assert request.read().decode().startswith('{"clientId": "client-1"')


@pytest.mark.parametrize("missing", [{"customer_id": ""}, {"username": ""}])
async def test_missing_customer_or_client_sends_nothing(
    missing: dict[str, Any], open_source: Open, cloud: FakeCloud
) -> None:
    failure = await failure_of(open_source(replace(SERVER, **missing)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not cloud.requests


async def test_log_has_the_transaction_and_no_secret(
    source: CloudSource, cloud: FakeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "lictui")
    for header in ("CC-TransactionId", "X-Cws-TransactionId"):  # the newer and the older name
        headers = {header: "abc\x1b-1"}
        cloud.answers[CURRENT] = httpx.Response(200, json=current(), headers=headers)
        caplog.clear()
        await source.fetch(ignore_steps)
        assert f"api-us.cloud.com:443 {CURRENT}: 200, transaction abc-1" in caplog.text
        assert SECRET not in caplog.text
        assert "token-1" not in caplog.text


REASON = {"name": "reason", "value": "miss\x1b[2Jing"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "no such thing", "parameters": REASON}, "(no such thing, reason: miss[2Jing)"),
        ({"detail": "bad", "parameters": [REASON] * 2}, f"(bad{', reason: miss[2Jing' * 2})"),
        ([1], ": bad request"),
    ],
)
async def test_error_text_is_read_from_both_shapes(
    body: object, words: str, source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(400, json=body)
    failure = await failure_of(source)
    assert failure.kind is FailureKind.PROTOCOL
    assert failure.message.endswith(words)
