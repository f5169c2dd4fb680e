"""Sign-in to Citrix Cloud, tokens shared between servers, and its error responses."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support.clock import FakeClock, settle
from tests.support.fake_api import SECRET
from tests.support.fake_cloud import CURRENT, SERVER, TOKENS, current
from tests.support.polls import failure_of

from lictui.model import FailureKind, Step
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_cloud import FakeCloud

    from lictui.sources.cloud.source import CloudSource

    Open = Callable[..., CloudSource]


@pytest.mark.parametrize("changes", [{"username": "client-2"}, {"url": "https://api-eu.cloud.com"}])
async def test_another_client_or_region_has_a_token_of_its_own(
    changes: dict[str, Any], open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = {"access_token": "token-0"}
    await open_source(SERVER).fetch(ignore_steps)
    await open_source(replace(SERVER, **changes)).fetch(ignore_steps)
    assert cloud.paths.count(TOKENS) == 2


async def test_changed_secret_is_used_immediately(
    open_source: Open, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_source(SERVER).fetch(ignore_steps)
    monkeypatch.setenv("LICTUI_TEST", "wrong")
    assert (await failure_of(open_source(SERVER))).kind is FailureKind.AUTH
    assert cloud.paths.count(TOKENS) == 2


async def test_waiting_servers_share_the_failure(
    open_source: Open, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
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


async def test_waiting_server_requests_a_token_if_the_first_is_canceled(
    open_source: Open, cloud: FakeCloud, clock: FakeClock
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
async def test_token_lifetime_is_read_in_any_form(
    told: object, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.token["expires_in"] = told
    await source.fetch(ignore_steps)
    await clock.advance(3600 - 61)
    await source.fetch(ignore_steps)
    assert cloud.token_number == 1
    await clock.advance(1)
    await source.fetch(ignore_steps)
    assert cloud.token_number == 2


async def test_rejected_token_is_renewed_once_for_all_servers(
    open_source: Open, cloud: FakeCloud
) -> None:
    one, two = open_source(SERVER), open_source(SERVER)
    await asyncio.gather(one.fetch(ignore_steps), two.fetch(ignore_steps))
    cloud.token_number = 7  # token-1 is no longer known
    cloud.requests.clear()
    await asyncio.gather(one.fetch(ignore_steps), two.fetch(ignore_steps))
    assert cloud.paths.count(TOKENS) == 1


@pytest.mark.parametrize("status", [200, 400, 401])
async def test_expired_secret_is_an_auth_failure_without_the_secret(
    status: int, source: CloudSource, cloud: FakeCloud
) -> None:
    said = {"error": "invalid_client", "error_description": f"{'x' * 155}{SECRET} is over"}
    cloud.answers[TOKENS] = httpx.Response(status, json=said)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "s3cre" not in failure.message  # not even its beginning, where words are cut off
    assert "expired" in failure.hint
    assert "client secret" in failure.hint


async def test_repeated_form_does_not_show_the_secret(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = lambda request: httpx.Response(
        500, json={"detail": f"cannot read {request.content.decode()}"}
    )
    failure = await failure_of(source)
    assert "client_secret=…" in failure.message
    assert "s3cret" not in failure.message


async def test_unknown_customer_at_sign_in_lists_the_regions(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[TOKENS] = httpx.Response(404)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.AUTH)
    assert "United States: api-us.cloud.com" in failure.hint
    assert "(now: United States)" in failure.hint
    assert "Japan: api.citrixcloud.jp" in failure.hint
    assert "customer_id" in failure.hint


async def test_us_government_token_uses_the_legacy_form(
    open_source: Open, cloud: FakeCloud
) -> None:
    cloud.answers["/acme/tokens/clients"] = {"token": "token-0", "expiresIn": 3600}
    await open_source(replace(SERVER, url="https://api.cloud.us")).fetch(ignore_steps)
    asked = cloud.requests[0]
    assert asked.url.host == "trust.citrixworkspacesapi.us"
    assert asked.read().decode().startswith('{"clientId": "client-1"')


@pytest.mark.parametrize("missing", [{"customer_id": ""}, {"username": ""}])
async def test_missing_customer_or_client_sends_nothing(
    missing: dict[str, Any], open_source: Open, cloud: FakeCloud
) -> None:
    failure = await failure_of(open_source(replace(SERVER, **missing)))
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not cloud.requests


async def test_log_has_the_transaction_and_no_secret(
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


OBJECT = {
    "type": "404",
    "detail": "resource not found",
    "parameters": {"name": "entityType", "value": "licen\x1b[2Jse"},
}


ARRAY = {
    "type": "https://errors-api.cloud.com/common/authentication",
    "detail": "bad thing",
    "parameters": [{"name": "reason", "value": "missing"}, {"name": "field", "value": "x"}],
}


async def test_transaction_id_is_read_from_the_older_header(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(500, headers={"X-Cws-TransactionId": "old-1"})
    assert "transaction old-1" in (await failure_of(source)).message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (OBJECT, "(resource not found, entityType: licen[2Jse)"),
        (ARRAY, "(bad thing, reason: missing, field: x)"),
        ([1], ": bad request"),
    ],
)
async def test_error_text_is_read_from_both_shapes(
    body: object, words: str, source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = httpx.Response(400, json=body)
    failure = await failure_of(source)
    assert failure.kind is FailureKind.PROTOCOL
    assert failure.message.endswith(words)
