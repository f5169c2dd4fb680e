"""Adding figures that lictui did not poll: imported files, license files.

Everything is written in the caller's transaction, and once: the same input again changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lictui import products
from lictui.analysis.series import ALIGNMENT, WIDTHS, Resolution
from lictui.clock import DAY, iso
from lictui.history import blocks, journal, pools
from lictui.history.compaction import (
    WIDER,
    add_readings,
    kept_since,
    pack_before,
    update,
)
from lictui.history.csv_reader import MONTH
from lictui.history.csv_reader import UNKNOWN as NO_COUNT
from lictui.history.polls import record_monthly_usage
from lictui.history.pools import Capacity
from lictui.history.query import StoredPool
from lictui.history.rollup import (
    BY_GAPS,
    CONTEXT,
    EMPTY,
    FOREVER,
    UNKNOWN,
    Capacities,
    Readings,
    Rollups,
    coarsen,
    contained,
    roll_up,
    sorted_unique,
)
from lictui.model import Event, EventKind, MonthlyUsage, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.columns import FloatArray, IntArray
    from lictui.config.settings import Retention
    from lictui.history.csv_reader import ImportedPool, Rows
    from lictui.history.pools import KnownPool


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
    written = rows = 0
    for pool in imported:
        rows += len(pool.rows)
        months = pool.of_width(MONTH)
        written += record_monthly_usage(db, pool.server, _months(pool.key, months))
        if len(months) < len(pool.rows):
            written += _import_pool(db, pool, kept)
    return ImportCounts(written, rows - written)


def _months(key: PoolKey, rows: Rows) -> Iterator[MonthlyUsage]:
    for start, *counts in rows[["time", "in_use", "installed", "newly", "released"]].tolist():
        yield MonthlyUsage(key, start, *(None if count < 0 else count for count in counts))


def _import_pool(
    db: sqlite3.Connection, imported: ImportedPool, kept: Mapping[Resolution, int]
) -> int:
    """Import readings and buckets; return how many were new or changed."""
    rows = imported.rows[np.searchsorted(imported.rows["width"], MONTH, side="right") :]
    start, last = int(rows["time"].min()), int(max(rows["time"].max(), rows["high_at"].max()))
    pools.reset_pushed(db, imported.server, start)
    known = pools.find_pool(db, imported.server, imported.key)
    name = products.describe(imported.key.product).name
    pool = known or pools.create(db, imported.server, imported.key, imported.model, name, start)
    pool = pools.change(db, pool, since=min(pool.since, start))
    # Figures are added to blocks only: all readings move there.
    pool = pack_before(db, pool, 1 + max(last, pools.last_reading(db, pool)), FOREVER)
    readings = imported.of_width(Resolution.RAW)
    stored = Readings.of(())
    if len(readings):
        around = int(readings["time"][0]) - CONTEXT, int(readings["time"][-1]) + CONTEXT
        stored = blocks.read_readings(db, pool.id, *around)
    new = _new_readings(db, pool, readings, stored, kept)
    before = Capacities.of(pools.capacities(db, pool.id))
    _import_capacities(db, pool, rows, stored.with_added(new))
    add_readings(db, pool, new, before)
    written = len(new)
    for width in WIDTHS:
        buckets = imported.of_width(width)
        if len(buckets):
            written += _import_buckets(db, pool, width, buckets, kept)
    if known is None or known.ended is not None:
        # No server lists the pool: later sums leave it out instead of missing it forever.
        ended = _last_end(db, pool, -(-(last + 1) // ALIGNMENT) * ALIGNMENT)
        if known and known.was_read:
            ended = max(ended, known.ended or 0)
        pools.change(db, pool, ended=ended)
    return written


def _last_end(db: sqlite3.Connection, pool: KnownPool, default: int) -> int:
    """Return until when the last stored figure is valid."""
    days = blocks.read_rollups(db, pool.id, Resolution.DAY, 0, FOREVER).start[-1:].tolist()
    for day in days:
        series = StoredPool(db, pool, FOREVER).series(ALIGNMENT, day, FOREVER)
        return int(series.end[-1])
    return default


# Imported readings and buckets among the stored ones


def _new_readings(
    db: sqlite3.Connection,
    pool: KnownPool,
    imported: Rows,
    stored: Readings,
    kept: Mapping[Resolution, int],
) -> Readings:
    """Return the readings that add something; an unknown figure does not replace a stored one.

    A reading is left out that the buckets of a day without single readings contain: it was stored
    once and deleted since.
    """
    time, in_use = (imported[name].astype(np.int64) for name in ("time", "in_use"))
    new = Readings(time, np.where(in_use == NO_COUNT, UNKNOWN, in_use))
    place = np.searchsorted(stored.time, new.time)
    is_stored = np.append(stored.time, FOREVER)[place] == new.time
    same = (np.append(stored.value, UNKNOWN)[place] == new.value) | (new.value == UNKNOWN)
    new = new.select(~(is_stored & same))
    expired = new.time // DAY * DAY + DAY <= kept[Resolution.RAW]
    if not expired.any():
        return new
    day = int(new.time[0]) // DAY * DAY
    width = next((width for width in WIDTHS if kept[width] <= day), Resolution.DAY)
    single = roll_up(new.select(expired), Capacities.of(()), width)
    inside = _stored_already(db, pool, width, single)
    deleted = ~np.isin(new.time // DAY, stored.time // DAY)
    adds = (new.value != UNKNOWN) & ~(deleted & np.isin(new.time // width * width, inside))
    return new.select(~expired | adds)


def _stored_already(
    db: sqlite3.Connection, pool: KnownPool, width: Resolution, rollups: Rollups
) -> IntArray:
    """Return the starts of those buckets of `width` that the stored ones contain."""
    end = int(rollups.start[-1]) + width if len(rollups) else 0
    packed = blocks.read_rollups(db, pool.id, width, int(rollups.start[0]) if end else 0, end)
    return rollups.start[contained(packed, rollups)]


def _import_buckets(
    db: sqlite3.Connection,
    pool: KnownPool,
    width: Resolution,
    imported: Rows,
    kept: Mapping[Resolution, int],
) -> int:
    """Add buckets of `width` to the stored ones; return how many were new or changed."""
    is_single = imported["samples"] == NO_COUNT  # one figure, of which only the time is known
    high = imported["in_use"]
    low, average = (np.where(is_single, high, imported[name]) for name in ("low", "average"))
    # Where the last figure is not in the file: that of a single reading, else the mean.
    mean = np.clip(np.rint(average), low, high)
    last = np.where(imported["last"] == NO_COUNT, mean, imported["last"])
    columns = (
        *(imported["time"], low, high, imported["high_at"], last, np.rint(average * width)),
        *(np.full(len(high), int(width)), np.where(is_single, 1, imported["samples"])),
    )
    new = Rollups(*np.array(columns).astype(np.int64))
    expired = new.start < kept[width]
    if width in WIDER and expired.any():
        wider = WIDER[width]
        inside = _stored_already(db, pool, wider, coarsen(new.select(expired), wider))
        new = new.select(~(expired & np.isin(new.start // wider * wider, inside)))
    return len(update(db, pool, width, EMPTY, new))


# What was installed according to a file


def _import_capacities(
    db: sqlite3.Connection, pool: KnownPool, imported: Rows, readings: Readings
) -> None:
    """Record what is installed, up to the next reading of lictui's own.

    `readings` are those of the file and the stored ones around them.
    """
    stored = pools.capacities(db, pool.id)
    valid = Capacities.of(stored)
    order = np.lexsort((-imported["width"], imported["time"]))
    times = imported["time"][order]
    first, last = int(times[0]), int(times[-1])
    order = order[np.append(np.diff(times) > 0, True)]  # the narrowest of one time
    times, width = imported["time"][order], imported["width"][order]
    own = _own_times(db, pool, first, last)
    marks = valid.valid_from[(valid.valid_from >= first) & (valid.valid_from <= last)]
    time = sorted_unique(times, own[own <= last], marks, own[own > last][:1])
    at = valid.at(time)
    installed, overdraft = valid.installed[at], valid.overdraft[at]
    place = np.searchsorted(time, times)
    known_before = times >= valid.valid_from[0]
    for column, name in ((installed, "installed"), (overdraft, "overdraft")):
        before = np.where(known_before, column[place], np.nan)
        counts = imported[name][order]
        column[place] = np.where(counts == NO_COUNT, before, counts)
    interval = valid.interval[at]
    interval[place[width > 0]] = width[width > 0]
    single = np.searchsorted(time, imported["time"][imported["width"] == 0])
    if len(single):
        is_gap = np.isin(time, valid.gaps)
        is_gap[single] = False
        is_gap |= np.isin(time, readings.time[readings.value == UNKNOWN])
        within = slice(single.min(), single.max() + 1)
        interval[within] = np.where(is_gap[within], 0.0, BY_GAPS)
    _replace(db, pool, stored, np.array((time, installed, overdraft, interval)))


def _own_times(db: sqlite3.Connection, pool: KnownPool, first: int, last: int) -> IntArray:
    """Return the times of stored readings from `first` on, or of buckets where those expired."""
    end = last + CONTEXT
    times = blocks.read_readings(db, pool.id, first, end).time
    for width in WIDTHS:
        until = FOREVER if width is Resolution.DAY else end
        start = blocks.read_rollups(db, pool.id, width, first, until).start
        times = sorted_unique(times, start[~np.isin(start // DAY, times // DAY)])
    return times


def _replace(
    db: sqlite3.Connection, pool: KnownPool, stored: Sequence[Capacity], new: FloatArray
) -> None:
    """Store capacities in place of those between them; unchanged ones are left out."""
    columns = np.nan_to_num(new, nan=-1.0)
    columns = columns[:, np.append(True, (np.diff(columns[1:]) != 0).any(axis=0))]
    starts, *counts, intervals = columns.tolist()
    installed, overdraft = ([None if n < 0 else int(n) for n in column] for column in counts)
    rows = list(map(Capacity, map(int, starts), installed, overdraft, intervals))
    first, last = int(new[0, 0]), int(new[0, -1])
    previous = next((c for c in reversed(stored) if c.valid_from < first), None)
    if previous is not None and rows[0][1:] == previous[1:]:
        rows = rows[1:]
    db.execute(
        "DELETE FROM capacity WHERE pool = ? AND valid_from BETWEEN ? AND ?", (pool.id, first, last)
    )
    pools.insert_capacities(db, pool.id, rows)


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
    statement = "INSERT OR IGNORE INTO license_grant VALUES(?, ?, ?, ?, ?, ?, ?)"
    new = []
    for grant in grants:
        row = (server, grant.key.product, grant.key.subscription_date, *grant[1:])
        if db.execute(statement, row).rowcount:
            new.append(grant)
    journal.add_events(db, [_grant_event(server, grant) for grant in new])
    for key in {grant.key for grant in new}:
        _apply_grants(db, server, key, now)
    return len(new)


def _grant_event(server: str, grant: LicenseGrant) -> Event:
    period = f"from {iso(grant.start)[:10]}"
    if grant.expires is None:
        period = f"permanent {period}"
    else:
        period += f" to {iso(grant.expires - 1)[:10]}"
    serial = f", serial {grant.serial}" if grant.serial else ""
    day = grant.key.subscription_date
    subscription = f", subscription date {day}" if day else ""
    message = f"{grant.licenses:,} licenses {period}{subscription}{serial} (license file)"
    return Event(grant.start, EventKind.LICENSES, server, message, grant.key.product)


def _apply_grants(db: sqlite3.Connection, server: str, key: PoolKey, now: float) -> None:
    """Derive the capacities of a pool from all its grants, for times without polled figures."""
    dated = pools.find_pool(db, server, key)
    # A server that reports no subscription dates has one pool of the product.
    pool = dated or pools.find_pool(db, server, PoolKey(key.product))
    all_dates = dated is None and pool is not None
    if pool is None:
        product = products.describe(key.product)
        pool = pools.create(db, server, key, product.model, product.name, int(now))
        pools.change(db, pool, ended=int(now))  # no reading yet: sums do not wait for it
    changes = (
        "SELECT {} AS time, {}count AS change FROM license_grant"
        " WHERE server = :server AND product = :product AND (:all OR subscription_date = :day)"
    )
    granted: dict[int, int] = dict(
        db.execute(
            "SELECT time, sum(sum(change)) OVER (ORDER BY time) FROM"
            f" ({changes.format('start', '')} UNION ALL {changes.format('expires', '-')})"
            " WHERE time <= :now GROUP BY time",
            {"server": server, "product": key.product, "day": key.subscription_date}
            | {"all": all_dates, "now": now},
        )
    )
    polled = {c.valid_from: c for c in pools.capacities(db, pool.id) if c.valid_from >= pool.since}
    capacity, count = Capacity(0, None, None, 0.0), None
    merged = []
    for time in sorted({*polled, *granted}):
        capacity, count = polled.get(time, capacity), granted.get(time, count)
        if capacity.installed is None:
            merged.append(capacity._replace(valid_from=time, installed=count))
        elif time in polled:
            merged.append(capacity)
    db.execute("DELETE FROM capacity WHERE pool = ?", (pool.id,))
    pools.insert_capacities(db, pool.id, merged)
