"""The history and the outlook of one product, as the usage view asks for them."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from tests.engine.conftest import InlineThread
from tests.history.history_fixture import MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.clock import START, FakeClock
from tests.support.example_board import pool, up_status
from tests.support.fake_engine import FakeHistory
from tests.support.values import poll, server, snapshot

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket, SeriesQuery
from lictui.analysis.usage import PastSummary
from lictui.config.settings import AlertSettings, Settings
from lictui.engine.board import Board, GroupBy, MergedBoard
from lictui.engine.merge import merge_board
from lictui.engine.outlook import PastQuery, forecast_scopes, past_summaries
from lictui.engine.product_history import (
    ProductHistory,
    ProductOutlook,
    ProductQuery,
    select_product,
)
from lictui.engine.product_reader import ProductHistoryReader
from lictui.engine.queries import HistoryQueries
from lictui.model import MonthlyUsage, PoolKey, Server
from lictui.time_range import RangeLength, TimeRange
from lictui.tui.screens.usage_view import chart_query

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
HOUR, DAY = 3600, 86400
CCS, UD = "XDT_PLT_CCS", "XDT_PLT_UD"
TODAY = datetime.fromtimestamp(START, UTC).date()
NOW = START + 4 * HOUR


def hourly(query: SeriesQuery) -> Series:
    step = query.width
    buckets = (
        Bucket(at, at + step, 0, 1, at % 97, at, at % 89, 100, None, 1)
        for at in range(query.start, query.end, step)
    )
    return Series.of(tuple(buckets), step)


@dataclass
class Fixture:
    """A reader of a fake history, and the queries it made."""

    servers: int = 1
    series_of: Callable[[SeriesQuery], Series] = hourly
    history: FakeHistory = field(default_factory=FakeHistory)
    now: float = NOW
    product: str = CCS
    queries: list[SeriesQuery] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"lic-{number}" for number in range(self.servers))

    @property
    def board(self) -> MergedBoard:
        pools = (up_status(name, pool(self.product, 9, 100)) for name in self.names)
        return merge_board(Board(tuple(pools)))

    def __post_init__(self) -> None:
        self.history = dataclasses.replace(self.history, series=self._series)
        self.reader = self.history.reader(FakeClock(self.now))

    def _series(self, query: SeriesQuery) -> Series:
        self.queries.append(query)
        return self.series_of(query)

    def query(
        self, length: RangeLength, columns: int = 200, zone: ZoneInfo = BERLIN
    ) -> ProductQuery:
        selection = select_product(self.board, self.names, self.product, Settings())
        return chart_query(selection, TimeRange(length), columns, self.now, zone)

    async def read(self, query: ProductQuery, zone: ZoneInfo = BERLIN) -> ProductHistory:
        return await self.reader.history(self.board, query, Settings(timezone=zone.key))


def at(*when: int, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime(*when, tzinfo=zone).timestamp())  # type: ignore[arg-type, misc]


async def test_history_days_of_a_year_are_those_of_the_zone() -> None:
    fixture = Fixture(now=at(2026, 11, 24, 10))
    history = await fixture.read(fixture.query(RangeLength.YEAR))
    assert len(history.buckets) == 365
    assert history.buckets[-1].start == at(2026, 12, 31)
    hours = {bucket.start: (bucket.end - bucket.start) // HOUR for bucket in history.buckets}
    assert {start: count for start, count in hours.items() if count != 24} == {
        at(2026, 3, 29): 23,
        at(2026, 10, 25): 25,
    }
    day = next(bucket for bucket in history.buckets if bucket.start == at(2026, 10, 25))
    rows = [row for row in hourly(fixture.queries[0]).buckets if day.start <= row.start < day.end]
    assert (day.high, day.last) == (max(row.high for row in rows), rows[-1].last)


@pytest.mark.parametrize("length", RangeLength)
@pytest.mark.parametrize(("servers", "columns"), [(1, 30), (1, 200), (12, 70)])
async def test_history_rests_on_five_minutes(
    length: RangeLength, servers: int, columns: int
) -> None:
    """Whatever the buckets of the chart are, and however many servers are summed."""
    fixture = Fixture(servers)
    query = fixture.query(length, columns)
    history = await fixture.read(query)
    assert {query.width for query in fixture.queries} == {300}
    assert history.buckets[-1].end == query.end
    assert not history.is_coarse


async def test_history_kept_in_wider_buckets_is_drawn_in_those() -> None:
    fixture = Fixture(series_of=lambda query: hourly(replace(query, width=DAY)))
    history = await fixture.read(fixture.query(RangeLength.MONTH))
    assert {bucket.end - bucket.start for bucket in history.buckets} == {DAY}
    assert history.is_coarse


@pytest.mark.parametrize(
    ("length", "days"),
    [
        (RangeLength.DAY, 1),
        (RangeLength.WEEK, 7),
        (RangeLength.MONTH, 28),
        (RangeLength.YEAR, 364),
    ],
)
async def test_history_previous_period_is_at_the_same_wall_clock_time(
    length: RangeLength, days: int
) -> None:
    noon = [at(2026, 10, 28, 12) - days * DAY + change for change in (-HOUR, 0, HOUR)]
    then = next(it for it in noon if datetime.fromtimestamp(it, BERLIN).hour == 12)
    spike = Bucket(then, then + 300, 1, 1, 77, then, 77, 100, None, 1)

    def spiky(query: SeriesQuery) -> Series:
        return Series.of((spike,) if query.start <= then < query.end else (), 300)

    now = at(2026, 10, 28, 10)  # three days after the clocks went back
    fixture = Fixture(series_of=spiky, now=now)
    query = fixture.query(length, 70)
    history = await fixture.read(replace(query, compare_days=days))
    starts = [query.start for query in fixture.queries]
    assert min(starts) == query.start - days * DAY - HOUR
    assert query.end - days * DAY + HOUR in [query.end for query in fixture.queries]
    moved = history.previous[-1]
    assert moved.start <= at(2026, 10, 28, 12) < moved.end
    assert moved.high == 77


async def test_history_of_many_pools_is_read_in_slices_that_leave_nothing_out() -> None:
    fixture = Fixture(12, series_of=lambda query: Series.empty(query.width))
    query = fixture.query(RangeLength.YEAR)
    await fixture.read(query)
    assert len(fixture.queries) > 10
    assert (fixture.queries[0].start, fixture.queries[-1].end) == (query.start, query.end)
    assert all(before.end == after.start for before, after in pairwise(fixture.queries))


async def test_history_of_a_year_is_read_once_an_hour_but_for_the_current_hour() -> None:
    fixture = Fixture()
    for length in (RangeLength.YEAR, RangeLength.WEEK, RangeLength.YEAR):
        await fixture.read(fixture.query(length))
    lengths = [query.end - query.start for query in fixture.queries]
    assert len([seconds for seconds in lengths if seconds > 300 * DAY]) == 1
    assert len([query for query in fixture.queries if query.start == NOW]) == 2


async def test_history_heat_map_and_figures_are_of_the_same_time() -> None:
    fixture = Fixture()
    query = replace(fixture.query(RangeLength.WEEK), heat_map=True)
    history = await fixture.read(query)
    assert {(asked.start, asked.end) for asked in fixture.queries} == {(query.start, query.end)}
    assert history.heat_map is not None
    assert history.stats is not None
    assert history.stats.peak == max(max(filter(None, row)) for row in history.heat_map.peak)


class Recorded(HistoryFixture):
    """A real history, and the answers about one product on all servers of a board."""

    async def answers(
        self, board: MergedBoard, product: str, length: RangeLength, now: float = START
    ) -> tuple[ProductHistory, ProductOutlook, PastSummary]:
        names = [status.server.name for status in board.servers]
        settings = Settings(timezone="UTC")
        selection = select_product(board, names, product, settings)
        query = chart_query(selection, TimeRange(length), 70, now, ZoneInfo("UTC"))
        reader = ProductHistoryReader(self.history, self.clock)
        outlook = await reader.outlook(board, names, product, settings)
        assert outlook is not None
        past = PastQuery(START, UTC, settings.alerts)
        summaries = await past_summaries(self.history, board, GroupBy.PRODUCT, past, self.clock)
        (summary,) = (summary for key, summary in summaries.items() if key[1] == product)
        return await reader.history(board, query, settings), outlook, summary


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    with closing(Recorded(tmp_path / "history.db")) as recorded:
        yield recorded


def board_of(*servers: Server, product: str = PRODUCT, installed: int = 500) -> MergedBoard:
    statuses = (up_status(one.name, pool(product, 9, installed)) for one in servers)
    pairs = zip(statuses, servers, strict=True)
    return merge_board(Board(tuple(replace(status, server=one) for status, one in pairs)))


async def test_licenses_of_one_entitlement_count_once_in_chart_peaks_and_forecast(
    recorded: Recorded,
) -> None:
    for name, in_use in (("a", 200), ("b", 250)):
        recorded.poll_series(MIDNIGHT, [in_use] * 72, name, every=300)
    board = board_of(server("a", entitlement="acme"), server("b", entitlement="acme"))
    history, outlook, summary = await recorded.answers(board, PRODUCT, RangeLength.DAY)
    assert {(bucket.high, bucket.installed) for bucket in history.buckets} == {(450, 500)}
    assert history.stats is not None
    assert (history.stats.peak, history.stats.installed_at_peak) == (450, 500)
    assert summary.all_time is not None
    peak = summary.all_time.peak
    assert (peak.peak, peak.peak_at) == (history.stats.peak, history.stats.peak_at)
    assert (peak.installed_at_peak, history.stats.p50, history.stats.bound) == (500, 450, False)
    assert outlook.installed == 500


async def test_series_continues_after_a_change_of_product(recorded: Recorded) -> None:
    """A migration to LAS changes the code: chart, peaks and forecast join the two series."""
    changed, days = MIDNIGHT - 2 * DAY, 30
    source = server("lic-01", continues="OLD_UD", interval=900.0)
    old, new, startup = pool("OLD_UD", 300, 500), pool("NEW_CCS", 200, 500), pool("CITRIX", 0, 10)
    for time in range(changed - days * DAY, int(START), 900):
        result = snapshot(old if time < changed else new, startup)
        recorded.history.append(source, poll(result, "lic-01", time))
    board = board_of(source, product="NEW_CCS")
    history, outlook, summary = await recorded.answers(board, "NEW_CCS", RangeLength.MONTH)
    assert {bucket.high for bucket in history.buckets} == {200, 300}
    marks = [event for event in history.events if event.message.startswith("continues OLD_UD")]
    assert [event.time for event in marks] == [changed]
    assert outlook.forecast.based_on_days > days
    assert outlook.forecast.basis.endswith("continues OLD_UD")
    assert summary.all_time is not None
    assert summary.all_time.peak.peak == 300
    series = await trend(recorded, board, PoolKey("NEW_CCS"), changed)
    assert (series.high[0], series.high[-1], len(series)) == (300, 200, 48)


async def test_trend_continues_after_a_renewal(recorded: Recorded) -> None:
    changed, source = MIDNIGHT - 2 * DAY, server("lic-01", interval=900.0)
    for time in range(changed - DAY, int(START), 900):
        day = date(2026 if time < changed else 2027, 12, 1)
        result = snapshot(pool(PRODUCT, 300, 500, subscription=day))
        recorded.history.append(source, poll(result, "lic-01", time))
    series = await trend(recorded, board_of(source), PoolKey(PRODUCT, "2027-12-01"), changed)
    assert (set(series.high.tolist()), len(series)) == ({300}, 48)


async def trend(recorded: Recorded, board: MergedBoard, key: PoolKey, middle: int) -> Series:
    """What the row of a pool shows of two days."""
    thread: Any = InlineThread("history")
    queries = HistoryQueries(thread, recorded.clock, lambda: board, Settings)
    queries.use(recorded.history)
    query = SeriesQuery((("lic-01", key),), middle - DAY, middle + DAY, HOUR)
    (series,) = await queries.series_batch((query,))
    return series


@pytest.mark.parametrize("length", RangeLength)
async def test_time_above_counts_minutes_not_buckets(
    recorded: Recorded, length: RangeLength
) -> None:
    """Of four readings in an hour one is at 100 %: a quarter of the time, at most 15 minutes."""
    counts = [500 if turn % 4 == 2 else 250 for turn in range(7 * 96)]
    recorded.poll_series(MIDNIGHT - 7 * DAY, counts, every=900)
    history, _, _ = await recorded.answers(board_of(server()), PRODUCT, length, MIDNIGHT - 1)
    stats = history.stats
    assert stats is not None
    assert dict(stats.seconds_above)[0.8] == pytest.approx(stats.seconds / 4, abs=900)
    assert stats.longest_saturation is not None
    assert (stats.longest_saturation.seconds, stats.p50) == (900, 250)


async def test_history_continues_the_curve_of_earlier_subscriptions() -> None:
    other, old = PoolKey("MPS_ENT_CCU"), PoolKey(CCS, "2025-12-31")
    known = (("lic-0", PoolKey(CCS)), ("lic-0", old), ("lic-0", other), ("lic-9", old))
    fixture = Fixture(history=FakeHistory(pool_keys=known))
    await fixture.read(fixture.query(RangeLength.WEEK))
    assert fixture.queries[0].pools == known[:2]


async def test_history_sums_the_months_of_the_source() -> None:
    key, first, second = PoolKey(UD), at(2026, 9, 1, zone=UTC), at(2026, 10, 1, zone=UTC)  # type: ignore[arg-type]
    months = (
        MonthlyUsage(key, first, 101, 500, 1, 1),
        MonthlyUsage(key, second, 102, 500, 2, 1),
        MonthlyUsage(key, first, 50, None, 5, 2),
    )
    fixture = Fixture(history=FakeHistory(months=months), product=UD)
    history = await fixture.read(fixture.query(RangeLength.WEEK))
    summed, single = history.monthly_usage
    assert (summed.in_use, summed.installed, summed.newly_assigned) == (151, None, 6)
    assert (single.in_use, single.installed) == (102, 500)
    assert (await Fixture().read(Fixture().query(RangeLength.WEEK))).monthly_usage == ()


# The outlook


def usage(figure: Callable[[int], float]) -> Callable[[SeriesQuery], Series]:
    """Hours of a year whose figure is a function of days ago."""

    def series(query: SeriesQuery) -> Series:
        buckets = []
        for start in range(query.start, min(query.end, int(START)), query.width):
            ago = (int(START) // DAY * DAY - start // DAY * DAY) // DAY
            busy = query.width >= DAY or 6 <= start % DAY // HOUR < 18
            high = figure(ago) if busy else figure(ago) / 2
            end = start + query.width
            buckets.append(Bucket(start, end, high, high, high, start, figure(ago), 500, None, 4))
        return Series.of(tuple(buckets), query.width)

    return series


async def outlook(
    figure: Callable[[int], float],
    code: str = CCS,
    *,
    in_use: int = 300,
    installed: int = 500,
    expires: date | None = None,
    expiring: int | None = None,
) -> ProductOutlook:
    license_pool = pool(code, in_use, installed, expires=expires)
    if expiring is not None:
        license_pool = replace(license_pool, partial_expiry=True, reported_expiring=expiring)
    board = merge_board(Board((up_status("lic-01", license_pool),)))
    reader = FakeHistory(usage(figure)).reader(FakeClock())
    answer = await reader.outlook(board, ("lic-01",), code, Settings(timezone="UTC"))
    assert answer is not None
    return answer


def growing(ago: int) -> float:
    return 400 - ago * 0.5 + ago % 3


async def test_outlook_and_the_forecast_command_give_one_forecast() -> None:
    """10 of 100 licenses expire: 90 stay, and nothing is short (they had disagreed)."""
    day = date.fromordinal(TODAY.toordinal() + 37)
    answer = await outlook(
        lambda ago: 60 + ago % 3, in_use=60, installed=100, expires=day, expiring=10
    )
    license_pool = replace(
        pool(CCS, 60, 100, expires=day), partial_expiry=True, reported_expiring=10
    )
    board = merge_board(Board((up_status("lic-01", license_pool),)))
    scope = next(it for it in forecast_scopes(board, (), Settings().alerts) if it.scope == "lic-01")
    series = usage(lambda ago: 60 + ago % 3)(scope.history_query(START))
    assert answer.forecast == scope.forecast(series, START, TODAY)
    assert answer.forecast.shortfalls == ()
    assert answer.installed_on(day) == 90


async def test_outlook_reports_a_day_unlike_its_weekday() -> None:
    assert (await outlook(lambda ago: 300 + ago % 3)).anomaly is None
    unusual = await outlook(lambda ago: 900 if ago == 0 else 300 + ago % 3)
    assert unusual.anomaly is not None
    assert "450 by 06:00" in unusual.anomaly


async def test_outlook_counts_the_assignments_of_this_month() -> None:
    day = TODAY.day

    def figure(ago: int) -> float:
        before, first = (7 if ago <= day + 5 else 0), (10 if ago <= day - 1 else 0)
        return 200 + before + first - (4 if ago <= day - 9 else 0)

    assert (await outlook(figure, UD, in_use=213)).assignments == (10, 4)
    assert (await outlook(figure)).assignments is None


@pytest.mark.parametrize(
    ("names", "by", "warn"),
    [
        (("lic-0", "lic-1"), None, 0.8),
        (("lic-0", "lic-1"), GroupBy.PRODUCT, 0.8),
        (("lic-0", "lic-1"), GroupBy.GROUP, 0.6),
        (("lic-0",), None, 0.5),
        (("lic-0",), GroupBy.SERVER, 0.5),
        (("lic-0",), GroupBy.GROUP, 0.6),
        (("lic-0",), GroupBy.PRODUCT, 0.8),
    ],
)
async def test_product_has_the_thresholds_of_the_total_that_was_opened(
    names: tuple[str, ...], by: GroupBy | None, warn: float
) -> None:
    alerts = AlertSettings(group={"emea": {"warn": 0.6}}, server={"lic-0": {"warn": 0.5}})
    settings = Settings(alerts=alerts)
    statuses = tuple(up_status(name, pool(CCS, 9, 100), group="emea") for name in names)
    board = merge_board(Board(statuses), alerts)
    assert select_product(board, names, CCS, settings, by).total.limits.warn == warn
    reader = FakeHistory(usage(growing)).reader(FakeClock())
    answer = await reader.outlook(board, names, CCS, settings, by)
    assert answer is not None
    assert answer.forecast.warn is not None
    assert answer.forecast.warn.ratio == warn


async def test_outlook_of_a_product_that_no_server_has_is_none() -> None:
    board = merge_board(Board((up_status("lic-01", pool("X", 1, 2)),)))
    reader = FakeHistory().reader(FakeClock())
    assert await reader.outlook(board, ("lic-01",), "GONE", Settings()) is None
