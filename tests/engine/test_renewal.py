"""Positions: exact figures of the period, the price of the entitlements, and what is unknown."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.report_fixture import BERLIN, CCS, HOURS, START, UD, ReportFixture

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.queries import load_board
from lictui.engine.renewal import Basis, Position, RenewalQuery, break_evens, renewal_positions


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[ReportFixture]:
    fixture = ReportFixture(tmp_path / "history.db")
    yield fixture
    fixture.history.close()


def positions(fixture: ReportFixture, *entitlements: Entitlement) -> dict[str, Position]:
    settings, now = Settings(entitlements=entitlements), float(START + HOURS * 3600)
    fixture.clock._now = now
    board = load_board(fixture.servers.values(), fixture.history, settings.alerts)
    query = RenewalQuery(START, now, BERLIN, settings)
    return {
        position.product: position
        for position in asyncio.run(renewal_positions(fixture.history, board, query, fixture.clock))
    }


def test_position_is_the_peak_of_the_sum_and_the_time_at_or_above_each_quantity(
    fixture: ReportFixture,
) -> None:
    fixture.record_hourly("a", [10, *[20] * (HOURS - 2), 90])
    fixture.record_hourly("b", [80, *[20] * (HOURS - 2), 10])
    position = positions(fixture, Entitlement(CCS, 150, 10.0, "EUR"))[CCS]
    assert (position.purchased, position.installed, position.in_use) == (150, 200, 100)
    assert position.usage() == (100, False)  # not 90 + 80, which was at different times
    assert position.usage(Basis.P99) == (40, False)
    assert position.curve[0] == (5, HOURS * 3600)
    assert position.curve[-1] == (100, 3600)
    assert position.coverage == pytest.approx(1.0)
    assert (position.unused, position.shortfall, position.cost(50)) == (50, 0, 500.0)


def test_proposed_quantity_is_usage_plus_headroom_rounded_up(fixture: ReportFixture) -> None:
    for name, product in (("a", CCS), ("u", UD)):
        busy = HOURS // 33  # 3 % of the time
        fixture.record_hourly(
            name, [100, *[60] * busy, *[40] * (HOURS - 1 - busy)], product=product
        )
    answer = positions(fixture)
    for basis, headroom, quantity, assigned in (
        (Basis.PEAK, 0.1, 110, 110),
        (Basis.P99, 0.1, 66, 110),  # assigned licenses stay assigned
        (Basis.P95, 0.0, 40, 100),
        (Basis.PEAK, 0.011, 102, 102),
    ):
        assert answer[CCS].proposed(basis, headroom) == (quantity, False)
        assert answer[UD].proposed(basis, headroom) == (assigned, False)


def test_what_was_not_entered_is_unknown(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [50] * HOURS)
    fixture.record_hourly("u", [50] * HOURS, product=UD, installed=None)
    answer = positions(fixture, Entitlement("ABSENT", 10), Entitlement(UD, 40))
    assert list(answer) == ["ABSENT", UD, CCS]  # what was purchased is first
    assert (answer[CCS].purchased, answer[CCS].cost(1), answer[CCS].unused) == (None, None, 50)
    assert (answer["ABSENT"].usage(), answer["ABSENT"].unused) == ((None, False), None)
    assert answer["ABSENT"].proposed(Basis.PEAK, 0.1) == (None, False)
    assert (answer[UD].installed, answer[UD].shortfall, answer[UD].unit_cost) == (None, 10, None)
    assert break_evens(answer.values()) == []


def test_entitlement_within_another_counts_once_and_prices_are_averaged(
    fixture: ReportFixture,
) -> None:
    fixture.record_hourly("a", [50] * HOURS, group="emea")
    fixture.record_hourly("b", [50] * HOURS, group="us", product=UD)
    inner = Entitlement(CCS, 40, 50.0, "EUR", group="emea")
    outer = Entitlement(CCS, 100, 20.0, "EUR")
    part = Entitlement(UD, 30, 10.0, "EUR", group="us")
    answer = positions(fixture, inner, outer, part, Entitlement(UD, 10, 30.0, "EUR", server="x"))
    assert (answer[CCS].purchased, answer[CCS].unit_cost) == (100, 20.0)
    assert (answer[UD].purchased, answer[UD].unit_cost) == (40, 15.0)
    assert break_evens(answer.values()) == [(answer[UD], answer[CCS])]


def test_bound_proves_no_shortfall(fixture: ReportFixture) -> None:
    fixture.record_bound()
    fixture.clock._now = float(START + 48 * 3600)
    position = positions(fixture, Entitlement(CCS, 150))[CCS]
    assert (position.usage(), position.shortfall) == ((180, True), 0)
    assert position.proposed(Basis.PEAK, 0.1) == (198, True)
