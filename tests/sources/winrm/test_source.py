"""A poll over WinRM, and the snapshot it makes of WMI instances."""

from __future__ import annotations

import asyncio
from datetime import date
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
from lictui.model import (
    Failure,
    FailureKind,
    Level,
    Mode,
    Model,
    Notice,
    Pool,
    Reading,
    Server,
    Snapshot,
    Step,
)
from lictui.sources.source import SourceError, ignore_steps
from lictui.sources.winrm.source import (
    WinrmSource,
    WmiData,
    build_snapshot,
    read_pools,
    unreadable_figures,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sources.winrm.conftest import Poll

    Answer = Callable[[WsmanRequest], bytes | httpx.Response]

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


async def test_poll_reads_pools_licenses_and_services(poll: Poll) -> None:
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
async def test_failed_licenses_or_services_do_not_fail_the_poll(
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
async def test_hanging_licenses_do_not_fail_the_poll(
    server: Callable[..., Server],
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    limit: float,
) -> None:
    monkeypatch.setattr("lictui.sources.winrm.source._OPTIONAL_SHARE", share)

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
async def test_bad_reply_is_a_failure_of_its_kind(
    poll: Poll, refusal: bytes | httpx.Response, kind: FailureKind
) -> None:
    result = await poll(lambda _asked: refusal)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.message
    assert result.hint
    assert result.step in {Step.INVENTORY, Step.PARSE}


async def test_short_unavailability_is_retried(poll: Poll) -> None:
    answers = iter([httpx.Response(503, headers={"Retry-After": "0"})])
    good = by_class(enumerate_reply(POOL), enumerate_reply(), enumerate_reply())
    assert isinstance(await poll(lambda asked: next(answers, None) or good(asked)), Snapshot)


async def test_polls_are_independent(
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


async def test_default_path_is_wsman(
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
def test_any_replies_are_a_snapshot_or_a_failure(
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


# The snapshot

TODAY = date(2026, 11, 24)

POOL_ITEM = {"pld": "XDT_PLT_UD", "count": "550", "inusecount": "412", "overdraft": "50"}

STARTUP_ITEM = {"pld": "CITRIX", "count": "2", "inusecount": "0", "overdraft": "0"}


RUNNING = [
    {"name": "Citrix Licensing", "state": "Running"},
    {"name": "citrix_gtlicensingprov", "state": "running"},
]


def snapshot_from(instances: WmiData) -> Snapshot:
    return build_snapshot(instances, "lic01:5986", TODAY)


def only_notice(instances: WmiData) -> Notice:
    (only,) = snapshot_from(instances).notices
    return only


def test_pools_only_make_a_snapshot() -> None:
    result = snapshot_from(WmiData([POOL_ITEM]))
    assert len(result.pools) == 1
    assert (result.mode, result.notices) == (Mode.FILE, ())
    assert (result.reported_name, result.version) == ("", "")


def test_running_services_have_no_notice() -> None:
    assert snapshot_from(WmiData([POOL_ITEM], [], RUNNING)).notices == ()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Citrix Licensing", Level.CRITICAL),
        ("Citrix_GTLicensingProv", Level.WARN),
        ("CitrixWebServicesforLicensing", Level.WARN),
    ],
)
def test_stopped_service_is_a_notice(name: str, level: Level) -> None:
    told = only_notice(WmiData([POOL_ITEM], [], [{"name": name, "state": "Stopped"}]))
    assert (told.kind, told.level, told.title) == ("server", level, f"Service {name} is stopped")
    assert told.action


def test_other_services_are_ignored() -> None:
    assert (
        snapshot_from(WmiData([POOL_ITEM], [], [{"name": "Spooler", "state": "Stopped"}])).notices
        == ()
    )


def test_startup_licenses_only_are_a_notice() -> None:
    result = snapshot_from(WmiData([STARTUP_ITEM]))
    assert [pool.product for pool in result.pools] == ["CITRIX"]
    assert result.mode is None
    (told,) = result.notices
    assert told.level is Level.WARN
    assert "cvad" in told.action


def test_unreadable_figures_are_a_notice() -> None:
    told = only_notice(WmiData([POOL_ITEM | {"count": "many"}, {"count": "1"}]))
    assert "XDT_PLT_UD: Count is many" in told.detail
    assert "1 pool(s) without a product code" in told.detail


def test_next_expiring_license_is_a_notice() -> None:
    licenses = [
        {"serialnumber": "LA-1", "expirationdate": "2027-03-31"},
        {"serialnumber": "LA-2", "expirationdate": "2027-06-30"},
        {"serialnumber": "LA-0", "expirationdate": "2026-11-23"},
        {"serialnumber": "", "expirationdate": ""},
    ]
    told = only_notice(WmiData([POOL_ITEM], licenses))
    assert told.level is Level.OK
    assert "2027-03-31" in told.title
    assert "1 of 4 licenses" in told.detail
    assert "LA-1" in told.detail


def test_pool_with_expiry_needs_no_notice() -> None:
    result = snapshot_from(WmiData([POOL_ITEM, STARTUP_ITEM], [{"expirationdate": "2027-03-31"}]))
    assert result.pools[1].expires == date(2027, 3, 31)
    assert result.notices == ()


def test_empty_inventory_is_no_data_and_suggests_las() -> None:
    with pytest.raises(SourceError) as caught:
        snapshot_from(WmiData([], None, RUNNING))
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert "License Activation Service" in failure.hint


def test_empty_inventory_of_a_stopped_provider_names_the_service() -> None:
    stopped = [{"name": "Citrix_GTLicensingProv", "state": "Stopped"}]
    with pytest.raises(SourceError) as caught:
        snapshot_from(WmiData([], None, stopped))
    assert caught.value.failure.kind is FailureKind.NO_DATA
    assert "Start the service Citrix_GTLicensingProv" in caught.value.failure.hint


def test_wmi_data_counts_its_instances() -> None:
    assert str(WmiData([POOL_ITEM])) == "1 pool"
    assert str(WmiData([POOL_ITEM, POOL_ITEM], [{}])) == "2 pools, 1 license"


# Pools


Item = dict[str, str]


def instance(**changes: str | None) -> Item:
    values: dict[str, str | None] = {
        "pld": "XDT_PLT_UD",
        "pldfullname": "Citrix XenDesktop Platinum|User/Device",
        "count": "550",
        "inusecount": "412",
        "overdraft": "50",
        "licensetype": "Retail",
        "subscriptiondate": "2026-12-01T00:00:00Z",
    }
    values.update(changes)
    return {name: value for name, value in values.items() if value is not None}


def only_pool(*instances: Item, licenses: list[Item] | None = None) -> Pool:
    (pool,) = read_pools(instances, licenses or [])
    return pool


def test_installed_is_count_without_overdraft() -> None:
    pool = only_pool(instance())
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (pool.product, pool.model, pool.license_type) == (
        "XDT_PLT_UD",
        Model.USER_DEVICE,
        "Retail",
    )
    assert pool.subscription_date == date(2026, 12, 1)
    assert (pool.expires, pool.permanent) == (None, None)


@pytest.mark.parametrize(
    ("changes", "reading"),
    [
        ({"overdraft": None}, Reading(412, 550, None)),
        ({"overdraft": "0"}, Reading(412, 550, 0)),
        ({"inusecount": "600"}, Reading(600, 500, 50)),
        ({"count": None}, Reading(412, None, 50)),
        ({"inusecount": None}, Reading(None, 500, 50)),
        ({"count": "many"}, Reading(412, None, 50)),
        ({"inusecount": "-1"}, Reading(None, 500, 50)),
        ({"inusecount": "9" * 40}, Reading(None, 500, 50)),
        ({"count": "5"}, Reading(412, None, 50)),
        ({"count": "0", "overdraft": "0", "inusecount": "0"}, Reading(0, 0, 0)),
    ],
)
def test_invalid_figure_is_unknown_never_zero(
    changes: dict[str, str | None], reading: Reading
) -> None:
    assert only_pool(instance(**changes)).reading == reading


def test_instances_of_one_key_are_summed() -> None:
    pool = only_pool(
        instance(), instance(count="11", overdraft="1", inusecount="3", licensetype="Eval")
    )
    assert pool.reading == Reading(415, 510, 51)
    assert pool.license_type == "Eval, Retail"
    assert dict(pool.raw_fields)["Count"] == "11"
    assert ("Count", "550") in pool.raw_fields


def test_unknown_figure_makes_the_sum_unknown() -> None:
    pool = only_pool(instance(), instance(inusecount=None, overdraft=None))
    assert pool.reading == Reading(None, 1050, None)


def test_pools_of_two_dates_are_sorted() -> None:
    later, none = instance(subscriptiondate="20271201000000.000000+000"), instance()
    del none["subscriptiondate"]
    keys = [pool.key.subscription_date for pool in read_pools([later, none, instance()], [])]
    assert keys == ["", "2026-12-01", "2027-12-01"]


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01T00:00:00Z",
        "2026-12-01T00:00:00+02:00",
        "20261201000000.000000+000",
        "20261201",
        "2026.1201",
    ],
)
def test_date_is_read_in_every_form(written: str) -> None:
    assert only_pool(instance(subscriptiondate=written)).subscription_date == date(2026, 12, 1)


def test_unknown_code_has_the_name_of_the_server() -> None:
    assert only_pool(instance()).name == "Citrix Virtual Apps and Desktops Premium"
    assert (
        only_pool(instance(pld="NEW_PLT_CCU", pldfullname="New|Concurrent")).name
        == "New|Concurrent"
    )
    assert only_pool(instance(pld="NEW_PLT_CCU", pldfullname=None)).name == "NEW_PLT_CCU"
    assert only_pool(instance(pld="NEW_PLT_CCU", pldfullname="")).name == "NEW_PLT_CCU"


def test_startup_licenses_are_listed_and_not_counted() -> None:
    pools = read_pools([instance(pld="CITRIX"), instance(pld="CTXLSDIAG"), instance()], [])
    assert [(pool.product, pool.counted) for pool in pools] == [
        ("CITRIX", False),
        ("CTXLSDIAG", False),
        ("XDT_PLT_UD", True),
    ]


def test_pool_without_product_code_is_ignored() -> None:
    assert only_pool(instance(), instance(pld=None), instance(pld="")).reading.in_use == 412


def test_pools_without_any_product_code_are_a_failure() -> None:
    with pytest.raises(SourceError, match="PLD") as caught:
        read_pools([instance(pld=None)], [])
    assert caught.value.failure.kind is FailureKind.PARSE


MARCH, JUNE = {"expirationdate": "20270331000000.000000+000"}, {"expirationdate": "2027-06-30"}


def test_expiry_of_all_licenses_is_that_of_the_pool() -> None:
    pool = only_pool(instance(), licenses=[MARCH, MARCH])
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)


