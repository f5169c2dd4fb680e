"""A poll over WinRM, and the snapshot it makes of WMI instances."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.sources.winrm.conftest import OpenWinrm, Poll
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
from tests.support.clock import FakeClock, settle
from tests.support.polls import failure_in, ignore_steps, poll_once

from lictui.config.settings import Limits
from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Pool,
    Reading,
    Server,
    Snapshot,
    SourceName,
    Step,
)
from lictui.sources.winrm.source import WinrmSource, build_snapshot

Answer = Callable[[WsmanRequest], bytes | httpx.Response]

POOL = wmi_instance(pool_values())
LICENSE = wmi_instance(
    {"SerialNumber": "LA-1", "ExpirationDate": "20270331000000.000000+000"}, "Citrix_GT_License"
)
STOPPED = xml_fragment({"Name": "Citrix Licensing", "State": "Stopped"})


def by_class(pools: bytes, licenses: bytes, services: bytes) -> Answer:
    """An answer for each question; a Pull has its own."""

    def answer(request: WsmanRequest) -> bytes:
        if "License_Pool" in request.wql:
            return pools
        if "License_Server" in request.wql:
            return VERSION
        return licenses if "Citrix_GT_License" in request.wql else services

    return answer


VERSION = enumerate_reply(xml_fragment({"Version": "11.17.2.54100"}))
ANSWER = by_class(enumerate_reply(POOL), enumerate_reply(LICENSE), enumerate_reply(STOPPED))


async def test_poll_reads_pools_licenses_services_and_version(poll: Poll) -> None:
    steps: list[tuple[Step, str]] = []
    result = await poll(ANSWER, lambda *step: steps.append(step))
    assert isinstance(result, Snapshot)
    assert [pool.product for pool in result.pools] == ["XDT_PLT_UD"]
    assert result.pools[0].expires
    assert result.version == "11.17.2.54100"
    assert [notice.title for notice in result.notices] == ["Service Citrix Licensing is stopped"]
    assert steps == [
        (Step.AUTH, r"Basic as CORP\svc"),
        (Step.INVENTORY, "1 pool, 1 license"),
        (Step.PARSE, "1 product"),
    ]


@pytest.mark.parametrize("broken", ["licenses", "services", "version"])
@pytest.mark.parametrize("refusal", [fault_reply(NO_SUCH_CLASS), b"<html>", httpx.Response(503)])
async def test_failed_query_of_what_may_be_missing_does_not_fail_the_poll(
    poll: Poll, clock: FakeClock, broken: str, refusal: bytes | httpx.Response
) -> None:
    def answer(request: WsmanRequest) -> bytes | httpx.Response:
        is_license = request.wql.endswith("FROM Citrix_GT_License")
        is_version = "License_Server" in request.wql
        is_service = "Win32" in request.wql
        is_broken = {"licenses": is_license, "services": is_service, "version": is_version}[broken]
        return refusal if is_broken else ANSWER(request)

    polling = asyncio.ensure_future(poll(answer))
    await clock.advance(1)  # until a 503 is tried again
    result = await polling
    assert isinstance(result, Snapshot)
    assert bool(result.pools[0].expires) == (broken != "licenses")
    assert bool(result.notices) == (broken != "services")
    assert bool(result.version) == (broken != "version")


@pytest.mark.parametrize(
    ("share", "least", "most"),
    [(0.1, 10, 18), (100, 0.99, 1.01)],
    ids=["its own share", "the rest of the poll"],
)
async def test_hanging_licenses_do_not_fail_the_poll(
    open_source: OpenWinrm,
    timeouts: list[asyncio.Timeout],
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    least: float,
    most: float,
) -> None:
    """Each optional query leaves between `least` and `most` seconds of the poll's 20."""
    monkeypatch.setattr("lictui.sources.winrm.source._SHARE", share)
    hanging: list[str] = []

    async def handle(message: httpx.Request) -> httpx.Response:
        request = WsmanRequest(message.content)
        if "License_Pool" not in request.wql:
            hanging.append(request.wql)
            await asyncio.Event().wait()
        body = enumerate_reply(POOL).replace(MESSAGE_ID.encode(), request.message.encode())
        return httpx.Response(200, content=body)

    source = open_source(httpx.MockTransport(handle), Limits(timeout=20))
    polling = asyncio.ensure_future(source.fetch(ignore_steps))
    for number in range(1, 4):  # licenses, services, version
        while len(hanging) < number and not polling.done():
            await settle()
        ends = [timeout.when() or 0.0 for timeout in timeouts]
        assert least < ends[0] - ends[-1] < most
        timeouts[-1].reschedule(0)
    assert (await polling).pools


