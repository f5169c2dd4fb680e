"""Looking back for the estate: what the past says of each total, found while polls go on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.history.desk import DAY, MIDNIGHT, Desk
from tests.support.estate import pool
from tests.support.values import poll, server, snapshot

from lictui.config.settings import Settings
from lictui.engine.board import Board, By, apply, register
from lictui.engine.outlook import Back
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
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Three days of two servers in opposite phase, and of assignments that grow by one an hour."""
    with closing(Desk(tmp_path / "history.db")) as made:
        for one, first, then in ((SERVERS[0], 60, 40), (SERVERS[1], 40, 60)):
            _fill(made, one, [first] * 144 + [then] * 144)
        made.move_to(MIDNIGHT + 3 * DAY)
        yield made


def _fill(desk: Desk, one: Server, figures: list[int]) -> None:
    polls = []
    for at, figure in enumerate(figures * 3):
        pools = [pool(CCS, figure, 100)]
        pools += [pool(UD, 10 + at // 12, 500)] if one.name == "a" else []
        polls.append((one, poll(snapshot(*pools), one.name, MIDNIGHT + at * FIVE), ()))
    desk.history.append_many(polls)


def board() -> Board:
    found = register(Board(), SERVERS)
    last = MIDNIGHT + 3 * DAY - FIVE
    pools = {"a": (pool(CCS, 40, 100), pool(UD, 81, 500)), "b": (pool(CCS, 60, 100),)}
    for name, those in pools.items():
        found = apply(found, poll(snapshot(*those), name, last))
    return found


async def test_peaks_of_all_servers_with_the_bound_of_their_sum(desk: Desk) -> None:
    found = await Back(desk.history, desk.clock).look(board(), By.PRODUCT, SETTINGS)
    past = found["", CCS, Model.CONCURRENT]
    assert past.ever is not None
    assert (past.ever.peak.peak, past.ever.upper_bound) == (100, 120)
    assert past.assigned is None
    assert past.ahead is not None
    assert past.ahead.based_on_days <= 3


async def test_groups_and_servers_have_their_own(desk: Desk) -> None:
    back = Back(desk.history, desk.clock)
    for by, names in ((By.GROUP, ("emea", "us")), (By.SERVER, ("a", "b"))):
        found = await back.look(board(), by, SETTINGS)
        for name in names:
            ever = found[name, CCS, Model.CONCURRENT].ever
            assert ever is not None
            assert ever.peak.peak == 60


async def test_assignments_have_a_month(desk: Desk) -> None:
    found = await Back(desk.history, desk.clock).look(board(), By.PRODUCT, SETTINGS)
    month = found["", UD, Model.USER_DEVICE].assigned
    assert month is not None
    assert month.began is None  # nothing was read before this month


async def test_a_look_is_good_for_a_few_minutes_and_two_who_ask_share_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    async def counted(*args: object) -> dict[object, object]:
        looks.append(args)
        return {}

    monkeypatch.setattr("lictui.engine.outlook.retrospects", counted)
    back = Back(desk.history, desk.clock)
    for _ in range(2):
        await back.look(board(), By.PRODUCT, SETTINGS)
    assert len(looks) == 1
    desk.clock._now += 301
    await back.look(board(), By.PRODUCT, SETTINGS)
    assert len(looks) == 2
    await back.look(register(board(), SERVERS[:1]), By.PRODUCT, SETTINGS)
    assert len(looks) == 3
    await back.close()