@pytest.mark.parametrize("never", ["99991231000000.000000+000", "permanent", "", None])
def test_license_without_expiry_is_permanent(never: str | None) -> None:
    pool = only_pool(instance(), licenses=[{} if never is None else {"expirationdate": never}])
    assert (pool.expires, pool.permanent) == (None, True)


@pytest.mark.parametrize("licenses", [[], [MARCH, JUNE], [MARCH, {}]])
def test_expiry_is_unknown_when_licenses_differ(licenses: list[Item]) -> None:
    pool = only_pool(instance(), licenses=licenses)
    assert (pool.expires, pool.permanent) == (None, None)


def test_licenses_with_a_product_belong_to_its_pool() -> None:
    licenses = [MARCH | {"pld": "XDT_PLT_UD"}, JUNE | {"pld": "MPS_PLT_CCU"}, {"pld": "CITRIX"}]
    assert only_pool(instance(), licenses=licenses).expires == date(2027, 3, 31)
    assert only_pool(instance(pld="XDT_STD_UD"), licenses=licenses).expires is None


def test_raw_fields_are_kept_and_limited() -> None:
    pool = only_pool(
        *[instance(vendorstring=";LT=Retail", pooledavailable="138", platforms="x")] * 40
    )
    assert pool.raw_fields[:3] == (
        ("Count", "550"),
        ("InUseCount", "412"),
        ("PooledAvailable", "138"),
    )
    assert len(pool.raw_fields) == 40
    assert "PLATFORMS" not in dict(pool.raw_fields)


def test_unreadable_figures_are_named() -> None:
    assert unreadable_figures(
        [
            instance(),
            instance(count="many", overdraft=None),
            instance(inusecount=None),
            instance(count="5"),
            instance(pld=None, count=None),
        ]
    ) == [
        "XDT_PLT_UD: Count is many",
        "XDT_PLT_UD: InUseCount is missing",
        "XDT_PLT_UD: Overdraft is 50, above Count",
    ]
