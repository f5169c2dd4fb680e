"""Scopes of forecasts, and past summaries of totals."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.clock import START
from tests.support.example_board import pool as example_pool
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.columns import Series
from lictui.analysis.forecast import ForecastStatus, describe_forecast
from lictui.analysis.series import Bucket
from lictui.config.settings import AlertSettings, Settings
from lictui.engine.board import Board, GroupBy, MergedBoard, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.engine.outlook import (
    ForecastScope,
    PastSummaryCache,
    continued_pools,
    forecast_scopes,
    peak_query,
)
from lictui.history.peaks import find_peaks
from lictui.history.pools import KnownPool
from lictui.model import ESTATE, Model, Pool, PoolKey, Server, SourceName

_CODE = "XDT_PLT_UD"
_DAY = 86400
_TODAY = date(2026, 11, 24)
_MIDNIGHT = int(START) // _DAY * _DAY


def _board(*rows: tuple[Server, Pool]) -> MergedBoard:
    """Servers with their pools; one with several has a row for each."""
    board = with_servers(Board(), dict.fromkeys(server for server, _ in rows))
    for status in board.servers:
        pools = [pool for server, pool in rows if server == status.server]
        board = apply_poll(board, poll(snapshot(*pools), status.server.name))
    return merge_board(board)


def _scopes(
    board: MergedBoard, *recorded: KnownPool, alerts: AlertSettings | None = None
) -> dict[str, ForecastScope]:
    scopes = forecast_scopes(board, recorded, alerts or AlertSettings())
    return {scope.scope: scope for scope in scopes}


def _bucket(day: int, high: float, last: float) -> Bucket:
    start = _MIDNIGHT + day * _DAY
    return Bucket(start, start + _DAY, 0, 1, high, start, last, 500, 50, 96)


A, B, FIRST, SECOND = server("a"), server("b"), date(2027, 1, 1), date(2028, 1, 1)


def test_scope_has_one_product_and_model_and_sums_servers_and_subscription_dates() -> None:
    concurrent = pool("XDT_PLT_CCS", model=Model.CONCURRENT)
    older, newer = pool(installed=100, subscription=FIRST), pool(subscription=SECOND)
    board = _board((A, older), (A, newer), (A, concurrent), (B, pool(installed=70)))
    scopes = forecast_scopes(board, (), AlertSettings())
    assert [(scope.scope, scope.product, scope.model, scope.installed) for scope in scopes] == [
        (ESTATE, _CODE, Model.USER_DEVICE, 670),
        (ESTATE, "XDT_PLT_CCS", Model.CONCURRENT, 500),
        ("a", _CODE, Model.USER_DEVICE, 600),
        ("a", "XDT_PLT_CCS", Model.CONCURRENT, 500),
        ("b", _CODE, Model.USER_DEVICE, 70),
    ]
    assert scopes[2].pools == (("a", older.key), ("a", newer.key))
    assert set(scopes[0].pools) == {*scopes[2].pools, ("b", PoolKey(_CODE))}


def test_scope_with_an_unknown_count_is_unknown() -> None:
    scopes = _scopes(_board((A, pool(installed=100)), (B, pool(installed=None))))
    installed = {name: scope.installed for name, scope in scopes.items()}
    assert installed == {ESTATE: None, "a": 100, "b": None}


def test_scope_counts_expiring_licenses() -> None:
    day = date(2026, 12, 14)
    partly = pool(
        "P", installed=50, expires=day, partial_expiry=True, reported_expiring=20, permanent=False
    )
    scopes = _scopes(
        _board(
            (A, pool(installed=50, expires=day, permanent=False, subscription=day)),
            (A, pool(installed=30, expires=day)),  # not reported as permanent
            (A, pool(installed=20, expires=day, permanent=True, subscription=SECOND)),
            (B, pool(installed=7, expires=day)),
        )
    )
    assert (scopes["a"].expiring, scopes["a"].installed) == ({day: 80}, 100)
    assert scopes[ESTATE].expiring == {day: 87}
    assert _scopes(_board((A, partly)))["a"].expiring == {day: 20}
    unknown = replace(partly, reported_expiring=None)
    assert not any(_scopes(_board((A, unknown)))["a"].expiring.values())


def test_scope_leaves_out_startup_licenses_disabled_servers_and_second_sources() -> None:
    startup, disabled = pool("CITRIX", counted=False), server("b", enabled=False)
    assert _scopes(_board((A, startup), (disabled, pool()))) == {}
    site = server("site", source=SourceName.CVAD, same_as="a")
    scopes = _scopes(_board((A, pool(installed=100)), (site, pool(installed=100))))
    assert {name: scope.installed for name, scope in scopes.items()} == {ESTATE: 100, "a": 100}
    assert len(scopes[ESTATE].pools) == 1


def test_scope_includes_ended_pools() -> None:
    old = KnownPool(1, "a", _CODE, "2026-01-01", "user_device", _CODE, 0, 5, 0)
    recorded = (
        old,
        old._replace(server="b"),
        old._replace(subscription_date="2025-01-01", ended=None),
        old._replace(product="XDT_PLT_CCS", model="concurrent"),
    )
    scopes = _scopes(_board((A, pool(subscription=FIRST))), *recorded)
    assert [key.subscription_date for _, key in scopes["a"].pools] == ["2027-01-01", "2026-01-01"]


def test_scope_includes_ended_pools_of_a_server_that_has_no_other() -> None:
    moved = KnownPool(1, "b", _CODE, "2026-01-01", "user_device", _CODE, 0, 5, 0)
    board = _board((A, pool(subscription=FIRST)), (B, pool("XDT_PLT_CCS", model=Model.CONCURRENT)))
    scopes = forecast_scopes(board, (moved,), AlertSettings())
    pools = {(scope.scope, scope.product): scope.pools for scope in scopes}
    assert pools[ESTATE, _CODE] == (("a", PoolKey(_CODE, "2027-01-01")), ("b", moved.key))
    assert pools["a", _CODE] == (("a", PoolKey(_CODE, "2027-01-01")),)


def recorded(product: str, since: int, ended: int | None = None, name: str = "a") -> KnownPool:
    return KnownPool(1, name, product, f"{since}", "user_device", product, since, ended, 0)


OLD = recorded("OLD", 0, 100)


@pytest.mark.parametrize(
    ("others", "product"),
    [
        ((recorded("NEW", 110),), "NEW"),
        ((recorded("NEW", 110), recorded("LATE", 500), recorded("EARLY", 20)), "NEW"),
        ((recorded("NEW", 110), recorded("BRIEF", 101, 200)), "NEW"),
        ((recorded("NEW", 110), recorded("CITRIX", 101)), "NEW"),
        ((recorded("NEW", 110), recorded("OTHER", 101, name="b")), "NEW"),
        ((recorded("NEW", 110), recorded("OLD", 105)), "NEW"),
        ((recorded("OLD", 105),), None),
        ((), None),
    ],
    ids=[
        "started then", "nearest", "ended one", "start-up license", "another server",
        "its next subscription", "only its next subscription", "nothing",
    ],
)  # fmt: skip
def test_ended_product_is_continued_by_the_one_that_started_then(
    others: tuple[KnownPool, ...], product: str | None
) -> None:
    main, site = server("main"), server("a", continues="OLD", same_as="main")
    board = _board((main, pool("X")), (site, pool("NEW")))
    expected = {("a", OLD.key): (product, "user_device")} if product else {}
    assert continued_pools(board, (OLD, *others)) == expected


def test_product_is_continued_after_its_end_where_it_is_configured() -> None:
    board = _board((server("a", continues="OLD"), pool("NEW")))
    still_there = OLD._replace(ended=None)
    assert continued_pools(board, (still_there, recorded("NEW", 110))) == {}
    assert continued_pools(_board((A, pool("NEW"))), (OLD, recorded("NEW", 110))) == {}


def test_scope_has_its_own_thresholds() -> None:
    alerts = AlertSettings(server={"a": {"warn": 0.5}}, product={_CODE: {"critical": 0.95}})
    scopes = _scopes(_board((A, pool())), alerts=alerts)
    assert (scopes["a"].warn, scopes["a"].critical) == (0.5, 0.95)
    assert (scopes[ESTATE].warn, scopes[ESTATE].critical) == (0.8, 0.95)


def test_scope_makes_a_forecast_from_its_history() -> None:
    scope = _scopes(_board((A, pool(installed=100))))["a"]
    query = scope.history_query(START)
    assert (query.pools, query.width) == ((("a", PoolKey(_CODE)),), _DAY)
    assert query.end == _MIDNIGHT + _DAY
    assert query.end - query.start == 801 * _DAY
    past = Series.of(tuple(_bucket(day, 0, 95) for day in range(-60, 1)), _DAY)
    result = scope.forecast(past, START, _TODAY)
    assert result.based_on_days == 60  # today is not over
    assert (result.scope, result.product, result.status) == ("a", _CODE, ForecastStatus.FLAT)
    assert result.critical is not None
    assert result.critical.day == _TODAY
    assert "upper bounds" not in result.basis
    bounds = Series.of(
        tuple(_bucket(day, 0, 95)._replace(bound=day == -9) for day in range(-60, 0)), _DAY
    )
    assert "some daily peaks are upper bounds" in scope.forecast(bounds, START, _TODAY).basis


def test_scope_forecast_uses_installed_by_day() -> None:
    scope = _scopes(_board((A, pool(installed=100))))["a"]
    before = [_bucket(day, 0, 95)._replace(installed=200) for day in range(-60, -5)]
    since = [_bucket(day, 0, 40)._replace(installed=100) for day in range(-5, 0)]
    result = scope.forecast(Series.of((*before, *since), _DAY), START, _TODAY)
    assert result.critical is not None
    assert result.critical.last_reached is None


@pytest.mark.parametrize(("most", "share"), [(455, "90 %"), (500, "100 %")])
def test_forecast_tells_a_threshold_reached_today(most: int, share: str) -> None:
    scope = _scopes(_board((A, pool(installed=500))))["a"]
    past = [_bucket(day, 0, 250) for day in range(-60, 0)]
    result = scope.forecast(Series.of((*past, _bucket(0, 0, most)), _DAY), START, _TODAY)
    for today in (_TODAY, _TODAY - timedelta(days=1)):  # it is still yesterday west of Greenwich
        assert describe_forecast(result, today) == f"stable; {share} reached today"
    assert result.based_on_days == 60


CCS, UD = "XDT_PLT_CCS", "XDT_PLT_UD"
FIVE = 300
SETTINGS = Settings(timezone="UTC")
SERVERS = (
    replace(server("a", interval=FIVE), group="emea"),
    replace(server("b", interval=FIVE), group="us"),
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[HistoryFixture]:
    """Three days of two servers in opposite phase, and of assignments that grow by one an hour."""
    with closing(HistoryFixture(tmp_path / "history.db")) as made:
        for one, first, then in ((SERVERS[0], 60, 40), (SERVERS[1], 40, 60)):
            _fill(made, one, [first] * 144 + [then] * 144)
        made.compact_at(MIDNIGHT + 3 * DAY)
        yield made


def _fill(desk: HistoryFixture, one: Server, figures: list[int]) -> None:
    polls = []
    for at, figure in enumerate(figures * 3):
        pools = [example_pool(CCS, figure, 100)]
        pools += [example_pool(UD, 10 + at // 12, 500)] if one.name == "a" else []
        polls.append((one, poll(snapshot(*pools), one.name, MIDNIGHT + at * FIVE), ()))
    desk.history.append_many(polls)


def board() -> Board:
    found = with_servers(Board(), SERVERS)
    last = MIDNIGHT + 3 * DAY - FIVE
    pools = {
        "a": (example_pool(CCS, 40, 100), example_pool(UD, 81, 500)),
        "b": (example_pool(CCS, 60, 100),),
    }
    for name, those in pools.items():
        found = apply_poll(found, poll(snapshot(*those), name, last))
    return found


async def test_summary_has_the_peak_of_all_servers_and_its_upper_bound(
    desk: HistoryFixture,
) -> None:
    found = await PastSummaryCache(desk.history, desk.clock).get(
        merge_board(board()), GroupBy.PRODUCT, SETTINGS
    )
    past = found["", CCS, Model.CONCURRENT]
    assert past.all_time is not None
    assert (past.all_time.peak.peak, past.all_time.upper_bound) == (100, 120)
    assert past.assignments is None
    assert past.forecast is not None
    assert past.forecast.based_on_days <= 3


async def test_summary_of_all_servers_includes_a_removed_one(desk: HistoryFixture) -> None:
    rest = replace(board(), servers=board().servers[:1])
    back = PastSummaryCache(desk.history, desk.clock)
    past = (await back.get(merge_board(rest), GroupBy.PRODUCT, SETTINGS))["", CCS, Model.CONCURRENT]
    assert past.all_time is not None
    (peak,) = (
        found.peak
        for found in find_peaks(
            desk.history, peak_query(desk.history, merge_board(rest), desk.clock.now(), None)
        )
        if (found.scope, found.product, found.peak.window) == (ESTATE, CCS, "all")
    )
    assert past.all_time.peak == peak
    assert peak.peak == 100


async def test_summary_per_group_and_server(desk: HistoryFixture) -> None:
    back = PastSummaryCache(desk.history, desk.clock)
    for by, names in ((GroupBy.GROUP, ("emea", "us")), (GroupBy.SERVER, ("a", "b"))):
        found = await back.get(merge_board(board()), by, SETTINGS)
        for name in names:
            ever = found[name, CCS, Model.CONCURRENT].all_time
            assert ever is not None
            assert ever.peak.peak == 60


async def test_summary_is_shared_and_kept_for_a_few_minutes(
    desk: HistoryFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    async def counted(*args: object) -> dict[object, object]:
        looks.append(args)
        return {}

    monkeypatch.setattr("lictui.engine.outlook.past_summaries", counted)
    back = PastSummaryCache(desk.history, desk.clock)
    for _ in range(2):
        await back.get(merge_board(board()), GroupBy.PRODUCT, SETTINGS)
    assert len(looks) == 1
    desk.clock._now += 301
    await back.get(merge_board(board()), GroupBy.PRODUCT, SETTINGS)
    assert len(looks) == 2
    await back.get(merge_board(with_servers(board(), SERVERS[:1])), GroupBy.PRODUCT, SETTINGS)
    assert len(looks) == 3
    _fill(desk, server("imported"), [1])
    await back.get(merge_board(with_servers(board(), SERVERS[:1])), GroupBy.PRODUCT, SETTINGS)
    assert len(looks) == 4
    back.close()
