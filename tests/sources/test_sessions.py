"""Tokens, and what cvad, citrix-cloud and partner do alike: sign in, renew, report errors."""

import asyncio
import gc
import itertools
import json
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support import fake_cloud, fake_insights, fake_site
from tests.support.clock import FakeClock
from tests.support.fake_api import SECRET, FakeApi
from tests.support.polls import failure_of, ignore_steps, snapshot_of

from lictui.model import FailureKind, Server, Step
from lictui.sources.sessions import Token, shared_token
from lictui.sources.source import Source, SourceError

Open = Callable[..., Source]


def test_tokens_of_a_closed_loop_are_forgotten() -> None:
    """`lictui status` in a long-lived process, or one test after another."""

    async def request() -> Token:
        await asyncio.sleep(0)
        return Token("token", 3600)

    async def request_twice(loops: list[weakref.ref[asyncio.AbstractEventLoop]]) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        clock = FakeClock()
        first, second = await asyncio.gather(
            *(shared_token("key", request, clock) for _ in range(2))
        )
        assert first is second

    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    asyncio.run(request_twice(loops))
    asyncio.run(request_twice(loops))
    gc.collect()
    assert loops[0]() is None


def test_token_value_is_not_in_its_repr() -> None:
    assert "tok3n" not in repr(Token("tok3n", 0.0))


@dataclass
class Rest:
    """A fake API with the server entry that names it."""

    api: FakeApi
    server: Server
    tokens: str  # path of the token endpoint
    data: str  # path of the first data that a poll needs
    token_key: str


@pytest.fixture(params=["cvad", "citrix-cloud", "partner"])
def fake(request: pytest.FixtureRequest) -> Rest:
    if request.param == "cvad":
        site = fake_site.FakeSite()
        return Rest(site, fake_site.SERVER, fake_site.TOKENS, fake_site.SITE, "Token")
    if request.param == "partner":
        insights = fake_insights.FakeInsights()
        paths = fake_insights.TOKENS, fake_insights.SERVERS
        return Rest(insights, fake_insights.SERVER, *paths, "token")
    cloud = fake_cloud.FakeCloud()
    paths = fake_cloud.TOKENS, fake_cloud.CURRENT
    return Rest(cloud, fake_cloud.SERVER, *paths, "access_token")


@pytest.fixture
def open_source(fake: Rest, open_rest_source: Open) -> Open:
    return lambda **changes: open_rest_source(replace(fake.server, **changes), fake.api)


@pytest.fixture
def source(open_source: Open) -> Source:
    return open_source()


@pytest.mark.parametrize("step", [0, -86400, 86400], ids=["right", "set back", "set ahead"])
async def test_token_is_renewed_before_it_expires_whatever_the_clock_says(
    source: Source, fake: Rest, clock: FakeClock, step: float
) -> None:
    await snapshot_of(source)
    clock.set_wall(step)
    await clock.advance(3600 - 61)
    await snapshot_of(source)
    assert fake.api.token_number == 1
    await clock.advance(1)
    await snapshot_of(source)
    assert fake.api.token_number == 2


async def test_token_rejected_in_mid_session_is_renewed_once(source: Source, fake: Rest) -> None:
    await snapshot_of(source)
    fake.api.token_number = 7  # token-1 is no longer accepted
    fake.api.requests.clear()
    await snapshot_of(source)
    assert fake.api.paths[:3] == [fake.data, fake.tokens, fake.data]
    assert fake.api.paths.count(fake.tokens) == 1


async def test_token_that_is_never_accepted_fails_and_is_not_repeated(
    source: Source, fake: Rest
) -> None:
    answer = fake.api.answers[fake.data]
    fake.api.answers[fake.data] = httpx.Response(401, json={"detail": "unknown token-2"})
    failure = await failure_of(source)  # which looks for tokens in the message
    assert (failure.kind, failure.step) == (FailureKind.AUTH, Step.AUTH)
    assert "unknown …" in failure.message
    assert fake.api.paths.count(fake.tokens) == 2
    fake.api.answers[fake.data] = answer
    await snapshot_of(source)


@pytest.mark.parametrize("token", [None, "two words", "ümlaut"])
async def test_token_that_no_header_can_carry_fails(
    token: object, source: Source, fake: Rest
) -> None:
    fake.api.answers[fake.tokens] = {fake.token_key: token}
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.AUTH)


