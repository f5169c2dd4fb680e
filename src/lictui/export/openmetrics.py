"""The board as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Only figures of servers that are up, each license once: pools that another data source reports, too,
and start-up licenses are left out, so that a sum over all series is the total that lictui shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from lictui import __version__
from lictui.engine.board import is_reporting, once_per_entitlement
from lictui.longterm.metrics import (
    POOL_LABELS,
    POOL_METRICS,
    PREFIX,
    SERVER_LABELS,
    SERVER_METRICS,
    PolledServer,
    known_figures,
)
from lictui.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric as Family

    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.longterm.metrics import Figures, Metric
    from lictui.model import Pool, Server

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_MAX_LABEL: Final = 200  # characters


def openmetrics_text(board: MergedBoard) -> bytes:
    """Return all metrics of a board."""
    text: bytes = generate_latest(_BoardCollector(board))
    return text


class ExportedSeries(Struct, frozen=True):
    """A server or a pool as other systems read it."""

    server: Server  # that reports the figures
    labels: Mapping[str, str]
    figures: Figures  # that are known


class PoolSeries(ExportedSeries, frozen=True):
    """A pool as other systems read it."""

    pool: Pool


def pool_series(board: MergedBoard) -> Iterator[PoolSeries]:
    """Every counted pool of a server that is up, once."""
    rows = [
        (status, pool)
        for status in board.servers
        if status.is_up
        for pool in status.pools
        if pool.counted and is_reporting(status, pool)
    ]
    for (status, _), (pool, counts_installed) in zip(rows, once_per_entitlement(rows), strict=True):
        server = status.member(status.history_key(pool.key)[0]).server
        texts = (*_server_texts(server), pool.product, pool.model, pool.key.subscription_date)
        omitted = () if counts_installed else ("installed", "overdraft")
        metrics = [metric for metric in POOL_METRICS if metric.name not in omitted]
        yield PoolSeries(server, _labels(POOL_LABELS, texts), known_figures(metrics, pool), pool)


def server_series(board: MergedBoard) -> Iterator[ExportedSeries]:
    """Every server that is polled."""
    for status in enabled_servers(board):
        snapshot = status.snapshot if status.is_up else None
        polled = PolledServer(status.is_up, status.last_success_at, status.latency, snapshot)
        labels = _labels(SERVER_LABELS, _server_texts(status.server))
        yield ExportedSeries(status.server, labels, known_figures(SERVER_METRICS, polled))


def enabled_servers(board: MergedBoard) -> list[ServerStatus]:
    """The registered servers that are polled."""
    return [s for s in board.registered.servers if s.state is not State.DISABLED]


def _server_texts(server: Server) -> tuple[str, ...]:
    return server.name, server.group, server.source


def _labels(names: tuple[str, ...], texts: tuple[str, ...]) -> dict[str, str]:
    return {name: str(text)[:_MAX_LABEL] for name, text in zip(names, texts, strict=True)}


class _BoardCollector:
    """What prometheus_client collects metrics from."""

    def __init__(self, board: MergedBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[Family]:
        yield from _gauges(POOL_METRICS, POOL_LABELS, pool_series(self._board))
        yield from _gauges(SERVER_METRICS, SERVER_LABELS, server_series(self._board))
        polls = CounterMetricFamily(f"{PREFIX}polls", "Polls.", labels=["server"])
        failures = CounterMetricFamily(
            f"{PREFIX}poll_failures", "Failed polls, by reason.", labels=["server", "kind"]
        )
        for status in enabled_servers(self._board):
            name = status.server.name[:_MAX_LABEL]
            polls.add_metric([name], status.polls)
            for kind, count in status.failed_polls.items():
                failures.add_metric([name, str(kind)], count)
        build = GaugeMetricFamily("lictui_build_info", "Version of lictui.", labels=["version"])
        build.add_metric([__version__], 1)
        yield from (polls, failures, build)


def _gauges(
    metrics: Iterable[Metric[Any]], labels: Sequence[str], rows: Iterable[ExportedSeries]
) -> Iterable[Family]:
    gauges = {m: GaugeMetricFamily(PREFIX + m.name, m.help, labels=labels) for m in metrics}
    for series in rows:
        for metric, value in series.figures.items():
            gauges[metric].add_metric(list(series.labels.values()), value)
    return gauges.values()
