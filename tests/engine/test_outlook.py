"""Scopes of forecasts, and past summaries of totals."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.clock import START
from tests.support.example_board import pool as example_pool
from tests.support.values import poll, pool, server, snapshot

from lictui.analysis.columns import Series
from lictui.analysis.forecast import ForecastStatus
from lictui.analysis.series import Bucket
from lictui.config.settings import AlertSettings, Settings
from lictui.engine.board import Board, GroupBy, MergedBoard, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.engine.outlook import (
    ForecastScope,
    PastSummaryCache,
    daily_usage,
    forecast_scopes,
    installed_by_day,
)
from lictui.history.pools import KnownPool
from lictui.model import ESTATE, Model, Pool, PoolKey, Server, SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_CODE = "XDT_PLT_UD"
_DAY = 86400
_TODAY = date(2026, 11, 24)
_MIDNIGHT = int(START) // _DAY * _DAY


def _board(*told: tuple[Server, tuple[Pool, ...]]) -> MergedBoard:
    board = with_servers(Board(), [each for each, _ in told])
    for each, pools in told:
        board = apply_poll(board, poll(snapshot(*pools), each.name))
    return merge_board(board)


def _scopes(
    board: MergedBoard, *known: KnownPool, alerts: AlertSettings | None = None
) -> dict[str, ForecastScope]:
    return {each.scope: each for each in forecast_scopes(board, known, alerts or AlertSettings())}


def _bucket(day: int, high: float, last: float) -> Bucket:
    start = _MIDNIGHT + day * _DAY
    return Bucket(start, start + _DAY, 0, 1, high, start, last, 500, 50, 96)


def test_installed_by_day_covers_complete_days() -> None:
    past = Series.of(
        (_bucket(-2, 9, 9), _bucket(-1, 9, 9)._replace(installed=None), _bucket(0, 9, 9)), _DAY
    )
    assert installed_by_day(past, START) == {date(2026, 11, 22): 500}


def test_scope_sums_servers_and_subscription_dates() -> None:
    first, second = date(2027, 1, 1), date(2028, 1, 1)
    board = _board(
        (server("a"), (pool(installed=100, subscription=first), pool(subscription=second))),
        (server("b"), (pool(installed=70),)),
    )
    found = _scopes(board)
    assert {name: each.installed for name, each in found.items()} == {
        ESTATE: 670,
        "a": 600,
        "b": 70,
    }
    assert found["a"].pools == (
        ("a", PoolKey(_CODE, "2027-01-01")),
        ("a", PoolKey(_CODE, "2028-01-01")),
    )
    assert set(found[ESTATE].pools) == {*found["a"].pools, ("b", PoolKey(_CODE))}


def test_scope_has_one_product_and_model() -> None:
    concurrent = pool("XDT_PLT_CCS", model=Model.CONCURRENT)
    board = _board((server("a"), (pool(), concurrent)))
    found = [
        (each.scope, each.product, each.model)
        for each in forecast_scopes(board, (), AlertSettings())
    ]
    assert found == [
        (ESTATE, "XDT_PLT_UD", Model.USER_DEVICE),
        (ESTATE, "XDT_PLT_CCS", Model.CONCURRENT),
        ("a", "XDT_PLT_UD", Model.USER_DEVICE),
        ("a", "XDT_PLT_CCS", Model.CONCURRENT),
    ]


def test_scope_with_an_unknown_count_is_unknown() -> None:
    board = _board((server("a"), (pool(installed=100),)), (server("b"), (pool(installed=None),)))
    assert {name: each.installed for name, each in _scopes(board).items()} == {
        ESTATE: None,
        "a": 100,
        "b": None,
    }


def test_scope_counts_expiring_but_not_permanent_licenses() -> None:
    day = date(2026, 12, 14)
    board = _board(
        (
            server("a"),
            (
                pool(installed=50, expires=day, permanent=False, subscription=day),
                pool(installed=30, expires=day),  # nobody said that it is permanent
                pool(installed=20, expires=day, permanent=True, subscription=date(2030, 1, 1)),
            ),
        ),
        (server("b"), (pool(installed=7, expires=day),)),
    )
    found = _scopes(board)
    assert found["a"].expiring == {day: 80}
    assert found[ESTATE].expiring == {day: 87}
    assert found["a"].installed == 100


def test_scope_counts_partly_expiring_licenses() -> None:
    day = date(2026, 12, 14)
    told = pool(
        installed=50, expires=day, permanent=False, partial_expiry=True, reported_expiring=20
    )
    unsaid = pool(installed=50, expires=day, permanent=False, partial_expiry=True)
    found = _scopes(_board((server("a"), (told,)), (server("b"), (unsaid,))))
    assert found["a"].expiring == {day: 20}
    assert not any(found["b"].expiring.values())


def test_scope_leaves_out_startup_licenses_and_disabled_servers() -> None:
    board = _board(
        (server("a"), (pool("CITRIX", counted=False),)), (server("b", enabled=False), (pool(),))
    )
    assert _scopes(board) == {}


def test_scope_counts_a_merged_server_once() -> None:
    board = _board(
        (server("main"), (pool(installed=100),)),
        (server("site", source=SourceName.CVAD, same_as="main"), (pool(installed=100),)),
    )
    found = _scopes(board)
    assert set(found) == {ESTATE, "main"}
    assert found[ESTATE].installed == 100
    assert len(found[ESTATE].pools) == 1


def test_scope_includes_ended_pools() -> None:
    board = _board((server("a"), (pool(subscription=date(2027, 1, 1)),)))
    old = KnownPool(1, "a", _CODE, "2026-01-01", "user_device", _CODE, 0, 5, 0)
    other = old._replace(server="b")
    alive = old._replace(subscription_date="2025-01-01", ended=None)
    concurrent = old._replace(product="XDT_PLT_CCS", model="concurrent")
    found = _scopes(board, old, other, alive, concurrent)
    assert [key.subscription_date for _, key in found["a"].pools] == ["2027-01-01", "2026-01-01"]


def test_scope_has_its_own_thresholds() -> None:
    alerts = AlertSettings(server={"a": {"warn": 0.5}}, product={_CODE: {"critical": 0.95}})
    found = _scopes(_board((server("a"), (pool(),))), alerts=alerts)
    assert (found["a"].warn, found["a"].critical) == (0.5, 0.95)
    assert (found[ESTATE].warn, found[ESTATE].critical) == (0.8, 0.95)


def test_daily_usage_is_the_peak_or_the_last_assignment() -> None:
    past = Series.of((_bucket(-2, 30, 10), _bucket(-1, 40, 20), _bucket(0, 5, 5)), _DAY)
    yesterday = date(2026, 11, 23)
    peaks = daily_usage(past, Model.CONCURRENT, START)
    assert (list(peaks), peaks[yesterday]) == ([date(2026, 11, 22), yesterday], 40)
    assert daily_usage(past, Model.USER_DEVICE, START)[yesterday] == 20


def test_scope_makes_a_forecast_from_its_history() -> None:
    scope = _scopes(_board((server("a"), (pool(installed=100),))))["a"]
    question = scope.history_query(START)
    assert (question.pools, question.width) == ((("a", PoolKey(_CODE)),), _DAY)
    assert question.end == _MIDNIGHT
    assert question.end - question.start == 800 * _DAY
    past = Series.of(tuple(_bucket(day, 0, 95) for day in range(-60, 0)), _DAY)
    found = scope.forecast(past, START, _TODAY)
    assert (found.scope, found.product, found.status) == ("a", _CODE, ForecastStatus.FLAT)
    assert found.critical is not None
    assert found.critical.day == _TODAY
    assert "upper bounds" not in found.basis
    bounds = Series.of(
        tuple(_bucket(day, 0, 95)._replace(bound=day == -9) for day in range(-60, 0)), _DAY
    )
    assert "some daily peaks are upper bounds" in scope.forecast(bounds, START, _TODAY).basis


def test_scope_forecast_uses_installed_by_day() -> None:
    scope = _scopes(_board((server("a"), (pool(installed=100),))))["a"]
    before = [_bucket(day, 0, 95)._replace(installed=200) for day in range(-60, -5)]
    since = [_bucket(day, 0, 40)._replace(installed=100) for day in range(-5, 0)]
    found = scope.forecast(Series.of((*before, *since), _DAY), START, _TODAY)
    assert found.critical is not None
    assert found.critical.last_reached is None


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


async def test_summary_per_group_and_server(desk: HistoryFixture) -> None:
    back = PastSummaryCache(desk.history, desk.clock)
    for by, names in ((GroupBy.GROUP, ("emea", "us")), (GroupBy.SERVER, ("a", "b"))):
        found = await back.get(merge_board(board()), by, SETTINGS)
        for name in names:
            ever = found[name, CCS, Model.CONCURRENT].all_time
            assert ever is not None
            assert ever.peak.peak == 60


async def test_summary_of_assignments_has_a_month(desk: HistoryFixture) -> None:
    found = await PastSummaryCache(desk.history, desk.clock).get(
        merge_board(board()), GroupBy.PRODUCT, SETTINGS
    )
    month = found["", UD, Model.USER_DEVICE].assignments
    assert month is not None
    assert month.at_start is None  # nothing was read before this month


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
    await back.close()
