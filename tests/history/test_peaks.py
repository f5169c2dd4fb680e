"""Peaks of a whole history: what little is read gives what reading everything would."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
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


def sums(fixture: HistoryFixture, since: dict[str, int]) -> dict[int, tuple[float, float]]:
    """Of every five minutes in which all that were read by then have a figure: sum, of averages.

    `since` says when each was read first: before that nobody knew that it has the product.
    """
    now = int(fixture.clock.now())
    lines = {}
    for name in since:
        question = SeriesQuery(((name, PoolKey(PRODUCT)),), MIDNIGHT, now + 1, FIVE)
        lines[name] = {each.start: each for each in fixture.history.series(question).buckets}
    result = {}
    for at in range(min(since.values()) // FIVE * FIVE, now + 1, FIVE):
        due = [lines[name] for name, first in since.items() if first < at + FIVE]
        if all(at in line for line in due):
            result[at] = (
                sum(line[at].high for line in due),
                sum(line[at].average for line in due),
            )
    return result


def polled(fixture: HistoryFixture, name: str, every: int, figures: dict[int, int | None]) -> None:
    """Polls of one server in one go; None is one that failed."""
    one = server(name, interval=every)
    fixture.history.append_many(
        (one, poll(failure() if it is None else snapshot(pool(PRODUCT, it)), name, at), ())
        for at, it in figures.items()
    )


HIGHEST = 60
figures = st.lists(st.integers(0, HIGHEST), min_size=6, max_size=6)  # of four hours each
failures = st.just(frozenset[int]()) | st.frozensets(st.integers(0, 47), max_size=2)  # half hours
days = st.lists(st.tuples(figures, failures), min_size=4, max_size=4)
Days = list[tuple[list[int], frozenset[int]]]
FINE: Days = [([10, 20, 30, 30, 20, 10], frozenset())] * 4
LATE: Days = [([0] * 6, frozenset({0})), *FINE[1:]]  # whose first half hour fails


# Not shrunk: every example is days of polls, and hundreds of them would take minutes.
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.tuples(days, days, days), st.sampled_from([300, 900, 1800]), st.integers(0, 899))
@example((LATE, FINE, FINE), 300, 0)
@example((FINE, FINE, FINE), 900, 0)
def test_peaks_equal_those_of_reading_everything(
    tmp_path_factory: pytest.TempPathFactory, lines: tuple[Days, ...], every: int, late: int
) -> None:
    fixture = HistoryFixture(tmp_path_factory.mktemp("h") / "history.db")
    end = MIDNIGHT + 4 * DAY - HOUR
    since = {}
    try:
        for name, line in zip(NAMES, lines, strict=True):
            read: dict[int, int | None] = {}
            for at in range(MIDNIGHT + late, end, every):
                day, second = divmod(at - MIDNIGHT, DAY)
                parts, failed = line[day]
                read[at] = None if second // 1800 in failed else parts[second // (4 * HOUR)]
            polled(fixture, name, every, read)
            since[name] = min(at for at, figure in read.items() if figure is not None)
        fixture.compact_at(end)
        expected = sums(fixture, since)
        result = asked(fixture)[ESTATE, "all"]
        high = max(total for total, _ in expected.values())
        assert result.peak.peak == high
        assert result.peak.peak_at is not None
        first = next(at for at, (total, _) in expected.items() if total == high)
        assert first <= result.peak.peak_at < first + FIVE
        slots = end // FIVE + 1 - min(since.values()) // FIVE
        assert result.peak.coverage == pytest.approx(len(expected) / slots)
        # A whole day's average is that of its readings; what the last one holds past midnight
        # counts to the day that it was read in.
        beyond = len(NAMES) * HIGHEST * (every // FIVE - 1) / len(expected)
        average = sum(total for _, total in expected.values()) / len(expected)
        assert result.peak.average == pytest.approx(average, abs=max(beyond, 1e-6))
        newest = {at: it for at, it in expected.items() if at + FIVE > end - DAY}
        recent = asked(fixture)[ESTATE, "24h"].peak
        assert recent.peak == max(total for total, _ in newest.values())
    finally:
        fixture.close()


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
