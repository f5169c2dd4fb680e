"""Sign-in to a site: token endpoints of each release, and of Citrix Cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.support.fake_api import SECRET
from tests.support.fake_site import (
    CLOUD_TOKENS,
    ME,
    OVERVIEW,
    SERVER,
    SITE,
    TOKENS,
    me_reply,
    site_details,
)
from tests.support.polls import failure_of

from lictui.model import FailureKind, Mode, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import FakeClock
    from tests.support.fake_site import FakeSite

    from lictui.model import Server
    from lictui.sources.cvad.source import CvadSource

OLD_TOKENS = "/citrix/orchestration/api/tokens"


async def test_next_poll_keeps_token_site_and_path(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore_steps)
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert site.paths == [SITE, OVERVIEW]


@pytest.mark.parametrize("ends", ["2020-01-01T00:00:00Z", "never", "", "9" * 30])
async def test_invalid_token_expiry_is_taken_as_one_hour(
    ends: str, source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.expires_at = ends
    await source.fetch(ignore_steps)
    await clock.advance(3000)
    await source.fetch(ignore_steps)
    assert site.token_number == 1


async def test_token_of_an_older_release_is_at_another_path(
    source: CvadSource, site: FakeSite
) -> None:
    site.token_paths = {OLD_TOKENS}
    site.answers["/citrix/orchestration/api/me"] = site.answers.pop(ME)
    site.answers[f"/citrix/orchestration/api{SITE.removeprefix('/cvad/manage')}"] = site_details()
    del site.answers[SITE]
    assert (await source.fetch(ignore_steps)).version == "7.47"
    assert site.paths[:2] == [TOKENS, OLD_TOKENS]


async def test_password_that_a_server_repeats_is_not_shown(
    source: CvadSource, site: FakeSite
) -> None:
    said = {"ErrorData": {"ErrorMessage": f"bad password {SECRET}!"}}
    site.answers[TOKENS] = httpx.Response(400, json=said)
    assert "bad password …!" in (await failure_of(source)).message


async def test_server_without_rest_api_has_no_data(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = set()
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)


async def test_cloud_site_is_read_with_a_cloud_token(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.answers[ME] = me_reply(("c1", "cloudxdsite"), customer="acme")
    site.answers["/cvad/manage/Sites/c1"] = site_details(Name="cloudxdsite", LicenseServerUri=None)
    snapshot = await open_source(server).fetch(ignore_steps)
    assert snapshot.mode is Mode.CLOUD
    assert site.paths[0] == CLOUD_TOKENS
    assert site.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert site.requests[1].headers["Citrix-CustomerId"] == "acme"


async def test_token_for_a_customers_own_host_is_requested_globally(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    server = replace(SERVER, url="https://acme.xendesktop.net", customer_id="acme")
    await open_source(server).fetch(ignore_steps)
    hosts = [request.url.host for request in site.requests]
    assert hosts[0] == "api.cloud.com"
    assert set(hosts[1:]) == {"acme.xendesktop.net"}


async def test_cloud_error_with_status_200_is_an_auth_failure(
    open_source: Callable[[Server], CvadSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "expired")
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    failure = await failure_of(open_source(server))
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "invalid_client" in failure.message


@pytest.mark.parametrize("told", [60, "60", 60.0])
async def test_cloud_token_lifetime_is_read_in_any_form(
    told: object, open_source: Callable[[Server], CvadSource], site: FakeSite, clock: FakeClock
) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.token_number = 1
    site.answers[CLOUD_TOKENS] = {"access_token": "token-1", "expires_in": told}
    source = open_source(server)
    await source.fetch(ignore_steps)
    await clock.advance(55)
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert CLOUD_TOKENS in site.paths


async def test_cloud_customer_of_another_region_has_no_data(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.token_paths = set()
    failure = await failure_of(
        open_source(replace(SERVER, url="https://api-ap-s.cloud.com", customer_id="acme"))
    )
    assert failure.kind is FailureKind.NO_DATA
    assert "customer_id" in failure.hint
