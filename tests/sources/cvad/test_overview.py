"""The overview of licenses: where it is looked for, and the job that makes it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cvad.conftest import SERVER, failure_of
from tests.support.fake_site import (
    OVERVIEW,
    SITE,
    FakeSite,
    inventory_row,
    license_overview,
)

from lictui.model import FailureKind, Reading, Server
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import FakeClock

    from lictui.sources.cvad.source import CvadSource

PREVIEW = "/citrix/orchestration/api/techpreview/CitrixOnPremises/9f3c/Licensing/LicenseOverview"


async def test_only_the_site_is_known_where_no_overview_answers(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    del site.answers[OVERVIEW]
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools[0].reading == Reading(214, None, None)
    assert snapshot.mode is None
    assert [path for path in site.paths if path.endswith("LicenseOverview")] == [
        OVERVIEW,
        "/cvad/manage/Licensing/LicenseOverview",
        PREVIEW,
    ]
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert site.paths == [SITE]
    await clock.advance(3600)
    site.answers[OVERVIEW] = license_overview(inventory_row())
    assert (await source.fetch(ignore_steps)).pools[0].reading.installed == 500


@pytest.mark.parametrize(
    "elsewhere",
    [
        *(httpx.Response(status) for status in (400, 404, 405, 406, 501)),
        httpx.Response(200, html="\n<!DOCTYPE html><title>Web Studio</title>"),
    ],
    ids=lambda reply: f"{reply.status_code}",
)
async def test_the_overview_is_found_on_a_later_path_and_remembered(
    elsewhere: httpx.Response, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = elsewhere
    site.answers[PREVIEW] = license_overview(inventory_row(LicensesInUse=3))
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 3
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert OVERVIEW not in site.paths
    assert PREVIEW in site.paths


async def test_configured_paths_replace_the_known_ones(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    paths = ("/a/{customer}/{site}/L?x=1", "/b/L")
    site.answers["/b/L"] = license_overview(inventory_row(LicensesInUse=4))
    source = open_source(replace(SERVER, overview_paths=paths))
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 4
    first = next(r for r in site.requests if r.url.path == "/a/CitrixOnPremises/9f3c/L")
    assert dict(first.url.params) == {"x": "1"}
    assert OVERVIEW not in site.paths


async def test_a_job_is_followed_to_its_end(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": "/jobs/7"})
    looks = [
        httpx.Response(202, headers={"Location": "https://ddc01.acme.test/jobs/7"}),
        httpx.Response(200, json=license_overview(inventory_row(LicensesInUse=5))),
    ]
    site.answers["/jobs/7"] = lambda _request: looks.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore_steps))
    await clock.advance(2)
    assert reading.done()
    assert (await reading).pools[0].reading.in_use == 5


async def test_a_job_without_end_is_given_up(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": OVERVIEW})
    reading = asyncio.ensure_future(failure_of(source))
    await clock.advance(60)
    assert reading.done()
    assert (await reading).kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    "location",
    [
        "",
        "https://evil.example/jobs/7",
        "//evil.example/x",
        "http://[",
        "https://ddc01.acme.test//evil.example",
    ],
)
async def test_a_job_elsewhere_does_not_get_our_token(
    location: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[OVERVIEW] = httpx.Response(202, headers={"Location": location})
    assert (await failure_of(source)).kind is FailureKind.PROTOCOL
    assert {request.url.host for request in site.requests} == {"ddc01.acme.test"}
