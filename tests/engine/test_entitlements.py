"""Hints about servers that count every license twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.clock import FakeClock
from tests.support.parts import cvad_status, status_up
from tests.support.values import pool, server, snapshot

from lictui.config.entitlements import Entitlement
from lictui.engine.board import Board, MergedBoard
from lictui.engine.entitlements import divisor_hints
from lictui.engine.merge import merge_board
from lictui.engine.poller import poll_server
from lictui.model import Failure, Mode, Reading, Snapshot, Step

if TYPE_CHECKING:
    from collections.abc import Callable


class Told:
    """A source that says what it was given."""

    def __init__(self, told: Snapshot) -> None:
        self.told = told

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        del found
        return self.told

    async def aclose(self) -> None:
        """There is nothing to close."""


async def test_divisor_applies_to_quantities_and_formulas() -> None:
    told = snapshot(
        replace(
            pool(in_use=301, installed=1001, overdraft=101),
            formulas=(
                ("in_use", "InUse"),
                ("installed", "Count - Overdraft"),
                ("overdraft", "Over"),
            ),
        ),
        pool("Q", 1, None, None),
    )
    doubled = server(quantity_divisor=2)
    result = (await poll_server(doubled, Told(told), 5, FakeClock())).result
    assert not isinstance(result, Failure)
    first, second = result.pools
    assert first.reading == Reading(301, 500, 50)
    assert first.formulas == (
        ("in_use", "InUse"),
        ("installed", "(Count - Overdraft) / 2"),
        ("overdraft", "Over / 2"),
    )
    assert second.reading == Reading(1, None, None)
    assert (await poll_server(server(), Told(told), 5, FakeClock())).result == told


def board(*installed: int, mode: Mode = Mode.LAS) -> MergedBoard:
    statuses = (
        status_up(f"s{at}", pool("P", 1, each), mode=mode) for at, each in enumerate(installed)
    )
    return merge_board(Board(tuple(statuses)))


def test_divisor_hint_compares_las_servers_with_entitlements() -> None:
    bought = (Entitlement("P", 500),)
    (hint,) = divisor_hints(board(1000), bought)
    assert hint.message == (
        "P: 1,000 installed, exactly twice the purchased quantity of 500;"
        " consider quantity_divisor = 2 for s0"
    )
    assert [each.server for each in divisor_hints(board(600, 400), bought)] == ["s0", "s1"]
    assert divisor_hints(board(1001), bought) == ()
    assert divisor_hints(board(1000, mode=Mode.FILE), bought) == ()
    assert divisor_hints(board(1000), (Entitlement("P", 0), Entitlement("Q", 500))) == ()


def test_divisor_hint_compares_within_the_scope_of_the_entitlement() -> None:
    found = divisor_hints(
        board(1000, 70), (Entitlement("P", 500, server="s0"), Entitlement("P", 35, group="x"))
    )
    assert [each.server for each in found] == ["s0"]


def test_divisor_hint_compares_data_sources() -> None:
    statuses = (
        status_up("lic", pool("P", 1, 500)),
        cvad_status("ddc", pool("P", 1, 1000), mode=Mode.LAS),
    )
    (hint,) = divisor_hints(merge_board(Board(statuses)))
    assert (hint.server, hint.product) == ("ddc", "P")
    assert "exactly twice the 500 of lic" in hint.message
    divided = (
        statuses[0],
        cvad_status("ddc", pool("P", 1, 1000), mode=Mode.LAS, quantity_divisor=2),
    )
    assert divisor_hints(merge_board(Board(divided))) == ()
