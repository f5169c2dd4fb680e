"""Purchased licenses against installed and used ones, upcoming expirations, and doubled counts.

Some LAS servers report twice the purchased quantity (protocol note web-services-8083, [C]). Nothing
in their answer shows it, so a divisor is only proposed, never applied unasked.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.usage import ContractLine, PastSummary, TotalKey
from lictui.engine.board import GroupBy, MergedBoard, ServerStatus, is_reporting
from lictui.engine.expiry import Expiry, ExpiryKind, expiries
from lictui.engine.merge import uses_las

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from lictui.config.entitlements import Entitlement

_NEXT: Final = timedelta(days=365)
_RECENT: Final = timedelta(days=30)  # what has just ended is still shown
_DOUBLED: Final = 2


@dataclass(frozen=True, slots=True)
class EntitlementOverview:
    """Every entitlement with its usage, and everything that ends in the next year."""

    lines: tuple[ContractLine, ...]
    expiries: tuple[Expiry, ...]  # the soonest first


def grouping(entitlement: Entitlement) -> GroupBy:
    """What the usage of an entitlement is summed over."""
    if entitlement.server:
        return GroupBy.SERVER
    return GroupBy.GROUP if entitlement.group else GroupBy.PRODUCT


def groupings(entitlements: Collection[Entitlement]) -> tuple[GroupBy, ...]:
    """The groupings whose past summaries `compare_entitlements` needs."""
    used = set(map(grouping, entitlements))
    return tuple(by for by in GroupBy if by in used)


def compare_entitlements(
    board: MergedBoard,
    entitlements: Sequence[Entitlement],
    summaries: Mapping[GroupBy, Mapping[TotalKey, PastSummary]],
    today: date,
) -> EntitlementOverview:
    """The entitlements against the board and its past; what is not known yet is None."""
    lines = tuple(
        _line(board, entitlement, summaries.get(grouping(entitlement), {}))
        for entitlement in entitlements
    )
    ends = [
        expiry
        for expiry in (*renewals(lines), *_licenses_of_one_day(board))
        if -_RECENT <= expiry.day - today <= _NEXT
    ]
    ends.sort(key=lambda expiry: (expiry.day, expiry.kind, expiry.server))
    return EntitlementOverview(lines, tuple(ends))


def _line(
    board: MergedBoard, entitlement: Entitlement, summaries: Mapping[TotalKey, PastSummary]
) -> ContractLine:
    scope = entitlement.server or entitlement.group
    name = products.describe(entitlement.product).name
    total = next(
        (
            total
            for total in board.totals(grouping(entitlement))
            if (total.scope, total.product) == (scope, entitlement.product)
        ),
        None,
    )
    if total is None:
        return ContractLine(entitlement, name, None, None, None, 0)
    past = summaries.get((scope, total.product, total.model)) or PastSummary()
    return ContractLine(
        entitlement,
        total.name or name,
        None if total.unknown_pools else total.reading.installed,
        past.month.peak.peak if past.month else None,
        past.all_time.peak.peak if past.all_time else None,
        0,
    )


def renewals(lines: Iterable[ContractLine]) -> Iterator[Expiry]:
    """The renewal days that were entered with the entitlements."""
    for line in lines:
        entitlement = line.entitlement
        if entitlement.renewal is not None:
            yield Expiry(
                entitlement.renewal,
                ExpiryKind.RENEWAL,
                line.scope,
                entitlement.product,
                line.name,
                entitlement.purchased,
            )


def _licenses_of_one_day(board: MergedBoard) -> Iterator[Expiry]:
    """What ends, with the licenses of one server, product and day as one."""
    same_day: dict[tuple[object, ...], list[Expiry]] = defaultdict(list)
    for expiry in expiries(board):
        if expiry.kind is not ExpiryKind.CERTIFICATE:
            key = (expiry.day, expiry.kind, expiry.server, expiry.product, expiry.name)
            same_day[key].append(expiry)
    for group in same_day.values():
        counts = [expiry.count for expiry in group if expiry.count is not None]
        yield replace(group[0], count=sum(counts) if counts else None)


def summary(line: ContractLine) -> str:
    """The result of a comparison in words."""
    entitlement = line.entitlement
    if line.installed is None and line.highest_peak is None:
        return "no usage data"
    assigned = products.describe(entitlement.product).model.is_assigned
    if line.shortfall:
        used = "assignments exceed" if assigned else "peak exceeds"
        parts = [f"overused: {used} purchased by {line.shortfall:,}"]
    elif line.unused:
        cost = format_money(line.unused_cost, entitlement.currency)
        parts = [f"{line.unused:,} unused" + (f", {cost} per year" if cost else "")]
    elif line.highest_peak is not None:
        parts = ["fully used"]
    else:
        parts = ["no history yet"]
    if line.installed_surplus:
        more = "more" if line.installed_surplus > 0 else "fewer"
        parts.append(f"{abs(line.installed_surplus):,} {more} installed than purchased")
    return "; ".join(parts)


def format_money(amount: float | None, currency: str) -> str:
    """An amount for people; "" if it is not known."""
    return "" if amount is None else f"{amount:,.0f} {currency}".strip()


# Servers that seem to report every license twice


@dataclass(frozen=True, slots=True)
class DivisorHint:
    """A server whose counts seem to be doubled."""

    server: str
    product: str
    message: str


def divisor_hints(
    board: MergedBoard, entitlements: Iterable[Entitlement] = ()
) -> tuple[DivisorHint, ...]:
    """LAS servers that report exactly twice what was purchased, or what another source does."""
    hints: dict[tuple[str, str], DivisorHint] = {}
    for hint in (*_against_entitlements(board, tuple(entitlements)), *_against_members(board)):
        hints.setdefault((hint.server, hint.product), hint)
    return tuple(hints.values())


def _against_entitlements(
    board: MergedBoard, entitlements: tuple[Entitlement, ...]
) -> Iterator[DivisorHint]:
    if not entitlements:
        return
    # By product: the license server, the member whose figure counts, and what is installed.
    installed: dict[str, list[tuple[ServerStatus, ServerStatus, int]]] = defaultdict(list)
    for status in board.servers:
        for pool in status.snapshot.pools if status.snapshot else ():
            if pool.counted and pool.reading.installed and is_reporting(status, pool):
                sources = status.figure_sources.get(pool.key, ())
                name = next((s.server for s in sources if s.figure == "installed"), "")
                figure = (status, status.member(name), pool.reading.installed)
                installed[pool.product].append(figure)
    for entitlement in entitlements:
        figures = [
            (status, member, count)
            for status, member, count in installed[entitlement.product]
            if entitlement.group in ("", status.server.group)
            and (not entitlement.server or entitlement.server in status.member_names)
        ]
        total = sum(count for _, _, count in figures)
        if not entitlement.purchased or total != _DOUBLED * entitlement.purchased:
            continue
        purchased = f"exactly twice the purchased quantity of {entitlement.purchased:,}"
        compared = f"{total:,} installed, {purchased}"
        for status, member, _ in figures:
            if _may_double(member, status):
                yield _hint(member, entitlement.product, compared)


def _against_members(board: MergedBoard) -> Iterator[DivisorHint]:
    for status in board.servers:
        readings = [
            (member, pool)
            for member in status.members
            if member.is_up and member.snapshot
            for pool in member.snapshot.pools
            if pool.counted and pool.reading.installed
        ]
        for member, pool in readings:
            for other, same in readings:
                count, half = pool.reading.installed or 0, same.reading.installed or 0
                doubled = same.key == pool.key and count == _DOUBLED * half
                if doubled and _may_double(member, status):
                    compared = f"exactly twice the {half:,} of {other.server.name}"
                    yield _hint(member, pool.product, f"{count:,} installed, {compared}")


def _may_double(member: ServerStatus, status: ServerStatus) -> bool:
    return member.server.quantity_divisor == 1 and uses_las(status.members or (status,))


def _hint(member: ServerStatus, product: str, compared: str) -> DivisorHint:
    name = member.server.name
    message = f"{product}: {compared}; consider quantity_divisor = 2 for {name}"
    return DivisorHint(name, product, message)
