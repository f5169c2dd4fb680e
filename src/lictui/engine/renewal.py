"""What a renewal rests on: per product what is purchased, installed and used, and the price."""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lictui import products
from lictui.analysis.series import day_of
from lictui.engine.board import GroupBy
from lictui.engine.entitlements import compare_entitlements
from lictui.engine.product_history import ProductQuery
from lictui.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, tzinfo

    from lictui.analysis.usage import UsageStats
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard
    from lictui.engine.entitlements import ContractLine
    from lictui.history.store import History


class Basis(StrEnum):
    """The usage that a proposed quantity starts from."""

    P95 = "p95"
    P99 = "p99"
    PEAK = "peak"


class RenewalQuery(Struct, frozen=True):
    """The period that a renewal rests on, and how a quantity is proposed."""

    start: int  # UTC epoch seconds
    now: float
    zone: tzinfo | None  # None: the system's
    settings: Settings
    basis: Basis = Basis.PEAK
    headroom: float = 0.1  # of the usage


class Position(Struct, frozen=True):
    """One product over all servers; None is unknown. Costs are per year."""

    product: str
    name: str
    model: Model
    purchased: int | None
    unit_cost: float | None  # of one license, averaged over the entitlements
    currency: str
    renewal: date | None
    installed: int | None = None
    in_use: int | None = None  # now
    stats: UsageStats | None = None  # of the period
    curve: tuple[tuple[int, int], ...] = ()  # quantity -> seconds at or above it
    coverage: float = 0.0  # 0 to 1, of the period since the first figure
    servers: tuple[str, ...] = ()

    def usage(self, basis: Basis = Basis.PEAK) -> tuple[float | None, bool]:
        """Return that usage and whether it may have been lower; of assigned licenses the most."""
        if self.stats is None:
            return None, False
        if basis is Basis.PEAK or self.model.is_assigned:
            return self.stats.peak, self.stats.peak_is_bound
        return self.stats.p95 if basis is Basis.P95 else self.stats.p99, self.stats.bound

    def proposed(self, basis: Basis, headroom: float) -> tuple[int | None, bool]:
        """Return that usage plus headroom, and whether less may be enough."""
        usage, is_bound = self.usage(basis)
        return None if usage is None else ceil(round(usage * (1 + headroom), 6)), is_bound

    @property
    def unused(self) -> int | None:
        """Licenses that were never used: of the purchased, else of the installed ones."""
        licenses = self.installed if self.purchased is None else self.purchased
        peak, _ = self.usage()
        return None if licenses is None or peak is None else max(0, licenses - round(peak))

    @property
    def shortfall(self) -> int:
        """Licenses that were in use without having been purchased; a bound proves none."""
        peak, is_bound = self.usage()
        if self.purchased is None or peak is None or is_bound:
            return 0
        return max(0, round(peak) - self.purchased)

    def cost(self, quantity: float | None) -> float | None:
        """Return the cost of a quantity at the present price."""
        unit_cost = self.unit_cost
        return None if quantity is None or unit_cost is None else round(quantity * unit_cost, 2)


async def renewal_positions(
    history: History, board: MergedBoard, query: RenewalQuery, clock: Clock
) -> tuple[Position, ...]:
    """Return all products, those with an entitlement first. Raises HistoryError."""
    from lictui.engine.product_reader import ProductHistoryReader  # loads numpy

    today = day_of(query.now, query.zone)
    lines = compare_entitlements(board, query.settings.entitlements, {}, today).lines
    reader, end = ProductHistoryReader(history, clock), int(query.now) + 1
    totals = board.totals(GroupBy.PRODUCT)
    codes = {line.entitlement.product for line in lines} - {total.product for total in totals}
    positions = [_position(code, "", Model.OTHER, lines) for code in codes]
    for total in totals:
        servers, width = total.servers_expected, end - query.start
        question = ProductQuery(servers, total.product, (query.start, end), width, curve=True)
        past = await reader.history(board, question, query.settings)
        # Several license models of one code: an entitlement does not say which it is for.
        is_one = sum(other.product == total.product for other in totals) == 1
        bought = _position(total.product, total.name, total.model, lines if is_one else ())
        position = replace(
            bought,
            installed=total.comparable.installed,
            in_use=total.comparable.in_use,
            stats=past.stats,
            curve=past.curve,
            coverage=past.stats.seconds / (end - past.stats.start) if past.stats else 0.0,
            servers=servers,
        )
        positions.append(position)
    return tuple(sorted(positions, key=lambda p: (p.purchased is None, p.name, p.product)))


def _position(code: str, name: str, model: Model, lines: Iterable[ContractLine]) -> Position:
    """Return what was purchased; the licenses of an entitlement within another count once."""
    product = products.describe(code, name, model)
    outer = [n for n in lines if n.entitlement.product == code and not n.container]
    purchased = sum(line.entitlement.purchased for line in outer) if outer else None
    costs = [line.cost for line in outer if line.cost is not None]
    currencies = {line.entitlement.currency for line in outer}
    is_priced = purchased and len(costs) == len(outer) and len(currencies) == 1
    unit_cost = sum(costs) / purchased if purchased and is_priced else None
    renewals = (line.entitlement.renewal for line in outer if line.entitlement.renewal)
    currency, renewal = min(currencies, default=""), min(renewals, default=None)
    return Position(code, product.name, product.model, purchased, unit_cost, currency, renewal)


def break_evens(positions: Iterable[Position]) -> list[tuple[Position, Position]]:
    """Return the products that have a price as user/device and as concurrent license."""
    priced = [position for position in positions if position.unit_cost]
    assigned = [position for position in priced if position.model.is_assigned]
    concurrent = [position for position in priced if not position.model.is_assigned]
    same = ((one, two) for one in assigned for two in concurrent)
    return [(a, c) for a, c in same if (a.name, a.currency) == (c.name, c.currency)]
