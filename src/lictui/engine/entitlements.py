"""What was purchased against what is installed and used, what ends when, and doubled counts.

Some LAS servers report twice the purchased quantity (protocol note web-services-8083, [C]). Nothing
in their answer shows it, so a divisor is only proposed, never applied unasked.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import astuple, replace

from lictui import products
from lictui.engine.board import (
    GroupBy,
    MergedBoard,
    ServerStatus,
    Total,
    is_reporting,
    once_per_entitlement,
)
from lictui.engine.merge import uses_las
from lictui.model import Model, sum_all_known

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.config.entitlements import Entitlement
    from lictui.model import Pool, Snapshot

_NEXT: Final = timedelta(days=365)
_RECENT: Final = timedelta(days=30)  # what has just ended is still shown
_DOUBLED: Final = 2
_CENTS: Final = 1000  # below this, cents are shown


# What ends when: alerts, report, panes and charts select from this list and word it


class ExpiryKind(StrEnum):
    """What ends; the words of `lictui contract --json`."""

    LICENSES = "expiry"
    SUBSCRIPTION = "subscription"  # the right to newer versions; the licenses stay valid
    ACTIVATION = "activation"  # by the License Activation Service
    CERTIFICATE = "certificate"  # of TLS
    RENEWAL = "renewal"  # of a purchase, as entered by the user


class Expiry(Struct, frozen=True):
    """Something that ends on a known day."""

    day: date
    kind: ExpiryKind
    server: str  # of a renewal: the server, the group or "estate" that it is for
    product: str = ""  # "" when it concerns the server as a whole
    name: str = ""  # of the product; "" if the server does not report which
    model: Model = Model.OTHER  # of the product
    count: int | None = None  # licenses concerned; None: unknown
    subscription_date: date | None = None  # of the pool
    renewed: bool = False  # of a subscription: the server has a later one for as many licenses
    licenses_too: bool = False  # of a subscription: its licenses expire on the same day
    valid_from: date | None = None  # of a certificate


def expiries(board: MergedBoard) -> list[Expiry]:
    """Everything that ends on the enabled servers of a board, in the order of the board."""
    return [
        expiry
        for status in board.servers
        if status.server.enabled
        for expiry in server_expiries(status)
    ]


def of_one_day(ends: Iterable[Expiry], *, by_server: bool = False) -> Iterator[Expiry]:
    """One entry for all servers, or for each, on which a product ends on the same day."""

    def key(expiry: Expiry) -> tuple[object, ...]:
        server = expiry.server if by_server else ""
        return expiry.day, expiry.kind, expiry.product, expiry.name, expiry.renewed, server

    for _, same in groupby(sorted(ends, key=key), key=key):
        group = list(same)
        servers = ", ".join(dict.fromkeys(expiry.server for expiry in group))
        count = sum_all_known(expiry.count for expiry in group)
        yield replace(group[0], server=servers, count=count)


def server_expiries(status: ServerStatus) -> Iterator[Expiry]:
    """Everything that ends on one server, as last reported."""
    name, snapshot = status.server.name, status.snapshot
    for member in status.members or (status,):
        certificate = member.snapshot.certificate if member.snapshot else None
        if certificate is not None and certificate.expires is not None:
            yield Expiry(
                certificate.expires,
                ExpiryKind.CERTIFICATE,
                member.server.name,
                valid_from=certificate.valid_from,
            )
    if snapshot is None:
        return
    if snapshot.activation is not None and snapshot.activation.expires is not None:
        yield Expiry(snapshot.activation.expires, ExpiryKind.ACTIVATION, name)
    yield from _license_expiries(name, snapshot)


def _license_expiries(server: str, snapshot: Snapshot) -> Iterator[Expiry]:
    pools = [pool for pool in snapshot.pools if pool.counted]
    if snapshot.next_expiry is not None:
        yield Expiry(snapshot.next_expiry, ExpiryKind.LICENSES, server)
    for pool in pools:
        end, subscription = pool.license_end, pool.subscription_date
        expiry = partial(
            Expiry,
            server=server,
            product=pool.product,
            name=pool.name,
            model=pool.model,
            subscription_date=subscription,
        )
        if end is not None:
            yield expiry(end, ExpiryKind.LICENSES, count=pool.expiring_count)
        if subscription is not None:
            yield expiry(
                subscription,
                ExpiryKind.SUBSCRIPTION,
                count=pool.reading.installed,
                renewed=_is_renewed(pool, pools),
                licenses_too=subscription == end,
            )


def _is_renewed(pool: Pool, pools: Sequence[Pool]) -> bool:
    """Whether at least as many licenses of the product have a later subscription date."""
    later = [
        other.reading.installed
        for other in pools
        if other.product == pool.product
        and (other.subscription_date or date.min) > (pool.subscription_date or date.max)
    ]
    count, installed = sum_all_known(later), pool.reading.installed
    return bool(later) and (count is None or installed is None or count >= installed)


# Purchased licenses against installed and used ones


class ScopeUsage(Struct, frozen=True):
    """How a product is used in the scope of an entitlement; None is unknown."""

    name: str  # of the product
    installed: int | None
    peak: int | None = None  # of the month; of user/device licenses the most that were assigned
    highest_peak: int | None = None  # of all known months
    proven_peak: int | None = None  # lower if the highest is only an upper bound
    peak_is_bound: bool = False
    model: Model = Model.OTHER


class ContractLine(ScopeUsage, frozen=True, kw_only=True):
    """One entitlement compared with the usage of its scope; None is unknown."""

    entitlement: Entitlement
    container: str = ""  # scope of another line that these licenses and their cost are part of

    @property
    def is_bound(self) -> bool:
        """Whether the highest peak may have been lower."""
        return self.highest_peak != self.proven_peak

    @property
    def scope(self) -> str:
        """The server or group that the line is for, else "estate"."""
        return self.entitlement.server or self.entitlement.group or "estate"

    @property
    def shortfall(self) -> int | None:
        """Licenses that were in use without having been purchased; a bound proves none."""
        purchased = self.entitlement.purchased
        if self.proven_peak is not None and self.proven_peak > purchased:
            return self.proven_peak - purchased
        if self.highest_peak is None or self.highest_peak > purchased:
            return None
        return 0

    @property
    def installed_surplus(self) -> int | None:
        """Installed minus purchased; negative where fewer are installed."""
        return None if self.installed is None else self.installed - self.entitlement.purchased

    @property
    def unused(self) -> int | None:
        """Licenses that were purchased and not used in any known month; at least, for a bound."""
        if self.highest_peak is None or self.shortfall is None:
            return None
        return max(0, self.entitlement.purchased - self.highest_peak)

    @property
    def cost(self) -> float | None:
        """Cost of all purchased licenses per year."""
        unit_cost = self.entitlement.cost
        return None if unit_cost is None else round(unit_cost * self.entitlement.purchased, 2)

    @property
    def unused_cost(self) -> float | None:
        """Cost of the unused licenses per year."""
        unit_cost, unused = self.entitlement.cost, self.unused
        return None if unit_cost is None or unused is None else round(unit_cost * unused, 2)


def compare(
    entitlements: Iterable[Entitlement],
    usage_of: Callable[[Entitlement], Sequence[ScopeUsage]],
    groups: Mapping[str, str],
) -> tuple[ContractLine, ...]:
    """Compare entitlements with the usage of their product and scope, one for each license model.

    Several license models are never added up: the usage is unknown. `groups` are those of servers.
    """
    lines = []
    for entitlement in entitlements:
        usages = usage_of(entitlement)
        name = usages[0].name if usages else products.describe(entitlement.product).name
        usage = usages[0] if len(usages) == 1 else ScopeUsage(name, None)
        lines.append(ContractLine(*astuple(usage), entitlement=entitlement))
    widest_first = sorted(lines, key=lambda line: bool(line.entitlement.group))

    def container(inner: ContractLine) -> str:
        lines = (o for o in widest_first if _contains(o.entitlement, inner.entitlement, groups))
        return next((outer.scope for outer in lines), "")

    return tuple(replace(line, container=container(line)) for line in lines)


def _contains(outer: Entitlement, inner: Entitlement, groups: Mapping[str, str]) -> bool:
    """Whether the licenses of an entitlement, and their cost, are part of those of another."""
    if outer.product != inner.product or outer.cost is None or outer.server:
        return False
    if outer.group:
        return groups.get(inner.server) == outer.group
    return bool(inner.group or inner.server)


def unused_costs(lines: Iterable[ContractLine]) -> list[str]:
    """Return the cost of unused licenses per year, one text per currency.

    Every license counts once.
    """
    costs: dict[str, list[ContractLine]] = defaultdict(list)
    for line in lines:
        if line.unused_cost and not line.container:
            costs[line.entitlement.currency].append(line)
    return [
        "at least " * any(line.is_bound for line in of_currency)
        + format_money(sum(line.unused_cost or 0 for line in of_currency), currency)
        for currency, of_currency in costs.items()
    ]


class EntitlementOverview(Struct, frozen=True):
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

    def usage_of(entitlement: Entitlement) -> list[ScopeUsage]:
        by = grouping(entitlement)
        scope = entitlement.server or entitlement.group
        return [
            _usage(total, summaries.get(by, {}).get((scope, total.product, total.model)))
            for total in board.totals(by)
            if (total.scope, total.product) == (scope, entitlement.product)
        ]

    groups = {name: s.server.group for s in board.servers for name in s.member_names}
    lines = compare(entitlements, usage_of, groups)
    ends = [
        expiry
        for expiry in (*renewals(lines), *expiries(board))
        if -_RECENT <= expiry.day - today <= _NEXT and expiry.kind is not ExpiryKind.CERTIFICATE
    ]
    ends = sorted(of_one_day(ends, by_server=True), key=lambda e: (e.day, e.kind, e.server))
    return EntitlementOverview(lines, tuple(ends))


def _usage(total: Total, past: PastSummary | None) -> ScopeUsage:
    name = total.name or products.describe(total.product).name
    installed = total.comparable.installed
    if past is None or past.all_time is None:
        return ScopeUsage(name, installed, model=total.model)
    highest = past.all_time.peak
    return ScopeUsage(
        name,
        installed,
        past.month.peak.peak if past.month else None,
        highest.peak,
        None if highest.bound else highest.peak,
        bool(past.month and past.month.peak.bound),
        total.model,
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
                line.model,
                entitlement.purchased,
            )


def summary(line: ContractLine) -> str:
    """The result of a comparison in words."""
    entitlement = line.entitlement
    if line.installed is None and line.highest_peak is None:
        return "no usage data"
    assigned = products.describe(entitlement.product, model=line.model).model.is_assigned
    at_least = "at least " if line.is_bound else ""
    if line.shortfall:
        used = "assignments exceed" if assigned else "peak exceeds"
        parts = [f"overused: {used} purchased by {at_least}{line.shortfall:,}"]
    elif line.unused:
        cost = format_money(line.unused_cost, entitlement.currency)
        parts = [f"{at_least}{line.unused:,} unused" + (f", {cost} per year" if cost else "")]
    elif line.highest_peak is None:
        parts = ["no history yet"]
    elif line.shortfall is None:
        parts = [f"at most {line.highest_peak:,} in use at one time; overuse is not proven"]
    else:
        parts = ["fully used"]
    if line.installed_surplus:
        more = "more" if line.installed_surplus > 0 else "fewer"
        parts.append(f"{abs(line.installed_surplus):,} {more} installed than purchased")
    return "; ".join(parts)


def format_money(amount: float | None, currency: str) -> str:
    """An amount for people, such as `12,000 EUR` or `42.50 EUR`; "" if it is not known."""
    digits = 2 if amount is not None and amount < _CENTS and amount % 1 else 0
    return "" if amount is None else f"{amount:,.{digits}f} {currency}".strip()


# Servers whose licenses seem to be counted twice


_Hint = tuple[tuple[str, str], str]  # server and product, and the message


def count_hints(
    board: MergedBoard, entitlements: Iterable[Entitlement] = ()
) -> dict[tuple[str, str], str]:
    """LAS servers that report exactly twice what was purchased, or what another source does.

    And LAS servers that report the same licenses as another one: they may share an entitlement.
    By server and product: what was seen, and the setting that helps.
    """
    hints: dict[tuple[str, str], str] = {}
    for key, message in (
        *_against_servers(board),
        *_against_entitlements(board, tuple(entitlements)),
        *_against_members(board),
    ):
        hints.setdefault(key, message)
    return hints


def _against_entitlements(
    board: MergedBoard, entitlements: tuple[Entitlement, ...]
) -> Iterator[_Hint]:
    if not entitlements:
        return
    # By product: the license server, the member whose figure counts, and what is installed.
    installed: dict[str, list[tuple[ServerStatus, ServerStatus, int]]] = defaultdict(list)
    pools = [(s, p) for s in board.servers for p in s.pools if p.counted and is_reporting(s, p)]
    for (status, pool), (_, counts) in zip(pools, once_per_entitlement(pools), strict=True):
        if counts and pool.reading.installed:
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


def _against_members(board: MergedBoard) -> Iterator[_Hint]:
    for status in board.servers:
        readings = [
            (member, pool)
            for member in status.members
            if member.is_up and member.snapshot
            for pool in member.snapshot.pools
            if pool.counted and pool.reading.installed
        ]
        for member, pool in readings:
            for source, same in readings:
                count, half = pool.reading.installed or 0, same.reading.installed or 0
                doubled = same.key == pool.key and count == _DOUBLED * half
                if doubled and _may_double(member, status):
                    compared = f"exactly twice the {half:,} of {source.server.name}"
                    yield _hint(member, pool.product, f"{count:,} installed, {compared}")


def _against_servers(board: MergedBoard) -> Iterator[_Hint]:
    """LAS servers with the same product, quantity and end, unless they have an entitlement."""
    same: dict[tuple[str, int, date], list[str]] = defaultdict(list)
    for status in board.servers:
        if uses_las(status.members or (status,)) and not status.server.entitlement:
            for pool in status.snapshot.pools if status.snapshot else ():
                end = pool.license_end or pool.subscription_date
                if pool.counted and pool.reading.installed and end is not None:
                    key = pool.product, pool.reading.installed, end
                    same[key].append(status.server.name)
    for (product, installed, end), names in same.items():
        for name in names if len(names) > 1 else ():
            same_on = ", ".join(server for server in names if server != name)
            message = f"{product}: {installed:,} licenses until {end}, the same as on {same_on}; if"
            message += " they are one entitlement, set the same entitlement name for these servers"
            yield (name, product), message


def _may_double(member: ServerStatus, status: ServerStatus) -> bool:
    return member.server.quantity_divisor == 1 and uses_las(status.members or (status,))


def _hint(member: ServerStatus, product: str, compared: str) -> _Hint:
    name = member.server.name
    return (name, product), f"{product}: {compared}; consider quantity_divisor = 2 for {name}"
