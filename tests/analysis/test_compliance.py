"""What was bought, installed and needed: gaps and idle licenses to the unit and the cent."""

from __future__ import annotations

from lictui.analysis.usage import ContractLine
from lictui.config.entitlements import Entitlement


def holding(
    purchased: int, installed: int | None, needed: int | None, cost: float | None = None
) -> ContractLine:
    bought = Entitlement("XDT_PLT_UD", purchased, cost, "EUR")
    return ContractLine(bought, "CVAD Premium", installed, needed, needed, 12)


def test_more_needed_than_bought_is_the_gap() -> None:
    found = holding(100, 150, 120)
    assert (found.shortfall, found.unused, found.installed_surplus) == (20, 0, 50)


def test_what_was_never_needed_lies_idle_and_costs() -> None:
    found = holding(100, 90, 60, 42.5)
    assert (found.shortfall, found.unused, found.installed_surplus) == (0, 40, -10)
    assert (found.cost, found.unused_cost) == (4250.0, 1700.0)


def test_what_is_not_known_is_no_zero() -> None:
    found = holding(100, None, None, 10.0)
    assert (found.shortfall, found.unused, found.installed_surplus) == (None, None, None)
    assert (found.cost, found.unused_cost) == (1000.0, None)
    assert holding(100, 90, 60).unused_cost is None


def test_a_line_is_for_a_server_a_group_or_the_estate() -> None:
    def scope(**of: str) -> str:
        return ContractLine(Entitlement("P", 1, **of), "P", 1, 1, 1, 1).scope  # type: ignore[arg-type]

    assert (scope(server="a"), scope(group="emea"), scope()) == ("a", "emea", "estate")