async def test_missing_secret_sends_nothing(
    source: Source, fake: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LICTUI_TEST")
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not fake.api.requests


async def test_plain_http_sends_no_secret(open_source: Open, fake: Rest) -> None:
    for key in ("url", "trust_url") if fake.server.trust_url else ("url",):
        failure = await failure_of(open_source(**{key: "http://acme.test"}))
        assert (failure.kind, failure.step) == (FailureKind.CONFIG, Step.AUTH)
    assert not fake.api.requests


@pytest.mark.parametrize("endpoint", ["tokens", "data"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (418, FailureKind.PROTOCOL),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
    ],
)
async def test_status_is_reported_by_its_kind_with_the_servers_text(
    endpoint: str, status: int, kind: FailureKind, source: Source, fake: Rest
) -> None:
    body = {"detail": f"because\x1b[2J of {SECRET if endpoint == 'tokens' else 'it'}"}
    fake.api.answers[getattr(fake, endpoint)] = httpx.Response(
        status, json=body, headers={"CC-TransactionId": "0f3c-9", "Retry-After": "99"}
    )
    failure = await failure_of(source)
    assert failure.kind is kind
    assert failure.step is (Step.AUTH if endpoint == "tokens" else Step.INVENTORY)
    assert failure.message.startswith(f"HTTP {status} from {fake.api.requests[-1].url.host}:443: ")
    assert "because[2J of " in failure.message
    assert ("transaction 0f3c-9" in failure.message) is (status >= 500)


@pytest.mark.parametrize("endpoint", ["tokens", "data"])
@pytest.mark.parametrize("header", ["", "Location", "CC-TransactionId"])
@pytest.mark.parametrize("encode", [str, quote, quote_plus, escape, json.dumps, ascii])
async def test_failure_repeats_nothing_that_was_sent(
    encode: Callable[[str], str], header: str, endpoint: str, source: Source, fake: Rest
) -> None:
    sent: list[str] = []

    def repeat(request: httpx.Request) -> httpx.Response:
        authorization = request.headers.get("Authorization", "").rpartition(" ")[2]
        sent.extend((SECRET, authorization.removeprefix("bearer=")))
        text = encode(f"{authorization} {SECRET} {request.content.decode()}")
        body = {"detail": f"{'x' * 120} {text}", "parameters": {"name": "n", "value": text}}
        headers = {header: text.encode("ascii", "xmlcharrefreplace")} if header else {}
        status = 302 if header == "Location" else 500
        return httpx.Response(status, json=body, headers=headers)  # type: ignore[arg-type]

    fake.api.answers[getattr(fake, endpoint)] = repeat
    message = (await failure_of(source)).message
    assert header or "xxx" in message
    starts = {secret[:5] for secret in sent if secret}  # not even where a text is cut
    assert not [start for start in starts if start in message]


@pytest.mark.parametrize("endpoint", ["tokens", "data"])
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\n<!DOCTYPE html><title>Sign in"],
    ids=["empty", "list", "page"],
)
async def test_invalid_json_is_a_parse_failure(
    endpoint: str, body: bytes, source: Source, fake: Rest
) -> None:
    fake.api.answers[getattr(fake, endpoint)] = httpx.Response(200, content=body)
    failure = await failure_of(source)
    step = Step.AUTH if endpoint == "tokens" else Step.PARSE
    assert failure.kind is FailureKind.PARSE
    if body.startswith(b"\n<"):
        assert "HTML page instead of JSON" in failure.message
    else:
        assert failure.step is step


# Any answers

NUMBERS = itertools.count()
SCALARS = st.sampled_from(
    ["2027-03-31", "0001-01-01T00:00:00", "9999-12-31", "Concurrent", "UserDevice", "Alarm", "x"]
)
JSON = st.recursive(
    SCALARS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["\x1b[2J\u202ename", "y" * 500]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def mangled(draw: st.DrawFn, value: object) -> object:
    """Return an answer with some of its parts replaced by anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if isinstance(value, dict):
        return {key: draw(mangled(item)) for key, item in value.items()}
    return [draw(mangled(item)) for item in value] if isinstance(value, list) else value


@pytest.fixture
def good_answers(fake: Rest) -> dict[str, object]:
    return fake.api.answers | {
        fake_site.CONTROLLERS: [{"LasActivationStatus": "Expired", "LasActivationExpiry": "x"}],
        fake_cloud.CONCURRENT: fake_cloud.concurrent(),
        fake.tokens: {fake.token_key: "token-0", "expires_in": "3600", "ExpiresAt": "2027-01-01"},
    }


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_answers_are_a_snapshot_or_a_failure(
    data: st.DataObject, fake: Rest, good_answers: dict[str, object], open_source: Open
) -> None:
    fake.api.answers = {
        path: httpx.Response(200, json=data.draw(mangled(answer)))
        for path, answer in good_answers.items()
    }
    fake.api.token_number = 0
    # Another address each time, or the token would be that of the example before.
    address = f"https://host-{next(NUMBERS)}.acme.test"
    source = open_source(url=address, trust_url=address, experimental=True)
    try:
        snapshot = await source.fetch(ignore_steps)
    except SourceError as error:
        assert error.failure.message  # noqa: PT017 - either end is right
        return
    assert snapshot.pools or snapshot.license_servers
    assert len({pool.key for pool in snapshot.pools}) == len(snapshot.pools)
    for pool in snapshot.pools:
        reading = pool.reading
        figures = (reading.in_use, reading.installed, reading.overdraft)
        assert all(figure is None or figure >= 0 for figure in figures)
        assert pool.name
        texts = [pool.product, pool.name, pool.license_type, *map("".join, pool.raw_fields)]
        assert all(text.isprintable() and len(text) <= 300 for text in texts)
