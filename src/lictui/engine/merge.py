"""Merging of several data sources of one license server (`same_as`) into one status.

Each figure is taken from the most trusted source that has it, and its source is kept. What Citrix
Cloud lists of a license server is added. Polling and recording work on the single sources.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import is_
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lictui.config.settings import AlertSettings
from lictui.config.toml_document import did_you_mean
from lictui.engine.board import Board, FigureSource, MergedBoard, ServerStatus, is_reporting
from lictui.model import (
    LicenseServer,
    Mode,
    Model,
    Pool,
    PoolKey,
    Reading,
    Server,
    Snapshot,
    SourceName,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


# Precedence of data sources, figure by figure


_LAS: Final = ("cvad", "get-liclasinventory", "get-licinventory", "winrm", "wmi-json")
_FILE: Final = ("winrm", "wmi-json", "get-licinventory", "get-liclasinventory")
# After these: programs that list checkouts, then the site, then lists made by others.
_REST: Final = ("lictui", "lmstat", "udadmin", "cvad", "license-file", "citrix-cloud", "partner")
_HIDES_OVERDRAFT: Final = ("checkmk", "lmstat")  # their count includes the overdraft
_LAST: Final = ("checkmk",)


def uses_las(parts: Iterable[ServerStatus]) -> bool:
    """Whether the license server uses LAS, as far as any of its data sources reports."""
    return any(
        (part.snapshot is not None and part.snapshot.mode is Mode.LAS)
        or (part.server.source is SourceName.WINRM and part.state is State.NO_DATA)
        for part in parts
    )


def source_rank(server: Server, pool: Pool, *, las: bool) -> int:
    """The precedence of one reading of a pool; the lowest comes first."""
    order = (*(_LAS if las else _FILE), *_REST, *_LAST)
    way = _way(server)
    if way == "cvad" and pool.reading.installed is None:
        return len(order)  # counters of the site only, not of the license server
    return order.index(way) if way in order else len(order) - 1


def hides_overdraft(server: Server) -> bool:
    """Whether the installed count of this source includes the overdraft."""
    return _way(server) in _HIDES_OVERDRAFT


def _way(server: Server) -> str:
    return server.format if server.source is SourceName.COMMAND else server.source.value


# Host names of license servers


ACCOUNT_SOURCES: Final = (SourceName.CITRIX_CLOUD, SourceName.PARTNER)


def host_names(status: ServerStatus) -> tuple[str, ...]:
    """The host names of a license server, as known to all its data sources."""
    parts = status.members or (status,)
    return tuple(dict.fromkeys(name for part in parts for name in _names(part) if name))


def _names(part: ServerStatus) -> Iterator[str]:
    server, snapshot = part.server, part.snapshot
    if server.source in ACCOUNT_SOURCES:
        return  # its address is that of a Citrix service
    on = snapshot.license_server_host if snapshot else ""
    yield on
    if server.source is not SourceName.CVAD:
        yield snapshot.reported_name if snapshot else ""
        yield _host(server.url)
        for address in server.address.split(","):
            yield address.rpartition("@")[2].strip()
    elif not on:
        yield _host(server.url)  # the controller of a small site may be its license server too


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_same_host(one: str, other: str) -> bool:
    """Whether two names are of one host: case is ignored, a bare name matches any domain."""
    first, second = _plain(one), _plain(other)
    if not first or not second:
        return False
    if first == second:
        return True
    return _bare(first) != _bare(second) and first.partition(".")[0] == second.partition(".")[0]


def _plain(name: str) -> str:
    return name.strip().rstrip(".").casefold()


def _bare(name: str) -> bool:
    """Whether a name is a single label; a numeric address is complete."""
    return "." not in name and not name.isdigit()


class CloudServerList:
    """The license servers that Citrix Cloud lists, by their names."""

    def __init__(self, accounts: tuple[tuple[LicenseServer, ...], ...]) -> None:
        self.accounts = accounts
        self._whole: dict[str, LicenseServer] = {}
        self._near: dict[str, list[LicenseServer]] = {}
        for entry in (entry for account in accounts for entry in account):
            for name in filter(None, (_plain(entry.fqdn), _plain(entry.host_id))):
                self._whole.setdefault(name, entry)
                self._near.setdefault(name.partition(".")[0], []).append(entry)

    def find(self, status: ServerStatus) -> LicenseServer | None:
        """The entry of a license server: by full name, or by a bare name that is unambiguous."""
        if not self._whole:
            return None
        alone = [
            part.snapshot.license_servers
            for part in status.members
            if part.snapshot and len(part.snapshot.license_servers) == 1
        ]
        if alone:
            return alone[0][0]  # an account that was said to be this server, and knows no other
        names = [_plain(name) for name in host_names(status)]
        if found := next((self._whole[name] for name in names if name in self._whole), None):
            return found
        near = [
            entry
            for name in names
            for entry in self._near.get(name.partition(".")[0], ())
            if is_same_host(name, entry.fqdn) or is_same_host(name, entry.host_id)
        ]
        return near[0] if len({entry.host_id or entry.fqdn for entry in near}) == 1 else None


# Merging the members of one license server


_LIVE: Final = 0
_MISSED: Final = 1  # the last poll succeeded, but later ones are missing
_KNOWN: Final = 2  # values of an earlier poll


@dataclass(frozen=True, slots=True)
class _Member:
    """One reading of a pool by one data source."""

    part: ServerStatus
    pool: Pool
    tier: int
    order: tuple[int, int, bool, str]

    def origin(self, figure: str) -> FigureSource:
        return FigureSource(figure, self.part.server.name, self.pool.key)


@dataclass(frozen=True, slots=True)
class _Same:
    """One pool with all its readings, the most trusted first."""

    key: PoolKey
    members: tuple[_Member, ...]

    @property
    def tier(self) -> int:
        return self.members[0].tier


def merge_members(parts: tuple[ServerStatus, ...]) -> ServerStatus:
    """Merge the data sources of one license server, the main server first.

    The state is that of the main server if it delivers pools, else of the best source that does.
    Figures come from sources that respond; what none of them reports keeps its last known value.
    """
    main = parts[0]
    asked = tuple(part for part in parts if part.state is not State.DISABLED)
    found = _pools(asked, main)
    if not asked or not any(part.snapshot for part in asked):
        return replace(main, members=parts)
    base = min((same.tier for same in found), default=_LIVE)
    givers = [m.part for same in found for m in same.members if m.tier == base]
    carrier = main if not givers or any(part is main for part in givers) else givers[0]
    pools = {same.key: _pool(same) for same in found}
    status = replace(
        carrier,
        server=replace(main.server, enabled=True),
        snapshot=_snapshot(asked, main, tuple(pool for pool, _ in pools.values())),
        polled_at=max((p.polled_at for p in asked if p.polled_at is not None), default=None),
        due=min((p.due for p in asked if p.due is not None), default=None),
        members=parts,
        figure_sources={key: origins for key, (_, origins) in pools.items()},
        stale_pools=frozenset(same.key for same in found if same.tier > base),
    )
    owners = {status.history_key(key)[0] for key in pools if key not in status.stale_pools}
    read = [
        p.last_success_at
        for p in asked
        if p.server.name in owners and p.last_success_at is not None
    ]
    return replace(status, last_success_at=min(read, default=carrier.last_success_at))


def _tier(part: ServerStatus) -> int:
    return _LIVE if part.is_up else _MISSED if is_reporting(part) else _KNOWN


def _pools(asked: Sequence[ServerStatus], main: ServerStatus) -> list[_Same]:
    # A partner account lists the usage of many license servers; only its list of servers is used.
    holding = [
        part
        for part in asked
        if part.snapshot and (part is main or part.server.source is not SourceName.PARTNER)
    ]
    # A source without inventory withdraws its earlier pools, if another source has some.
    holding = [part for part in holding if part.state is not State.NO_DATA] or holding
    las = uses_las(asked)
    products: dict[str, list[_Member]] = {}
    for part in holding:
        tier = _tier(part)
        for pool in part.snapshot.pools if part.snapshot else ():
            place = source_rank(part.server, pool, las=las)
            order = (tier, place, part is not main, part.server.name)
            products.setdefault(pool.product, []).append(_Member(part, pool, tier, order))
    return [same for members in products.values() for same in _same(members)]


def _same(members: list[_Member]) -> list[_Same]:
    """The readings of one product, grouped by subscription date.

    A reading without a date belongs to the only dated pool of the other sources. If there are
    several, it is their sum: then only the most trusted source counts, or all would count twice.
    """
    members = sorted(members, key=lambda member: member.order)
    groups: dict[str, list[_Member]] = {}
    for member in members:
        groups.setdefault(member.pool.key.subscription_date, []).append(member)
    holders = [member.part.server.name for member in members]
    if "" in groups and len(groups) > 1:
        if len(set(holders)) == len(holders):
            dated = next(member for member in members if member.pool.subscription_date)
            groups[dated.pool.key.subscription_date] += groups.pop("")
        elif {member.part.server.name for member in groups[""]} != set(holders):
            first = members[0].part
            groups = {d: g for d, g in groups.items() if any(m.part is first for m in g)}
    return [
        _Same(
            PoolKey(group[0].pool.product, subscribed),
            tuple(sorted(group, key=lambda member: member.order)),
        )
        for subscribed, group in groups.items()
    ]


def _pool(same: _Same) -> tuple[Pool, tuple[FigureSource, ...]]:
    lead = same.members[0]
    origins = [lead.origin("pool")]

    def first(figure: str, has: Callable[[Pool], bool], who: Iterable[_Member]) -> Pool | None:
        member = next((member for member in who if has(member.pool)), None)
        if member is None:
            return None
        origins.append(member.origin(figure))
        return member.pool

    now = [member for member in same.members if member.tier == same.tier]
    reading = Reading(
        *(_figure(name, now, origins) for name in ("in_use", "installed", "overdraft"))
    )
    queued = first("queued", lambda pool: pool.queued is not None, now)
    named = first("name", lambda pool: pool.name != pool.product, same.members)
    ends = first(
        "ends", lambda pool: bool(pool.expires) or pool.permanent is not None, same.members
    )
    typed = first("license_type", lambda pool: bool(pool.license_type), same.members)
    vendor = first("vendor", lambda pool: bool(pool.vendor), same.members)
    model = first("model", lambda pool: pool.model is not Model.OTHER, same.members)
    dated = first("date", lambda pool: pool.subscription_date is not None, same.members)
    pool = replace(
        lead.pool,
        name=named.name if named else lead.pool.name,
        model=model.model if model else lead.pool.model,
        reading=reading,
        license_type=typed.license_type if typed else "",
        subscription_date=dated.subscription_date if dated else None,
        expires=ends.expires if ends else None,
        permanent=ends.permanent if ends else None,
        partial_expiry=bool(ends and ends.partial_expiry),
        reported_expiring=ends.reported_expiring if ends else None,
        vendor=vendor.vendor if vendor else "",
        queued=queued.queued if queued else None,
        raw_fields=(),  # each reading has its own
        formulas=(),
    )
    return pool, tuple(origins)


def _figure(name: str, now: list[_Member], origins: list[FigureSource]) -> int | None:
    """One figure, from the most trusted reading that has it."""
    if name != "in_use":
        # A count that includes the overdraft is used only if no source separates the two.
        whole = [m for m in now if not hides_overdraft(m.part.server)]
        told = any(m.pool.reading.installed is not None for m in whole)
        now = whole if told else [m for m in now if m not in whole] if _counts(now) else now
    for member in now:
        value: int | None = getattr(member.pool.reading, name)
        if value is not None:
            origins.append(member.origin(name))
            return value
    return None


def _counts(now: list[_Member]) -> bool:
    return any(member.pool.reading.installed is not None for member in now)


def _snapshot(
    asked: Sequence[ServerStatus], main: ServerStatus, pools: tuple[Pool, ...]
) -> Snapshot:
    """What the sources report of the license server itself; responding ones come first."""
    by_tier = sorted(asked, key=lambda part: (_tier(part), part is not main, part.server.name))
    known = [part.snapshot for part in by_tier if part.snapshot]
    alive = [part.snapshot for part in by_tier if part.snapshot and is_reporting(part)] or known
    own = [
        p.snapshot for p in by_tier if p.snapshot and p.server.source not in ACCOUNT_SOURCES
    ] or known
    named = next((each for each in own if each.reported_name or each.version), own[0])
    notices = dict.fromkeys(notice for each in alive for notice in each.notices)
    return Snapshot(
        pools,
        named.reported_name,
        named.version,
        _mode(known),
        next((each.activation for each in known if each.activation), None),
        tuple(notices),
        next((each.license_server_host for each in known if each.license_server_host), ""),
        tuple(dict.fromkeys(listed for each in known for listed in each.license_servers)),
        tuple(told for each in known for told in each.monthly_usage),
        main.snapshot.certificate if main.snapshot else None,
    )


def _mode(known: Sequence[Snapshot]) -> Mode | None:
    """LAS if any source reports it: WMI and programs may list files no longer in use."""
    said = [each.mode for each in known if each.mode]
    return Mode.LAS if Mode.LAS in said else next(iter(said), None)


def resolve_same_as(servers: Iterable[Server]) -> dict[str, str]:
    """The main server of every server with a valid `same_as`.

    Chains are followed to their end; circular references and unknown servers are ignored.
    """
    links = _links(tuple(servers))
    found = {}
    for name in links:
        at = name
        while at in links:
            at = links[at]
        found[name] = at
    return found


def _links(servers: tuple[Server, ...]) -> dict[str, str]:
    links = {server.name: server.same_as for server in servers if server.same_as}
    if links:
        known = {server.name for server in servers}
        links = {name: to for name, to in links.items() if to in known}
        for name in _on_circles(links):
            del links[name]
    return links


def _on_circles(links: dict[str, str]) -> frozenset[str]:
    found = set()
    for name in links:
        seen: dict[str, None] = {}
        at: str | None = name
        while at is not None and at not in seen:
            seen[at] = None
            at = links.get(at)
        if at == name:
            found.add(name)
    return frozenset(found)


def same_as_warnings(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Warnings about every `same_as` that is ignored."""
    known = [server.name for server in servers]
    links = {each.name: each.same_as for each in servers if each.same_as in known}
    circles = _on_circles(links)
    said = []
    for server in servers:
        if server.same_as and server.name not in links:
            hint = did_you_mean(server.same_as, known)
            close = f" ({hint})" if hint else ""
            said.append(f"{server.name}: same_as: unknown server {server.same_as}{close}")
        elif server.name in circles:
            said.append(f"{server.name}: circular same_as reference ({server.same_as})")
    return tuple(said)


