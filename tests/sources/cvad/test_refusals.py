"""Answers that are none, on each path of a poll."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cvad.conftest import failure_of
from tests.support.fake_site import (
    ME,
    OVERVIEW,
    SITE,
    TOKENS,
    FakeSite,
    inventory_row,
    license_overview,
)

from lictui.model import FailureKind, Step
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from tests.support.clock import FakeClock

    from lictui.sources.cvad.source import CvadSource


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (418, FailureKind.PROTOCOL),
        (403, FailureKind.FORBIDDEN),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (502, FailureKind.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("path", [TOKENS, ME, SITE, OVERVIEW])
async def test_every_status_has_its_kind(
    status: int, kind: FailureKind, path: str, source: CvadSource, site: FakeSite
) -> None:
    said = {"ErrorData": {"ErrorMessage": "because\x1b[2J of it"}}
    site.answers[path] = httpx.Response(status, json=said)
    failure = await failure_of(source)
    assert failure.kind is kind
    assert failure.step is (Step.AUTH if path == TOKENS else Step.INVENTORY)
    assert f"{status}: ddc01.acme.test:443" in failure.message
    assert "because[2J of it" in failure.message


async def test_a_503_is_tried_again(source: CvadSource, site: FakeSite, clock: FakeClock) -> None:
    replies = [httpx.Response(503), httpx.Response(200, json=license_overview(inventory_row()))]
    site.answers[OVERVIEW] = lambda _request: replies.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore_steps))
    await clock.advance(1)
    assert reading.done()
    assert (await reading).pools


@pytest.mark.parametrize("path", [TOKENS, ME, SITE])
async def test_a_login_page_is_called_one(path: str, source: CvadSource, site: FakeSite) -> None:
    site.answers[path] = httpx.Response(200, html="\n<!DOCTYPE html><title>Sign in</title>")
    failure = await failure_of(source)
    assert failure.kind is FailureKind.PARSE
    assert "HTML page instead of JSON" in failure.message


@pytest.mark.parametrize("path", [TOKENS, ME, SITE, OVERVIEW])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 9999, b'{"a":NaN}', b"\x80"],
    ids=["empty", "cut", "deep", "nan", "bytes"],
)
async def test_what_is_not_json(path: str, body: bytes, source: CvadSource, site: FakeSite) -> None:
    site.answers[path] = httpx.Response(200, content=body)
    assert (await failure_of(source)).kind is FailureKind.PARSE
