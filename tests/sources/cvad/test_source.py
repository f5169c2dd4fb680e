"""A whole poll of a site, and what its controllers add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cvad.conftest import failure_of
from tests.support import fake_site
from tests.support.fake_site import (
    CONTROLLERS,
    ME,
    OVERVIEW,
    SITE,
    TOKENS,
    FakeSite,
    inventory_row,
    license_overview,
)

from lictui.model import Activation, ActivationStatus, FailureKind, Mode, Reading, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from lictui.sources.cvad.source import CvadSource


async def test_a_site_is_read_and_tells_each_step(source: CvadSource, site: FakeSite) -> None:
    found: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: found.append((step, detail)))
    (pool,) = snapshot.pools
    assert (pool.product, pool.reading) == ("XDT_PLT_CCS", Reading(214, 500, 50))
    assert (snapshot.reported_name, snapshot.version, snapshot.mode) == ("PROD", "7.47", Mode.FILE)
    assert [step for step, _ in found] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert fake_site.USERNAME in found[0][1]
    assert OVERVIEW in found[1][1]
    assert site.paths[:4] == [TOKENS, ME, SITE, OVERVIEW]
    asked = site.requests[3]
    assert dict(asked.url.params) == {"includeInventory": "true", "async": "false"}
    assert asked.headers["Citrix-CustomerId"] == "CitrixOnPremises"
    assert asked.headers["Citrix-InstanceId"] == "9f3c"
    assert "Citrix-InstanceId" not in site.requests[1].headers


async def test_a_site_that_knows_of_no_license(source: CvadSource, site: FakeSite) -> None:
    site.answers[OVERVIEW] = license_overview()
    site.answers[SITE] = {"Id": "9f3c", "Name": "PROD"}
    failure = await failure_of(source)
    assert failure.kind is FailureKind.NO_DATA
    assert "PROD" in failure.message


async def test_las_is_activated_until(source: CvadSource, site: FakeSite) -> None:
    information = {"UseLicenseActivationService": True, "LicenseServerStatus": "LasCompatible"}
    site.answers[OVERVIEW] = license_overview(
        las=(inventory_row(),), LicenseInformation=information
    )
    site.answers[CONTROLLERS] = {
        "Items": [
            {"LasActivationStatus": "Activated", "LasActivationExpiry": "2026-12-24T00:00:00Z"},
            {"LasActivationStatus": "Activated", "LasActivationExpiry": "2026-12-03T00:00:00Z"},
        ]
    }
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.mode is Mode.LAS
    assert snapshot.activation is not None
    assert snapshot.activation.status is ActivationStatus.ACTIVATED
    assert str(snapshot.activation.expires) == "2026-12-03"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403), httpx.Response(500), httpx.Response(200, html="<p>"), {"Items": 5}],
    ids=["403", "500", "html", "shape"],
)
async def test_without_controllers_the_poll_goes_on(
    answer: object, source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = answer
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools
    assert snapshot.activation is None


async def test_controllers_that_refuse_our_token_do_not_cost_one_each_poll(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = httpx.Response(401)
    await source.fetch(ignore_steps)
    await source.fetch(ignore_steps)
    tokens = site.paths.count(TOKENS)
    await source.fetch(ignore_steps)
    await source.fetch(ignore_steps)
    assert site.paths.count(TOKENS) == tokens


async def test_nothing_is_known_of_activation_with_license_files(
    source: CvadSource, site: FakeSite
) -> None:
    site.answers[CONTROLLERS] = [{"LasActivationStatus": "NotActivated"}]
    assert (await source.fetch(ignore_steps)).activation is None
    site.answers[OVERVIEW] = httpx.Response(404)
    assert (await source.fetch(ignore_steps)).activation == Activation(
        ActivationStatus.NOT_ACTIVATED
    )
