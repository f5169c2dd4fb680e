"""What is read off the user/device licenses as they are now."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest
from tests.sources.cloud.conftest import CURRENT, FakeCloud, current, failure_of

from lictui.model import (
    FailureKind,
    Level,
    Mode,
    Model,
    MonthlyUsage,
    Notice,
    Pool,
    PoolKey,
    Reading,
    Step,
)
from lictui.sources.cloud.source import CloudSource, current_notices, read_current
from lictui.sources.source import ignore_steps

TODAY = date(2026, 11, 24)


def pool(**changes: object) -> Pool:
    return read_current(current(**changes), "here:443")


def notices(**changes: object) -> list[Notice]:
    return list(current_notices(current(**changes), TODAY))


def ending(count: object, at: str = "2027-05-10T00:00:00.0000000Z") -> dict[str, object]:
    return {"nextExpiredTime": at, "totalCount": count, "daysToExpire": 167}


async def test_a_poll(source: CloudSource, cloud: FakeCloud) -> None:
    steps: list[tuple[Step, str]] = []
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    (read,) = snapshot.pools
    assert (read.product, read.model, read.name) == (
        "XenDesktop:XAXDFull",
        Model.USER_DEVICE,
        "XenDesktop:XAXDFull",
    )
    assert read.reading == Reading(in_use=412, installed=500, overdraft=None)
    assert (read.expires, read.permanent) == (date(2027, 5, 10), False)
    assert (snapshot.mode, snapshot.reported_name, snapshot.notices) == (Mode.CLOUD, "acme", ())
    assert [step for step, _ in steps] == [Step.AUTH, Step.INVENTORY, Step.PARSE]
    assert steps[0][1] == "client client-1 of acme"
    key = PoolKey("XenDesktop:XAXDFull")
    assert snapshot.monthly_usage == (
        MonthlyUsage(key, datetime(2026, 9, 1, tzinfo=UTC).timestamp(), 390, 500, 12, 4),
        MonthlyUsage(key, datetime(2026, 10, 1, tzinfo=UTC).timestamp(), 400, 500, 12, 4),
    )
    assert {request.url.host for request in cloud.asked} == {"api-us.cloud.com"}


def test_every_figure_says_where_it_comes_from() -> None:
    read = pool()
    assert {"in_use", "installed", "overdraft", "expires"} == set(dict(read.formulas))
    raw = dict(read.raw_fields)
    assert raw["deviceLicenseUsage.totalUsageCount"] == "501"
    assert raw["timeStamp"] == "2026-11-24T06:00:00.0215469Z"
    assert raw["min(user, device)"] == "412, as totalUsageCount"
    assert raw["owned - used"] == "88, as remainingLicenseCount"


def test_figures_that_do_not_agree_are_told_and_not_corrected() -> None:
    read = pool(totalUsageCount=480, remainingLicenseCount=99)
    assert read.reading.in_use == 480
    raw = dict(read.raw_fields)
    assert raw["min(user, device)"] == "412, but totalUsageCount is 480"
    assert raw["owned - used"] == "20, but remainingLicenseCount is 99"


def test_more_used_than_owned() -> None:
    read = pool(totalUsageCount=530, remainingLicenseCount=-30)
    assert read.reading == Reading(in_use=530, installed=500)
    assert read.reading.free == -30


@pytest.mark.parametrize("value", [None, "many", -1, 1.5, True, [], 10**30])
def test_a_figure_that_cannot_be_is_unknown(value: object) -> None:
    assert pool(totalUsageCount=value).reading == Reading(in_use=None, installed=500)
    assert pool(totalAvailableLicenseCount=value).reading == Reading(in_use=412)


@pytest.mark.parametrize(
    ("changes", "product"),
    [
        ({"productEdition": None}, "XenDesktop"),
        ({"productName": ""}, "XAXDFull"),
        ({"productName": None, "productEdition": None}, "ud"),
        ({"productName": "Xen\x1b[31m\u202eDesktop"}, "Xen[31mDesktop:XAXDFull"),
    ],
)
def test_the_product_is_what_the_answer_names(changes: dict[str, object], product: str) -> None:
    assert pool(**changes).product == product


@pytest.mark.parametrize(
    ("count", "expires"), [(500, date(2027, 5, 10)), (600, date(2027, 5, 10)), (100, None)]
)
def test_the_pool_ends_when_its_last_license_does(count: int, expires: date | None) -> None:
    read = pool(nextExpiredLicenses=ending(count))
    assert read.expires == expires
    assert read.permanent is (False if expires else None)


@pytest.mark.parametrize(
    ("at", "level"),
    [("2027-05-10", Level.OK), ("2027-02-22", Level.WARN), ("2027-02-23", Level.OK)],
)
def test_a_part_that_ends_is_a_notice(at: str, level: Level) -> None:
    (notice,) = notices(nextExpiredLicenses=ending(100, f"{at}T00:00:00.0000000Z"))
    assert (notice.kind, notice.level) == ("server", level)
    assert notice.title == f"100 of 500 licenses expire on {at}"


def test_without_a_count_nobody_knows_whether_all_end() -> None:
    assert pool(nextExpiredLicenses=ending(None)).expires is None
    assert [n.title for n in notices(nextExpiredLicenses=ending(None))] == [
        "Some of 500 licenses expire on 2027-05-10"
    ]


@pytest.mark.parametrize("nothing", [None, {}, [], "soon", ending(0), ending(5, "0001-01-01")])
def test_nothing_that_ends(nothing: object) -> None:
    assert pool(nextExpiredLicenses=nothing).expires is None
    assert not notices(nextExpiredLicenses=nothing)


def test_licenses_to_come_are_a_notice() -> None:
    coming = {"activatingTime": "2027-01-01T00:00:00.0000000Z", "activatingCount": 1500}
    (notice,) = notices(nextActivatingLicense=coming)
    assert notice.title == "1,500 more licenses start on 2027-01-01"
    assert notice.level is Level.OK


@pytest.mark.parametrize("answer", [[], "", 5, {}, {"items": []}, None])
async def test_json_of_something_else(
    answer: object, source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[CURRENT] = lambda _request: httpx.Response(200, json=answer)
    failure = await failure_of(source)
    assert (failure.kind, failure.step) in {
        (FailureKind.PARSE, Step.PARSE),
        (FailureKind.NO_DATA, Step.INVENTORY),
    }


async def test_the_second_poll_keeps_the_token(source: CloudSource, cloud: FakeCloud) -> None:
    await source.fetch(ignore_steps)
    cloud.asked.clear()
    await source.fetch(ignore_steps)
    assert cloud.paths == [CURRENT]
