"""A poll of Citrix Cloud: current usage, monthly values, concurrent licenses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.support.clock import FakeClock, settle
from tests.support.fake_cloud import (
    CONCURRENT,
    CURRENT,
    HISTORY,
    SERVER,
    concurrent,
    current,
    history,
    month,
)
from tests.support.polls import failure_of

from lictui.model import (
    FailureKind,
    Level,
    Mode,
    Model,
    MonthlyUsage,
    PoolKey,
    Reading,
    Step,
)
from lictui.sources.cloud.source import (
    CloudSource,
    current_notices,
    month_range,
    read_current,
    read_monthly_usage,
)
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_cloud import FakeCloud

    from lictui.model import Pool

    Open = Callable[..., CloudSource]


def pool(**changes: object) -> Pool:
    return read_current(current(**changes), "here:443")


def ending(count: object, at: str = "2027-05-10T00:00:00.0000000Z") -> dict[str, object]:
    return {"nextExpiredTime": at, "totalCount": count, "daysToExpire": 167}


async def test_poll_reads_the_customer_and_reports_each_step(
    source: CloudSource, cloud: FakeCloud
) -> None:
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    (read,) = snapshot.pools
    assert (read.product, read.model, read.name) == (
        "XenDesktop:XAXDFull",
        Model.USER_DEVICE,
        "XenDesktop:XAXDFull",
    )
    assert read.reading == Reading(in_use=412, installed=500, overdraft=None)
    assert (read.expires, read.permanent) == (date(2027, 5, 10), False)
    assert (snapshot.mode, snapshot.reported_name, snapshot.notices) == (Mode.CLOUD, "acme", ())
    assert [step for step, _ in steps] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert steps[0][1] == "client client-1 of acme"
    key = PoolKey("XenDesktop:XAXDFull")
    assert snapshot.monthly_usage == (
        MonthlyUsage(key, datetime(2026, 9, 1, tzinfo=UTC).timestamp(), 390, 500, 12, 4),
        MonthlyUsage(key, datetime(2026, 10, 1, tzinfo=UTC).timestamp(), 400, 500, 12, 4),
    )
    assert {request.url.host for request in cloud.requests} == {"api-us.cloud.com"}


def test_figures_have_formulas_and_raw_fields() -> None:
    read = pool()
    assert {"in_use", "installed", "overdraft", "expires"} == set(dict(read.formulas))
    raw = dict(read.raw_fields)
    assert raw["deviceLicenseUsage.totalUsageCount"] == "501"
    assert raw["timeStamp"] == "2026-11-24T06:00:00.0215469Z"
    assert raw["min(user, device)"] == "412, as totalUsageCount"
    assert raw["owned - used"] == "88, as remainingLicenseCount"


def test_contradicting_figures_are_shown_and_not_corrected() -> None:
    read = pool(totalUsageCount=480, remainingLicenseCount=99)
    assert read.reading.in_use == 480
    raw = dict(read.raw_fields)
    assert raw["min(user, device)"] == "412, but totalUsageCount is 480"
    assert raw["owned - used"] == "20, but remainingLicenseCount is 99"


def test_usage_may_exceed_the_licenses() -> None:
    read = pool(totalUsageCount=530, remainingLicenseCount=-30)
    assert read.reading == Reading(in_use=530, installed=500)
    assert read.reading.free == -30


@pytest.mark.parametrize("value", [None, "many", -1, 1.5, True, [], 10**30])
def test_invalid_figure_is_unknown(value: object) -> None:
    assert pool(totalUsageCount=value).reading == Reading(in_use=None, installed=500)
    assert pool(totalAvailableLicenseCount=value).reading == Reading(in_use=412)


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
        (500, 600, False, 500),
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


async def test_no_content_is_no_data(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(204)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert "acme" in failure.message


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


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), ("2025-02", "2026-01")),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), ("2026-01", "2026-12")),
    ],
)
def test_month_range_covers_a_year(now: datetime, asked: tuple[str, str]) -> None:
    assert month_range(now.timestamp()) == asked


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 429, 500, 503])
async def test_missing_months_do_not_fail_the_poll(
    status: int, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.answers[HISTORY] = httpx.Response(status, headers={"Retry-After": "60"})
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools
    assert snapshot.monthly_usage == ()
    assert cloud.token_number == 1
    cloud.answers[HISTORY] = history(month("2026-10"))
    again_after_an_hour = status in (400, 401, 429, 500, 503)
    await clock.advance(3600 - 120)
    assert not (await source.fetch(ignore_steps)).monthly_usage
    await clock.advance(120)
    assert bool((await source.fetch(ignore_steps)).monthly_usage) is again_after_an_hour


async def test_last_months_are_kept_while_requests_fail(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    told = (await source.fetch(ignore_steps)).monthly_usage
    cloud.answers[HISTORY] = httpx.Response(500)
    await clock.advance(DAY)
    assert (await source.fetch(ignore_steps)).monthly_usage == told != ()


async def test_months_of_another_edition_are_ignored(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[HISTORY] = history(month("2026-10"), edition="Std")
    assert (await source.fetch(ignore_steps)).monthly_usage == ()
    assert cloud.answers[CURRENT] == current()


def test_unreadable_months_are_ignored() -> None:
    answer = history(
        month("2026-08", newAssignedCount=None, releasedCount="x"),
        month("2026-10", assigned=-1, totalAvailableLicenseCount=None),
        month("0001"),
        {"timeStamp": 5},
    )
    (told,) = read_monthly_usage(answer, "XenDesktop:XAXDFull")
    assert (told.in_use, told.newly_assigned, told.released) == (400, None, None)


def test_months_are_limited_to_a_year_and_unique() -> None:
    answer = history(
        *(month(f"{year}-05", year) for year in range(2000, 2026)), month("2025-05", 7)
    )
    told = read_monthly_usage(answer, "XenDesktop:XAXDFull")
    assert len(told) == 12
    assert told[-1].in_use == 7


# Concurrent licenses

EXPERIMENTAL = replace(SERVER, experimental=True)


async def test_concurrent_usage_is_requested_only_if_configured(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = concurrent()
    assert len((await source.fetch(ignore_steps)).pools) == 1
    assert CONCURRENT not in cloud.paths


async def test_concurrent_usage_is_a_second_pool(open_source: Open, cloud: FakeCloud) -> None:
    cloud.answers[CONCURRENT] = concurrent()
    _, pool = (await open_source(EXPERIMENTAL).fetch(ignore_steps)).pools
    assert (pool.product, pool.name, pool.model) == ("ccu", "ccu", Model.CONCURRENT)
    assert pool.reading == Reading(in_use=40, installed=60)
    assert dict(pool.raw_fields)["monthPeak.assignedLicenseCount"] == "55"
    asked = next(request for request in cloud.requests if request.url.path == CONCURRENT)
    assert asked.url.host == "cloudlicense.citrixworkspacesapi.net"
    assert dict(asked.url.params) == {"UsageType": "device", "LicenseModel": "Concurrent"}


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


async def test_customer_without_concurrent_licenses_has_one_pool(open_source: Open) -> None:
    snapshot = await open_source(EXPERIMENTAL).fetch(ignore_steps)
    assert len(snapshot.pools) == 1
    assert not snapshot.notices


@pytest.mark.parametrize("status", [401, 403, 429, 500])
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
    open_source: Open, cloud: FakeCloud
) -> None:
    """A 503 asks for a second try after a pause, which here never ends."""
    cloud.answers[CONCURRENT] = httpx.Response(503)
    reading = asyncio.ensure_future(open_source(EXPERIMENTAL, timeout=0.4).fetch(ignore_steps))
    await settle(200)
    assert not reading.done()
    snapshot = await asyncio.wait_for(reading, 10)
    assert len(snapshot.pools) == 1
    assert [notice.detail for notice in snapshot.notices] == ["timeout"]
