"""A year of history of the simulated estate, as if lictui had monitored it.

Days for a year, hours for three months, five minutes for nine days, single readings for two days.
Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import ceil, inf
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import BackfillRow, Bucket, Resolution
from lictui.model import Model, PoolKey
from lictui.products import describe
from lictui.simulator import FaultMode
from lictui.simulator.estate import ServerKind, SimulatedEstate, SimulatedPool, SimulatedServer
from lictui.simulator.usage import DAY, QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


# What each source reports of a pool: its key, and which figures


_UNDATED: Final = {
    ServerKind.SITE_WITHOUT_OVERVIEW,
    ServerKind.CLOUD,
    ServerKind.PARTNER,
    ServerKind.CHECKMK,
}
_NO_SIZE: Final = {ServerKind.SITE_WITHOUT_OVERVIEW, ServerKind.PARTNER, ServerKind.UDADMIN}
_ONE_COUNT: Final = {ServerKind.CHECKMK, ServerKind.LMSTAT, ServerKind.REMOTE_LMSTAT}
_SNAP_IN: Final = {ServerKind.INVENTORY, ServerKind.LAS_INVENTORY}


@dataclass(frozen=True, slots=True)
class ReportedFields:
    """How a server reports one pool."""

    key: PoolKey
    model: Model
    kind: ServerKind

    def figures(self, installed: int, overdraft: int) -> tuple[int | None, int | None]:
        """Return installed and overdraft, as reported."""
        if self.kind in _NO_SIZE:
            return None, None
        if self.kind in _ONE_COUNT:
            return installed + overdraft, None
        return installed, None if self.kind is ServerKind.CLOUD else overdraft


def reported_fields(server: SimulatedServer, pool: SimulatedPool) -> ReportedFields:
    """Return how `server` reports `pool`."""
    kind = server.kind
    is_dated = kind not in _UNDATED and server.vendor == "CITRIX"
    if kind in _SNAP_IN and pool.license_type == "SYS":
        is_dated = False
    if kind is ServerKind.CLOUD:
        model = Model.USER_DEVICE  # what it is asked for: not part of the product's name
    elif server.vendor != "CITRIX":
        model = Model.CONCURRENT  # floating licenses, without a code that shows it
    else:
        model = describe(pool.product).model
    key = PoolKey(pool.product, pool.subscription_date.isoformat() if is_dated else "")
    return ReportedFields(key, model, kind)


_DAYS: Final = 365  # of day buckets; the rest of the store's default retention would do no more
_HOURS: Final = 92  # days of hour buckets
_RECENT: Final = 9  # days of five-minute buckets, and of readings every five minutes
_RAW: Final = 2  # days of single readings
_STEP: Final = 300  # seconds between two recent readings; older ones are a quarter hour apart


def backfill(estate: SimulatedEstate, until: float) -> Iterator[BackfillRow]:
    """Yield every bucket of the year before `until` by pool, in order of time in each width."""
    for server in estate.servers:
        if server.fault is FaultMode.NORMAL:
            for pool in server.pools:
                yield from _of_pool(server, pool, until)


def _of_pool(server: SimulatedServer, pool: SimulatedPool, until: float) -> Iterator[BackfillRow]:
    fields = reported_fields(server, pool)
    for resolution, bucket in _buckets(server, pool, fields, until):
        yield BackfillRow(server.name, fields.key, fields.model, resolution, bucket)


def _buckets(
    server: SimulatedServer, pool: SimulatedPool, fields: ReportedFields, until: float
) -> Iterator[tuple[Resolution, Bucket]]:
    today = int(until) // DAY * DAY
    recent = today - (_RECENT - 1) * DAY
    older = _quarters(pool, today - (_DAYS - 1) * DAY, recent)
    newer = _fives(pool, recent, int(until))
    if server.outages:
        older, newer = _with_gaps(server, older), _with_gaps(server, newer)
    roll = _Roll(pool, fields)
    yield from roll.up(older, Resolution.DAY)
    yield from roll.up(newer, Resolution.DAY)
    yield from roll.up(older.since(today - (_HOURS - 1) * DAY), Resolution.HOUR)
    yield from roll.up(newer, Resolution.HOUR)
    yield from roll.up(newer, Resolution.FIVE_MINUTES)
    yield from roll.runs(newer.since(int(until) // _STEP * _STEP - _RAW * DAY))


@dataclass(frozen=True, slots=True)
class _Line:
    """Readings at even distances; None is a poll that failed."""

    start: int
    step: int
    points: Sequence[int | None]

    def since(self, start: int) -> _Line:
        """The readings from `start`, which is one of their times, on."""
        first = max(0, (start - self.start) // self.step)
        return _Line(self.start + first * self.step, self.step, self.points[first:])


def _quarters(pool: SimulatedPool, start: int, end: int) -> _Line:
    return _line(pool, start, QUARTER, pool.curve.quarter_values(start // QUARTER, end // QUARTER))


def _fives(pool: SimulatedPool, start: int, end: int) -> _Line:
    points = pool.curve.five_minute_values(start // QUARTER, end // QUARTER + 1)
    return _line(pool, start, _STEP, points[: (end - start) // _STEP + 1])


def _line(pool: SimulatedPool, start: int, step: int, points: list[int]) -> _Line:
    """The readings, with nobody who was turned away because there was no more at the time."""
    at = 0
    for since, until in pairwise([*(since for since, _ in pool.sizes), inf]):
        installed = pool.installed_at(since)
        total = installed + pool.overdraft_of(installed)
        end = len(points) if until == inf else max(0, ceil((until - start) / step))
        if pool.is_capped and max(points[at:end], default=0) > total:
            points[at:end] = [min(point, total) for point in points[at:end]]
        at = max(at, end)
    return _Line(start, step, points)


def _with_gaps(server: SimulatedServer, line: _Line) -> _Line:
    points = list(line.points)
    for start, end in server.outages:
        first, last = (max(0, ceil((at - line.start) / line.step)) for at in (start, end))
        points[first:last] = [None] * len(points[first:last])
    return replace(line, points=points)


class _Roll:
    """Rolls readings of one pool up into buckets."""

    def __init__(self, pool: SimulatedPool, fields: ReportedFields) -> None:
        self._pool = pool
        self._fields = fields
        self._ends = pool.end_time() or inf
        self._always = self._terms(0) if len(pool.sizes) == 1 else None

    def up(self, line: _Line, width: Resolution) -> Iterator[tuple[Resolution, Bucket]]:
        many = width // line.step
        for first in range(0, len(line.points), many):
            start = line.start + first * line.step
            # A pool that ends, ends at midnight: no bucket is cut in the middle.
            if start >= self._ends:
                return
            points = line.points[first : first + many]
            read = [point for point in points if point is not None]
            if read:
                yield width, self._bucket(start, width, line.step, points, read)

    def runs(self, line: _Line) -> Iterator[tuple[Resolution, Bucket]]:
        """One bucket for each stretch over which the readings were the same."""
        at = line.start
        for point, run in groupby(line.points):
            many = len(list(run))
            if point is not None and at < self._ends:
                last = at + (many - 1) * line.step
                bucket = self._bucket(at, 0, line.step, (point,), [point])
                yield Resolution.RAW, bucket._replace(end=last, samples=many)
            at += many * line.step

    def _bucket(
        self, start: int, width: int, step: int, points: Sequence[int | None], read: list[int]
    ) -> Bucket:
        installed, overdraft = self._always or self._terms(start)
        high = max(read)
        return Bucket(
            start,
            start + width,
            min(read),
            sum(read) / len(read),
            high,
            start + points.index(high) * step,
            read[-1],
            installed,
            overdraft,
            len(read),
        )

    def _terms(self, at: int) -> tuple[int | None, int | None]:
        installed = self._pool.installed_at(at)
        return self._fields.figures(installed, self._pool.overdraft_of(installed))
