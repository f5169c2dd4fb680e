"""Whether today is like the same weekday was, asked of the history a little at a time.

Owns when it is asked and of which pools: once an hour of every server that answers, one product
after the other, so that polls go on meanwhile. Must not know what is usual (`insights.unusual`),
nor who is told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import SeriesQuery, day_of, day_start
from lictui.analysis.usage import ANOMALY_WEEKS, anomaly_today
from lictui.errors import LictuiError
from lictui.model import Model, Pool, PoolKey

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.history.store import History

_log = logging.getLogger(__name__)
_ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_HOUR: Final = 3600
_LEAD: Final = 2 * _HOUR  # before midnight: what was assigned the evening before
_REST: Final = 0.02  # seconds between two products: whoever is polled or drawn comes first


@dataclass(frozen=True, slots=True)
class _Product:
    """One product of a server, and the pools whose past is its past."""

    product: str
    name: str
    assigned: bool
    pools: tuple[tuple[str, PoolKey], ...]


class AnomalyChecker:
    """Looks for what is unusual, and remembers which hour it has looked at."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._looked: dict[str, int] = {}  # by server: the hour it was looked at in

    async def check(
        self, board: MergedBoard, settings: Settings, found: MutableMapping[str, dict[str, str]]
    ) -> None:
        """Bring `found`, sentences by server and product, up to the hour; never raises.

        A server that does not answer has none: nobody knows what it is like today.
        """
        live = {status.server.name: status for status in board.servers if status.is_up}
        for gone in (self._looked.keys() | found.keys()) - live.keys():
            self._looked.pop(gone, None)
            found.pop(gone, None)
        zone = _zone(settings.timezone)
        for name, status in live.items():
            hour = int(self._clock.now()) // _HOUR
            if self._looked.get(name) == hour:
                continue
            self._looked[name] = hour
            try:
                found[name] = await self._of(status, settings.alerts, zone)
            except LictuiError as error:  # a history that cannot be read has said so elsewhere
                _log.info("what is unusual about %s: %s", name, error.message)

    async def _of(
        self, status: ServerStatus, alerts: AlertSettings, zone: tzinfo | None
    ) -> dict[str, str]:
        said = {}
        for each in _products(status, alerts):
            now = self._clock.now()
            hours = [
                bucket
                for series in self._history.series_batch(_questions(each.pools, now, zone))
                for bucket in series.buckets
            ]
            if sentence := anomaly_today(hours, now, zone, assigned=each.assigned):
                said[each.product] = f"{each.name}: {sentence}"
            await self._clock.sleep(_REST)
        return said


def _products(status: ServerStatus, alerts: AlertSettings) -> Iterator[_Product]:
    found: dict[str, list[Pool]] = {}
    for pool in status.snapshot.pools if status.snapshot else ():
        if pool.counted:
            found.setdefault(pool.product, []).append(pool)
    server = status.server
    for product, pools in found.items():
        if alerts.thresholds_for(group=server.group, server=server.name, product=product).unusual:
            owners = dict.fromkeys(status.history_key(pool.key) for pool in pools)
            assigned = pools[0].model in _ASSIGNED
            yield _Product(product, pools[0].name, assigned, tuple(owners))


def _questions(
    pools: tuple[tuple[str, PoolKey], ...], now: float, zone: tzinfo | None
) -> tuple[SeriesQuery, ...]:
    """The same weekday in the weeks before and today, oldest first, each up to this hour."""
    today, this_hour = day_of(now, zone), int(now) // _HOUR * _HOUR
    hour = datetime.fromtimestamp(now, UTC).astimezone(zone).hour
    asked = []
    for week in range(ANOMALY_WEEKS, -1, -1):
        start = day_start(today - timedelta(weeks=week), zone) // _HOUR * _HOUR
        end = start + hour * _HOUR + _LEAD  # more than enough where a clock was changed
        asked.append(SeriesQuery(pools, start - _LEAD, min(end, this_hour), _HOUR))
    return tuple(asked)


def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - start-up looks at no past

    return ZoneInfo(name) if name else None
