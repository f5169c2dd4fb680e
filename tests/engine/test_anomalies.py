"""The hourly check for unusual usage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.support.clock import START, FakeClock
from tests.support.values import pool, server, snapshot

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.config.settings import Retention, Settings, Thresholds
from lictui.engine.board import Board, ServerStatus, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.engine.outlook import AnomalyChecker
from lictui.history.store import History
from lictui.model import AlertKind, EventKind, Model, Poll, PoolKey, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.conftest import EngineHarness


HOUR, DAY = 3600, 86400
CODE = "XDT_PLT_CCS"
NOW = START + 4.5 * HOUR  # a Tuesday, 10:30 UTC


def office(at: int) -> int:
    """More every hour until noon, the same every day but for a few."""
    hour = at % DAY // HOUR
    return 20 + 30 * max(0, min(hour, 12) - 5) + at // DAY % 3


def hours(
    figure: Callable[[int], int | None], weeks: int = 12, name: str = "lic-01", end: float = START
) -> Iterator[BackfillRow]:
    """The past of one pool by the hour."""
    for start in range(int(end) // DAY * DAY - weeks * 7 * DAY, int(end), HOUR):
        if (high := figure(start)) is not None:
            one = Bucket(start, start + HOUR, high, high, high, start, high, 500, 0, 4)
            yield BackfillRow(name, PoolKey(CODE), Model.CONCURRENT, Resolution.HOUR, one)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[tuple[History, FakeClock]]:
    clock = FakeClock(NOW)
    with History.open(tmp_path / "history.db", Retention(), clock) as found:
        yield found, clock


def board_of(*servers: Server, model: Model = Model.CONCURRENT) -> Board:
    """Servers that answered just now."""
    board = with_servers(Board(), servers)
    for each in servers:
        told = snapshot(pool(CODE, 170, 500, 0, model=model))
        board = apply_poll(board, Poll(each.name, NOW, 0.1, told))
    return board


async def looked(
    history: History, clock: FakeClock, board: Board, settings: Settings | None = None
) -> dict[str, dict[str, str]]:
    """What a first look finds."""
    import asyncio  # noqa: PLC0415 - here alone

    found: dict[str, dict[str, str]] = {}
    task = asyncio.create_task(
        AnomalyChecker(history, clock).check(
            merge_board(board), settings or Settings(timezone="UTC"), found
        )
    )
    while not task.done():
        await clock.advance(0.02)
    await task
    return found


async def test_anomaly_check_compares_the_same_hours_of_the_weekday(
    history: tuple[History, FakeClock],
) -> None:
    """A morning that grows as every morning does is not low because the day is not over."""
    store, clock = history
    begun = int(NOW) // HOUR * HOUR  # an hour of which a part is over, and the figure behind

    def rising(at: int) -> int:
        return office(at - HOUR if at == begun else at)

    store.backfill(hours(rising, end=NOW))
    assert await looked(store, clock, board_of(server())) == {"lic-01": {}}


async def test_anomaly_names_product_and_hour(
    history: tuple[History, FakeClock],
) -> None:
    store, clock = history
    today = int(NOW) // DAY * DAY
    store.backfill(hours(lambda at: office(at) + (200 if at >= today else 0), end=NOW))
    said = (await looked(store, clock, board_of(server())))["lic-01"][CODE]
    assert said.startswith(f"{CODE}: unusual usage: 3")
    assert "by 10:00 (typical Tuesday: 1" in said


async def test_anomaly_check_ignores_hours_missing_today(
    history: tuple[History, FakeClock],
) -> None:
    store, clock = history
    today = int(NOW) // DAY * DAY

    def away(at: int) -> int | None:
        """Nothing was read from six on."""
        return None if at >= today + 6 * HOUR else office(at)

    store.backfill(hours(away, end=NOW))
    assert await looked(store, clock, board_of(server())) == {"lic-01": {}}


@pytest.mark.parametrize(("weeks", "said"), [(4, False), (6, True)])
async def test_anomaly_check_needs_enough_history(
    history: tuple[History, FakeClock],
    weeks: int,
    said: bool,  # noqa: FBT001 - a case
) -> None:
    store, clock = history
    today = int(NOW) // DAY * DAY
    store.backfill(hours(lambda at: office(at) + (200 if at >= today else 0), weeks, end=NOW))
    assert bool((await looked(store, clock, board_of(server())))["lic-01"]) is said


async def test_anomaly_of_assigned_licenses_counts_new_ones(
    history: tuple[History, FakeClock],
) -> None:
    store, clock = history
    today = int(NOW) // DAY * DAY

    def grown(at: int) -> int:
        return 200 + (at - today) // DAY  # one more every midnight, for months

    board = board_of(server(), model=Model.USER_DEVICE)
    store.backfill(hours(grown, end=NOW))
    assert await looked(store, clock, board) == {"lic-01": {}}
    store.backfill(hours(lambda at: grown(at) + (40 if at >= today + 8 * HOUR else 0), end=NOW))
    said = (await looked(store, clock, board))["lic-01"][CODE]
    assert "unusual change of assignments: +41 by 10:00 (typical Tuesday: +1" in said


async def test_anomaly_check_can_be_disabled_and_skips_servers_that_are_down(
    history: tuple[History, FakeClock],
) -> None:
    store, clock = history
    today = int(NOW) // DAY * DAY
    store.backfill(hours(lambda at: office(at) + (200 if at >= today else 0), end=NOW))
    board = board_of(server())
    assert (await looked(store, clock, board))["lic-01"]
    quiet = Settings(timezone="UTC")
    quiet = replace(quiet, alerts=replace(quiet.alerts, default=Thresholds(unusual=False)))
    assert await looked(store, clock, board, quiet) == {"lic-01": {}}
    waiting = Board((ServerStatus(server()),))
    assert await looked(store, clock, waiting) == {}


async def test_anomaly_check_uses_days_of_the_time_zone(history: tuple[History, FakeClock]) -> None:
    """Where it is Wednesday already, Wednesdays are compared; over a change of the clocks, too."""
    store, clock = history
    zone = "Pacific/Auckland"
    assert datetime.fromtimestamp(NOW, UTC).astimezone(ZoneInfo(zone)).weekday() == 1
    today = int(NOW) // DAY * DAY
    store.backfill(hours(lambda at: office(at) + (300 if at >= today else 0), end=NOW))
    found = await looked(store, clock, board_of(server()), Settings(timezone=zone))
    assert "by 23:00" in found["lic-01"][CODE]


async def test_anomaly_is_raised_and_cleared_once_despite_restarts(
    harness: EngineHarness,
) -> None:
    """Through the engine: a look an hour, two polls to believe it, none where it is not known."""
    every = 300.0
    harness.register(server(interval=every))
    harness.replies["lic-01"] = snapshot(pool(CODE, 400, 500, 0, model=Model.CONCURRENT))
    engine = await harness.engine()
    with History.open(harness.paths.history, Retention(), harness.clock) as store:
        store.backfill(hours(office))
    await harness.clock.advance(1.5 * HOUR)
    raised = [each.key.kind for each in engine.board.alert_states or () if each.raised_at]
    assert raised.count(AlertKind.UNUSUAL) == 1
    await harness.close(engine)
    engine = await harness.engine()
    for _ in range(3):  # before anyone has looked again
        engine.poll_now()
        await harness.clock.advance(5)
    await harness.clock.advance(0.5 * HOUR)
    harness.replies["lic-01"] = snapshot(pool(CODE, 140, 500, 0, model=Model.CONCURRENT))
    await harness.clock.advance(30 * HOUR)
    lines = [
        each.message for each in await engine.history.events(1000) if each.kind is EventKind.ALERT
    ]
    words = [line.split()[0] for line in lines if "unusual usage: 4" in line]
    assert [word for word in reversed(words) if word != "ongoing"] == ["raised:", "resolved"]
