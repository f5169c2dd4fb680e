"""Answers of the licensing API that are none, and what is said of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources.cloud.conftest import (
    CONCURRENT,
    CURRENT,
    PAST,
    TOKENS,
    FakeCloud,
    current,
    failure_of,
    month,
    past,
    summary,
)
from tests.support.clock import FakeClock

from lictui.config.settings import Limits
from lictui.model import FailureKind, Server, Snapshot, SourceName, Step
from lictui.sources.cloud.source import CloudSource
from lictui.sources.source import SourceError, ignore_steps

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PROTOCOL),
        (403, FailureKind.FORBIDDEN),
        (404, FailureKind.NO_DATA),
        (418, FailureKind.PROTOCOL),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (502, FailureKind.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (OBJECT, "(resource not found, entityType: licen[2Jse)"),
        (ARRAY, "(bad thing, reason: missing, field: x)"),
        ([1], ""),
    ],
)
@pytest.mark.parametrize("path", [TOKENS, CURRENT])
async def test_every_status_has_its_kind(
    status: int,
    kind: FailureKind,
    body: object,
    words: str,
    path: str,
    source: CloudSource,
    cloud: FakeCloud,
) -> None:
    cloud.answers[path] = httpx.Response(
        status, json=body, headers={"CC-TransactionId": "0f3c-9", "Retry-After": "99"}
    )
    failure = await failure_of(source)
    assert failure.kind is kind
    assert failure.step is (Step.AUTH if path == TOKENS else Step.INVENTORY)
    assert failure.message.startswith(f"{status}: api-us.cloud.com:443 ")
    assert words in failure.message
    assert ("transaction 0f3c-9" in failure.message) is (status >= 500)


async def test_a_missing_permission_is_named(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(403)
    assert "Licensing permission" in (await failure_of(source)).hint


async def test_the_older_name_of_the_transaction(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(500, headers={"X-Cws-TransactionId": "old-1"})
    assert "transaction old-1" in (await failure_of(source)).message


async def test_no_content_is_no_data(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(204)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert "acme" in failure.message


async def test_an_unknown_customer_may_be_of_another_region(
    source: CloudSource, cloud: FakeCloud
) -> None:
    del cloud.answers[CURRENT]
    failure = await failure_of(source)
    assert failure.kind is FailureKind.NO_DATA
    assert "European Union: api-eu.cloud.com" in failure.hint


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 9999, b'{"a":NaN}', b"\x80", b"\n<!DOCTYPE>"])
async def test_what_is_not_json(body: bytes, source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(200, content=body)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)


async def test_far_too_much(source: CloudSource, cloud: FakeCloud) -> None:
    cloud.answers[CURRENT] = httpx.Response(200, content=b" " * 10_000_000)
    assert (await failure_of(source)).kind is FailureKind.TOO_LARGE


CLIENTS = itertools.count()
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
KEYS = st.sampled_from(
    [
        *current(),
        *month("2026-10"),
        *("nextExpiredTime", "totalCount", "activatingTime", "activatingCount", "currentCcu"),
        *("assignedLicenseCount", "error", "detail", "parameters", "name"),
    ]
)
TIMES = st.sampled_from(["2027-05-10T00:00:00.0000000Z", "0001-01-01T00:00:00", "9999-12-31", "x"])
JSON = st.recursive(
    SCALARS | TIMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def near(whole: dict[str, Any]) -> st.SearchStrategy[object]:
    """Answers that are what they should be but for some values."""
    changed = st.dictionaries(st.sampled_from(list(whole)), JSON, max_size=4)
    return JSON | changed.map(lambda changes: whole | changes)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    now=near(current()),
    then=near(past(month("2026-10"))),
    concurrent=near(summary()),
    token=near({"access_token": "token-0", "expires_in": "3600"}),
    status=st.sampled_from([200, 200, 200, 400, 401, 403, 404, 500]),
)
async def test_nothing_but_a_snapshot_or_a_source_error(
    now: object,
    then: object,
    concurrent: object,
    token: object,
    status: int,
    cloud: FakeCloud,
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    cloud.answers = {
        TOKENS: httpx.Response(200, json=token),
        CURRENT: httpx.Response(status, json=now),
        PAST: httpx.Response(200, json=then),
        CONCURRENT: httpx.Response(200, json=concurrent),
    }
    cloud.valid = 0
    server = Server(
        "h",
        SourceName.CITRIX_CLOUD,
        url="https://acme.test",
        username=f"client-{next(CLIENTS)}",  # or a token is shared with the example before
        secret=f"file:{secret}",
        customer_id="acme",
        experimental=True,
    )
    clock = FakeClock()
    source = CloudSource(server, Limits(timeout=20.0), clock, httpx.MockTransport(cloud))
    try:
        snapshot = await source.fetch(ignore_steps)
    except SourceError as error:
        assert error.failure.message  # noqa: PT017 - either end is right
    else:
        assert isinstance(snapshot, Snapshot)
        assert len({pool.key for pool in snapshot.pools}) == len(snapshot.pools) > 0
    finally:
        await source.aclose()
