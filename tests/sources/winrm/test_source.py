from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.sources.winrm.wsman_replies import (
    MESSAGE_ID,
    NO_SUCH_CLASS,
    WsmanRequest,
    enumerate_reply,
    fake_server,
    fault_reply,
    pool_values,
    pull_reply,
    wmi_instance,
    wsman_fault,
    xml_fragment,
)
from tests.support.clock import FakeClock

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Server, Snapshot, Step
from lictui.sources.source import SourceError, ignore_steps
from lictui.sources.winrm.source import WinrmSource

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[WsmanRequest], bytes | httpx.Response]
    from tests.sources.winrm.conftest import Poll

POOL = wmi_instance(pool_values())
LICENSE = wmi_instance(
    {"SerialNumber": "LA-1", "ExpirationDate": "20270331000000.000000+000"}, "Citrix_GT_License"
)
STOPPED = xml_fragment({"Name": "Citrix Licensing", "State": "Stopped"})


def by_class(pools: bytes, licenses: bytes, services: bytes) -> Answer:
    """An answer for each question; a Pull has its own."""

    def answer(asked: WsmanRequest) -> bytes:
        if "License_Pool" in asked.wql:
            return pools
        return licenses if "Citrix_GT_License" in asked.wql else services

    return answer


async def test_pools_licenses_and_services_make_one_snapshot(poll: Poll) -> None:
    told: list[tuple[Step, str]] = []
    result = await poll(
        by_class(enumerate_reply(POOL), enumerate_reply(LICENSE), enumerate_reply(STOPPED)),
        lambda *step: told.append(step),
    )
    assert isinstance(result, Snapshot)
    assert [pool.product for pool in result.pools] == ["XDT_PLT_UD"]
    assert result.pools[0].expires
    assert [notice.title for notice in result.notices] == ["Service Citrix Licensing is stopped"]
    assert told == [
        (Step.AUTH, r"Basic as CORP\svc"),
        (Step.INVENTORY, "1 pool, 1 license"),
        (Step.PARSE, "1 product"),
    ]


@pytest.mark.parametrize("broken", ["licenses", "services"])
@pytest.mark.parametrize(
    "refusal",
    [
        fault_reply(NO_SUCH_CLASS),
        fault_reply(wsman_fault(5, "Access is denied.")),
        b"<html>",
        httpx.Response(503, headers={"Retry-After": "600"}),
    ],
)
async def test_what_only_adds_to_the_pools_never_costs_them(
    poll: Poll, broken: str, refusal: bytes | httpx.Response
) -> None:
    good = by_class(enumerate_reply(POOL), enumerate_reply(LICENSE), enumerate_reply(STOPPED))

    def answer(asked: WsmanRequest) -> bytes | httpx.Response:
        is_license = "FROM Citrix_GT_License" in asked.wql and "Pool" not in asked.wql
        is_broken = is_license if broken == "licenses" else "Win32" in asked.wql
        return refusal if is_broken else good(asked)

    result = await poll(answer)
    assert isinstance(result, Snapshot)
    assert bool(result.pools[0].expires) == (broken != "licenses")
    assert bool(result.notices) == (broken != "services")


