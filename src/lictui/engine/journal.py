"""Change detection: the lines of the event log, from two states of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import ACCOUNT_SOURCES, Event, EventKind, Level, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lictui.config.settings import AlertSettings
    from lictui.engine.board import ServerStatus
    from lictui.model import Pool, PoolKey, Server, Snapshot

_UNKNOWN: Final = "?"


def change_events(
    before: ServerStatus,
    after: ServerStatus,
    alerts: AlertSettings,
    excluded: frozenset[PoolKey] = frozenset(),
    *,
    levels: bool = True,
) -> tuple[Event, ...]:
    """The events between two states of one server, at the time of its last poll.

    Pools that are `excluded` (another data source is used for them) are left out, and `levels`
    where alerts are evaluated, which have lines of their own.
    """
    time = (after.since if after.state is State.STALE else after.polled_at) or 0.0

    def event(kind: EventKind, message: str, product: str = "", level: Level = Level.OK) -> Event:
        return Event(time, kind, after.server.name, message, product, level)

    events = list(_state_changes(before, after, event))
    old, new = before.snapshot, after.snapshot
    if old and new and old is not new:
        events += _server_changes(old, new, event, after.server)
        old_pools, new_pools = _pools(old, excluded), _pools(new, excluded)
        events += _license_changes(old_pools, new_pools, event)
        if levels:
            events += _level_changes(old_pools, new_pools, event, after.server, alerts)
    return tuple(events)


def _state_changes(
    before: ServerStatus, after: ServerStatus, event: Callable[..., Event]
) -> Iterator[Event]:
    if before.state is after.state:
        return
    if after.state is State.UP:
        first = before.snapshot is None
        yield event(EventKind.SERVER, "first successful poll" if first else "recovered")
    elif after.state is State.STALE:
        yield event(EventKind.SERVER, "stale: no response", "", Level.WARN)
    elif after.failure:
        level = Level.WARN if after.state is State.NO_DATA else Level.CRITICAL
        message = f"{after.state.replace('_', ' ')}: {after.failure.message}"
        yield event(EventKind.SERVER, message, "", level)


def _server_changes(
    old: Snapshot, new: Snapshot, event: Callable[..., Event], server: Server
) -> Iterator[Event]:
    if old.version and new.version and old.version != new.version:
        yield event(EventKind.VERSION, f"version {old.version} -> {new.version}")
    if (
        old.certificate
        and new.certificate
        and old.certificate.sha256 != new.certificate.sha256
        # Citrix runs these servers: their nodes present certificates of their own.
        and not (server.source in ACCOUNT_SOURCES or server.customer_id)
    ):
        day = new.certificate.expires
        until = f", valid until {day.day} {day:%b %Y}" if day else ""
        message = f"certificate changed: sha256:{new.certificate.sha256[:8]}…{until}"
        yield event(EventKind.CERTIFICATE, message)
    if new.activation and old.activation != new.activation:
        expires = f", expires {new.activation.expires}" if new.activation.expires else ""
        status = new.activation.status.replace("_", " ")
        yield event(EventKind.ACTIVATION, f"LAS activation: {status}{expires}")
    known = {(notice.level, notice.title) for notice in old.notices}  # details may hold a count
    for notice in new.notices:
        if (notice.level, notice.title) not in known:
            yield event(EventKind.NOTICE, notice.title, "", notice.level)


def _license_changes(
    old: dict[PoolKey, Pool], new: dict[PoolKey, Pool], event: Callable[..., Event]
) -> Iterator[Event]:
    dated = _newly_dated(old, new)
    kind = EventKind.LICENSES
    ended, started = (
        {key.product for key, pool in this.items() if pool.counted} - {key.product for key in that}
        for this, that in ((old, new), (new, old))
    )
    if len(ended) == len(started) == 1:
        (before_code,), (code,) = ended, started
        message = f'replaces {before_code}: set continues = "{before_code}" to join their history'
        yield event(kind, message, code)
    for key in sorted((old.keys() | new.keys()) - set(dated.values())):
        before, after = old.get(dated.get(key, key)), new.get(key)
        if before is None and after is not None:
            yield event(kind, f"{_installed(after)} licenses added", key.product)
        elif after is None and before is not None:
            message = f"{_installed(before)} licenses removed"
            yield event(kind, message, key.product, Level.WARN)
        elif before and after:
            if before.reading.installed != after.reading.installed:
                counts = f"{_installed(before)} -> {_installed(after)}"
                yield event(kind, f"installed {counts}", key.product)
            if before.expires != after.expires and after.expires:
                days = f"from {before.expires or _UNKNOWN} to {after.expires}"
                yield event(kind, f"expiry changed {days}", key.product)


def _newly_dated(old: dict[PoolKey, Pool], new: dict[PoolKey, Pool]) -> dict[PoolKey, PoolKey]:
    """New keys of pools that had no date before, with their old keys: the same licenses."""
    undated = {key.product: key for key in old.keys() - new.keys() if not key.subscription_date}
    added: dict[str, list[PoolKey]] = {}
    for key in new.keys() - old.keys():
        added.setdefault(key.product, []).append(key)
    return {
        added[product][0]: key
        for product, key in undated.items()
        if len(added.get(product, ())) == 1
    }


def _level_changes(
    old: dict[PoolKey, Pool],
    new: dict[PoolKey, Pool],
    event: Callable[..., Event],
    server: Server,
    alerts: AlertSettings,
) -> Iterator[Event]:
    for key in sorted(old.keys() & new.keys()):
        pool, limits = new[key], alerts.thresholds_of(server, key.product)
        before = old[key].reading.level(limits.warn, limits.critical)
        after = pool.reading.level(limits.warn, limits.critical)
        if pool.counted and before is not after:
            usage = f"{pool.reading.in_use} of {_installed(pool)}"
            yield event(EventKind.LEVEL, f"{before} -> {after}, {usage}", key.product, after)


def _pools(snapshot: Snapshot, excluded: frozenset[PoolKey]) -> dict[PoolKey, Pool]:
    return {key: pool for pool in snapshot.pools if (key := pool.key) not in excluded}


def _installed(pool: Pool) -> str:
    return _UNKNOWN if pool.reading.installed is None else str(pool.reading.installed)
