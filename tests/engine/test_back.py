"""Looking back for the estate: what the past says of each total, found while polls go on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.example_board import pool
from tests.support.values import poll, server, snapshot

from lictui.config.settings import Settings
from lictui.engine.board import Board, GroupBy, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.engine.outlook import PastSummaryCache
from lictui.model import Model, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        pools = [pool(CCS, figure, 100)]
        pools += [pool(UD, 10 + at // 12, 500)] if one.name == "a" else []
        polls.append((one, poll(snapshot(*pools), one.name, MIDNIGHT + at * FIVE), ()))
    desk.history.append_many(polls)


def board() -> Board:
    found = with_servers(Board(), SERVERS)
    last = MIDNIGHT + 3 * DAY - FIVE
    pools = {"a": (pool(CCS, 40, 100), pool(UD, 81, 500)), "b": (pool(CCS, 60, 100),)}
    for name, those in pools.items():
        found = apply_poll(found, poll(snapshot(*those), name, last))
    return found


async def test_peaks_of_all_servers_with_the_bound_of_their_sum(desk: HistoryFixture) -> None:
    found = await PastSummaryCache(desk.history, desk.clock).get(
        merge_board(board()), GroupBy.PRODUCT, SETTINGS
    )
    past = found["", CCS, Model.CONCURRENT]
    assert past.all_time is not None
    assert (past.all_time.peak.peak, past.all_time.upper_bound) == (100, 120)
    assert past.assignments is None
    assert past.forecast is not None
    assert past.forecast.based_on_days <= 3


async def test_groups_and_servers_have_their_own(desk: HistoryFixture) -> None:
    back = PastSummaryCache(desk.history, desk.clock)
    for by, names in ((GroupBy.GROUP, ("emea", "us")), (GroupBy.SERVER, ("a", "b"))):
        found = await back.get(merge_board(board()), by, SETTINGS)
        for name in names:
            ever = found[name, CCS, Model.CONCURRENT].all_time
            assert ever is not None
            assert ever.peak.peak == 60


async def test_assignments_have_a_month(desk: HistoryFixture) -> None:
    found = await PastSummaryCache(desk.history, desk.clock).get(
        merge_board(board()), GroupBy.PRODUCT, SETTINGS
    )
    month = found["", UD, Model.USER_DEVICE].assignments
    assert month is not None
    assert month.at_start is None  # nothing was read before this month


async def test_a_look_is_good_for_a_few_minutes_and_two_who_ask_share_it(
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
