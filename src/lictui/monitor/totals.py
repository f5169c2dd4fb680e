"""The same product over all servers: sums of what is known, and how much of it that is.

Pure arithmetic on a board. Must not know who asks: `status`, the estate and the head line do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lictui.model import Level, Reading, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.config.settings import Alerts, Thresholds
    from lictui.model import Model, Pool, Snapshot
    from lictui.monitor.board import Board, ServerStatus


class By(StrEnum):
    """What is summed over: all servers, those of a group, or nothing."""

    PRODUCT = "product"
    GROUP = "group"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Total:
    """One (product, model) over the servers whose last poll succeeded."""

    product: str
    name: str
    model: Model
    reading: Reading  # each figure the sum of what is known; None if nothing is
    level: Level
    unknown: int  # pools with a figure missing
    reporting: tuple[str, ...]  # servers whose figures are in the sums
    expected: tuple[str, ...]  # enabled servers that hold the product, or held it when last read
    scope: str = ""  # the group or the server that it is of; of all servers none

    @property
    def free(self) -> int | None:
        """Installed less in use; None when a pool's figure is missing."""
        return None if self.unknown else self.reading.free

    @property
    def ratio(self) -> float | None:
        """In use as a share of installed; None when a pool's figure is missing."""
        return None if self.unknown else self.reading.ratio


@dataclass(slots=True)
class _Sum:
    name: str
    pools: list[Pool] = field(default_factory=list)
    reporting: dict[str, None] = field(default_factory=dict)  # in order, each once
    expected: dict[str, None] = field(default_factory=dict)


def answered(status: ServerStatus, pool: Pool | None = None) -> bool:
    """Whether the last poll of this server succeeded, so that its figures may be summed.

    Of a server that is read in several ways it may be one `pool` that nobody answers for.
    """
    return (
        status.snapshot is not None
        and status.failure is None
        and status.state is not State.DISABLED
        and not (pool and status.lapsed and pool.key in status.lapsed)
    )


def totals(board: Board, alerts: Alerts, by: By = By.PRODUCT) -> tuple[Total, ...]:
    """Every product and model that is counted somewhere, in the order they are met."""
    sums: dict[tuple[str, str, Model], _Sum] = {}
    for status, pool in _counted(board):
        key = (scope_of(status, by), pool.product, pool.model)
        if (total := sums.get(key)) is None:
            total = sums[key] = _Sum(pool.name)
        server = status.server.name
        total.expected[server] = None
        if answered(status, pool):
            total.pools.append(pool)
            total.reporting[server] = None
    return tuple(_total(key, it, alerts, by) for key, it in sums.items())


def scope_of(status: ServerStatus, by: By) -> str:
    """What the figures of a server are summed into."""
    return {By.PRODUCT: "", By.GROUP: status.server.group, By.SERVER: status.server.name}[by]


def _counted(board: Board) -> Iterator[tuple[ServerStatus, Pool]]:
    for status in board.servers:
        snapshot: Snapshot | None = status.snapshot
        if snapshot is None or not status.server.enabled:
            continue
        for pool in snapshot.pools:
            if pool.counted:
                yield status, pool


def _total(key: tuple[str, str, Model], it: _Sum, alerts: Alerts, by: By) -> Total:
    scope, product, model = key
    reading = combined(it.pools)
    unknown = sum(missing(pool.reading) for pool in it.pools)
    limits = thresholds(alerts, scope, product, by)
    level = Level.UNKNOWN if unknown else reading.level(limits.warn, limits.critical)
    return Total(
        *(product, it.name, model, reading, level, unknown),
        tuple(it.reporting),
        tuple(it.expected),
        scope,
    )


def thresholds(alerts: Alerts, scope: str, product: str, by: By) -> Thresholds:
    """The thresholds that hold for a total."""
    return alerts.of(
        group=scope if by is By.GROUP else "",
        server=scope if by is By.SERVER else "",
        product=product,
    )


def missing(reading: Reading) -> bool:
    """Whether a figure that the ratio needs could not be read."""
    return reading.in_use is None or reading.installed is None


def combined(pools: list[Pool]) -> Reading:
    """The pools' figures summed, each over the pools that have it."""
    if len(pools) == 1:
        return pools[0].reading
    readings = [pool.reading for pool in pools]
    return Reading(
        _sum(reading.in_use for reading in readings),
        _sum(reading.installed for reading in readings),
        _sum(reading.overdraft for reading in readings),
    )


def _sum(figures: Iterator[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
