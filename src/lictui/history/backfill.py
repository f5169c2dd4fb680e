"""Adding figures that lictui did not poll: imported files, license files.

Everything is written in the caller's transaction, and once: the same input again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lictui import products
from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import blocks, journal, pools
from lictui.history.compaction import (
    CONTEXT,
    WIDER,
    add_readings,
    kept_since,
    pack_before,
    update,
)
from lictui.history.csv_reader import UNKNOWN as NO_COUNT
from lictui.history.imported_capacities import import_capacities
from lictui.history.polls import last_polls, record_monthly_usage
from lictui.history.pools import Capacity
from lictui.history.readings import stored_runs
from lictui.history.rollup import (
    EMPTY,
    FOREVER,
    UNKNOWN,
    Capacities,
    Readings,
    Rollups,
    coarsen,
    contained,
    roll_up,
)
from lictui.model import Event, EventKind, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.analysis.columns import BoolArray, IntArray
    from lictui.config.settings import Retention
    from lictui.history.csv_reader import BucketColumns, ImportedPool, ReadingColumns
    from lictui.history.pools import KnownPool

_DAY: Final = int(Resolution.DAY)
_FINEST: Final = int(Resolution.FIVE_MINUTES)


# Imported files


class ImportCounts(NamedTuple):
    """How many rows of a file were new or changed, and how many were not."""

    written: int
    unchanged: int


def import_readings(
    db: sqlite3.Connection, imported: Iterable[ImportedPool], now: float, retention: Retention
) -> ImportCounts:
    """Import everything that a file has."""
    kept = kept_since(now, retention)
    listed = _listed_pools(db)
    written = rows = 0
    for pool in imported:
        rows += len(pool.readings) + len(pool.months) + sum(map(len, pool.buckets.values()))
        written += record_monthly_usage(db, pool.server, pool.months)
        if pool.readings or pool.buckets:
            is_listed = (pool.server, pool.key) in listed
            written += _import_pool(db, pool, kept, is_listed=is_listed)
    return ImportCounts(written, rows - written)


def _listed_pools(db: sqlite3.Connection) -> set[tuple[str, PoolKey]]:
    """Return the pools that servers listed when last read: these still count."""
    return {
        (server, pool.key)
        for server, last_poll in last_polls(db).items()
        if last_poll.snapshot
        for pool in last_poll.snapshot.pools
    }


def _import_pool(
    db: sqlite3.Connection,
    imported: ImportedPool,
    kept: Mapping[Resolution, int],
    *,
    is_listed: bool,
) -> int:
    start, last, end = _bounds(imported)
    pool = pools.find_pool(db, imported.server, imported.key)
    is_new = pool is None
    if pool is None:
        name = products.describe(imported.key.product).name
        pool = pools.create(db, imported.server, imported.key, imported.model, name, start)
    pools.extend_start(db, pool, start)
    pool = _pack_all(db, pool, last)
    stored = _readings_around(db, pool, imported.readings.time)
    new = _new_readings(db, pool, imported.readings, stored, kept)
    before = Capacities.of(pools.capacities(db, pool.id))
    around = stored.with_added(new)
    import_capacities(db, pool, imported, around)
    if len(around):  # the last reading is valid for a while
        until = around.valid_until(Capacities.of(pools.capacities(db, pool.id)))
        end = max(end, int(until[-1]) // _FINEST * _FINEST)
    add_readings(db, pool, new, before)
    written = len(new)
    for width, buckets in imported.buckets.items():
        written += _import_buckets(db, pool, width, buckets, kept)
    if not is_listed and (is_new or pool.ended is not None):
        # No server lists the pool: later sums leave it out instead of missing it forever.
        pools.close_at(db, pool, end)
    return written


def _pack_all(db: sqlite3.Connection, pool: KnownPool, last: int) -> KnownPool:
    """Move all readings up to `last` and polled ones into blocks: figures are added there only."""
    end = 1 + max((last, *(run.end for run in stored_runs(db, pool.id))))
    return pack_before(db, pool, end, FOREVER)


def _bounds(imported: ImportedPool) -> tuple[int, int, int]:
    """Return the start of the figures, a time no reading is later than, and the end."""
    times = imported.readings.time
    starts, latest, ends = [times], [times], [times + 1]
    for width, buckets in imported.buckets.items():
        starts.append(buckets.start)
        latest.append(buckets.high_at)
        ends.append(buckets.start + width)
    start, last, end = (np.concatenate(columns) for columns in (starts, latest, ends))
    return int(start.min()), int(last.max()), -(-int(end.max()) // _FINEST) * _FINEST


def _last_of_each(times: IntArray) -> BoolArray:
    """Return which of successive equal times is the last: later rows count."""
    return np.append(np.diff(times) > 0, np.ones(len(times[:1]), np.bool_))


# Imported readings and buckets among the stored ones


def _readings_around(db: sqlite3.Connection, pool: KnownPool, times: IntArray) -> Readings:
    if not len(times):
        return Readings.of(())
    first, last = int(times[0]), int(times[-1])
    return blocks.read_readings(db, pool.id, first - CONTEXT, last + CONTEXT)


def _new_readings(
    db: sqlite3.Connection,
    pool: KnownPool,
    imported: ReadingColumns,
    stored: Readings,
    kept: Mapping[Resolution, int],
) -> Readings:
    """Return the readings that add something; an unknown figure does not replace a stored one.

    A reading is left out that the buckets of a day without single readings contain: it was stored
    once and deleted since.
    """
    value = np.where(imported.in_use == NO_COUNT, UNKNOWN, imported.in_use)
    new = Readings(imported.time, value).select(_last_of_each(imported.time))
    place = np.searchsorted(stored.time, new.time)
    is_stored = np.append(stored.time, FOREVER)[place] == new.time
    same = (np.append(stored.value, UNKNOWN)[place] == new.value) | (new.value == UNKNOWN)
    new = new.select(~(is_stored & same))
    expired = new.time // _DAY * _DAY + _DAY <= kept[Resolution.RAW]
    if not expired.any():
        return new
    day = int(new.time[0]) // _DAY * _DAY
    width = next((width for width in blocks.WIDTHS if kept[width] <= day), Resolution.DAY)
    single = roll_up(new.select(expired), Capacities.of(()), width)
    packed = blocks.read_rollups(db, pool.id, width, day, int(new.time[-1]) + 1)
    inside = single.start[contained(packed, single)]
    adds = (new.value != UNKNOWN) & ~np.isin(new.time // width * width, inside)
    return new.select(~expired | adds)


def _import_buckets(
    db: sqlite3.Connection,
    pool: KnownPool,
    width: Resolution,
    imported: BucketColumns,
    kept: Mapping[Resolution, int],
) -> int:
    """Add buckets of `width` to the stored ones; return how many were new or changed."""
    start, low, high, high_at = imported.start, imported.low, imported.high, imported.high_at
    total = np.rint(imported.average * width).astype(np.int64)
    figures = (start, low, high, high_at, imported.last, total)
    columns = np.array((*figures, np.full(len(start), int(width)), imported.samples))
    new = Rollups(columns).select(_last_of_each(start))
    expired = new.start < kept[width]
    if width in WIDER and expired.any():
        wider = WIDER[width]
        old = coarsen(new.select(expired), wider)
        end = int(old.start[-1]) + wider
        packed = blocks.read_rollups(db, pool.id, wider, int(old.start[0]), end)
        inside = old.start[contained(packed, old)]
        new = new.select(~(expired & np.isin(new.start // wider * wider, inside)))
    return len(update(db, pool, width, EMPTY, new))


# License files: installed licenses for times without polls


class LicenseGrant(NamedTuple):
    """Licenses of a pool that a license file grants for a period."""

    key: PoolKey
    serial: str
    start: int
    licenses: int
    expires: int | None  # the first second without them; None: permanent


def import_licenses(
    db: sqlite3.Connection, server: str, grants: Iterable[LicenseGrant], now: float
) -> int:
    """Record the grants of license files on `server`, each with an event; return the new ones."""
    new = [grant for grant in grants if _insert_grant(db, server, grant)]
    journal.add_events(db, [_grant_event(server, grant) for grant in new])
    for key in {grant.key for grant in new}:
        _apply_grants(db, server, key, now)
    return len(new)


def _insert_grant(db: sqlite3.Connection, server: str, grant: LicenseGrant) -> bool:
    row = (server, grant.key.product, grant.key.subscription_date, *grant[1:])
    statement = "INSERT OR IGNORE INTO license_grant VALUES(?, ?, ?, ?, ?, ?, ?)"
    return db.execute(statement, row).rowcount > 0


def _grant_event(server: str, grant: LicenseGrant) -> Event:
    start = iso(grant.start)[:10]
    if grant.expires is None:
        period = f"permanent from {start}"
    else:
        period = f"from {start} to {iso(grant.expires - 1)[:10]}"
    serial = f", serial {grant.serial}" if grant.serial else ""
    day = grant.key.subscription_date
    subscription = f", subscription date {day}" if day else ""
    message = f"{grant.licenses:,} licenses {period}{subscription}{serial} (license file)"
    return Event(grant.start, EventKind.LICENSES, server, message, grant.key.product)


def _apply_grants(db: sqlite3.Connection, server: str, key: PoolKey, now: float) -> None:
    """Derive the capacities of a pool from all its grants, for times without polled figures."""
    steps = [step for step in _granted_over_time(_stored_grants(db, server, key)) if step[0] <= now]
    pool = pools.find_pool(db, server, key)
    if pool is None:  # the server reports no subscription dates: one pool of the product
        pool = pools.find_pool(db, server, PoolKey(key.product))
    if pool is None:
        product = products.describe(key.product)
        pool = pools.create(db, server, key, product.model, product.name, int(now))
        pools.close_at(db, pool, int(now))  # no reading yet: sums do not wait for it
    polled = [c for c in pools.capacities(db, pool.id) if c.valid_from >= pool.since]
    earlier = [Capacity(time, count, None, 0.0) for time, count in steps if time < pool.since]
    db.execute("DELETE FROM capacity WHERE pool = ?", (pool.id,))
    pools.insert_capacities(db, pool.id, (*earlier, *_with_granted(polled, steps)))


def _stored_grants(db: sqlite3.Connection, server: str, key: PoolKey) -> list[LicenseGrant]:
    undated_pool = pools.find_pool(db, server, PoolKey(key.product)) is not None
    all_dates = undated_pool and pools.find_pool(db, server, key) is None
    rows = db.execute(
        "SELECT serial, start, count, expires FROM license_grant WHERE server = ? AND product = ?"
        " AND (? OR subscription_date = ?)",
        (server, key.product, all_dates, key.subscription_date),
    )
    return [LicenseGrant(key, *row) for row in rows]


def _granted_over_time(grants: Sequence[LicenseGrant]) -> list[tuple[int, int]]:
    """Return how many licenses are granted from which time on, in order of time."""
    changes: dict[int, int] = defaultdict(int)
    for grant in grants:
        changes[grant.start] += grant.licenses
        if grant.expires is not None:
            changes[grant.expires] -= grant.licenses
    granted: list[tuple[int, int]] = []
    count = 0
    for time in sorted(changes):
        count += changes[time]
        granted.append((time, count))
    return granted


def _with_granted(polled: Sequence[Capacity], steps: Sequence[tuple[int, int]]) -> list[Capacity]:
    """Return the polled capacities, with granted licenses where installed is unknown."""
    by_time: dict[int, Capacity] = {}
    for index, capacity in enumerate(polled):
        by_time[capacity.valid_from] = capacity
        if capacity.installed is not None:
            continue
        end = polled[index + 1].valid_from if index + 1 < len(polled) else None
        earlier = [count for time, count in steps if time <= capacity.valid_from]
        if earlier:
            by_time[capacity.valid_from] = capacity._replace(installed=earlier[-1])
        for time, count in steps:
            if capacity.valid_from < time and (end is None or time < end):
                by_time[time] = capacity._replace(valid_from=time, installed=count)
    return [by_time[time] for time in sorted(by_time)]
