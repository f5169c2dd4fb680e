"""License servers that report more than was bought: the divisor, and when to propose it.

Owns what is divided, and how it is noticed. Pure. Some LAS servers report twice the quantity of the
contract (protocol note web-services-8083, [C]); nothing says so, so it is never done unasked.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.usage import ContractLine, PastSummary, TotalKey
from lictui.engine.board import Board, GroupBy, ServerStatus, Total, is_reporting, totals
from lictui.engine.merge import uses_las
from lictui.model import Failure, Model, Pool, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from lictui.config.entitlements import Entitlement
    from lictui.config.settings import AlertSettings


_DIVIDED: Final = ("installed", "overdraft")
_TWICE: Final = 2


@dataclass(frozen=True, slots=True)
class DivisorHint:
    """A server that seems to report twice what there is."""

    server: str
    product: str
    message: str


def apply_divisor(result: Snapshot | Failure, divisor: int) -> Snapshot | Failure:
    """What a server told, its quantities divided; what is in use stays, and remainders are lost."""
    if divisor <= 1 or isinstance(result, Failure):
        return result
    return replace(result, pools=tuple(_divided(pool, divisor) for pool in result.pools))


def _divided(pool: Pool, by: int) -> Pool:
    reading = pool.reading
    how = dict(pool.formulas)
    for figure in _DIVIDED:
        formula = how.get(figure, figure)
        how[figure] = f"({formula}) / {by}" if " " in formula else f"{formula} / {by}"
    return replace(
        pool,
        reading=replace(
            reading,
            installed=None if reading.installed is None else reading.installed // by,
            overdraft=None if reading.overdraft is None else reading.overdraft // by,
        ),
        reported_expiring=None if pool.reported_expiring is None else pool.reported_expiring // by,
        formulas=tuple(how.items()),
    )


def divisor_hints(board: Board, contract: Iterable[Entitlement] = ()) -> tuple[DivisorHint, ...]:
    """The LAS servers of a board, as `together` made it, that report exactly twice what there is.

    That is what the contract says, or what another way to read the same license server tells.
    """
    found: dict[tuple[str, str], DivisorHint] = {}
    for hint in (*_by_contract(board, tuple(contract)), *_by_parts(board)):
        found.setdefault((hint.server, hint.product), hint)
    return tuple(found.values())


def _readings(status: ServerStatus) -> Iterator[tuple[ServerStatus, Pool]]:
    """Every reading that the figures of a status are made of, as the registered server told it."""
    for pool in status.snapshot.pools if status.snapshot else ():
        owner = next(
            (o.server for o in status.figure_sources.get(pool.key, ()) if o.figure == "installed"),
            "",
        )
        if pool.counted and pool.reading.installed and is_reporting(status, pool):
            yield status.member(owner), pool


def _may_double(part: ServerStatus, status: ServerStatus) -> bool:
    return part.server.quantity_divisor == 1 and uses_las(status.members or (status,))


def _by_contract(board: Board, contract: tuple[Entitlement, ...]) -> Iterator[DivisorHint]:
    if not contract:
        return
    held: dict[str, list[tuple[ServerStatus, ServerStatus, int]]] = {}
    for status in board.servers:
        for part, pool in _readings(status):
            told = (status, part, pool.reading.installed or 0)
            held.setdefault(pool.product, []).append(told)
    for bought in contract:
        mine = [
            (status, part, installed)
            for status, part, installed in held.get(bought.product, ())
            if bought.group in ("", status.server.group)
            and (not bought.server or bought.server in status.member_names)
        ]
        total = sum(installed for _, _, installed in mine)
        if not bought.purchased or total != _TWICE * bought.purchased:
            continue
        said = f"{total:,} installed, exactly twice the {bought.purchased:,} of the contract"
        for status, part, _ in mine:
            if _may_double(part, status):
                yield _hint(part, bought.product, said)


def _by_parts(board: Board) -> Iterator[DivisorHint]:
    for status in board.servers:
        if not status.members:
            continue
        told = [
            (part, pool)
            for part in status.members
            if part.is_up and part.snapshot
            for pool in part.snapshot.pools
            if pool.counted and pool.reading.installed
        ]
        for part, pool in told:
            for other, same in told:
                mine, theirs = pool.reading.installed or 0, same.reading.installed or 0
                if same.key == pool.key and mine == _TWICE * theirs and _may_double(part, status):
                    said = (
                        f"{mine:,} installed, exactly twice the {theirs:,} of {other.server.name}"
                    )
                    yield _hint(part, pool.product, said)


def _hint(part: ServerStatus, product: str, told: str) -> DivisorHint:
    name = part.server.name
    return DivisorHint(name, product, f"{product}: {told}; if so, quantity_divisor = 2 for {name}")


# The contract held against the estate: gaps, what lies idle, and what ends in the next year


_AHEAD: Final = timedelta(days=365)
_BEHIND: Final = timedelta(days=30)  # what has just ended is still to be seen


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day on which something must have been done."""

    day: date
    kind: str  # renewal · expiry · subscription · activation
    scope: str  # the server, group or estate it is about
    product: str = ""  # its code; "" of a server's activation
    name: str = ""
    count: int | None = None  # licenses it is about


