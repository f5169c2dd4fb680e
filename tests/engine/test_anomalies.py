"""The hourly check for usage that is unusual for the weekday."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.engine.conftest import EngineHarness
from tests.support.clock import START, FakeClock
from tests.support.csv_files import import_past
from tests.support.values import pool, server, snapshot

from lictui.config.settings import AlertSettings, Retention, Settings, Thresholds
from lictui.engine.board import Board, ServerStatus, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.engine.outlook import AnomalyChecker
from lictui.history.store import History
from lictui.model import AlertKind, EventKind, Model, Poll

HOUR, DAY = 3600, 86400
CODE = "XDT_PLT_CCS"
NOW = START + 4.5 * HOUR  # a Tuesday, 10:30 UTC
TODAY = int(NOW) // DAY * DAY


def office(at: int) -> int:
    """More every hour until noon, nearly the same every day."""
    return 20 + 30 * max(0, min(at % DAY // HOUR, 12) - 5) + at // DAY % 3


def office_and_more(at: int) -> int:
    """Today 200 more than on any other day."""
    return office(at) + (200 if at >= TODAY else 0)


def growing(at: int) -> int:
    """One more every midnight, for months."""
    return 200 + (at - TODAY) // DAY


def hours(
    figure: Callable[[int], int | None], weeks: int = 12, end: float = NOW
) -> list[tuple[int, int, int | None]]:
    """The past of one pool by the hour."""
    times = range(int(end) // DAY * DAY - weeks * 7 * DAY, int(end), HOUR)
    return [(at, high, 500) for at in times if (high := figure(at)) is not None]


class Check:
    """The history of a server that responded just now, and what a first check of it finds."""

    def __init__(self, history: History, clock: FakeClock) -> None:
        self.history = history
        self.clock = clock

    async def sentences(
        self,
        board: Board | None = None,
        model: Model = Model.CONCURRENT,
        timezone: str = "UTC",
        *,
        enabled: bool = True,
        checker: AnomalyChecker | None = None,
    ) -> dict[str, dict[str, str]]:
        if board is None:
            result = snapshot(pool(CODE, 170, 500, 0, model=model))
            board = with_servers(Board(), (server(),))
            board = apply_poll(board, Poll("lic-01", NOW, 0.1, result))
        settings = Settings(timezone=timezone, alerts=AlertSettings(Thresholds(unusual=enabled)))
        anomalies: dict[str, dict[str, str]] = {}
        checker = checker or AnomalyChecker(self.history, self.clock)
        task = asyncio.create_task(checker.check(merge_board(board), settings, anomalies))
        while not task.done():
            await self.clock.advance(0.02)
        await task
        return anomalies


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Check]:
    clock = FakeClock(NOW)
    with History(tmp_path / "history.db", Retention(), clock) as history:
        yield Check(history, clock)


@pytest.mark.parametrize(
    "figure",
    [
        # A morning that grows as every morning does is not low because the hour is not over.
        lambda at: office(at - HOUR if at == int(NOW) // HOUR * HOUR else at),
        # Nothing was read today from 6:00.
        lambda at: None if at >= TODAY + 6 * HOUR else office(at),
    ],
)
async def test_anomaly_check_compares_complete_hours_of_the_weekday(
    check: Check, figure: Callable[[int], int | None]
) -> None:
    import_past(check.history, "lic-01", CODE, hours(figure))
    assert await check.sentences() == {"lic-01": {}}


async def test_anomaly_names_product_and_hour(check: Check) -> None:
    import_past(check.history, "lic-01", CODE, hours(office_and_more))
    sentence = (await check.sentences())["lic-01"][CODE]
    assert sentence.startswith(f"{CODE}: unusual usage: 3")
    assert "by 10:00 (typical Tuesday: 1" in sentence


async def test_anomaly_compares_with_the_product_that_was_continued(check: Check) -> None:
    changed, continuing = TODAY - 3 * DAY, server(continues="OLD_CCS")
    past = hours(office_and_more)
    import_past(check.history, "lic-01", "OLD_CCS", [row for row in past if row[0] < changed])
    import_past(check.history, "lic-01", CODE, [row for row in past if row[0] >= changed])
    board = with_servers(Board(), (continuing,))
    for time, code in ((changed - HOUR, "OLD_CCS"), (changed, CODE), (int(NOW), CODE)):
        reply = snapshot(pool(code, 170, 500, 0, model=Model.CONCURRENT))
        poll = Poll("lic-01", time, 0.1, reply)
        check.history.append(continuing, poll)
        board = apply_poll(board, poll)
    assert "unusual usage: 3" in (await check.sentences(board))["lic-01"][CODE]


async def test_anomaly_of_assigned_licenses_counts_new_ones(check: Check) -> None:
    import_past(check.history, "lic-01", CODE, hours(growing))
    assert await check.sentences(model=Model.USER_DEVICE) == {"lic-01": {}}
    more = hours(lambda at: growing(at) + (40 if at >= TODAY + 8 * HOUR else 0))
    import_past(check.history, "lic-01", CODE, more)
    sentence = (await check.sentences(model=Model.USER_DEVICE))["lic-01"][CODE]
    assert "unusual change of assignments: +41 by 10:00 (typical Tuesday: +1" in sentence


async def test_anomaly_check_is_made_once_an_hour(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(
        "lictui.engine.outlook.anomaly_of", lambda *_: looks.append(check.clock.now())
    )
    checker = AnomalyChecker(check.history, check.clock)
    for pause, times in ((0, 1), (1700, 1), (120, 2)):  # until 10:58, until 11:00
        await check.clock.advance(pause)
        await check.sentences(checker=checker)
        assert len(looks) == times


async def test_anomaly_check_can_be_disabled_and_skips_servers_that_are_down(
    check: Check,
) -> None:
    import_past(check.history, "lic-01", CODE, hours(office_and_more))
    assert (await check.sentences())["lic-01"]
    assert await check.sentences(enabled=False) == {"lic-01": {}}
    assert await check.sentences(Board((ServerStatus(server()),))) == {}


async def test_anomaly_check_uses_days_of_the_time_zone(check: Check) -> None:
    """In Auckland it is 23:30, and clocks were changed within the weeks that are compared."""
    zone = "Pacific/Auckland"
    assert datetime.fromtimestamp(NOW, UTC).astimezone(ZoneInfo(zone)).weekday() == 1
    import_past(check.history, "lic-01", CODE, hours(office_and_more))
    assert "by 23:00" in (await check.sentences(timezone=zone))["lic-01"][CODE]


async def test_anomaly_is_raised_and_cleared_once_despite_restarts(
    harness: EngineHarness,
) -> None:
    """In the engine: a check every hour, two polls until it is raised."""

    def in_use(count: int) -> None:
        reply = snapshot(pool(CODE, count, 500, 0, model=Model.CONCURRENT))
        harness.replies["lic-01"] = reply

    harness.register(server(interval=300.0))
    in_use(400)
    engine = await harness.engine()
    with History(harness.paths.history, Retention(), harness.clock) as history:
        import_past(history, "lic-01", CODE, hours(office, end=START))
    await harness.clock.advance(1.5 * HOUR)
    raised = [state.key.kind for state in engine.board.alert_states or () if state.raised_at]
    assert raised.count(AlertKind.UNUSUAL) == 1
    await harness.close(engine)
    engine = await harness.engine()
    for _ in range(3):  # before the next check
        engine.poll_now()
        await harness.clock.advance(5)
    await harness.clock.advance(0.5 * HOUR)
    in_use(140)
    await harness.close(engine)
    await harness.clock.advance(24 * HOUR)
    engine = await harness.engine()
    await harness.clock.advance(3 * HOUR)
    lines = [
        event.message.split()[0]
        for event in reversed(await engine.history.events(1000))
        if event.kind is EventKind.ALERT and "unusual usage: 4" in event.message
    ]
    assert [word for word in lines if word != "ongoing"] == ["raised:", "resolved"]
