"""Concurrent licenses: read only where the user asks for what is not documented."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cloud.conftest import CONCURRENT, CURRENT, SERVER, FakeCloud, failure_of, summary
from tests.support.clock import settle

from lictui.model import FailureKind, Level, Model, Reading
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.sources.cloud.source import CloudSource

    Opening = Callable[..., CloudSource]

ASKING = replace(SERVER, experimental=True)


async def test_it_is_not_asked_for_unless_wanted(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CONCURRENT] = summary()
    assert len((await source.fetch(ignore_steps)).pools) == 1
    assert CONCURRENT not in cloud.paths


async def test_a_second_pool(open_source: Opening, cloud: FakeCloud) -> None:
    cloud.answers[CONCURRENT] = summary()
    _, pool = (await open_source(ASKING).fetch(ignore_steps)).pools
    assert (pool.product, pool.name, pool.model) == ("ccu", "ccu", Model.CONCURRENT)
    assert pool.reading == Reading(in_use=40, installed=60)
    assert dict(pool.raw_fields)["monthPeak.assignedLicenseCount"] == "55"
    asked = next(request for request in cloud.asked if request.url.path == CONCURRENT)
    assert asked.url.host == "cloudlicense.citrixworkspacesapi.net"
    assert dict(asked.url.params) == {"UsageType": "device", "LicenseModel": "Concurrent"}


async def test_a_host_that_is_not_citrixs_own_is_asked_itself(
    open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = summary()
    await open_source(replace(ASKING, url="https://proxy.acme.test:8443")).fetch(ignore_steps)
    assert {request.url.host for request in cloud.asked} == {"proxy.acme.test"}


@pytest.mark.parametrize(
    ("named", "product"),
    [
        ({"productName": "XenApp", "productEdition": "Plat"}, "XenApp:Plat"),
        ({"productName": "XenDesktop", "productEdition": "XAXDFull"}, "ccu"),
    ],
)
async def test_it_is_named_by_the_answer_and_never_like_the_other(
    named: dict[str, str], product: str, open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = summary(**named)
    assert (await open_source(ASKING).fetch(ignore_steps)).pools[1].product == product


async def test_not_entitled_is_no_pool_and_no_word(open_source: Opening) -> None:
    snapshot = await open_source(ASKING).fetch(ignore_steps)
    assert len(snapshot.pools) == 1
    assert not snapshot.notices


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_a_summary_that_is_refused_is_a_notice(
    status: int, open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers[CONCURRENT] = httpx.Response(status)
    source = open_source(ASKING)
    first, second = await source.fetch(ignore_steps), await source.fetch(ignore_steps)
    (notice,) = first.notices
    assert notice.level is Level.OK
    assert ("may not read" in notice.title) is (status == 403)
    assert first.notices == second.notices
    assert cloud.valid == 1  # a token that was just good is not thrown away


@pytest.mark.parametrize("answer", [[], {}, {"currentCcu": 5}, summary(None, "x")])
async def test_a_known_pool_stays_without_figures(
    answer: object, open_source: Opening, cloud: FakeCloud
) -> None:
    source = open_source(ASKING)
    cloud.answers[CONCURRENT] = summary()
    await source.fetch(ignore_steps)
    cloud.answers[CONCURRENT] = httpx.Response(200, json=answer)
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools[1].reading == Reading()
    assert [notice.title for notice in snapshot.notices] == ["Concurrent usage could not be read"]


async def test_a_customer_with_concurrent_licenses_alone(
    open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(204)
    failure = await failure_of(open_source(ASKING))
    assert (failure.kind, "experimental" in failure.hint) == (FailureKind.NO_DATA, True)
    cloud.answers[CONCURRENT] = summary()
    (pool,) = (await open_source(ASKING).fetch(ignore_steps)).pools
    assert pool.product == "ccu"


async def test_the_poll_does_not_wait_for_it(open_source: Opening, cloud: FakeCloud) -> None:
    """A 503 asks for a second try after a pause, which here never ends."""
    cloud.answers[CONCURRENT] = httpx.Response(503)
    reading = asyncio.ensure_future(open_source(ASKING, timeout=0.4).fetch(ignore_steps))
    await settle(200)
    assert not reading.done()
    snapshot = await asyncio.wait_for(reading, 10)
    assert len(snapshot.pools) == 1
    assert [notice.detail for notice in snapshot.notices] == ["timeout"]
