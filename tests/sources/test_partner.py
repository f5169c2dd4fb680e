"""License Usage Insights: license servers, usage of a month, tokens."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from tests.support.clock import START
from tests.support.fake_insights import (
    SERVER,
    SERVERS,
    TOKENS,
    USAGE,
    FakeInsights,
    feature,
    license_server,
    license_servers,
    never_reported,
    server_usage,
    usage,
)
from tests.support.polls import failure_of, ignore_steps

from lictui.model import (
    FailureKind,
    Level,
    LicenseServer,
    Model,
    Notice,
    Reading,
    ReportingStatus,
    Step,
)
from lictui.sources.partner import (
    PartnerSource,
    read_servers,
    read_usage,
    server_notices,
)

Open = Callable[..., PartnerSource]


@pytest.fixture
def insights() -> FakeInsights:
    return FakeInsights()


@pytest.fixture
def open_source(insights: FakeInsights, open_rest_source: Open) -> Open:
    return lambda server: open_rest_source(server, insights)


@pytest.fixture
def source(open_source: Open) -> PartnerSource:
    return open_source(SERVER)


async def test_poll_reads_the_partner_and_reports_each_step(
    source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers[SERVERS] = license_servers(license_server(), never_reported())
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    assert snapshot.reported_name == "partner-1"
    assert steps == [
        (Step.AUTH, "client client-1 of partner-1"),
        (Step.INVENTORY, "2 license servers"),
        (Step.PARSE, "2 license servers · 1 product"),
    ]
    assert [request.url.host for request in insights.requests] == [
        "trust.citrixworkspacesapi.net",
        "licensing.citrixworkspacesapi.net",
        "licensing.citrixworkspacesapi.net",
    ]
    assert insights.requests[1].headers["Citrix-CustomerId"] == "partner-1"
    assert dict(insights.requests[2].url.params) == {"date": "2026-11"}


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"trust_url": "", "url": "https://all.acme.test"}, "all.acme.test"),
        ({"trust_url": "https://trust.acme.test:444"}, "trust.acme.test"),
    ],
)
async def test_token_endpoint_follows_url_and_trust_url(
    changes: dict[str, Any], host: str, open_source: Open, insights: FakeInsights
) -> None:
    await open_source(replace(SERVER, **changes)).fetch(ignore_steps)
    assert insights.requests[0].url.host == host


@pytest.mark.parametrize(
    ("answers", "kind", "step"),
    [
        ({SERVERS: license_servers(), USAGE: usage()}, FailureKind.NO_DATA, Step.INVENTORY),
        ({SERVERS: httpx.Response(404)}, FailureKind.NO_DATA, Step.INVENTORY),
        (dict.fromkeys((SERVERS, USAGE), httpx.Response(204)), FailureKind.NO_DATA, Step.INVENTORY),
        ({TOKENS: httpx.Response(404)}, FailureKind.NO_DATA, Step.AUTH),
        ({USAGE: httpx.Response(500)}, FailureKind.UNAVAILABLE, Step.INVENTORY),
        ({SERVERS: {}}, FailureKind.PARSE, Step.PARSE),
        ({USAGE: {"skus": 5}}, FailureKind.PARSE, Step.PARSE),
    ],
)
async def test_missing_answer_fails_the_poll(
    answers: dict[str, object],
    kind: FailureKind,
    step: Step,
    source: PartnerSource,
    insights: FakeInsights,
) -> None:
    insights.answers |= answers
    failure = await failure_of(source)
    assert (failure.kind, failure.step) == (kind, step)
    assert failure.hint


# License servers


SILENT: dict[str, Any] = {
    "isPhoningHome": False,
    "lastPhoningHomeTime": "2026-11-19T05:00:00.0000000Z",
}


def listed_servers(*rows: object) -> list[LicenseServer]:
    return [listed.server for listed in read_servers(license_servers(*rows), "here:443", START)]


def notices_of(*rows: object) -> list[Notice]:
    return list(server_notices(read_servers(license_servers(*rows), "here:443", START), START))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        (SILENT, ReportingStatus.NOT_REPORTING),
        (SILENT | {"isExpired": True}, ReportingStatus.EXPIRED),
        ({"isEverReported": False, "isExpired": True}, ReportingStatus.EXPIRED),
        ({"isPhoningHome": None}, ReportingStatus.REPORTING),
        ({"isPhoningHome": None, "lastPhoningHomeTime": None}, ReportingStatus.NEVER_REPORTED),
        ({"isEverReported": False, "fqdn": None}, ReportingStatus.NEVER_REPORTED),
    ],
)
def test_status_is_what_is_reported(changes: dict[str, Any], status: ReportingStatus) -> None:
    (server,) = listed_servers(license_server(**changes))
    assert server.status is status


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2027-07-27T00:00:00.00-11:00", date(2027, 7, 27)),
        ("12/30/2015 12:21:15", date(2015, 12, 30)),
        ("9999-12-31T00:00:00", None),
    ],
)
def test_expiry_is_the_day_as_written(value: str, day: date | None) -> None:
    (server,) = listed_servers(license_server(licenseExpirationDate=value))
    assert server.expires == day


def test_silent_servers_are_listed_by_their_last_report() -> None:
    rows = [
        license_server(name, isPhoningHome=False, lastPhoningHomeTime=at and f"2026-11-{at}T05:00Z")
        for name, at in (("b", "19"), ("a", "05"), ("c", None))
    ]
    assert notices_of(*rows)[0].detail == (
        "c.acme.test (since unknown date), a.acme.test (19 days, since 2026-11-05),"
        " b.acme.test (5 days, since 2026-11-19)"
    )


def test_days_after_the_expiry_are_negative() -> None:
    assert listed_servers(license_server(daysToExpire=-12))[0].days_to_expire == -12
    assert listed_servers(license_server(daysToExpire="x"))[0].days_to_expire is None
    assert listed_servers(license_server(daysToExpire=-(10**12)))[0].days_to_expire is None


@pytest.mark.parametrize(
    ("days", "level"),
    [
        (30, Level.WARN),
        (31, Level.OK),
        (91, None),
        (None, Level.WARN),
    ],
)
def test_approaching_expiry_is_a_notice(days: int | None, level: Level | None) -> None:
    notices = notices_of(
        license_server(daysToExpire=days, licenseExpirationDate="2026-12-20T00:00:00Z")
    )
    assert [notice.level for notice in notices] == ([] if level is None else [level])
    assert all(notice.title.startswith("lic01.acme.test has licenses") for notice in notices)
    assert all(notice.detail == "2026-12-20" for notice in notices)


@pytest.mark.parametrize(
    ("changes", "words", "level"),
    [
        ({"isExpired": True, "daysToExpire": 0}, "have expired licenses", Level.CRITICAL),
        ({"isEverReported": False}, "have never reported", Level.WARN),
        ({"isFoundInBackOffice": False}, "were not found in Citrix back office", Level.WARN),
        (
            {"isNonCspLicenseInstalled": True},
            "have licenses that are not for service providers",
            Level.WARN,
        ),
        ({"isCcu": True}, "have concurrent licenses", Level.WARN),
    ],
)
def test_other_conditions_are_notices(changes: dict[str, Any], words: str, level: Level) -> None:
    (notice,) = notices_of(
        license_server("a", **changes), license_server("b", **changes), license_server("c")
    )
    assert (notice.title, notice.level) == (f"2 license servers {words}", level)
    assert "a.acme.test" in notice.detail
    assert "c.acme.test" not in notice.detail


def test_concurrent_features_are_summed() -> None:
    def using(name: str, *counts: tuple[str, object]) -> dict[str, object]:
        statistics = [{"featureId": code, "usageCount": count} for code, count in counts]
        return license_server(name, isCcu=True, ccuFeatureStatistics=statistics)

    (notice,) = notices_of(
        using("a", ("MPS_PLT_CCU", 10), ("XDT_STD_CCS", 1)),
        using("b", ("MPS_PLT_CCU", 20), ("X", None)),
    )
    assert notice.detail == (
        "MPS_PLT_CCU 30 in use, XDT_STD_CCS 1 in use, on a.acme.test, b.acme.test"
    )


def test_many_servers_make_few_notices() -> None:
    rows = [
        license_server(f"lic{n:03}", **SILENT, isFoundInBackOffice=False, daysToExpire=9)
        for n in range(300)
    ]
    notices = notices_of(*rows)
    assert len(notices) == 3
    assert notices[0].title == "300 license servers have not reported for more than 3 days"
    assert notices[0].detail.endswith(" and 290 more")
    assert "more" not in notices_of(*rows[:10])[0].detail
    assert all(len(notice.detail) < 800 for notice in notices)


# Usage of a month


def test_usage_is_a_pool_that_is_counted() -> None:
    (pool,) = read_usage(usage(feature()), "2026-11", "here:443")
    assert (pool.product, pool.name) == ("XDT_PLT_UD", "Citrix Virtual Apps and Desktops Premium")
    assert (pool.model, pool.counted) == (Model.USER_DEVICE, True)
    assert pool.reading == Reading(in_use=226)
    assert dict(pool.formulas)["counted"].startswith("unless another registered server")
    raw = dict(pool.raw_fields)
    assert raw["month"] == "2026-11"
    assert raw["sku"] == "sku-1 · CVAD for CSP"
    assert raw["freeUsersCount"] == "6"
    assert raw["lic01.acme.test"] == "14"
    unknown = usage(feature("NEW_CCU"), feature("XYZ_UD", featureDescription=None))
    assert [pool.name for pool in read_usage(unknown, "2026-11", "x")] == ["Premium", "XYZ_UD"]


def test_feature_of_two_skus_is_one_pool() -> None:
    (pool,) = read_usage(usage(feature(count=10), feature(count=None)), "2026-11", "here:443")
    assert pool.reading.in_use is None
    answer = usage(feature(count=10))
    answer["skus"] += usage(feature(count=5), feature("MPS_PLT_CCU", "x"), sku="sku-2")["skus"]
    concurrent, users = read_usage(answer, "2026-11", "here:443")
    assert users.reading.in_use == 15
    skus = [value for key, value in users.raw_fields if key == "sku"]
    assert skus == ["sku-1 · CVAD for CSP", "sku-2 · CVAD for CSP"]
    assert concurrent.reading == Reading()


def test_raw_fields_are_limited() -> None:
    more = {"reportingDate": "2026-11-02T00:00:00", "isLicenseServerFree": True}
    many = [server_usage(f"lic{n}", n, freeUsersCount=1, **more) for n in range(300)]
    (pool,) = read_usage(usage(feature(licenseServerUsages=many)), "2026-11", "here:443")
    assert len(pool.raw_fields) < 40
    assert pool.raw_fields[-1] == ("license servers", "280 more")
    shown = "7, 1 of them free, reported 2026-11-02, free license server"
    assert ("lic7", shown) in pool.raw_fields


@pytest.mark.parametrize("empty", [usage(), 204, 404])
async def test_previous_month_is_used_while_this_is_empty(
    empty: object, source: PartnerSource, insights: FakeInsights
) -> None:
    def by_month(request: httpx.Request) -> object:
        if request.url.params["date"] == "2026-10":
            return usage(feature(count=9))
        return httpx.Response(empty) if isinstance(empty, int) else empty

    insights.answers[USAGE] = by_month
    (pool,) = (await source.fetch(ignore_steps)).pools
    assert (pool.reading.in_use, dict(pool.raw_fields)["month"]) == (9, "2026-10")


async def test_forbidden_usage_is_a_notice(source: PartnerSource, insights: FakeInsights) -> None:
    insights.answers[USAGE] = httpx.Response(403)
    (notice,) = (await source.fetch(ignore_steps)).notices
    assert (notice.level, "no permission" in notice.title) == (Level.OK, True)
