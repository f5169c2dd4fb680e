"""The months that Citrix Cloud tells of: when it is asked, and what is made of the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.sources.cloud.conftest import CURRENT, PAST, FakeCloud, current, month, past

from lictui.sources.cloud.source import CloudSource, month_range, read_monthly_usage
from lictui.sources.source import ignore_steps

if TYPE_CHECKING:
    from tests.support.clock import FakeClock


DAY = 86400.0


async def test_twelve_months_are_asked_for_once_a_day(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    for _ in range(3):
        await source.fetch(ignore_steps)
        await clock.advance(900)
    (request,) = (request for request in cloud.asked if request.url.path == PAST)
    assert dict(request.url.params) == {"startDate": "2025-12", "endDate": "2026-11"}
    await clock.advance(DAY)
    assert (await source.fetch(ignore_steps)).monthly_usage
    assert cloud.paths.count(PAST) == 2


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), ("2025-02", "2026-01")),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), ("2026-01", "2026-12")),
    ],
)
def test_the_months_of_a_year(now: datetime, asked: tuple[str, str]) -> None:
    assert month_range(now.timestamp()) == asked


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 429, 500, 503])
async def test_a_past_that_does_not_come_fails_nothing(
    status: int, source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    cloud.answers[PAST] = httpx.Response(status, headers={"Retry-After": "60"})
    snapshot = await source.fetch(ignore_steps)
    assert snapshot.pools
    assert snapshot.monthly_usage == ()
    assert cloud.valid == 1
    cloud.answers[PAST] = past(month("2026-10"))
    again_after_an_hour = status in (400, 401, 429, 500, 503)
    await clock.advance(3600 - 120)
    assert not (await source.fetch(ignore_steps)).monthly_usage
    await clock.advance(120)
    assert bool((await source.fetch(ignore_steps)).monthly_usage) is again_after_an_hour


async def test_what_was_told_stays_while_later_answers_fail(
    source: CloudSource, cloud: FakeCloud, clock: FakeClock
) -> None:
    told = (await source.fetch(ignore_steps)).monthly_usage
    cloud.answers[PAST] = httpx.Response(500)
    await clock.advance(DAY)
    assert (await source.fetch(ignore_steps)).monthly_usage == told != ()


async def test_the_past_of_another_edition_is_not_this_pools(
    source: CloudSource, cloud: FakeCloud
) -> None:
    cloud.answers[PAST] = past(month("2026-10"), edition="Std")
    assert (await source.fetch(ignore_steps)).monthly_usage == ()
    assert cloud.answers[CURRENT] == current()


def test_months_that_cannot_be_read() -> None:
    answer = past(
        month("2026-08", newAssignedCount=None, releasedCount="x"),
        month("2026-10", assigned=-1, totalAvailableLicenseCount=None),
        month("0001"),
        {"timeStamp": 5},
    )
    (told,) = read_monthly_usage(answer, "XenDesktop:XAXDFull")
    assert (told.in_use, told.newly_assigned, told.released) == (400, None, None)


def test_no_more_than_a_year_and_each_month_once() -> None:
    answer = past(*(month(f"{year}-05", year) for year in range(2000, 2026)), month("2025-05", 7))
    told = read_monthly_usage(answer, "XenDesktop:XAXDFull")
    assert len(told) == 12
    assert told[-1].in_use == 7
