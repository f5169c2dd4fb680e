"""What products were used in a month, and which month is asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from tests.sources.partner.conftest import USAGE, FakeInsights, failure_of, feature, usage, used

from lictui.model import FailureKind, Level, Model, Reading
from lictui.sources.partner import PartnerSource, read_usage, report_months
from lictui.sources.source import ignore_steps


def test_a_pool_that_is_not_counted() -> None:
    (pool,) = read_usage(usage(feature()), "2026-11", "here:443")
    assert (pool.product, pool.name) == ("XDT_PLT_UD", "Citrix Virtual Apps and Desktops Premium")
    assert (pool.model, pool.counted) == (Model.USER_DEVICE, False)
    assert pool.reading == Reading(in_use=226)
    assert dict(pool.formulas)["counted"].startswith("no: a month's report")
    raw = dict(pool.raw_fields)
    assert raw["month"] == "2026-11"
    assert raw["sku"] == "sku-1 · CVAD for CSP"
    assert raw["freeUsersCount"] == "6"
    assert raw["lic01.acme.test"] == "14"


def test_a_code_without_a_published_name_has_the_reports_own() -> None:
    known, unknown = read_usage(
        usage(feature("NEW_CCU"), feature("XYZ_UD", featureDescription=None)), "2026-11", "x"
    )
    assert (known.name, unknown.name) == ("Premium", "XYZ_UD")


def test_one_feature_of_two_skus_is_one_pool() -> None:
    answer = usage(feature(count=10))
    answer["skus"] += usage(feature(count=5), feature("MPS_PLT_CCU", "x"), sku="sku-2")["skus"]
    concurrent, users = read_usage(answer, "2026-11", "here:443")
    assert users.reading.in_use == 15
    assert [value for key, value in users.raw_fields if key == "sku"] == [
        "sku-1 · CVAD for CSP",
        "sku-2 · CVAD for CSP",
    ]
    assert concurrent.reading == Reading()


def test_a_part_that_cannot_be_read_makes_the_sum_unknown() -> None:
    (pool,) = read_usage(usage(feature(count=10), feature(count=None)), "2026-11", "here:443")
    assert pool.reading.in_use is None


def test_the_servers_of_a_product_are_bounded() -> None:
    many = [used(f"lic{n}", n, freeUsersCount=1) for n in range(300)]
    (pool,) = read_usage(usage(feature(licenseServerUsages=many)), "2026-11", "here:443")
    assert len(pool.raw_fields) < 40
    assert pool.raw_fields[-1] == ("license servers", "280 more")
    assert ("lic7", "7, 1 of them free") in pool.raw_fields


def test_the_day_of_a_report() -> None:
    told = used("a", 1, reportingDate="2026-11-02T00:00:00", isLicenseServerFree=True)
    (pool,) = read_usage(usage(feature(licenseServerUsages=[told])), "2026-11", "here:443")
    assert dict(pool.raw_fields)["a"] == "1, reported 2026-11-02, a free license server"


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), ("2026-01", "2025-12")),
        (datetime(2026, 12, 1, tzinfo=UTC), ("2026-12", "2026-11")),
    ],
)
def test_this_month_and_the_one_before(now: datetime, asked: tuple[str, str]) -> None:
    assert report_months(now.timestamp()) == asked


async def test_this_month_is_enough(source: PartnerSource, insights: FakeInsights) -> None:
    await source.fetch(ignore_steps)
    asked = [dict(request.url.params) for request in insights.asked if request.url.path == USAGE]
    assert asked == [{"date": "2026-11"}]


@pytest.mark.parametrize("empty", [usage(), {"skus": None}, 204, 404])
async def test_last_month_while_this_one_is_empty(
    empty: object, source: PartnerSource, insights: FakeInsights
) -> None:
    def by_month(request: httpx.Request) -> object:
        if request.url.params["date"] == "2026-10":
            return usage(feature(count=9))
        return httpx.Response(empty) if isinstance(empty, int) else empty

    insights.answers[USAGE] = by_month
    (pool,) = (await source.fetch(ignore_steps)).pools
    assert (pool.reading.in_use, dict(pool.raw_fields)["month"]) == (9, "2026-10")


async def test_no_usage_at_all(source: PartnerSource, insights: FakeInsights) -> None:
    insights.answers[USAGE] = usage()
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools == ()
    assert snapshot.license_servers


async def test_usage_that_may_not_be_read_is_a_notice(
    source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers[USAGE] = httpx.Response(403)
    (notice,) = (await source.fetch(ignore_steps)).notices
    assert (notice.level, "may not read" in notice.title) == (Level.OK, True)


@pytest.mark.parametrize("answer", [[], 5, {"skus": 5}])
async def test_usage_that_is_none(
    answer: object, source: PartnerSource, insights: FakeInsights
) -> None:
    insights.answers[USAGE] = answer
    assert (await failure_of(source)).kind is FailureKind.PARSE
