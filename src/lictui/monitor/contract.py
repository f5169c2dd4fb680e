"""The contract held against the estate: gaps, what lies idle, and what ends in the next year.

Owns which figures a line of the contract is compared with, and the sentence about it. Pure: must
not know where the contract is written, nor who shows this. Idle is measured cautiously: licenses
that were bought and not needed even at the highest peak of all that is known.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.usage import Holding
from lictui.model import Model
from lictui.monitor.totals import By, totals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from lictui.analysis.usage import Key, Retrospect
    from lictui.config.contract import Purchase
    from lictui.config.settings import Alerts
    from lictui.monitor.board import Board
    from lictui.monitor.totals import Total

_AHEAD: Final = timedelta(days=365)
_BEHIND: Final = timedelta(days=30)  # what has just ended is still to be seen


@dataclass(frozen=True, slots=True)
class Ending:
    """A day on which something must have been done."""

    day: date
    what: str  # renewal · expiry · subscription · activation
    scope: str  # the server, group or estate it is about
    product: str = ""  # its code; "" of a server's activation
    name: str = ""
    count: int | None = None  # licenses it is about


@dataclass(frozen=True, slots=True)
class Sheet:
    """Every line of the contract, and every day of the next year that matters."""

    holdings: tuple[Holding, ...]
    endings: tuple[Ending, ...]  # the soonest first


def by(purchase: Purchase) -> By:
    """Over what a line of the contract is summed."""
    return By.SERVER if purchase.server else By.GROUP if purchase.group else By.PRODUCT


def sheet(
    board: Board,
    purchases: Sequence[Purchase],
    pasts: Mapping[By, Mapping[Key, Retrospect]],
    alerts: Alerts,
    today: date,
) -> Sheet:
    """The contract against `board`, which is one that Together made, and its past."""
    found = {each: totals(board, alerts, each) for each in set(map(by, purchases))}
    holdings = tuple(_holding(each, found[by(each)], pasts.get(by(each), {})) for each in purchases)
    endings = [*_renewals(holdings), *_ends(board)]
    soon = (each for each in endings if -_BEHIND <= each.day - today <= _AHEAD)
    return Sheet(holdings, tuple(sorted(soon, key=lambda each: (each.day, each.what, each.scope))))


def _holding(
    purchase: Purchase, found: Sequence[Total], pasts: Mapping[Key, Retrospect]
) -> Holding:
    scope = purchase.server or purchase.group
    mine = [each for each in found if (each.scope, each.product) == (scope, purchase.product)]
    name = products.describe(purchase.product).name
    if not mine:
        return Holding(purchase, name, None, None, None, 0)
    total = mine[0]
    past = pasts.get((scope, total.product, total.model))
    month, ever = (past.month, past.ever) if past else (None, None)
    return Holding(
        purchase,
        total.name or name,
        None if total.unknown else total.reading.installed,
        month.peak.peak if month else None,
        ever.peak.peak if ever else None,
        0,
    )


def _renewals(holdings: Sequence[Holding]) -> Iterator[Ending]:
    for each in holdings:
        bought = each.purchase
        if bought.renewal is not None:
            yield Ending(
                bought.renewal, "renewal", each.scope, bought.product, each.name, bought.purchased
            )


def _ends(board: Board) -> Iterator[Ending]:
    for status in board.servers:
        if status.snapshot is None or not status.server.enabled:
            continue
        server, activation = status.server.name, status.snapshot.activation
        if activation is not None and activation.expires is not None:
            yield Ending(activation.expires, "activation", server)
        ends: dict[tuple[date, str, str, str], list[int | None]] = defaultdict(list)
        for pool in status.snapshot.pools:
            about, count = (pool.product, pool.name), pool.reading.installed
            if pool.counted and pool.expires is not None and not pool.permanent:
                ends[pool.expires, "expiry", *about].append(pool.leaving)
            if pool.counted and pool.subscription_date is not None:
                ends[pool.subscription_date, "subscription", *about].append(count)
        for (day, what, product, name), counts in ends.items():
            known = [count for count in counts if count is not None]
            yield Ending(day, what, server, product, name, sum(known) if known else None)


def gap(holding: Holding) -> str:
    """What the line comes to, in words."""
    bought = holding.purchase
    if holding.installed is None and holding.needed is None:
        return "no figures of it here"
    said = []
    assigned = products.describe(bought.product).model in (Model.USER_DEVICE, Model.NAMED_USER)
    used = "assigned" if assigned else "needed"
    if holding.beyond:
        said.append(f"over-used: {holding.beyond:,} more were {used} than bought")
    elif holding.idle:
        cost = money(holding.idle_cost, bought.currency)
        said.append(f"{holding.idle:,} never {used}" + (f", {cost} a year" if cost else ""))
    elif holding.needed is not None:
        said.append(f"all that was bought was {used}")
    else:
        said.append("its past is not known yet")
    if holding.installed_beyond:
        more = "more" if holding.installed_beyond > 0 else "fewer"
        said.append(f"{abs(holding.installed_beyond):,} {more} installed than bought")
    return "; ".join(said)


def money(amount: float | None, currency: str) -> str:
    """An amount for people; "" if it is not known."""
    return "" if amount is None else f"{amount:,.0f} {currency}".strip()


def wanted(purchases: Collection[Purchase]) -> tuple[By, ...]:
    """What must be looked back at."""
    return tuple(each for each in By if each in set(map(by, purchases)))