def servers_on_hosts(board: MergedBoard, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The license servers that answer to one of these host names."""
    return tuple(
        status.server.name
        for status in board.servers
        if any(is_same_host(name, host) for name in host_names(status) for host in hosts)
    )


class BoardMerger:
    """Merges the data sources of each license server; what has not changed is the same object."""

    def __init__(self) -> None:
        self._latest = MergedBoard()
        self._cloud_servers = CloudServerList(())
        # By main server: its members as last merged, and the result.
        self._merged: dict[str, tuple[tuple[ServerStatus, ...], ServerStatus]] = {}

    def merge(self, board: Board, settings: AlertSettings) -> MergedBoard:
        """The board with one status for each license server, in the order of the main ones.

        `settings` are the thresholds of its totals.
        """
        latest = self._latest
        if latest.registered is not board:
            self._latest = MergedBoard(self._servers(board), board, settings)
        elif latest.alert_settings is not settings:
            self._latest = replace(latest, alert_settings=settings)
        return self._latest

    def _servers(self, board: Board) -> tuple[ServerStatus, ...]:
        accounts = tuple(
            status.snapshot.license_servers
            for status in board.servers
            if status.snapshot
            and status.snapshot.license_servers
            and status.state is not State.DISABLED
        )
        if accounts != self._cloud_servers.accounts:
            self._cloud_servers = CloudServerList(accounts)
            self._merged.clear()
        main_of = resolve_same_as(status.server for status in board.servers)
        if not accounts and not main_of:
            return board.servers
        members: dict[str, list[ServerStatus]] = {
            status.server.name: [status]
            for status in board.servers
            if status.server.name not in main_of
        }
        for status in board.servers:
            if main := main_of.get(status.server.name):
                members[main].append(status)
        self._merged = {name: self._merge(name, tuple(group)) for name, group in members.items()}
        return tuple(status for _, status in self._merged.values())

    def _merge(
        self, name: str, members: tuple[ServerStatus, ...]
    ) -> tuple[tuple[ServerStatus, ...], ServerStatus]:
        before = self._merged.get(name)
        if before and len(before[0]) == len(members) and all(map(is_, before[0], members)):
            return before
        status = merge_members(members) if len(members) > 1 else members[0]
        cloud_status = self._cloud_servers.find(status)
        if cloud_status is not None:
            status = replace(status, cloud_status=cloud_status)
        return members, status


def merge_board(board: Board, settings: AlertSettings | None = None) -> MergedBoard:
    """A board merged once, for a caller that has no next one."""
    return BoardMerger().merge(board, settings or AlertSettings())


def duplicate_pools(board: MergedBoard) -> dict[tuple[str, PoolKey], str]:
    """Pools that are readings of another one: (server, pool) -> the server whose reading counts."""
    duplicates: dict[tuple[str, PoolKey], str] = {}
    for status in board.servers:
        if not status.members:
            continue
        owners = {status.history_key(key) for key in status.figure_sources}
        products = {key.product: server for server, key in owners}
        for member in status.members:
            for pool in member.snapshot.pools if member.snapshot else ():
                reading = (member.server.name, pool.key)
                if reading not in owners:
                    same = next((server for server, key in owners if key == pool.key), "")
                    duplicates[reading] = same or products.get(pool.product, status.server.name)
    return duplicates


def duplicate_pool_keys(board: MergedBoard, name: str) -> frozenset[PoolKey]:
    """The pools of one registered server that no figure of its license server is taken from."""
    status = board.find(name)
    if status is None or not status.members:
        return frozenset()
    used = {
        (source.server, source.key)
        for sources in status.figure_sources.values()
        for source in sources
        if source.figure in ("pool", "in_use", "installed")
    }
    snapshot = status.member(name).snapshot
    pools = snapshot.pools if snapshot else ()
    return frozenset(pool.key for pool in pools if (name, pool.key) not in used)
