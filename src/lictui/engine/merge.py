"""Merging of several data sources of one license server (`same_as`) into one status.

Each figure is taken from the most trusted source that has it, and its source is kept. What Citrix
Cloud lists of a license server is added. Polling and recording work on the single sources.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from lictui.config.settings import AlertSettings
from lictui.config.toml_document import did_you_mean
from lictui.engine.board import Board, FigureSource, MergedBoard, ServerStatus, is_reporting
from lictui.model import (
    ACCOUNT_SOURCES,
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
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


# Precedence of data sources, figure by figure


_LAS: Final = ("cvad", "get-liclasinventory", "get-licinventory", "winrm", "wmi-json")
_FILE: Final = ("winrm", "wmi-json", "get-licinventory", "get-liclasinventory")
# After these: programs that list checkouts, then the site, then lists made by others.
_OTHER_SOURCES: Final = (
    *("lictui", "lmstat", "udadmin", "cvad", "license-file", "citrix-cloud", "partner", "checkmk"),
)
_INCLUDES_OVERDRAFT: Final = ("checkmk", "lmstat")  # in their installed count


def uses_las(parts: Iterable[ServerStatus]) -> bool:
    """Whether the license server uses LAS, as far as any of its data sources reports."""
    return any(
        (part.snapshot is not None and part.snapshot.mode is Mode.LAS)
        or (part.server.source is SourceName.WINRM and part.state is State.NO_DATA)
        for part in parts
    )


def source_rank(server: Server, pool: Pool, *, las: bool) -> int:
    """The precedence of one reading of a pool; the lowest comes first."""
    order = (*(_LAS if las else _FILE), *_OTHER_SOURCES)
    way = _way(server)
    if way == "cvad" and pool.reading.installed is None:
        return len(order)  # counters of the site only, not of the license server
    return order.index(way) if way in order else len(order) - 1


def _way(server: Server) -> str:
    return server.format if server.source is SourceName.COMMAND else server.source.value


# Host names of license servers


def host_names(status: ServerStatus) -> tuple[str, ...]:
    """The host names of a license server, as known to all its data sources."""
    parts = status.members or (status,)
    return tuple(dict.fromkeys(name for part in parts for name in _names(part) if name))


def _names(part: ServerStatus) -> Iterator[str]:
    server, snapshot = part.server, part.snapshot
    if server.source in ACCOUNT_SOURCES:
        return  # its address is that of a Citrix service
    license_server = snapshot.license_server_host if snapshot else ""
    yield license_server
    if server.source is not SourceName.CVAD:
        yield snapshot.reported_name if snapshot else ""
        yield _host(server.url)
        for address in server.address.split(","):
            yield address.rpartition("@")[2].strip()
    elif not license_server:
        yield _host(server.url)  # the controller of a small site may be its license server too


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_same_host(name: str, listed: str) -> bool:
    """Whether two names are of one host: case is ignored, a bare name matches any domain."""
    first, second = _plain(name), _plain(listed)
    if not first or not second:
        return False
    if first == second:
        return True
    return _is_bare(first) != _is_bare(second) and first.split(".")[0] == second.split(".")[0]


def _plain(name: str) -> str:
    return name.strip().rstrip(".").casefold()


def _is_bare(name: str) -> bool:
    """Whether a name is a single label; a numeric address is complete."""
    return "." not in name and not name.isdigit()


class CloudServerList:
    """The license servers that Citrix Cloud lists, by their names."""

    def __init__(self, accounts: tuple[tuple[LicenseServer, ...], ...]) -> None:
        self.accounts = accounts
        # By the first label of a name: the names, and whose they are.
        self._entries: dict[str, list[tuple[str, LicenseServer]]] = {}
        for entry in chain.from_iterable(accounts):
            for name in filter(None, (_plain(entry.fqdn), _plain(entry.host_id))):
                self._entries.setdefault(name.split(".")[0], []).append((name, entry))

    def find(self, status: ServerStatus) -> LicenseServer | None:
        """The entry of a license server: by full name, or by a bare name that is unambiguous."""
        if not self._entries:
            return None
        for member in status.members:
            # An account that was registered for this server, and lists nothing else.
            if member.snapshot and len(member.snapshot.license_servers) == 1:
                return member.snapshot.license_servers[0]
        similar: dict[str, LicenseServer] = {}
        for name in map(_plain, host_names(status)):
            for listed, entry in self._entries.get(name.split(".")[0], ()):
                if name == listed:
                    return entry
                if is_same_host(name, listed):
                    similar[entry.host_id or entry.fqdn] = entry
        return next(iter(similar.values())) if len(similar) == 1 else None


# Merging the members of one license server


# How current the data of a source is; the lowest comes first.
_LIVE: Final = 0
_MISSED: Final = 1  # the last poll succeeded, but later ones are missing
_EARLIER: Final = 2  # values of an earlier poll


class _PoolReading(Struct, frozen=True):
    """One reading of a pool by one data source."""

    source: ServerStatus
    pool: Pool
    tier: int
    order: tuple[int, int, bool, str]  # the most trusted reading comes first

    def origin(self, figure: str) -> FigureSource:
        return FigureSource(figure, self.source.server.name, self.pool.key)


def merge_members(members: tuple[ServerStatus, ...]) -> ServerStatus:
    """Merge the data sources of one license server, the main server first.

    The state is that of the main server if it delivers pools, else of the best source that does.
    Figures come from sources that respond; what none of them reports keeps its last known value.
    """
    main = members[0]
    enabled = tuple(member for member in members if member.state is not State.DISABLED)
    if not any(member.snapshot for member in enabled):
        recorded = _recorded_pools(enabled, set())
        return replace(
            main,
            members=members,
            recorded_pools=tuple(pool for pool, _ in recorded),
            figure_sources={pool.key: origins for pool, origins in recorded},
        )
    readings_of = _group_readings(enabled, main)
    best = min((readings[0].tier for readings in readings_of.values()), default=_LIVE)
    sources = [
        reading.source
        for readings in readings_of.values()
        for reading in readings
        if reading.tier == best
    ]
    leading = main if not sources or any(source is main for source in sources) else sources[0]
    merged = {key: _merge_pool(readings) for key, readings in readings_of.items()}
    recorded = _recorded_pools(enabled, {key.product for key in merged})
    status = replace(
        leading,
        server=replace(main.server, enabled=True),
        snapshot=_snapshot(enabled, main, tuple(pool for pool, _ in merged.values())),
        polled_at=max((m.polled_at for m in enabled if m.polled_at is not None), default=None),
        due=min((m.due for m in enabled if m.due is not None), default=None),
        members=members,
        recorded_pools=tuple(pool for pool, _ in recorded),
        figure_sources={pool.key: origins for pool, origins in (*merged.values(), *recorded)},
        stale_pools=frozenset(
            (
                *(key for key, readings in readings_of.items() if readings[0].tier > best),
                *(pool.key for pool, _ in recorded),
            )
        ),
    )
    owners = {status.history_key(key)[0] for key in merged if key not in status.stale_pools}
    read_at = [
        member.last_success_at
        for member in enabled
        if member.server.name in owners and member.last_success_at is not None
    ]
    return replace(status, last_success_at=min(read_at, default=leading.last_success_at))


def _recorded_pools(
    members: Sequence[ServerStatus], products: set[str]
) -> list[tuple[Pool, tuple[FigureSource, ...]]]:
    """Pools of products that only a source which was not read yet has, according to the history."""
    recorded: dict[PoolKey, tuple[Pool, tuple[FigureSource, ...]]] = {}
    for member in members:
        withdrawn = member.state is State.NO_DATA and bool(products)
        for pool in () if withdrawn else member.recorded_pools:
            if pool.product not in products:
                source = FigureSource("pool", member.server.name, pool.key)
                recorded.setdefault(pool.key, (pool, (source,)))
    return list(recorded.values())


def _tier(member: ServerStatus) -> int:
    return _LIVE if member.is_up else _MISSED if is_reporting(member) else _EARLIER


def _group_readings(
    members: Sequence[ServerStatus], main: ServerStatus
) -> dict[PoolKey, list[_PoolReading]]:
    """The readings of every pool, the most trusted first."""
    # A partner account lists the usage of many license servers; only its list of servers is used.
    sources = [
        member
        for member in members
        if member.snapshot and (member is main or member.server.source is not SourceName.PARTNER)
    ]
    # A source without inventory withdraws its earlier pools, if another source has some.
    sources = [source for source in sources if source.state is not State.NO_DATA] or sources
    las = uses_las(members)
    products: dict[str, list[_PoolReading]] = {}
    for source in sources:
        tier = _tier(source)
        for pool in source.snapshot.pools if source.snapshot else ():
            rank = source_rank(source.server, pool, las=las)
            order = (tier, rank, source is not main, source.server.name)
            products.setdefault(pool.product, []).append(_PoolReading(source, pool, tier, order))
    return {
        PoolKey(product, subscription_date): sorted(group, key=lambda reading: reading.order)
        for product, readings in products.items()
        for subscription_date, group in _by_subscription_date(readings).items()
    }


def _by_subscription_date(readings: list[_PoolReading]) -> dict[str, list[_PoolReading]]:
    """The readings of one product, grouped by subscription date.

    A reading without a date belongs to the only dated pool of the other sources. If there are
    several, it is their sum: then only the most trusted source counts, or all would count twice.
    """
    readings = sorted(readings, key=lambda reading: reading.order)
    groups: dict[str, list[_PoolReading]] = {}
    for reading in readings:
        groups.setdefault(reading.pool.key.subscription_date, []).append(reading)
    if "" in groups and len(groups) > 1:
        sources = [reading.source.server.name for reading in readings]
        if len(set(sources)) == len(sources):
            dated = next(reading for reading in readings if reading.pool.subscription_date)
            groups[dated.pool.key.subscription_date] += groups.pop("")
        elif {reading.source.server.name for reading in groups[""]} != set(sources):
            first = readings[0].source
            groups = {
                subscription_date: group
                for subscription_date, group in groups.items()
                if any(reading.source is first for reading in group)
            }
    return groups


# What each group of fields is called in `figure_sources`, and which readings have it.
_PROPERTIES: Final[tuple[tuple[str, tuple[str, ...], Callable[[Pool], bool]], ...]] = (
    ("name", ("name",), lambda pool: pool.name != pool.product),
    (
        "ends",
        ("expires", "permanent", "partial_expiry", "reported_expiring"),
        lambda pool: bool(pool.expires) or pool.permanent is not None,
    ),
    ("license_type", ("license_type",), lambda pool: bool(pool.license_type)),
    ("vendor", ("vendor",), lambda pool: bool(pool.vendor)),
    ("model", ("model",), lambda pool: pool.model is not Model.OTHER),
    ("date", ("subscription_date",), lambda pool: pool.subscription_date is not None),
)


def _merge_pool(readings: list[_PoolReading]) -> tuple[Pool, tuple[FigureSource, ...]]:
    """Take every figure and property from the most trusted reading that has it."""
    leading = readings[0]
    origins = [leading.origin("pool")]
    current = [reading for reading in readings if reading.tier == leading.tier]
    counts = _comparable_counts(current)

    def first(figure: str, readings: list[_PoolReading], is_set: Callable[[Pool], bool]) -> Pool:
        """The pool of the first reading that has a figure; of the first one if none has."""
        for reading in readings:
            if is_set(reading.pool):
                origins.append(reading.origin(figure))
                return reading.pool
        return readings[0].pool

    in_use = first("in_use", current, lambda pool: pool.reading.in_use is not None)
    installed = first("installed", counts, lambda pool: pool.reading.installed is not None)
    overdraft = first("overdraft", counts, lambda pool: pool.reading.overdraft is not None)
    queued = first("queued", current, lambda pool: pool.queued is not None).queued
    properties: dict[str, Any] = {}
    for name, fields, is_set in _PROPERTIES:
        pool = first(name, readings, is_set)
        properties |= {field: getattr(pool, field) for field in fields}
    figures = Reading(
        in_use.reading.in_use, installed.reading.installed, overdraft.reading.overdraft
    )
    # Each reading has raw fields and formulas of its own.
    merged = replace(
        leading.pool, reading=figures, queued=queued, raw_fields=(), formulas=(), **properties
    )
    return merged, tuple(origins)


def _comparable_counts(readings: list[_PoolReading]) -> list[_PoolReading]:
    """The readings whose overdraft is separate, if any, else those whose count includes it."""
    for includes in (False, True):
        part = [r for r in readings if (_way(r.source.server) in _INCLUDES_OVERDRAFT) is includes]
        if any(reading.pool.reading.installed is not None for reading in part):
            return part
    return readings


def _snapshot(
    members: Sequence[ServerStatus], main: ServerStatus, pools: tuple[Pool, ...]
) -> Snapshot:
    """What the sources report of the license server itself; responding ones come first."""
    members = sorted(members, key=lambda m: (_tier(m), m is not main, m.server.name))
    read = [(member, member.snapshot) for member in members if member.snapshot]
    snapshots = [snapshot for _, snapshot in read]
    reporting = [snapshot for member, snapshot in read if is_reporting(member)] or snapshots
    own = [s for member, s in read if member.server.source not in ACCOUNT_SOURCES] or snapshots
    named = next((s for s in own if s.reported_name or s.version), own[0])
    modes = [snapshot.mode for snapshot in snapshots if snapshot.mode]
    return Snapshot(
        pools,
        named.reported_name,
        named.version,
        # WMI and programs may list files that are no longer in use.
        Mode.LAS if Mode.LAS in modes else next(iter(modes), None),
        next((s.activation for s in snapshots if s.activation), None),
        tuple(dict.fromkeys(notice for s in reporting for notice in s.notices)),
        next((s.license_server_host for s in snapshots if s.license_server_host), ""),
        tuple(dict.fromkeys(server for s in snapshots for server in s.license_servers)),
        tuple(month for s in snapshots for month in s.monthly_usage),
        main.snapshot.certificate if main.snapshot else None,
        # Another source may report the expiry of every pool.
        next_expiry=None
        if all(pool.expires or pool.permanent for pool in pools if pool.counted)
        else min((s.next_expiry for s in reporting if s.next_expiry), default=None),
        license_server_reachable=next(
            (known for s in reporting if (known := s.license_server_reachable) is not None), None
        ),
    )


# `same_as`: which servers are data sources of one license server


def resolve_same_as(servers: Iterable[Server]) -> dict[str, str]:
    """The main server of every server with a valid `same_as`.

    Chains are followed to their end; circular references and unknown servers are ignored.
    """
    links = _same_as_links(servers)
    valid = {name: target for name, target in links.items() if name not in _chain(links, name)}
    return {name: _chain(valid, name)[-1] for name in valid}


def _same_as_links(servers: Iterable[Server]) -> dict[str, str]:
    """The `same_as` of every server where it names a registered one."""
    same_as = {server.name: server.same_as for server in servers}
    return {name: target for name, target in same_as.items() if target in same_as}


def _chain(links: Mapping[str, str], name: str) -> list[str]:
    """The servers that a server leads to, one after the other; itself at last in a circle."""
    chain: list[str] = []
    while (name := links.get(name, "")) and name not in chain:
        chain.append(name)
    return chain


def same_as_warnings(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Warnings about every `same_as` that is ignored."""
    links = _same_as_links(servers)
    warnings = []
    for server in servers:
        if server.same_as and server.name not in links:
            hint = did_you_mean(server.same_as, [server.name for server in servers])
            suggestion = f" ({hint})" if hint else ""
            warnings.append(f"{server.name}: same_as: unknown server {server.same_as}{suggestion}")
        elif server.name in _chain(links, server.name):
            warnings.append(f"{server.name}: circular same_as reference ({server.same_as})")
    return tuple(warnings)


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
        # By partner account: its status, the products that others report, and the result.
        self._partners: dict[str, tuple[ServerStatus, dict[str, str], ServerStatus]] = {}

    def merge(self, board: Board, settings: AlertSettings) -> MergedBoard:
        """The board with one status for each license server, in the order of the main ones.

        `settings` are the thresholds of its totals.
        """
        latest = self._latest
        if latest.registered is not board or latest.alert_settings is not settings:
            self._latest = MergedBoard(self._servers(board), board, settings)
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
            return _with_shared_usage(board.servers)
        members: dict[str, list[ServerStatus]] = {
            status.server.name: [status]
            for status in board.servers
            if status.server.name not in main_of
        }
        for status in board.servers:
            if main := main_of.get(status.server.name):
                members[main].append(status)
        self._merged = {name: self._merge(name, tuple(group)) for name, group in members.items()}
        servers = tuple(status for _, status in self._merged.values())
        return _with_shared_usage(
            tuple(self._without_repeated(status, servers) for status in servers)
        )

    def _without_repeated(
        self, status: ServerStatus, servers: tuple[ServerStatus, ...]
    ) -> ServerStatus:
        """The status; of a partner's account without counting what its license servers report."""
        if status.server.source is not SourceName.PARTNER or status.snapshot is None:
            return status
        products = _reported_products(status, servers)
        before = self._partners.get(status.server.name)
        if before and before[0] is status and before[1] == products:
            return before[2]
        pools = tuple(
            replace(pool, counted=pool.product not in products) for pool in status.snapshot.pools
        )
        result = replace(status, snapshot=replace(status.snapshot, pools=pools))
        self._partners[status.server.name] = status, products, result
        return result

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


