"""Adding figures that lictui did not poll: imported files, backfilled buckets, license files.

Everything is written in the caller's transaction, and once: the same input again changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import groupby, pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui import products
from lictui.analysis.series import Resolution
from lictui.clock import iso
from lictui.history import blocks, journal, pools
from lictui.history.polls import last_polls, record_monthly_usage
from lictui.history.pools import Capacity
from lictui.history.readings import FOREVER, kept_since, pack_before, unpacked_runs
from lictui.history.rollup import (
    UNKNOWN_CAPACITY,
    ReadingRun,
    Rollup,
    coarsen,
    more_complete,
    roll_up,
)
from lictui.model import Event, EventKind, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.series import BackfillRow
    from lictui.config.settings import Retention
    from lictui.history.csv_reader import ImportedBucket, ImportedPool, ImportedReading
    from lictui.history.pools import KnownPool

_DAY: Final = int(Resolution.DAY)


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
    _pack_all(db, pool, last)
    import_capacities(db, pool.id, imported)
    written = import_pool_readings(db, pool.id, imported.readings, kept)
    for width, buckets in imported.buckets.items():
        written += import_buckets(db, pool.id, width, list(map(_rollup, buckets)), kept)
    if not is_listed and (is_new or pool.ended is not None):
        # No server lists the pool: later sums do without it, rather than miss it for ever.
        pools.close_at(db, pool, end)
    return written


def _pack_all(db: sqlite3.Connection, pool: KnownPool, last: int) -> None:
    """Move all readings up to `last` and polled ones into blocks: figures are added there only."""
    pack_before(db, pool, 1 + max((last, *(run.end for run in unpacked_runs(db, pool.id)))))


def _rollup(bucket: ImportedBucket) -> Rollup:
    total = round(bucket.average * bucket.samples)
    return Rollup(
        bucket.start,
        bucket.low,
        total,
        bucket.high,
        bucket.high_at,
        bucket.last,
        bucket.samples,
    )


def _bounds(imported: ImportedPool) -> tuple[int, int, int]:
    """Return the start of the figures, a time no reading is later than, and the end."""
    hour = Resolution.HOUR
    starts = [reading.time for reading in imported.readings]
    times = list(starts)
    ends = [time // hour * hour + hour for time in starts]
    for width, buckets in imported.buckets.items():
        starts += [bucket.start for bucket in buckets]
        times += [bucket.high_at for bucket in buckets]
        ends += [-(-(bucket.start + width) // hour) * hour for bucket in buckets]
    return min(starts), max(times), max(ends)


# Imported readings and buckets among the stored ones


_FINEST: Final = Resolution.FIVE_MINUTES
_WIDER: Final = {_FINEST: Resolution.HOUR, Resolution.HOUR: Resolution.DAY}


def import_pool_readings(
    db: sqlite3.Connection,
    pool: int,
    readings: Iterable[ImportedReading],
    kept: Mapping[Resolution, int],
) -> int:
    """Add readings of a pool whose stored ones are all in blocks; return how many were new.

    `kept` is the time from which each resolution is kept. Of two readings in one second the later
    counts.
    """
    by_time = {reading.time: reading.in_use for reading in readings}
    written = 0
    for day, times in groupby(sorted(by_time), lambda time: time // _DAY):
        written += _import_day(db, pool, day * _DAY, {t: by_time[t] for t in times}, kept)
    return written


def _import_day(
    db: sqlite3.Connection,
    pool: int,
    day: int,
    imported: Mapping[int, int | None],
    kept: Mapping[Resolution, int],
) -> int:
    stored_runs = list(blocks.packed_runs(db, pool, day, day + 1))
    stored = {run.time_of(index): run.in_use for run in stored_runs for index in range(run.samples)}
    new = {time: value for time, value in imported.items() if _is_new(stored, time, value)}
    if new and day + _DAY <= kept[Resolution.RAW]:
        new = _not_rolled_up(db, pool, day, new, kept)
    if not new:
        return 0
    runs = list(group_runs(sorted({**stored, **new}.items())))
    blocks.replace_runs(db, pool, day, runs)
    touched = {time // _FINEST * _FINEST for time in new}
    before = {r.start: r for r in roll_up(stored_runs, _FINEST) if r.start in touched}
    after = {r.start: r for r in roll_up(runs, _FINEST) if r.start in touched}
    update_rollups(db, pool, _FINEST, before, after)
    return len(new)


def _is_new(stored: Mapping[int, int | None], time: int, value: int | None) -> bool:
    """Whether a reading adds something: an unknown figure does not replace a stored one."""
    return time not in stored or (value is not None and stored[time] != value)


def _not_rolled_up(
    db: sqlite3.Connection,
    pool: int,
    day: int,
    new: Mapping[int, int | None],
    kept: Mapping[Resolution, int],
) -> dict[int, int | None]:
    """Return the readings that the buckets of a day without single readings do not contain.

    Contained ones were stored once and deleted since.
    """
    width = next((width for width in blocks.WIDTHS if kept[width] <= day), Resolution.DAY)
    single = [ReadingRun(time, 0, 1, value) for time, value in sorted(new.items())]
    contained = _contained(db, pool, width, roll_up(single, width))
    return {
        time: value
        for time, value in new.items()
        if value is not None and time // width * width not in contained
    }


def group_runs(readings: Sequence[tuple[int, int | None]]) -> Iterator[ReadingRun]:
    """Yield readings in order of time as runs of the same figure at even intervals."""
    first = 0
    while first < len(readings):
        start, value = readings[first]
        stop = first + 1
        step = readings[stop][0] - start if stop < len(readings) else 0
        while stop < len(readings) and readings[stop] == (readings[stop - 1][0] + step, value):
            stop += 1
        yield ReadingRun(start, readings[stop - 1][0] - start, stop - first, value)
        first = stop


def import_buckets(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    imported: Iterable[Rollup],
    kept: Mapping[Resolution, int],
) -> int:
    """Add buckets of `width` to the stored ones; return how many were new or changed."""
    by_start = {rollup.start: rollup for rollup in imported}
    wider = _WIDER.get(width)
    expired = [rollup for rollup in _sorted(by_start) if rollup.start < kept[width]]
    if wider and expired:
        contained = _contained(db, pool, wider, coarsen(expired, wider))
        by_start = {
            start: rollup
            for start, rollup in by_start.items()
            if start >= kept[width] or start // wider * wider not in contained
        }
    return update_rollups(db, pool, width, {}, by_start)


def _contained(
    db: sqlite3.Connection, pool: int, width: Resolution, rollups: Sequence[Rollup]
) -> set[int]:
    """Return the starts of the buckets that the stored ones may well contain."""
    if not rollups:
        return set()
    packed = blocks.packed_rollups(db, pool, width, rollups[0].start, rollups[-1].start + 1)
    stored = {rollup.start: rollup for rollup in packed}
    return {
        rollup.start
        for rollup in rollups
        if (same := stored.get(rollup.start))
        and same.samples >= rollup.samples
        and same.low <= rollup.low
        and rollup.high <= same.high
    }


def update_rollups(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    before: Mapping[int, Rollup],
    after: Mapping[int, Rollup],
) -> int:
    """Store the buckets `after`, by their start, and update the wider ones.

    `before` is what the finer figures at hand came to so far. Returns how many buckets changed.
    """
    if not after:
        return 0
    packed = blocks.packed_rollups(db, pool, width, min(after), max(after) + 1)
    stored = {rollup.start: rollup for rollup in packed if rollup.start in after}
    updated = {
        start: rollup
        if _can_be_replaced(stored.get(start), before.get(start))
        else more_complete(stored[start], rollup)
        for start, rollup in after.items()
    }
    changed = {start: r for start, r in updated.items() if stored.get(start) != r}
    if not changed:
        return 0
    wider = _WIDER.get(width)
    if wider is None:
        blocks.replace_rollups(db, pool, width, _sorted(changed))
        return len(changed)
    starts = sorted({start // wider * wider for start in changed})
    wider_before = _coarsened(db, pool, width, wider, starts)
    blocks.replace_rollups(db, pool, width, _sorted(changed))
    wider_after = _coarsened(db, pool, width, wider, starts)
    update_rollups(db, pool, wider, wider_before, wider_after)
    return len(changed)


def _can_be_replaced(stored: Rollup | None, before: Rollup | None) -> bool:
    """Whether a bucket contained only the figures at hand, so that they can be rolled up anew."""
    return stored is None or (before is not None and stored.samples <= before.samples)


def _coarsened(
    db: sqlite3.Connection, pool: int, width: Resolution, wider: Resolution, starts: Sequence[int]
) -> dict[int, Rollup]:
    """Return what the buckets of `width` come to in each of the wider buckets."""
    parts = blocks.packed_rollups(db, pool, width, starts[0], starts[-1] + wider)
    by_start = {rollup.start: rollup for rollup in coarsen(parts, wider)}
    return {start: by_start[start] for start in starts if start in by_start}


def _sorted(by_start: Mapping[int, Rollup]) -> list[Rollup]:
    return [by_start[start] for start in sorted(by_start)]


# Imported capacities among the stored ones


_DEFAULT_INTERVAL: Final = 900  # seconds, where a file has a single reading


def import_capacities(db: sqlite3.Connection, pool: int, imported: ImportedPool) -> None:
    """Record the installed licenses in a file; before its figures are stored.

    They are valid up to the next reading of lictui's own.
    """
    stored = pools.capacities(db, pool)
    new = _imported_capacities(imported, stored)
    if stored and all(_valid_at(stored, time)[1:] == item[1:] for time, item in new.items()):
        return
    first, last = min(new), max(new)
    times = _reading_times(db, pool, first)
    following = next((time for time in times if time > last), last)
    merged = {time: _valid_at(stored, time) for time in times if time <= following}
    merged |= {c.valid_from: c for c in stored if first <= c.valid_from <= following}
    merged |= new
    before = next((c[1:] for c in reversed(stored) if c.valid_from < first), None)
    db.execute(
        "DELETE FROM capacity WHERE pool = ? AND valid_from BETWEEN ? AND ?",
        (pool, first, following),
    )
    _insert_capacities(db, pool, _changes(sorted(merged.items()), before))


def _insert_capacities(db: sqlite3.Connection, pool: int, capacities: Iterable[Capacity]) -> None:
    db.executemany(
        "INSERT INTO capacity VALUES(?, ?, ?, ?, ?)",
        [(pool, *capacity) for capacity in capacities],
    )


def _imported_capacities(imported: ImportedPool, stored: Sequence[Capacity]) -> dict[int, Capacity]:
    rows = list(_capacity_rows(imported))
    interval = _usual_interval(time for time, *_ in rows)
    capacities: dict[int, Capacity] = {}
    for time, installed, overdraft, has_figure in rows:
        is_known = stored and stored[0].valid_from <= time
        known = _valid_at(stored, time) if is_known else UNKNOWN_CAPACITY
        capacities[time] = Capacity(
            time,
            known.installed if installed is None else installed,
            known.overdraft if overdraft is None else overdraft,
            min(known.interval or interval, interval) if has_figure else 0.0,
        )
    return capacities


def _capacity_rows(
    imported: ImportedPool,
) -> Iterator[tuple[int, int | None, int | None, bool]]:
    for reading in imported.readings:
        yield reading.time, reading.installed, reading.overdraft, reading.in_use is not None
    for buckets in imported.buckets.values():
        for bucket in buckets:
            yield bucket.start, bucket.installed, bucket.overdraft, True


def _usual_interval(times: Iterable[int]) -> float:
    """Return the usual time between two readings: a reading is not valid for longer."""
    intervals = [after - before for before, after in pairwise(sorted(set(times)))]
    return float(min(median_low(intervals), _DAY)) if intervals else float(_DEFAULT_INTERVAL)


def _valid_at(stored: Sequence[Capacity], time: int) -> Capacity:
    """Return the capacity that is valid at a time; the first one before all of them."""
    if not stored:
        return UNKNOWN_CAPACITY
    index = bisect_right(stored, time, key=lambda capacity: capacity.valid_from)
    return stored[max(0, index - 1)]


def _reading_times(db: sqlite3.Connection, pool: int, first: int) -> list[int]:
    """Return the times of stored readings from `first` on, or of buckets where those expired."""
    times: set[int] = set()
    days: set[int] = set()
    for run in blocks.packed_runs(db, pool, first, FOREVER):
        days.add(run.start // _DAY)
        times.update(map(run.time_of, range(run.samples)))
    for width in blocks.WIDTHS:
        packed = blocks.packed_rollups(db, pool, width, first, FOREVER)
        starts = {rollup.start for rollup in packed}
        times |= {start for start in starts if start // _DAY not in days}
        days |= {start // _DAY for start in starts}
    return sorted(time for time in times if time >= first)


def _changes(
    capacities: Iterable[tuple[int, Capacity]], before: tuple[object, ...] | None
) -> Iterator[Capacity]:
    """Yield the capacities that differ from the previous one."""
    for time, capacity in capacities:
        if capacity[1:] != before:
            yield capacity._replace(valid_from=time)
        before = capacity[1:]


# Backfilled buckets of any width


_BACKFILL_INTERVAL: Final = 900.0  # seconds between polls, which nobody knows


def backfill(db: sqlite3.Connection, rows: Iterable[BackfillRow]) -> None:
    """Store `rows` unchanged, in the caller's transaction; fastest if sorted by pool.

    A bucket that is stored already is replaced; wider buckets are not made from it.
    """
    for (server, key), group in groupby(rows, lambda row: (row.server, row.key)):
        pool_rows = list(group)
        since = min(row.bucket.start for row in pool_rows)
        pool = pools.find_pool(db, server, key)
        if pool is None:
            name = products.describe(key.product).name
            pool = pools.create(db, server, key, pool_rows[0].model, name, since)
        pools.extend_start(db, pool, since)
        _pack_all(db, pool, max(map(_last_time, pool_rows)))
        _backfill_pool(db, pool, pool_rows)


def _last_time(row: BackfillRow) -> int:
    bucket = row.bucket
    if row.resolution is Resolution.RAW:
        return bucket.end
    return max(bucket.start, bucket.high_at)


def _backfill_pool(db: sqlite3.Connection, pool: KnownPool, rows: Sequence[BackfillRow]) -> None:
    rollups: dict[Resolution, list[Rollup]] = defaultdict(list)
    runs: list[ReadingRun] = []
    previous: Capacity | None = None
    for row in sorted(rows, key=lambda row: (row.bucket.start, -row.resolution)):
        bucket = row.bucket
        capacity = Capacity(bucket.start, bucket.installed, bucket.overdraft, _BACKFILL_INTERVAL)
        if previous is None or previous[1:] != capacity[1:]:
            pools.record_capacity(db, pool.id, capacity)
        previous = capacity
        if row.resolution is Resolution.RAW:
            duration = bucket.end - bucket.start
            runs.append(ReadingRun(bucket.start, duration, bucket.samples, round(bucket.last)))
        else:
            rollup = Rollup(
                bucket.start,
                round(bucket.low),
                round(bucket.average * bucket.samples),
                round(bucket.high),
                bucket.high_at,
                round(bucket.last),
                bucket.samples,
            )
            rollups[row.resolution].append(rollup)
    blocks.add_runs(db, pool.id, runs)
    for width, width_rollups in rollups.items():
        blocks.replace_rollups(db, pool.id, width, width_rollups)


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
    _insert_capacities(db, pool.id, (*earlier, *_with_granted(polled, steps)))


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
