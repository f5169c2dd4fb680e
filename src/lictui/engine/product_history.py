"""One product on some servers: its selection on the board, and the answers about its past.

The usage view asks twice: for the history of the time range it shows, and now and then for the
outlook, which rests on a year. Both answers are complete: the view draws them and computes nothing.
`product_reader` makes them. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from lictui.engine.board import (
    GroupBy,
    MergedBoard,
    ServerStatus,
    Total,
    total_of,
    total_thresholds,
)
from lictui.model import DEFAULT_INTERVAL, Event, MonthlyUsage, Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.series import Bucket
    from lictui.analysis.usage import HeatMatrix, UsageStats
    from lictui.config.settings import Settings

_SLOWEST: Final = 900.0  # seconds between polls, where no server is known


class ProductSelection(Struct, frozen=True):
    """One product on some servers, as the board shows it now."""

    product: str
    servers: tuple[str, ...]
    pools: tuple[tuple[ServerStatus, Pool], ...]
    interval: float  # seconds between two polls of the slowest of the servers
    total: Total


def select_product(
    board: MergedBoard,
    servers: Sequence[str],
    product: str,
    settings: Settings,
    by: GroupBy | None = None,
) -> ProductSelection:
    """The pools of `product` on these servers of a merged board.

    `by` is what the servers are selected by, and decides which thresholds apply.
    """
    statuses = statuses_of(board, servers)
    limits = settings.alerts.thresholds_for(product=product)
    if statuses:
        by = by or usual_grouping(statuses)
        limits = total_thresholds(settings.alerts, statuses[0], product, by)
    pools = tuple(
        (status, pool) for status in statuses for pool in status.pools if pool.product == product
    )
    intervals = (
        status.server.interval or settings.interval or DEFAULT_INTERVAL[status.server.source]
        for status in statuses
    )
    return ProductSelection(
        product,
        tuple(servers),
        pools,
        max(intervals, default=_SLOWEST),
        total_of(product, [entry for entry in pools if entry[0].server.enabled], limits),
    )


def usual_grouping(statuses: Sequence[ServerStatus]) -> GroupBy:
    """What servers are selected by, where nothing else is known: one server, or all."""
    return GroupBy.SERVER if len(statuses) == 1 else GroupBy.PRODUCT


def statuses_of(board: MergedBoard, servers: Iterable[str]) -> tuple[ServerStatus, ...]:
    """The statuses that stand for these servers, each once."""
    candidates = (board.find(name) for name in servers)
    return tuple({status.server.name: status for status in candidates if status}.values())


class ProductQuery(Struct, frozen=True):
    """A time range of one product."""

    servers: tuple[str, ...]
    product: str
    bounds: tuple[int, ...]  # of the buckets to draw, the last one exclusive
    width: int  # seconds of a bucket; calendar days may have 23 or 25 hours
    compare_days: int = 0  # how many days back the previous period is; 0: do not compare
    heat_map: bool = False
    curve: bool = False

    @property
    def start(self) -> int:
        """The start of the range."""
        return self.bounds[0]

    @property
    def end(self) -> int:
        """The end of the range, exclusive."""
        return self.bounds[-1]


class ProductHistory(Struct, frozen=True):
    """What was recorded of a product in a time range."""

    buckets: tuple[Bucket, ...] = ()
    stats: UsageStats | None = None  # by five minutes, up to now
    previous: tuple[Bucket, ...] = ()  # the previous period, moved into the time of this one
    heat_map: HeatMatrix | None = None
    curve: tuple[tuple[int, int], ...] = ()  # quantity -> seconds at or above it
    monthly_usage: tuple[MonthlyUsage, ...] = ()  # as the source reports it
    events: tuple[Event, ...] = ()
    # Some figures are not stored by five minutes any more: percentiles and times are upper bounds.
    is_coarse: bool = False


class ProductOutlook(Struct, frozen=True):
    """What is expected of a product, and how today and this month compare."""

    forecast: Forecast
    installed: int | None
    expiring: Mapping[date, int] = field(default_factory=dict)  # licenses by their last day
    anomaly: str | None = None  # a sentence, if today is unlike the same weekdays before
    assignments: tuple[int, int] | None = None  # newly assigned and released this month, at least

    def installed_on(self, day: date) -> int | None:
        """What is installed on a day to come, after what expires until then."""
        if self.installed is None:
            return None
        expired = sum(count for expiry, count in self.expiring.items() if expiry <= day)
        return max(0, self.installed - expired)
