"""Signing in to Citrix Cloud: one token for all who are the same client at the same place."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.sources.cloud.conftest import (
    CURRENT,
    SECRET,
    SERVER,
    TOKENS,
    FakeCloud,
    current,
    failure_of,
)
from tests.support.clock import FakeClock, settle

from lictui.model import FailureKind, Step
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.sources.cloud.source import CloudSource

    Opening = Callable[..., CloudSource]


async def test_two_servers_of_one_account_ask_once(open_source: Opening, cloud: FakeCloud) -> None:
    sources = [open_source(replace(SERVER, name=name)) for name in ("one", "two", "three")]
    await asyncio.gather(*(source.fetch(ignore_steps) for source in sources))
    assert cloud.paths.count(TOKENS) == 1


@pytest.mark.parametrize("changes", [{"username": "client-2"}, {"url": "https://api-eu.cloud.com"}])
async def test_another_client_or_place_is_another_account(
    changes: dict[str, Any], open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = {"access_token": "token-0"}
    await open_source(SERVER).fetch(ignore_steps)
    await open_source(replace(SERVER, **changes)).fetch(ignore_steps)
    assert cloud.paths.count(TOKENS) == 2


async def test_another_secret_is_tried_at_once(
    open_source: Opening, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_source(SERVER).fetch(ignore_steps)
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    assert (await failure_of(open_source(SERVER))).kind is FailureKind.AUTH
    assert cloud.paths.count(TOKENS) == 2


async def test_those_who_waited_share_the_refusal(
    open_source: Opening, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    sources = [open_source(SERVER) for _ in range(5)]
    ends = await asyncio.gather(
        *(each.fetch(ignore_steps) for each in sources), return_exceptions=True
    )
    assert all(isinstance(end, SourceError) for end in ends)
    assert cloud.paths.count(TOKENS) == 1
    await failure_of(sources[0])  # a later poll asks again
    assert cloud.paths.count(TOKENS) == 2


async def test_whoever_waits_asks_itself_when_the_first_gives_up(
    open_source: Opening, cloud: FakeCloud, clock: FakeClock
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


@pytest.mark.parametrize("told", [3600, "3600", 3600.0, None, "soon", -5])
async def test_the_life_of_a_token_in_any_form(
    told: object, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.token["expires_in"] = told
    await source.fetch(ignore_steps)
    await clock.advance(3600 - 61)
    await source.fetch(ignore_steps)
    assert cloud.valid == 1
    await clock.advance(1)
    await source.fetch(ignore_steps)
    assert cloud.valid == 2


async def test_a_token_that_dies_is_renewed_once_for_all(
    open_source: Opening, cloud: FakeCloud
) -> None:
    one, two = open_source(SERVER), open_source(SERVER)
    await asyncio.gather(one.fetch(ignore_steps), two.fetch(ignore_steps))
    cloud.valid = 7  # token-1 is no longer known
    cloud.asked.clear()
    await asyncio.gather(one.fetch(ignore_steps), two.fetch(ignore_steps))
    assert cloud.paths.count(TOKENS) == 1


async def test_a_token_that_is_never_good_ends_in_auth(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(401, json={"type": "401", "detail": "no token-2"})
    failure = await failure_of_with_echo(source)
    assert (failure[0], failure[1]) == (FailureKind.AUTH, Step.AUTH)
    assert cloud.paths.count(TOKENS) == 2
    cloud.answers[CURRENT] = current()
    assert (await source.fetch(ignore_steps)).pools


async def failure_of_with_echo(source: CloudSource) -> tuple[FailureKind, Step | None]:
    failure = await failure_of(source)  # which looks for tokens in what is said
    assert "no …" in failure.message
    return failure.kind, failure.step


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_an_expired_secret(status: int, source: CloudSource, cloud: FakeCloud) -> None:
    said = {"error": "invalid_client", "error_description": f"{'x' * 155}{SECRET} is over"}
    cloud.answers[TOKENS] = httpx.Response(status, json=said)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "s3cre" not in failure.message  # not even its beginning, where words are cut off
    assert "expired" in failure.hint
    assert "client secret" in failure.hint


async def test_a_form_that_is_repeated_keeps_its_secret(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = lambda request: httpx.Response(
        500, json={"detail": f"cannot read {request.content.decode()}"}
    )
    failure = await failure_of(source)
    assert "client_secret=…" in failure.message
    assert "s3cret" not in failure.message


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"access_token": 5}', b"<html>", b"{"])
async def test_no_token_in_the_answer(body: bytes, source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[TOKENS] = httpx.Response(200, content=body)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.AUTH)


async def test_the_wrong_region(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[TOKENS] = httpx.Response(404)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)
    assert "United States: api-us.cloud.com" in failure.hint
    assert "(this is United States)" in failure.hint
    assert "Japan: api.citrixcloud.jp" in failure.hint
    assert "customer_id" in failure.hint


async def test_the_us_governments_token_is_asked_for_in_the_older_form(
    open_source: Opening, cloud: FakeCloud
) -> None:
    cloud.answers["/acme/tokens/clients"] = {"token": "token-0", "expiresIn": 3600}
    await open_source(replace(SERVER, url="https://api.cloud.us")).fetch(ignore_steps)
    asked = cloud.asked[0]
    assert asked.url.host == "trust.citrixworkspacesapi.us"
    assert asked.read().decode().startswith('{"clientId": "client-1"')


async def test_a_rate_limit_that_passes_soon(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    replies = [
        httpx.Response(429, headers={"Retry-After": "2"}),
        httpx.Response(200, json={"access_token": "token-0"}),
    ]
    cloud.answers[TOKENS] = lambda _request: replies.pop(0)
    reading = asyncio.ensure_future(source.fetch(ignore_steps))
    await clock.advance(2)
    assert (await reading).pools


@pytest.mark.parametrize("path", [TOKENS, CURRENT])
async def test_a_rate_limit_that_lasts(path: str, source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[path] = httpx.Response(429, headers={"Retry-After": "600"})
    failure = await failure_of(source)
    assert failure.kind is FailureKind.RATE_LIMITED
    assert "interval" in failure.hint


@pytest.mark.parametrize("missing", [{"customer_id": ""}, {"username": ""}])
async def test_nothing_is_sent_without_knowing_for_whom(
    missing: dict[str, Any], open_source: Opening, cloud: FakeCloud
) -> None:
    failure = await failure_of(open_source(replace(SERVER, **missing)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not cloud.asked


async def test_no_secret_over_plain_http(open_source: Opening, cloud: FakeCloud) -> None:
    failure = await failure_of(open_source(replace(SERVER, url="http://api.acme.test")))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not cloud.asked


async def test_the_log_has_the_transaction_and_no_secret(
    source: CloudSource, cloud: FakeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "lictui")
    cloud.answers[CURRENT] = httpx.Response(
        200, json=current(), headers={"CC-TransactionId": "abc\x1b-1"}
    )
    await source.fetch(ignore_steps)
    assert f"api-us.cloud.com:443 {CURRENT}: 200, transaction abc-1" in caplog.text
    assert SECRET not in caplog.text
    assert "token-1" not in caplog.text
