"""The board as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Only figures of servers that are up, each license once: pools that another data source reports, too,
and start-up licenses are left out, so that a sum over all series is the total that lictui shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from lictui import __version__
from lictui.engine.board import is_reporting, once_per_entitlement
from lictui.longterm.metrics import (
    ACTIVATION_EXPIRY,
    POOL_LABELS,
    POOL_METRICS,
    PREFIX,
    SERVER_LABELS,
    day_start,
)
from lictui.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.model import Pool, Server

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_MAX_LABEL: Final = 200  # characters


def openmetrics_text(board: MergedBoard) -> bytes:
    """Return all metrics of a board."""
    text: bytes = generate_latest(_BoardCollector(board))
    return text


@dataclass(frozen=True, slots=True)
class PoolSeries:
    """A pool as other systems read it: labels, and figures; None is unknown."""

    server: Server  # that reports the figures
    pool: Pool
    counts_installed: bool  # licenses of an entitlement count at one of its servers

    @property
    def labels(self) -> tuple[str, ...]:
        """Values of POOL_LABELS."""
        pool = self.pool
        texts = (pool.product, str(pool.model), pool.key.subscription_date)
        return (*server_labels(self.server), *(text[:_MAX_LABEL] for text in texts))

    @property
    def figures(self) -> dict[str, float | None]:
        """Every figure by its name."""
        omitted = () if self.counts_installed else ("installed", "overdraft")
        return {m.name: m.value(self.pool) for m in POOL_METRICS if m.name not in omitted}


def pool_series(board: MergedBoard) -> Iterator[PoolSeries]:
    """Every counted pool of a server that is up, once."""
    rows = [
        (status, pool)
        for status in board.servers
        if status.is_up
        for pool in status.pools
        if pool.counted and is_reporting(status, pool)
    ]
    for (status, _), (pool, counts) in zip(rows, once_per_entitlement(rows), strict=True):
        name, _ = status.history_key(pool.key)
        yield PoolSeries(status.member(name).server, pool, counts)


def enabled_servers(board: MergedBoard) -> list[ServerStatus]:
    """The registered servers that are polled."""
    return [s for s in board.registered.servers if s.state is not State.DISABLED]


def server_labels(server: Server) -> tuple[str, ...]:
    """Values of SERVER_LABELS."""
    return server.name[:_MAX_LABEL], server.group[:_MAX_LABEL], str(server.source)


_SERVER_METRICS: Final = {
    "server_up": "Whether the last poll succeeded and is recent.",
    "server_last_success_timestamp_seconds": "Time of the last successful poll.",
    "server_poll_duration_seconds": "Duration of the last poll.",
    ACTIVATION_EXPIRY: "Start of the day (UTC) on which LAS activation ends.",
}


class _BoardCollector:
    """What prometheus_client collects metrics from."""

    def __init__(self, board: MergedBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        pools = {
            metric.name: GaugeMetricFamily(PREFIX + metric.name, metric.help, labels=POOL_LABELS)
            for metric in POOL_METRICS
        }
        for series in pool_series(self._board):
            labels = series.labels
            for name, value in series.figures.items():
                if value is not None:
                    pools[name].add_metric(labels, value)
        yield from pools.values()
        yield from self._server_metrics()
        build = GaugeMetricFamily("lictui_build_info", "Version of lictui.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build

    def _server_metrics(self) -> Iterator[Metric]:
        servers = {
            name: GaugeMetricFamily(PREFIX + name, text, labels=SERVER_LABELS)
            for name, text in _SERVER_METRICS.items()
        }
        polls = CounterMetricFamily(f"{PREFIX}polls", "Polls.", labels=["server"])
        failures = CounterMetricFamily(
            f"{PREFIX}poll_failures", "Failed polls, by reason.", labels=["server", "kind"]
        )
        for status in enabled_servers(self._board):
            labels = server_labels(status.server)
            snapshot = status.snapshot if status.is_up else None
            activation = snapshot.activation if snapshot else None
            values = (
                float(status.is_up),
                status.last_success_at,
                status.latency,
                day_start(activation.expires) if activation else None,
            )
            for family, value in zip(servers.values(), values, strict=True):
                if value is not None:
                    family.add_metric(labels, value)
            polls.add_metric(labels[:1], status.polls)
            for kind, count in status.failed_polls.items():
                failures.add_metric([labels[0], str(kind)], count)
        yield from (*servers.values(), polls, failures)