@dataclass(frozen=True, slots=True)
class EntitlementOverview:
    """Every line of the contract, and every day of the next year that matters."""

    lines: tuple[ContractLine, ...]
    deadlines: tuple[Deadline, ...]  # the soonest first


def grouping(purchase: Entitlement) -> GroupBy:
    """Over what a line of the contract is summed."""
    return (
        GroupBy.SERVER if purchase.server else GroupBy.GROUP if purchase.group else GroupBy.PRODUCT
    )


def compare_entitlements(
    board: Board,
    purchases: Sequence[Entitlement],
    pasts: Mapping[GroupBy, Mapping[TotalKey, PastSummary]],
    alerts: AlertSettings,
    today: date,
) -> EntitlementOverview:
    """The contract against `board`, which is one that Together made, and its past."""
    found = {each: totals(board, alerts, each) for each in set(map(grouping, purchases))}
    holdings = tuple(
        _holding(each, found[grouping(each)], pasts.get(grouping(each), {})) for each in purchases
    )
    endings = [*_renewals(holdings), *_ends(board)]
    soon = (each for each in endings if -_BEHIND <= each.day - today <= _AHEAD)
    return EntitlementOverview(
        holdings, tuple(sorted(soon, key=lambda each: (each.day, each.kind, each.scope)))
    )


def _holding(
    purchase: Entitlement, found: Sequence[Total], pasts: Mapping[TotalKey, PastSummary]
) -> ContractLine:
    scope = purchase.server or purchase.group
    mine = [each for each in found if (each.scope, each.product) == (scope, purchase.product)]
    name = products.describe(purchase.product).name
    if not mine:
        return ContractLine(purchase, name, None, None, None, 0)
    total = mine[0]
    past = pasts.get((scope, total.product, total.model))
    month, ever = (past.month, past.all_time) if past else (None, None)
    return ContractLine(
        purchase,
        total.name or name,
        None if total.unknown_pools else total.reading.installed,
        month.peak.peak if month else None,
        ever.peak.peak if ever else None,
        0,
    )


def _renewals(holdings: Sequence[ContractLine]) -> Iterator[Deadline]:
    for each in holdings:
        bought = each.entitlement
        if bought.renewal is not None:
            yield Deadline(
                bought.renewal, "renewal", each.scope, bought.product, each.name, bought.purchased
            )


def _ends(board: Board) -> Iterator[Deadline]:
    for status in board.servers:
        if status.snapshot is None or not status.server.enabled:
            continue
        server, activation = status.server.name, status.snapshot.activation
        if activation is not None and activation.expires is not None:
            yield Deadline(activation.expires, "activation", server)
        ends: dict[tuple[date, str, str, str], list[int | None]] = defaultdict(list)
        for pool in status.snapshot.pools:
            about, count = (pool.product, pool.name), pool.reading.installed
            if pool.counted and pool.expires is not None and not pool.permanent:
                ends[pool.expires, "expiry", *about].append(pool.expiring_count)
            if pool.counted and pool.subscription_date is not None:
                ends[pool.subscription_date, "subscription", *about].append(count)
        for (day, what, product, name), counts in ends.items():
            known = [count for count in counts if count is not None]
            yield Deadline(day, what, server, product, name, sum(known) if known else None)


def summary(holding: ContractLine) -> str:
    """What the line comes to, in words."""
    bought = holding.entitlement
    if holding.installed is None and holding.highest_peak is None:
        return "no figures of it here"
    said = []
    assigned = products.describe(bought.product).model in (Model.USER_DEVICE, Model.NAMED_USER)
    used = "assigned" if assigned else "needed"
    if holding.shortfall:
        said.append(f"over-used: {holding.shortfall:,} more were {used} than bought")
    elif holding.unused:
        cost = format_money(holding.unused_cost, bought.currency)
        said.append(f"{holding.unused:,} never {used}" + (f", {cost} a year" if cost else ""))
    elif holding.highest_peak is not None:
        said.append(f"all that was bought was {used}")
    else:
        said.append("its past is not known yet")
    if holding.installed_surplus:
        more = "more" if holding.installed_surplus > 0 else "fewer"
        said.append(f"{abs(holding.installed_surplus):,} {more} installed than bought")
    return "; ".join(said)


def format_money(amount: float | None, currency: str) -> str:
    """An amount for people; "" if it is not known."""
    return "" if amount is None else f"{amount:,.0f} {currency}".strip()


def groupings(purchases: Collection[Entitlement]) -> tuple[GroupBy, ...]:
    """What must be looked back at."""
    return tuple(each for each in GroupBy if each in set(map(grouping, purchases)))
