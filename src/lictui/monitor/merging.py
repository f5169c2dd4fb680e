"""One status of several: what is true of a license server that is read in more than one way.

Owns which pools are the same, and which reading each figure is taken from. Pure. Must not know
who said that the servers are the same (`together`), nor who is believed first (`preference`). A
figure is never computed of two readings, only chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.model import Mode, Model, PoolKey, Reading, Snapshot, SourceName, State
from lictui.monitor.board import Origin
from lictui.monitor.hosts import ACCOUNTS
from lictui.monitor.preference import hides_overdraft, rank, under_las
from lictui.monitor.totals import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lictui.model import Pool
    from lictui.monitor.board import ServerStatus

_LIVE: Final = 0
_ANSWERED: Final = 1  # but polls are missed since
_KNOWN: Final = 2  # from an earlier poll


@dataclass(frozen=True, slots=True)
class _Member:
    """One reading of a pool."""

    part: ServerStatus
    pool: Pool
    tier: int
    order: tuple[int, int, bool, str]

    def origin(self, figure: str) -> Origin:
        return Origin(figure, self.part.server.name, self.pool.key)


@dataclass(frozen=True, slots=True)
class _Same:
    """One pool, and everyone who reads it, who is believed first in front."""

    key: PoolKey
    members: tuple[_Member, ...]

    @property
    def tier(self) -> int:
        return self.members[0].tier


def merged(parts: tuple[ServerStatus, ...]) -> ServerStatus:
    """The one status of these, the main server first.

    Its state is the main server's where that gives pools, else that of the best that does. Figures
    are of those that answer; what none of them tells is as last known.
    """
    main = parts[0]
    asked = tuple(part for part in parts if part.state is not State.DISABLED)
    found = _pools(asked, main)
    if not asked or not any(part.snapshot for part in asked):
        return replace(main, parts=parts)
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
        parts=parts,
        origins={key: origins for key, (_, origins) in pools.items()},
        lapsed=frozenset(same.key for same in found if same.tier > base),
    )
    owners = {status.owner(key)[0] for key in pools if key not in status.lapsed}
    read = [p.answered_at for p in asked if p.server.name in owners and p.answered_at is not None]
    return replace(status, answered_at=min(read, default=carrier.answered_at))


def _tier(part: ServerStatus) -> int:
    return _LIVE if part.live else _ANSWERED if answered(part) else _KNOWN


def _pools(asked: Sequence[ServerStatus], main: ServerStatus) -> list[_Same]:
    # A partner's account lists what many license servers use: it says how this one reports.
    holding = [
        part
        for part in asked
        if part.snapshot and (part is main or part.server.source is not SourceName.PARTNER)
    ]
    # Who answers that there is no inventory takes back what it told before, if others have one.
    holding = [part for part in holding if part.state is not State.NO_DATA] or holding
    las = under_las(asked)
    products: dict[str, list[_Member]] = {}
    for part in holding:
        tier = _tier(part)
        for pool in part.snapshot.pools if part.snapshot else ():
            place = rank(part.server, pool, las=las)
            order = (tier, place, part is not main, part.server.name)
            products.setdefault(pool.product, []).append(_Member(part, pool, tier, order))
    return [same for members in products.values() for same in _same(members)]


def _same(members: list[_Member]) -> list[_Same]:
    """The members of one product, by subscription date.

    Where a way to read tells no date, its only pool is the only one that another way has. If there
    are several, it is their sum: then only who is believed first counts, or all would count twice.
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


def _pool(same: _Same) -> tuple[Pool, tuple[Origin, ...]]:
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
        partly=bool(ends and ends.partly),
        expiring=ends.expiring if ends else None,
        vendor=vendor.vendor if vendor else "",
        queued=queued.queued if queued else None,
        raw=(),  # each reading has its own
        how=(),
    )
    return pool, tuple(origins)


def _figure(name: str, now: list[_Member], origins: list[Origin]) -> int | None:
    """One figure of the reading that is believed first of those that have it."""
    if name != "in_use":
        # A count that hides an overdraft is no `installed` while somebody tells the two apart.
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
    """What the parts tell of the license server itself; who answers comes first."""
    by_tier = sorted(asked, key=lambda part: (_tier(part), part is not main, part.server.name))
    known = [part.snapshot for part in by_tier if part.snapshot]
    alive = [part.snapshot for part in by_tier if part.snapshot and answered(part)] or known
    own = [p.snapshot for p in by_tier if p.snapshot and p.server.source not in ACCOUNTS] or known
    named = next((each for each in own if each.reported_name or each.version), own[0])
    notices = dict.fromkeys(notice for each in alive for notice in each.notices)
    return Snapshot(
        pools,
        named.reported_name,
        named.version,
        _mode(known),
        next((each.activation for each in known if each.activation), None),
        tuple(notices),
        next((each.license_server for each in known if each.license_server), ""),
        tuple(dict.fromkeys(listed for each in known for listed in each.license_servers)),
        tuple(told for each in known for told in each.told),
        main.snapshot.certificate if main.snapshot else None,
    )


def _mode(known: Sequence[Snapshot]) -> Mode | None:
    """LAS if anyone says so: WMI and programs tell of files that are no longer in force."""
    said = [each.mode for each in known if each.mode]
    return Mode.LAS if Mode.LAS in said else next(iter(said), None)