async def test_licenses_that_are_not_read_are_those_of_the_last_poll(
    open_source: OpenWinrm,
) -> None:
    licenses = [enumerate_reply(LICENSE), fault_reply(wsman_fault(5)), enumerate_reply()]
    good = by_class(enumerate_reply(POOL), b"", enumerate_reply())

    def answer(request: WsmanRequest) -> bytes:
        is_license = request.wql.endswith("FROM Citrix_GT_License")
        return licenses.pop(0) if is_license else good(request)  # type: ignore[return-value]

    source = open_source(fake_server(answer))
    expires = [(await source.fetch(ignore_steps)).pools[0].expires for _ in range(3)]
    assert expires == [date(2027, 3, 31), date(2027, 3, 31), None]


async def test_default_path_is_wsman(open_source: OpenWinrm) -> None:
    paths: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(404)

    for url in ("https://lic01:5986", "https://lic01:5986/", "https://lic01:5986/other"):
        await poll_once(open_source(httpx.MockTransport(handle), url=url))
    assert paths == ["/wsman", "/wsman", "/other"]


WHOLE = (enumerate_reply(POOL), enumerate_reply(POOL, context="c"), pull_reply(POOL))
DAMAGED = st.builds(
    lambda body, at, junk: body[: at % len(body)] + junk + body[at % len(body) :],
    st.sampled_from(WHOLE),
    st.integers(0, 10_000),
    st.binary(max_size=4),
)


@examples(max_examples=60)
@given(bodies=st.lists(DAMAGED | st.binary(max_size=60), min_size=1, max_size=8))
def test_any_replies_are_a_snapshot_or_a_failure(bodies: list[bytes]) -> None:
    login: dict[str, Any] = {"username": "u", "secret": "env:PYTEST_CURRENT_TEST", "auth": "basic"}
    server = Server("lic01", SourceName.WINRM, url="https://lic01", **login)

    async def run() -> None:
        replies = iter(bodies)
        transport = fake_server(lambda _request: next(replies, bodies[-1]))
        source = WinrmSource(server, Limits(max_reply=100_000), FakeClock(), transport)
        result = await poll_once(source)
        assert result.message if isinstance(result, Failure) else result.pools
        await source.aclose()

    asyncio.run(run())


# The snapshot

TODAY = date(2026, 11, 24)
Item = dict[str, str]
STARTUP_ITEM = {"pld": "CITRIX", "count": "2", "inusecount": "0", "overdraft": "0"}


def instance(**changes: str | None) -> Item:
    """A pool as WMI lists it; a change to None removes the property."""
    values: dict[str, str | None] = {
        "pld": "XDT_PLT_UD",
        "pldfullname": "Citrix XenDesktop Platinum|User/Device",
        "count": "550",
        "inusecount": "412",
        "overdraft": "50",
        "licensetype": "Retail",
        "subscriptiondate": "2026-12-01T00:00:00Z",
    }
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


def snapshot_of(
    *pools: Item, licenses: list[Item] | None = None, services: list[Item] | None = None
) -> Snapshot:
    return build_snapshot(pools, licenses or (), services or (), "lic01:5986", TODAY)


def only_pool(*pools: Item, licenses: list[Item] | None = None) -> Pool:
    (pool,) = snapshot_of(*pools, licenses=licenses).pools
    return pool


def failure_for(*pools: Item, services: list[Item] | None = None) -> Failure:
    return failure_in(lambda: snapshot_of(*pools, services=services))


@pytest.mark.parametrize(
    ("name", "state", "level"),
    [
        ("Citrix Licensing", "Running", None),
        ("Spooler", "Stopped", None),
        ("Citrix Licensing", "Stopped", Level.CRITICAL),
        ("Citrix_GTLicensingProv", "Stopped", Level.WARN),
    ],
)
def test_service_that_is_stopped_is_a_notice(name: str, state: str, level: Level | None) -> None:
    notices = snapshot_of(instance(), services=[{"name": name, "state": state}]).notices
    assert [(notice.kind, notice.level, notice.title) for notice in notices] == (
        [("server", level, f"Service {name} is stopped")] if level else []
    )
    assert all(notice.action for notice in notices)


def test_next_expiring_license_is_a_notice() -> None:
    licenses = [
        {"serialnumber": "LA-1", "expirationdate": "2027-03-31"},
        {"serialnumber": "LA-2", "expirationdate": "2027-06-30"},
        {"serialnumber": "LA-0", "expirationdate": "2026-11-23"},
        {"serialnumber": "", "expirationdate": ""},
    ]
    result = snapshot_of(instance(), licenses=licenses)
    assert (result.pools[0].expires, result.next_expiry) == (None, date(2027, 3, 31))
    (notice,) = result.notices
    assert notice.level is Level.OK
    assert "2027-03-31" in notice.title
    assert "1 of 4 licenses" in notice.detail
    assert "LA-1" in notice.detail
    # A pool whose expiry is that date needs no notice
    licenses = [{"expirationdate": "2027-03-31"}, {"expirationdate": "2026-11-23"}]
    result = snapshot_of(instance(), STARTUP_ITEM, licenses=licenses)
    assert result.pools[1].expires == date(2027, 3, 31)
    assert (result.notices, result.next_expiry) == ((), None)