def _reported_products(account: ServerStatus, servers: Iterable[ServerStatus]) -> dict[str, str]:
    """The products that license servers of a partner's list report, with a server that does.

    A registered license server reports them with the number installed; the account repeats them.
    """
    if account.server.source is not SourceName.PARTNER or account.snapshot is None:
        return {}
    listed = frozenset(account.snapshot.license_servers)
    return {
        pool.product: status.server.name
        for status in servers
        if status.server.enabled and status.cloud_status in listed
        for pool in status.pools
    }


def _with_shared_usage(servers: tuple[ServerStatus, ...]) -> tuple[ServerStatus, ...]:
    """Servers of one entitlement, each with what the others of them use of each product."""
    usage: Counter[tuple[str, str]] = Counter()
    own: Counter[tuple[str, str, str]] = Counter()
    for status in servers:
        entitlement, name = status.server.entitlement, status.server.name
        for pool in status.pools if entitlement and status.server.enabled else ():
            if pool.counted and is_reporting(status, pool):
                usage[entitlement, pool.product] += pool.reading.in_use or 0
                own[entitlement, pool.product, name] += pool.reading.in_use or 0
    if not usage:
        return servers
    shared: dict[str, dict[str, int]] = {}
    for (entitlement, product, name), in_use in own.items():
        shared.setdefault(name, {})[product] = usage[entitlement, product] - in_use
    return tuple(
        replace(status, used_elsewhere=shared[status.server.name])
        if status.server.name in shared
        else status
        for status in servers
    )


def merge_board(board: Board, settings: AlertSettings | None = None) -> MergedBoard:
    """A board merged once, for a caller that has no next one."""
    return BoardMerger().merge(board, settings or AlertSettings())


def duplicate_pools(board: MergedBoard) -> dict[tuple[str, PoolKey], str]:
    """Pools that are readings of another one: (server, pool) -> the server whose reading counts."""
    duplicates: dict[tuple[str, PoolKey], str] = {}
    for status in board.servers:
        if not status.members:
            products = _reported_products(status, board.servers)
            duplicates |= {
                (status.server.name, pool.key): products[pool.product]
                for pool in status.pools
                if pool.product in products
            }
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
