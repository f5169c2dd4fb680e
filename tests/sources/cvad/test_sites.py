"""Which site of an account is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.sources.cvad.conftest import SERVER, failure_of
from tests.support.fake_site import (
    ME,
    FakeSite,
    me_reply,
    site_details,
)

from lictui.model import FailureKind, Server, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.sources.cvad.source import CvadSource


@pytest.mark.parametrize("wanted", ["TEST", "test", "a1", "A1"])
async def test_a_site_is_chosen_by_name_or_id(
    wanted: str, open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.answers[ME] = me_reply(("9f3c", "PROD"), ("a1", "Test"))
    site.answers["/cvad/manage/Sites/a1"] = site_details(Name="Test")
    assert (
        await open_source(replace(SERVER, site=wanted)).fetch(ignore_steps)
    ).reported_name == "Test"


@pytest.mark.parametrize("wanted", ["", "nosuch"])
async def test_a_site_that_is_not_clear_lists_the_names(
    wanted: str, open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    site.answers[ME] = me_reply(("9f3c", "PROD"), ("a1", "Te\x1bst"))
    failure = await failure_of(open_source(replace(SERVER, site=wanted)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.INVENTORY)
    assert "PROD, Test" in failure.message


async def test_an_account_without_a_site(source: CvadSource, site: FakeSite) -> None:
    site.answers[ME] = {"Customers": [{"Id": "CitrixOnPremises", "Sites": []}]}
    assert (await failure_of(source)).kind is FailureKind.FORBIDDEN


async def test_a_site_that_is_gone_is_looked_for_again(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore_steps)
    site.answers = {ME: me_reply(("b2", "PROD")), "/cvad/manage/Sites/b2": site_details()}
    assert (await failure_of(source)).kind is FailureKind.NO_DATA
    assert (await source.fetch(ignore_steps)).pools


@pytest.mark.parametrize("identity", ["../../x", "a/b?c=d#e", "//evil.example", "ü \u202e"])
async def test_a_hostile_site_id_stays_one_segment_of_this_host(
    identity: str, source: CvadSource, site: FakeSite
) -> None:
    site.answers[ME] = me_reply((identity, "PROD"))
    await failure_of(source)
    assert {request.url.host for request in site.requests} == {"ddc01.acme.test"}
    paths = [request.url.raw_path.partition(b"?")[0] for request in site.requests]
    assert [path.count(b"/") for path in paths if b"/Sites/" in path] == [4]
    of_site = [path.partition(b"/CitrixOnPremises/")[2] for path in paths]
    assert [path.count(b"/") for path in of_site if path.endswith(b"LicenseOverview")] == [2, 2]
