"""Signing in to a site: where a token comes from, how long it lasts, what may go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cvad.conftest import SERVER, failure_of
from tests.support.fake_site import (
    ME,
    OVERVIEW,
    PASSWORD,
    SITE,
    TOKENS,
    FakeSite,
    site_details,
)

from lictui.model import FailureKind, Server, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import FakeClock

    from lictui.sources.cvad.source import CvadSource

OLD_TOKENS = "/citrix/orchestration/api/tokens"


async def test_the_next_poll_keeps_token_site_and_path(source: CvadSource, site: FakeSite) -> None:
    await source.fetch(ignore_steps)
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert site.paths == [SITE, OVERVIEW]


async def test_a_token_is_renewed_before_it_ends(
    source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    await source.fetch(ignore_steps)
    await clock.advance(3600 - 61)
    await source.fetch(ignore_steps)
    assert site.token_number == 1
    await clock.advance(1)
    await source.fetch(ignore_steps)
    assert site.token_number == 2


@pytest.mark.parametrize("ends", ["2020-01-01T00:00:00Z", "never", "", "9" * 30])
async def test_an_end_that_cannot_be_is_taken_as_an_hour(
    ends: str, source: CvadSource, site: FakeSite, clock: FakeClock
) -> None:
    site.lifetime["ExpiresAt"] = ends
    await source.fetch(ignore_steps)
    await clock.advance(3000)
    await source.fetch(ignore_steps)
    assert site.token_number == 1


async def test_a_token_that_dies_half_way_is_renewed_once(
    source: CvadSource, site: FakeSite
) -> None:
    await source.fetch(ignore_steps)
    site.token_number = 7  # token-1 is no longer known
    site.requests.clear()
    await source.fetch(ignore_steps)
    assert site.paths == [SITE, TOKENS, SITE, OVERVIEW]


async def test_a_token_that_is_never_good_ends_in_auth(source: CvadSource, site: FakeSite) -> None:
    site.answers[SITE] = httpx.Response(401)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert site.paths.count(TOKENS) == 2


async def test_older_releases_have_the_token_elsewhere(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = {OLD_TOKENS}
    site.answers["/citrix/orchestration/api/me"] = site.answers.pop(ME)
    site.answers[f"/citrix/orchestration/api{SITE.removeprefix('/cvad/manage')}"] = site_details()
    del site.answers[SITE]
    assert (await source.fetch(ignore_steps)).version == "7.47"
    assert site.paths[:2] == [TOKENS, OLD_TOKENS]


async def test_a_wrong_password(source: CvadSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "ddc01.acme.test:443" in failure.message


async def test_a_secret_that_is_not_there(
    source: CvadSource, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LICTUI_TEST")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not site.requests


async def test_no_password_over_plain_http(
    open_source: Callable[[Server], CvadSource], site: FakeSite
) -> None:
    failure = await failure_of(open_source(replace(SERVER, url="http://ddc01.acme.test")))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not site.requests


async def test_a_server_that_repeats_the_password(source: CvadSource, site: FakeSite) -> None:
    said = {"ErrorData": {"ErrorMessage": f"bad password {PASSWORD}!"}}
    site.answers[TOKENS] = httpx.Response(400, json=said)
    assert "bad password …!" in (await failure_of(source)).message


@pytest.mark.parametrize("token", [None, "", "two words", "new\nline", "ümlaut", 5])
async def test_an_answer_without_a_usable_token(
    token: object, source: CvadSource, site: FakeSite
) -> None:
    site.answers[TOKENS] = {"Token": token}
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.AUTH)


async def test_no_rest_api_at_all(source: CvadSource, site: FakeSite) -> None:
    site.token_paths = set()
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)
