"""Series of one pool, or the aligned sum of several."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np

from lictui.analysis.columns import Series, SumBuilder, concatenate, constant, repeated
from lictui.analysis.series import ALIGNMENT, WIDTHS, Resolution
from lictui.clock import DAY
from lictui.history import blocks, pools
from lictui.history.compaction import recent_readings
from lictui.history.rollup import (
    FOREVER,
    UNKNOWN,
    Capacities,
    Rollups,
    coarsen,
    join,
    roll_up,
    sorted_unique,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.columns import SumPart
    from lictui.analysis.series import SeriesQuery
    from lictui.history.pools import KnownPool

CHUNK: Final = 512 * DAY  # of a sum that is in memory at the same time


def series_of(
    db: sqlite3.Connection, known: Sequence[StoredPool], query: SeriesQuery, now: float
) -> Series:
    """Return the queried series of these pools."""
    if not known:
        return Series.empty(query.width)
    width = -(-max(query.width, ALIGNMENT) // ALIGNMENT) * ALIGNMENT
    start, end = query.start // width * width, -(-query.end // width) * width
    if len(known) > 1:
        total = sum_pools(known, start, min(end, int(now) + 1), dict(query.entitlements))
        return tightened(db, total, [stored.pool for stored in known]).widened(width)
    # From the widest resolution whose buckets are parts of the queried ones.
    finest = max(resolution for resolution in WIDTHS if width % resolution == 0)
    return known[0].series(finest, start, end).widened(width)


def sum_pools(
    known: Sequence[StoredPool], start: int, stop: int, entitlements: Mapping[str, str]
) -> Series:
    """Return the sum by five minutes; `entitlements` of servers as in a SeriesQuery."""
    chunks = []
    for base in range(start // CHUNK * CHUNK, stop, CHUNK):
        first, end = max(start, base), min(base + CHUNK, stop)
        total = SumBuilder(first, end)
        for stored in known:
            for part in stored.parts(stored.pool, first, end, entitlements):
                total.add(*part)
        chunks.append(total.series())
    return concatenate(chunks, ALIGNMENT)


def sum_key(parts: Iterable[KnownPool], day: int) -> bytes:
    """Return the key of the sum of the pools that count on a day."""
    ids = sorted(
        pool.id
        for pool in parts
        if pool.since < day + DAY and (pool.ended is None or pool.ended > day)
    )
    return blake2b(" ".join(map(str, ids)).encode(), digest_size=16).digest()


def tightened(db: sqlite3.Connection, series: Series, parts: Sequence[KnownPool]) -> Series:
    """Return a sum with the stored maxima of its days, where its own are upper bounds.

    No entry of a day is higher than the stored maximum, and that which contains it is exact.
    """
    if series.exact:
        return series
    high, high_at, bound = series.high.copy(), series.high_at.copy(), series.bound.copy()
    installed, overdraft = series.installed.copy(), series.overdraft.copy()
    for day in sorted_unique(series.start[series.bound] // DAY * DAY).tolist():
        row = db.execute(
            "SELECT high, high_at, installed, overdraft FROM sum_peak WHERE pools = ? AND day = ?",
            (sum_key(parts, day), day),
        ).fetchone()
        if row is None:
            continue
        first, last = np.searchsorted(series.start, (day, day + DAY)).tolist()
        of_day = slice(first, last)
        high[of_day] = np.minimum(high[of_day], row[0])
        at = np.flatnonzero((series.start[of_day] <= row[1]) & (row[1] < series.end[of_day]))
        for index in (first + at).tolist():
            high[index], high_at[index], bound[index] = row[0], row[1], False
            installed[index], overdraft[index] = (np.nan if v is None else v for v in row[2:])
    return replace(
        series, high=high, high_at=high_at, bound=bound, installed=installed, overdraft=overdraft
    )


def stored_readings(db: sqlite3.Connection, pool: KnownPool) -> tuple[int, int | None]:
    """Return how many readings of a pool were recorded, and when the last was, as far as stored."""
    days = blocks.read_rollups(db, pool.id, Resolution.DAY, 0, FOREVER)
    recent = recent_readings(db, pool.id)
    unpacked = recent.select(recent.time >= pool.packed_until)
    samples = int(days.samples.sum()) + int((unpacked.value != UNKNOWN).sum())
    last = [*days.high_at[-1:].tolist(), *recent.time[-1:].tolist()]
    return samples, max(last, default=None)


class StoredPool:
    """Reads the series of one pool in a transaction."""

    def __init__(self, db: sqlite3.Connection, pool: KnownPool, now: int) -> None:
        self.pool = pool
        self._db = db
        self._now = now
        self._capacities = Capacities.of(pools.capacities(db, pool.id))

    def series(self, finest: Resolution, start: int, end: int) -> Series:
        """Return the buckets that start in [start, end), as fine as `finest` where it is stored."""
        parts = []
        for width in (width for width in WIDTHS if width >= finest):
            first = start if width is Resolution.DAY else max(start, self._since(width))
            if first < end:
                parts.append(to_series(self._rollups(width, first, end), width, self._capacities))
                end = first
        return concatenate(parts[::-1], int(finest))

    def parts(
        self, counts: KnownPool, start: int, end: int, entitlements: Mapping[str, str]
    ) -> Iterator[SumPart]:
        """Yield what a sum over [start, end) adds, if the pool counts then; by five minutes."""
        if counts.since < end and (counts.ended is None or counts.ended >= start):
            entitlement = entitlements.get(counts.server, "")
            shared = f"{entitlement}/{counts.product}/{counts.subscription_date}"
            series = self.series(ALIGNMENT, start, end)
            yield series, counts.since, counts.ended, shared if entitlement else ""

    def stored_series(self, width: Resolution, start: int, end: int) -> Series:
        """Return the buckets of `width` that start in [start, end) and are stored as such."""
        rollups = self._rollups(width, start, end)
        return to_series(rollups.select(rollups.start >= start), width, self._capacities)

    def _since(self, width: Resolution) -> int:
        """Return the first UTC day with all its figures of `width`; 0 if it is the pool's first."""
        first = blocks.first_packed(self._db, self.pool.id, width)
        if first is not None and first <= self.pool.since:
            return 0
        day = (self.pool.packed_until if first is None else first) // DAY * DAY
        # Whole days expire; but a file may have had wider figures of a part of this one.
        samples, of_day = (
            self._rollups(each, day, day + DAY).samples.sum() for each in (width, Resolution.DAY)
        )
        whole = day if samples == of_day else day + DAY
        return 0 if whole <= self.pool.since else whole

    def _rollups(self, width: Resolution, start: int, end: int) -> Rollups:
        """Return the stored buckets of `width` that start in [start, end), packed or not."""
        start = start // width * width
        packed = blocks.read_rollups(self._db, self.pool.id, width, start, end)
        edge = self.pool.packed_until // width * width
        if end <= edge:
            return packed
        later = coarsen(join((packed.between(edge, end), self._recent)), width)
        return join((packed.between(start, edge), later)).between(start, end)

    @cached_property
    def _recent(self) -> Rollups:
        """The buckets of what is not packed yet."""
        readings = recent_readings(self._db, self.pool.id)
        recent = roll_up(readings, self._capacities, ALIGNMENT, self._now)
        return recent.between(self.pool.packed_until, FOREVER)


def to_series(rollups: Rollups, width: int, capacities: Capacities) -> Series:
    """Return buckets of one width with the licenses at the moments of their maxima."""
    seconds = constant(rollups.seconds)
    installed, overdraft = capacities.licenses(rollups.high_at)
    return Series(
        rollups.start,
        repeated(width, len(rollups)),
        rollups.low,
        rollups.total / (rollups.seconds if seconds is None else seconds),
        rollups.high,
        rollups.high_at,
        rollups.last,
        installed,
        overdraft,
        rollups.samples,
        repeated(False, len(rollups)),  # noqa: FBT003
        width=width,
    )