def test_license_without_product_among_others_is_the_next_to_expire() -> None:
    named = [MARCH | {"pld": "XDT_PLT_UD"}, JUNE | {"pld": "XDT_PLT_UD"}]
    result = snapshot_of(instance(), licenses=[*named, {"expirationdate": "2027-01-31"}])
    (pool,) = result.pools
    assert (pool.expires, pool.partial_expiry, pool.permanent) == (date(2027, 3, 31), True, False)
    assert result.next_expiry == date(2027, 1, 31)


def test_empty_inventory_is_no_data_with_its_probable_cause() -> None:
    failure = failure_for(services=[{"name": "Citrix Licensing", "state": "Running"}])
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert "License Activation Service" in failure.hint
    failure = failure_for(services=[{"name": "Citrix_GTLicensingProv", "state": "Stopped"}])
    assert failure.kind is FailureKind.NO_DATA
    assert "Start the service Citrix_GTLicensingProv" in failure.hint


# Pools


@pytest.mark.parametrize(
    ("changes", "reading", "problem"),
    [
        ({}, Reading(412, 500, 50), ""),
        ({"overdraft": None}, Reading(412, 550, None), ""),
        ({"count": "0", "overdraft": "0", "inusecount": "0"}, Reading(0, 0, 0), ""),
        ({"count": None}, Reading(412, None, 50), "Count is missing"),
        ({"count": "5"}, Reading(412, None, 50), "Overdraft is 50, above Count"),
        ({"overdraft": "x"}, Reading(412, None, None), "Overdraft is x"),
        ({"inusecount": None}, Reading(None, 500, 50), "InUseCount is missing"),
        ({"inusecount": "-1"}, Reading(None, 500, 50), "InUseCount is -1"),
    ],
)
def test_invalid_figure_is_unknown_and_a_notice(
    changes: dict[str, str | None], reading: Reading, problem: str
) -> None:
    result = snapshot_of(instance(**changes))
    assert [pool.reading for pool in result.pools] == [reading]
    details = [notice.detail for notice in result.notices]
    assert details == ([f"XDT_PLT_UD: {problem}"] if problem else [])


def test_pools_are_sorted_by_subscription_date() -> None:
    later, none = (instance(subscriptiondate=day) for day in ("20271201000000.000000+000", None))
    keys = [pool.key.subscription_date for pool in snapshot_of(later, none, instance()).pools]
    assert keys == ["", "2026-12-01", "2027-12-01"]


@pytest.mark.parametrize(
    ("code", "reported", "name"),
    [
        ("XDT_PLT_UD", "x", "Citrix Virtual Apps and Desktops Premium"),
        ("NEW_PLT_CCU", "New|Concurrent", "New|Concurrent"),
        ("NEW_PLT_CCU", None, "NEW_PLT_CCU"),
    ],
)
def test_unknown_product_has_the_name_the_server_reports(
    code: str, reported: str | None, name: str
) -> None:
    assert only_pool(instance(pld=code, pldfullname=reported)).name == name


def test_pool_without_product_code_is_ignored_with_a_notice() -> None:
    result = snapshot_of(instance(), instance(pld=None), instance(pld=""))
    assert [pool.reading.in_use for pool in result.pools] == [412]
    assert "2 pool(s) without a product code" in result.notices[0].detail
    failure = failure_for(instance(pld=None))
    assert failure.kind is FailureKind.PARSE
    assert "PLD" in failure.message


MARCH, JUNE = {"expirationdate": "20270331000000.000000+000"}, {"expirationdate": "2027-06-30"}
BY_PRODUCT = [MARCH | {"pld": "XDT_PLT_UD"}, JUNE | {"pld": "MPS_PLT_CCU"}, {"pld": "CITRIX"}]


@pytest.mark.parametrize(
    ("licenses", "term"),
    [
        ([], (None, None)),
        ([MARCH, {}], (None, None)),
        (BY_PRODUCT, (date(2027, 3, 31), False)),
        ([JUNE | {"pld": "MPS_PLT_CCU"}], (None, None)),
        ([MARCH, {"expirationdate": "2026-11-23"}], (date(2027, 3, 31), False)),
        ([{"expirationdate": "2026-11-23"}], (date(2026, 11, 23), False)),
        *(([{"expirationdate": never}], (None, True)) for never in ("99991231", "permanent", "")),
        ([{}], (None, True)),
    ],
)
def test_pool_expires_when_all_its_licenses_do(
    licenses: list[Item], term: tuple[date | None, bool | None]
) -> None:
    pool = only_pool(instance(), licenses=licenses)
    assert (pool.expires, pool.permanent, pool.partial_expiry) == (*term, False)
