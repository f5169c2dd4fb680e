"""A year of history of the simulated estate, as if lictui had monitored it.

Days for a year, hours for three months, five minutes for two, single readings for two days: what is
finer would take longer to write than a demo may take to start. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from lictui.analysis.series import Resolution
from lictui.history.csv_reader import UNKNOWN, ImportedPool, imported_rows
from lictui.model import Model, PoolKey
from lictui.products import describe
from lictui.simulator import FaultMode
from lictui.simulator.estate import (
    PastReadings,
    ServerKind,
    SimulatedEstate,
    SimulatedPool,
    SimulatedServer,
)
from lictui.simulator.usage import DAY, QUARTER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.analysis.columns import IntArray
    from lictui.history.csv_reader import Rows


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


class ReportedFields(Struct, frozen=True):
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


_DAYS: Final = 365
_HOURS: Final = 92
_FIVES: Final = 62  # the whole last month: its report is exact
_READINGS: Final = 2
_FIVE: Final = 300  # seconds between two recent readings; older ones are a quarter hour apart


def backfill(estate: SimulatedEstate, until: float) -> Iterator[ImportedPool]:
    """Yield the year before `until` by pool."""
    for server in estate.servers:
        if server.fault is FaultMode.NORMAL:
            for pool in server.pools:
                yield _past(server, pool, int(until))


def _past(server: SimulatedServer, pool: SimulatedPool, until: int) -> ImportedPool:
    tomorrow = until // DAY * DAY + DAY
    days, hours, fives, single = (
        tomorrow - count * DAY for count in (_DAYS, _HOURS, _FIVES, _READINGS)
    )
    fields = reported_fields(server, pool)
    sizes = (fields.figures(size, pool.overdraft_of(size)) for _, size in pool.sizes)
    licenses = np.array([[UNKNOWN if n is None else n for n in size] for size in sizes]).T
    older = pool.readings(days, fives, QUARTER)
    newer = pool.readings(fives, until + 1, _FIVE)
    # No outage is older than the five minutes: there is no gap within a wider bucket.
    for start, end in server.outages:
        newer = newer.select((newer.time < start) | (newer.time >= end))
    last = newer.select(newer.time >= single)
    rows = (
        _rows(last, 1, licenses, Resolution.RAW),
        _rows(newer.select(newer.time < single), 1, licenses, Resolution.FIVE_MINUTES),
        _rows(older.select(older.time >= hours), 4, licenses, Resolution.HOUR),
        _rows(older.select(older.time < hours), 96, licenses, Resolution.DAY),
    )
    return ImportedPool(server.name, fields.key, fields.model, np.concatenate(rows))


def _rows(readings: PastReadings, count: int, licenses: IntArray, width: Resolution) -> Rows:
    """Roll up `count` readings each."""
    time, in_use = (column.reshape(-1, count) for column in (readings.time, readings.in_use))
    installed, overdraft = licenses[:, readings.size[::count]]
    return imported_rows(
        len(time),
        width=width,
        time=time[:, 0],
        low=in_use.min(axis=1),
        average=in_use.mean(axis=1),
        in_use=in_use.max(axis=1),
        high_at=time[np.arange(len(time)), in_use.argmax(axis=1)],
        last=in_use[:, -1],
        samples=count,
        installed=installed,
        overdraft=overdraft,
    )
