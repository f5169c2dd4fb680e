"""What changed, in words: the journal's lines from two states of one server.

Pure. Must not know how events are kept or shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.engine.merge import ACCOUNT_SOURCES
from lictui.model import (
    Certificate,
    Event,
    EventKind,
    Level,
    Pool,
    PoolKey,
    Server,
    Snapshot,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lictui.config.settings import AlertSettings
    from lictui.engine.board import ServerStatus

_QUIET = (State.WAITING, State.DISABLED)


def change_events(
    before: ServerStatus,
    after: ServerStatus,
    alerts: AlertSettings,
    without: frozenset[PoolKey] = frozenset(),
    *,
    levels: bool = True,
) -> tuple[Event, ...]:
    """The events between two states of one server, at the time of its last poll.

    Of the pools `without`, which another way to read the server stands for, nothing is said; nor of
    `levels` where alerts are decided on, which have lines of their own.
    """
    at = (after.since if after.state is State.STALE else after.polled_at) or 0.0

    def event(kind: EventKind, message: str, product: str = "", level: Level = Level.OK) -> Event:
        return Event(at, kind, after.server.name, message, product, level)

    return (
        *_state_changes(before, after, event),
        *_snapshot_changes(before, after, event, without),
        *(_level_changes(before, after, alerts, event, without) if levels else ()),
    )


def _state_changes(
    before: ServerStatus, after: ServerStatus, event: Callable[..., Event]
) -> Iterator[Event]:
    if before.state is after.state:
        return
    if after.state is State.UP:
        word = "reports for the first time" if before.snapshot is None else "reports again"
        yield event(EventKind.SERVER, word)
    elif after.state is State.STALE:
        yield event(EventKind.SERVER, "stale: no poll has come back", "", Level.WARN)
    elif after.failure:
        level = Level.WARN if after.state is State.NO_DATA else Level.CRITICAL
        yield event(
            EventKind.SERVER, f"{after.state.replace('_', ' ')}: {after.failure.message}", "", level
        )


def _snapshot_changes(
    before: ServerStatus,
    after: ServerStatus,
    event: Callable[..., Event],
    without: frozenset[PoolKey],
) -> Iterator[Event]:
    old, new = before.snapshot, after.snapshot
    if old is None or new is None or old is new:
        return
    if old.version and new.version and old.version != new.version:
        yield event(EventKind.VERSION, f"version {old.version} -> {new.version}")
    if (
        old.certificate
        and new.certificate
        and old.certificate.sha256 != new.certificate.sha256
        and not _of_citrix(after.server)
    ):
        yield event(EventKind.CERTIFICATE, _shown(new.certificate))
    if new.activation and old.activation != new.activation:
        end = f", to {new.activation.expires}" if new.activation.expires else ""
        yield event(
            EventKind.ACTIVATION,
            f"LAS activation: {new.activation.status.replace('_', ' ')}{end}",
        )
    for notice in new.notices:
        if notice not in old.notices:
            yield event(EventKind.NOTICE, notice.title, "", notice.level)
    yield from _license_changes(_pools(old, without), _pools(new, without), event)


def _of_citrix(server: Server) -> bool:
    """Whether Citrix's own service answers: which certificate it shows is up to which node does."""
    return server.source in ACCOUNT_SOURCES or bool(server.customer_id)


def _shown(certificate: Certificate) -> str:
    day = certificate.expires
    until = f", to {day.day} {day:%b %Y}" if day else ""
    return f"certificate changed: sha256:{certificate.sha256[:8]}…{until}"


def _license_changes(
    old: dict[PoolKey, Pool], new: dict[PoolKey, Pool], event: Callable[..., Event]
) -> Iterator[Event]:
    dated = _dated(old, new)
    for key in sorted((old.keys() | new.keys()) - set(dated.values())):
        was, now = old.get(dated.get(key, key)), new.get(key)
        kind, product = EventKind.LICENSES, key.product
        if was is None and now is not None:
            yield event(kind, f"{_count(now)} licenses added", product)
        elif now is None and was is not None:
            yield event(kind, f"{_count(was)} licenses gone", product, Level.WARN)
        elif was and now:
            if was.reading.installed != now.reading.installed:
                yield event(kind, f"installed {_count(was)} -> {_count(now)}", product)
            if was.expires != now.expires and now.expires:
                yield event(kind, f"expires {now.expires}, was {was.expires or '?'}", product)


def _dated(old: dict[PoolKey, Pool], new: dict[PoolKey, Pool]) -> dict[PoolKey, PoolKey]:
    """New keys of pools that had no date before, each with its old one: the same licenses."""
    undated = {key.product: key for key in old.keys() - new.keys() if not key.subscription_date}
    fresh: dict[str, list[PoolKey]] = {}
    for key in new.keys() - old.keys():
        fresh.setdefault(key.product, []).append(key)
    return {
        fresh[product][0]: key
        for product, key in undated.items()
        if len(fresh.get(product, ())) == 1
    }


def _level_changes(
    before: ServerStatus,
    after: ServerStatus,
    alerts: AlertSettings,
    event: Callable[..., Event],
    without: frozenset[PoolKey],
) -> Iterator[Event]:
    if before.snapshot is None or after.snapshot is None or before.snapshot is after.snapshot:
        return
    old = _pools(before.snapshot, without)
    for key, pool in _pools(after.snapshot, without).items():
        was = old.get(key)
        if was is None or not pool.counted:
            continue
        limits = alerts.thresholds_for(
            group=after.server.group, server=after.server.name, product=pool.product
        )
        from_level = was.reading.level(limits.warn, limits.critical)
        to_level = pool.reading.level(limits.warn, limits.critical)
        if from_level is not to_level:
            yield event(
                EventKind.LEVEL,
                f"{from_level} -> {to_level}, {pool.reading.in_use} of {_count(pool)}",
                key.product,
                to_level,
            )


def _pools(snapshot: Snapshot, without: frozenset[PoolKey]) -> dict[PoolKey, Pool]:
    return {key: pool for pool in snapshot.pools if (key := pool.key) not in without}


def _count(pool: Pool) -> str:
    return "?" if pool.reading.installed is None else str(pool.reading.installed)
