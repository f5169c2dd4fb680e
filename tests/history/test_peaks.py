"""Peaks of a whole history, in a time zone and over entitlements."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.peaks import ScopedPeak
from lictui.analysis.series import SeriesQuery
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.model import ESTATE, PoolKey

FIVE = 300
UTC = ZoneInfo("UTC")
NAMES = ("a", "b", "c")


def asked(fixture: HistoryFixture, **wanted: object) -> dict[tuple[str, str], ScopedPeak]:
    servers = wanted.pop("expected", NAMES)
    zone = wanted.pop("zone", UTC)
    now = fixture.clock.now()
    result = find_peaks(fixture.history, PeakQuery(now, zone, servers, **wanted))  # type: ignore[arg-type]
    return {(each.scope, each.peak.window): each for each in result}


def polled(fixture: HistoryFixture, name: str, every: int, figures: dict[int, int | None]) -> None:
    """Polls of one server in one go; None is one that failed."""
    one = server(name, interval=every)
    fixture.history.append_many(
        (one, poll(failure() if it is None else snapshot(pool(PRODUCT, it)), name, at), ())
        for at, it in figures.items()
    )


def test_average_is_weighted_by_time_not_by_readings(fixture: HistoryFixture) -> None:
    noon, end = MIDNIGHT + DAY + DAY // 2, MIDNIGHT + 3 * DAY
    polled(fixture, "a", FIVE, dict.fromkeys(range(MIDNIGHT, noon, FIVE), 10))
    polled(fixture, "a", 60, dict.fromkeys(range(noon, end, 60), 50))
    fixture.compact_at(end)
    half = asked(fixture, expected=("a",))["a", "all"].peak.average
    assert half == pytest.approx((10 + 50) / 2)


def test_sums_of_an_entitlement_with_two_dates_agree(fixture: HistoryFixture) -> None:
    """Licenses count once for each subscription date, in peaks as in series."""
    days = {"a": (date(2027, 1, 1), 100), "b": (date(2028, 1, 1), 50)}
    for name, (day, installed) in days.items():
        result = snapshot(pool(PRODUCT, 10, installed, subscription=day))
        fixture.history.append(server(name, interval=FIVE), poll(result, name, MIDNIGHT))
    fixture.clock._now = MIDNIGHT + 1
    entitlements = dict.fromkeys(days, "acme")
    found = asked(fixture, expected=tuple(days), entitlements=entitlements)[ESTATE, "all"].peak
    pools = tuple((name, PoolKey(PRODUCT, str(day))) for name, (day, _) in days.items())
    query = SeriesQuery(pools, MIDNIGHT, MIDNIGHT + FIVE, FIVE, tuple(entitlements.items()))
    (bucket,) = fixture.history.series(query).buckets
    assert (found.peak, found.installed_at_peak) == (bucket.high, bucket.installed) == (20, 150)


def test_server_is_not_expected_while_it_has_no_pool(fixture: HistoryFixture) -> None:
    """Licenses that ended, and others that were installed a while later."""
    day = date(2028, 1, 1)
    for step in range(12):
        at = MIDNIGHT + step * FIVE
        of_a = [] if 3 <= step < 8 else [pool(PRODUCT, 10, subscription=day if step >= 8 else None)]
        a = snapshot(*of_a, pool("XDT_PLT_CCS", 1))
        for name, result in (("a", a), ("b", snapshot(pool(PRODUCT, 30 if step == 5 else 5)))):
            fixture.history.append(server(name, interval=FIVE), poll(result, name, at))
    fixture.clock._now = MIDNIGHT + 12 * FIVE - 1
    found = asked(fixture, expected=("a", "b"), products=(PRODUCT,))[ESTATE, "all"].peak
    assert (found.peak, found.peak_at, found.coverage) == (30, MIDNIGHT + 5 * FIVE, 1)


@pytest.mark.parametrize(("name", "hours"), [("Europe/Berlin", -2), ("America/New_York", 4)])
def test_peak_of_the_month_starts_in_the_local_zone(
    fixture: HistoryFixture, name: str, hours: int
) -> None:
    october = 1_790_812_800  # 2026-10-01, midnight of UTC
    begins = october + hours * HOUR
    for server_name in ("a", "b"):
        line = [5] * (40 * 96)
        place = (begins - (october - DAY)) // 900
        line[place - 1] = 90  # the last quarter of an hour of September
        line[place] = 70  # the first of October
        fixture.poll_series(october - DAY, line, server_name, every=900)
    fixture.compact_at(october + 30 * DAY)  # after clocks went back on the 25th, in Europe
    result = asked(fixture, expected=("a", "b"), zone=ZoneInfo(name))
    assert (result[ESTATE, "month"].peak.peak, result[ESTATE, "month"].peak.peak_at) == (
        140,
        begins,
    )
    assert result[ESTATE, "all"].peak.peak == 180
