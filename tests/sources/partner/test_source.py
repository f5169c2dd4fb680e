"""A poll of License Usage Insights as a whole: requests, tokens, and every way to fail."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources.partner.conftest import (
    SECRET,
    SERVER,
    SERVERS,
    TOKENS,
    USAGE,
    FakeInsights,
    failure_of,
    feature,
    listed,
    never,
    servers,
    usage,
)
from tests.support.clock import FakeClock

from lictui.config.settings import Limits
from lictui.model import FailureKind, ReportingStatus, Step
from lictui.sources.partner import PartnerSource
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Opening = Callable[..., PartnerSource]


async def test_a_poll(source: PartnerSource, insights: FakeInsights) -> None:
    insights.answers[SERVERS] = servers(listed(), never())
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    assert [server.status for server in snapshot.license_servers] == [
        ReportingStatus.REPORTING,
        ReportingStatus.NEVER_REPORTED,
    ]
    assert snapshot.reported_name == "partner-1"
    assert steps == [
        (Step.AUTH, "client client-1 of partner-1"),
        (Step.INVENTORY, "2 license servers"),
        (Step.PARSE, "2 license servers · 1 product"),
    ]
    assert [request.url.host for request in insights.asked] == [
        "trust.citrixworkspacesapi.net",
        "licensing.citrixworkspacesapi.net",
        "licensing.citrixworkspacesapi.net",
    ]
    assert insights.asked[1].headers["Citrix-CustomerId"] == "partner-1"


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"trust_url": ""}, "trust.citrixworkspacesapi.net"),
        ({"trust_url": "", "url": "https://all.acme.test"}, "all.acme.test"),
        ({"trust_url": "https://trust.acme.test:444"}, "trust.acme.test"),
    ],
)
async def test_where_tokens_come_from(
    changes: dict[str, Any], host: str, open_source: Opening, insights: FakeInsights
) -> None:
    await open_source(replace(SERVER, **changes)).fetch(ignore_steps)
    assert insights.asked[0].url.host == host


async def test_servers_of_one_account_share_the_token(
    open_source: Opening, insights: FakeInsights
) -> None:
    sources = [open_source(replace(SERVER, name=name)) for name in ("a", "b", "c")]
    await asyncio.gather(*(source.fetch(ignore_steps) for source in sources))
    assert insights.paths.count(TOKENS) == 1


async def test_a_token_lasts_as_long_as_told_and_is_renewed_when_it_dies(
    source: PartnerSource, insights: FakeInsights, clock: FakeClock
) -> None:
    await source.fetch(ignore_steps)
    await clock.advance(3600 - 61)
    await source.fetch(ignore_steps)
    assert insights.valid == 1
    insights.valid = 7
    await source.fetch(ignore_steps)
    assert insights.paths.count(TOKENS) == 2


async def test_an_expired_secret(
    source: PartnerSource, insights: FakeInsights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_TEST", "old")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "expired" in failure.hint
    assert "trust.citrixworkspacesapi.net:443" in failure.message
    assert SERVERS not in insights.paths


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PROTOCOL),
        (403, FailureKind.FORBIDDEN),
        (404, FailureKind.NO_DATA),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("path", [TOKENS, SERVERS])
async def test_every_status_has_its_kind(
    status: int, kind: FailureKind, path: str, source: PartnerSource, insights: FakeInsights
) -> None:
    said = {"detail": f"because of {SECRET}"} if path == TOKENS else {"detail": "why\x1b[2J"}
    insights.answers[path] = httpx.Response(status, json=said)
    failure = await failure_of(source)
    assert failure.kind is kind
    assert failure.step is (Step.AUTH if path == TOKENS else Step.INVENTORY)
    assert "\x1b" not in failure.message


async def test_a_usage_that_is_down_fails_the_poll(
    source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers[USAGE] = httpx.Response(500)
    assert (await failure_of(source)).kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize("answer", [httpx.Response(204), servers()])
async def test_nothing_at_all_is_no_data(
    answer: object, source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers |= {SERVERS: answer, USAGE: usage()}
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"<html>", b'{"a":NaN}', b"\x80"])
async def test_what_is_no_list_of_servers(
    body: bytes, source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers[SERVERS] = httpx.Response(200, content=body)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)


async def test_far_too_much(source: PartnerSource, insights: FakeInsights) -> None:
    insights.answers[SERVERS] = httpx.Response(200, content=b" " * 10_000_000)
    assert (await failure_of(source)).kind is FailureKind.TOO_LARGE


async def test_no_secret_over_plain_http(open_source: Opening, insights: FakeInsights) -> None:
    for key in ("url", "trust_url"):
        changes: dict[str, Any] = {key: "http://acme.test"}
        failure = await failure_of(open_source(replace(SERVER, **changes)))
        assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not insights.asked


CLIENTS = itertools.count()
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.sampled_from(["12/30/2015 12:21:15", "9999-12-31T23:59:59-14:00", "0001-01-01", "x"])
KEYS = st.sampled_from([*listed(), *feature(), "usageCount", "skus", "features", "skuId"])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text() | TIMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def near(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that are what they should be but for some values."""
    changed = st.dictionaries(st.sampled_from(list(whole)), JSON, max_size=5)
    return changed.map(lambda changes: whole | changes)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=JSON | st.lists(near(listed()) | JSON, max_size=4).map(lambda rows: servers(*rows)),
    used=JSON | st.lists(near(feature()) | JSON, max_size=4).map(lambda rows: usage(*rows)),
    token=JSON | near({"token": "token-0", "expiresIn": 3600}),
)
async def test_nothing_but_a_snapshot_or_a_source_error(
    rows: object, used: object, token: object, insights: FakeInsights, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    # Another client each time, or the token would be that of the example before.
    account = {"username": f"client-{next(CLIENTS)}", "secret": f"file:{secret}"}
    insights.answers = {
        TOKENS: httpx.Response(200, json=token),
        SERVERS: httpx.Response(200, json=rows),
        USAGE: httpx.Response(200, json=used),
    }
    server = replace(SERVER, **account)  # type: ignore[arg-type] # two texts
    transport = httpx.MockTransport(insights)
    source = PartnerSource(server, Limits(timeout=20.0), FakeClock(), transport)
    try:
        snapshot = await source.fetch(ignore_steps)
    except SourceError as error:
        assert error.failure.message  # noqa: PT017 - either end is right
    else:
        assert len({pool.key for pool in snapshot.pools}) == len(snapshot.pools)
    finally:
        await source.aclose()
