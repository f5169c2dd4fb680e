"""Hourly check of every server for usage that is unusual for the weekday.

Products are checked one after the other with pauses, so that polls and screens come first. What is
unusual is decided in `analysis.usage`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from lictui.analysis.series import SeriesQuery, day_of, day_start
from lictui.analysis.usage import ANOMALY_WEEKS, anomaly_today
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.history.store import History
    from lictui.model import Pool, PoolKey

_log = logging.getLogger(__name__)
_HOUR: Final = 3600
_LEAD: Final = 2 * _HOUR  # before midnight, for what was assigned on the evening before
_PAUSE: Final = 0.02  # seconds between two products


@dataclass(frozen=True, slots=True)
class _ServerProduct:
    """One product of a server, and the pools whose history is its history."""

    product: str
    name: str
    is_assigned: bool
    pools: tuple[tuple[str, PoolKey], ...]


class AnomalyChecker:
    """Checks every server once an hour."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._checked_hour: dict[str, int] = {}  # by server

    async def check(
        self,
        board: MergedBoard,
        settings: Settings,
        anomalies: MutableMapping[str, dict[str, str]],
    ) -> None:
        """Update `anomalies`, sentences by server and product. Never raises.

        A server that is not up has none: its usage today is unknown.
        """
        up = {status.server.name: status for status in board.servers if status.is_up}
        for name in (self._checked_hour.keys() | anomalies.keys()) - up.keys():
            self._checked_hour.pop(name, None)
            anomalies.pop(name, None)
        zone = ZoneInfo(settings.timezone) if settings.timezone else None
        for name, status in up.items():
            hour = int(self._clock.now()) // _HOUR
            if self._checked_hour.get(name) == hour:
                continue
            self._checked_hour[name] = hour
            try:
                anomalies[name] = await self._check_server(status, settings.alerts, zone)
            except LictuiError as error:  # a history that cannot be read is reported elsewhere
                _log.info("anomaly check of %s: %s", name, error.message)

    async def _check_server(
        self, status: ServerStatus, alerts: AlertSettings, zone: tzinfo | None
    ) -> dict[str, str]:
        sentences = {}
        for product in _checked_products(status, alerts):
            now = self._clock.now()
            hours = [
                bucket
                for series in self._history.series_batch(_weekday_queries(product, now, zone))
                for bucket in series.buckets
            ]
            if sentence := anomaly_today(hours, now, zone, assigned=product.is_assigned):
                sentences[product.product] = f"{product.name}: {sentence}"
            await self._clock.sleep(_PAUSE)
        return sentences


def _checked_products(status: ServerStatus, alerts: AlertSettings) -> Iterator[_ServerProduct]:
    products: dict[str, list[Pool]] = {}
    for pool in status.snapshot.pools if status.snapshot else ():
        if pool.counted:
            products.setdefault(pool.product, []).append(pool)
    server = status.server
    for product, pools in products.items():
        if alerts.thresholds_for(group=server.group, server=server.name, product=product).unusual:
            keys = dict.fromkeys(status.history_key(pool.key) for pool in pools)
            yield _ServerProduct(product, pools[0].name, pools[0].model.is_assigned, tuple(keys))


def _weekday_queries(
    product: _ServerProduct, now: float, zone: tzinfo | None
) -> tuple[SeriesQuery, ...]:
    """The same weekday in earlier weeks and today, oldest first, each up to this hour."""
    today, current_hour = day_of(now, zone), int(now) // _HOUR * _HOUR
    local_hour = datetime.fromtimestamp(now, UTC).astimezone(zone).hour
    queries = []
    for week in range(ANOMALY_WEEKS, -1, -1):
        start = day_start(today - timedelta(weeks=week), zone) // _HOUR * _HOUR
        end = start + local_hour * _HOUR + _LEAD  # long enough where a clock was changed
        queries.append(SeriesQuery(product.pools, start - _LEAD, min(end, current_hour), _HOUR))
    return tuple(queries)
