"""Citrix Cloud: other hosts, another way to sign in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.sources.cvad.conftest import SERVER, failure_of
from tests.support.fake_site import (
    CLOUD_TOKENS,
    ME,
    FakeSite,
    me_reply,
    site_details,
)

from lictui.model import FailureKind, Mode, Server, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import FakeClock

    from lictui.sources.cvad.source import CvadSource


async def test_a_cloud_site(open_source: Callable[[Server], CvadSource], site: FakeSite) -> None:
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    site.answers[ME] = me_reply(("c1", "cloudxdsite"), customer="acme")
    site.answers["/cvad/manage/Sites/c1"] = site_details(Name="cloudxdsite", LicenseServerUri=None)
    snapshot = await open_source(server).fetch(ignore_steps)
    assert snapshot.mode is Mode.CLOUD
    assert site.paths[0] == CLOUD_TOKENS
    assert site.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert site.requests[1].headers["Citrix-CustomerId"] == "acme"


async def test_a_customers_own_host_is_signed_in_to_at_the_global_one(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    server = replace(SERVER, url="https://acme.xendesktop.net", customer_id="acme")
    await open_source(server).fetch(ignore_steps)
    hosts = [request.url.host for request in site.requests]
    assert hosts[0] == "api.cloud.com"
    assert set(hosts[1:]) == {"acme.xendesktop.net"}


async def test_an_error_of_the_cloud_may_come_with_a_200(
    open_source: Callable[[Server], CvadSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "expired")
    server = replace(SERVER, url="https://api.cloud.com", customer_id="acme")
    failure = await failure_of(open_source(server))
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "invalid_client" in failure.message


@pytest.mark.parametrize("told", [60, "60", 60.0])
async def test_the_life_of_a_cloud_token_in_any_form(
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


async def test_the_wrong_region(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.token_paths = set()
    failure = await failure_of(
        open_source(replace(SERVER, url="https://api-ap-s.cloud.com", customer_id="acme"))
    )
    assert failure.kind is FailureKind.NO_DATA
    assert "customer_id" in failure.hint