@pytest.mark.parametrize(
    ("share", "limit"), [(0.02, 10), (100, 1)], ids=["its own share", "the rest of the poll"]
)
async def test_an_addition_that_hangs_never_costs_the_pools(
    server: Callable[..., Server],
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    limit: float,
) -> None:
    monkeypatch.setattr("lictui.sources.winrm.source._EXTRA", share)

    async def handle(request: httpx.Request) -> httpx.Response:
        asked = WsmanRequest(request.content)
        if "License_Pool" not in asked.wql:
            await asyncio.Event().wait()
        body = enumerate_reply(POOL).replace(MESSAGE_ID.encode(), asked.message.encode())
        return httpx.Response(200, content=body)

    source = WinrmSource(server(), Limits(timeout=limit), clock, httpx.MockTransport(handle))
    async with asyncio.timeout(5):
        assert (await source.fetch(ignore_steps)).pools
    await source.aclose()


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (fault_reply(NO_SUCH_CLASS), FailureKind.NO_DATA),
        (enumerate_reply(), FailureKind.NO_DATA),
        (fault_reply(wsman_fault(2150859174)), FailureKind.RATE_LIMITED),
        (fault_reply(wsman_fault(2150858793)), FailureKind.TIMEOUT),
        (enumerate_reply(POOL, relates_to="uuid:other"), FailureKind.PROTOCOL),
        (enumerate_reply(wmi_instance({"Count": "5"})), FailureKind.PARSE),
        (b"<!DOCTYPE html><html><head>", FailureKind.PROTOCOL),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', FailureKind.PARSE),
        (enumerate_reply(POOL)[:-50], FailureKind.PARSE),
        (httpx.Response(404), FailureKind.NO_DATA),
        (httpx.Response(403), FailureKind.FORBIDDEN),
        (httpx.Response(500, content=b"oops"), FailureKind.UNAVAILABLE),
        (httpx.Response(429, headers={"Retry-After": "600"}), FailureKind.RATE_LIMITED),
        (httpx.Response(302, headers={"Location": "/login"}), FailureKind.PROTOCOL),
    ],
    ids=range(14),
)
async def test_every_refusal_is_a_failure_in_words(
    poll: Poll, refusal: bytes | httpx.Response, kind: FailureKind
) -> None:
    result = await poll(lambda _asked: refusal)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.message
    assert result.hint
    assert result.step in {Step.INVENTORY, Step.PARSE}


async def test_a_server_busy_for_a_moment_is_asked_again(poll: Poll) -> None:
    answers = iter([httpx.Response(503, headers={"Retry-After": "0"})])
    good = by_class(enumerate_reply(POOL), enumerate_reply(), enumerate_reply())
    assert isinstance(await poll(lambda asked: next(answers, None) or good(asked)), Snapshot)


async def test_nothing_of_one_poll_is_left_in_the_next(
    server: Callable[..., Server], limits: Limits, clock: FakeClock
) -> None:
    bodies = [
        enumerate_reply(POOL),
        enumerate_reply(wmi_instance(pool_values(InUseCount="1"))),
        enumerate_reply(),
    ]
    answer = by_class(b"", enumerate_reply(), enumerate_reply())
    source = WinrmSource(
        server(),
        limits,
        clock,
        fake_server(lambda asked: bodies.pop(0) if "Pool" in asked.wql else answer(asked)),
    )
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 412
    assert (await source.fetch(ignore_steps)).pools[0].reading.in_use == 1
    with pytest.raises(SourceError):
        await source.fetch(ignore_steps)
    await source.aclose()
    await source.aclose()


async def test_the_default_path_is_wsman(
    server: Callable[..., Server], limits: Limits, clock: FakeClock
) -> None:
    paths: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(404)

    for url in ("https://lic01:5986", "https://lic01:5986/", "https://lic01:5986/other"):
        source = WinrmSource(server(url=url), limits, clock, httpx.MockTransport(handle))
        with pytest.raises(SourceError):
            await source.fetch(ignore_steps)
        await source.aclose()
    assert paths == ["/wsman", "/wsman", "/other"]


WHOLE = (
    enumerate_reply(POOL),
    enumerate_reply(POOL, context="c"),
    pull_reply(POOL),
    fault_reply(NO_SUCH_CLASS),
)
DAMAGED = st.builds(
    lambda body, at, junk: body[: at % len(body)] + junk + body[at % len(body) :],
    st.sampled_from(WHOLE),
    st.integers(0, 10_000),
    st.binary(max_size=4),
)


@examples(
    max_examples=60, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies=st.lists(DAMAGED | st.binary(max_size=60), min_size=1, max_size=8))
def test_whatever_a_server_says_is_a_snapshot_or_a_failure(
    server: Callable[..., Server], bodies: list[bytes]
) -> None:
    async def run() -> None:
        said = iter(bodies)
        transport = fake_server(lambda _asked: next(said, bodies[-1]))
        source = WinrmSource(server(), Limits(max_reply=100_000), FakeClock(), transport)
        try:
            assert (await source.fetch(ignore_steps)).pools
        except SourceError as error:
            assert error.failure.message  # noqa: PT017 - either outcome will do
        finally:
            await source.aclose()

    asyncio.run(run())
