"""Forecasts of products, summaries of the past of every total, and unusual usage.

A `ForecastScope` knows what to ask the history for and makes a forecast of the answer: the only one
there is, for chart, `lictui forecast`, products view and report. Its days are those of UTC.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.analysis.assignments import MonthAssignments, reported_month
from lictui.analysis.forecast import MAX_DAYS, Forecast, ForecastInput
from lictui.analysis.passage import forecast
from lictui.analysis.series import (
    SeriesQuery,
    day_of,
    day_start,
    first_of_month,
)
from lictui.analysis.usage import ANOMALY_WEEKS, PastSummary, TotalKey, anomaly_today
from lictui.clock import DAY, HOUR, time_zone
from lictui.engine.board import (
    GroupBy,
    MergedBoard,
    ServerStatus,
    entitlements_of,
    once_per_entitlement,
    pools_by_total,
    scope_name,
    total_thresholds,
)
from lictui.engine.merge import duplicate_pools
from lictui.errors import LictuiError
from lictui.history.peaks import PeakQuery, iter_peaks
from lictui.model import ESTATE, Model, PoolKey, sum_all_known
from lictui.products import describe

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from lictui.analysis.columns import Series
    from lictui.analysis.peaks import ScopedPeak
    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.history.memberships import ServerPool
    from lictui.history.pools import KnownPool
    from lictui.history.store import History


class ForecastScope(ForecastInput, frozen=True, kw_only=True):
    """One product and model, on one server or on all servers of a board."""

    name: str
    pools: tuple[ServerPool, ...]  # whose history counts, ended pools included
    entitlements: tuple[tuple[str, str], ...] = ()  # of servers: the same licenses count once

    def history_query(self, now: float) -> SeriesQuery:
        """The query for the days that a forecast rests on, and today; `now` in epoch seconds."""
        end = (int(now) // DAY + 1) * DAY
        return SeriesQuery(self.pools, end - (MAX_DAYS + 1) * DAY, end, DAY, self.entitlements)

    def forecast(self, history: Series, now: float, today: date) -> Forecast:
        """The forecast from the answer to that query; `today` in the user's time zone."""
        complete = history.end <= now
        result = forecast(self, history.select(complete), today, history.select(~complete))
        earlier = sorted({key.product for _, key in self.pools} - {self.product})
        basis = f"{result.basis}; continues {', '.join(earlier)}" if earlier else result.basis
        return replace(result, basis=basis)


def forecast_scopes(
    board: MergedBoard, recorded: Sequence[KnownPool], alerts: AlertSettings
) -> tuple[ForecastScope, ...]:
    """The products of all enabled servers of the board together, then of each of them."""
    groupings = GroupBy.PRODUCT, GroupBy.SERVER
    scopes = (scopes_by(by, board, recorded, alerts).values() for by in groupings)
    return tuple(chain.from_iterable(scopes))


def scopes_by(
    by: GroupBy, board: MergedBoard, recorded: Sequence[KnownPool], alerts: AlertSettings
) -> dict[TotalKey, ForecastScope]:
    """The forecast scope of every total of the enabled servers.

    `recorded` are the pools of the history: an ended pool belongs to the past of its product, also
    on a server that has no other one now.
    """
    continued = continued_pools(board, recorded)
    ended: dict[tuple[str, str, str], list[PoolKey]] = defaultdict(list)
    for known in recorded:
        if known.ended is not None:
            now = continued.get((known.server, known.key), (known.product, known.model))
            ended[known.server, *now].append(known.key)
    enabled: dict[str, list[ServerStatus]] = defaultdict(list)
    for status in board.servers:
        if status.server.enabled:
            enabled[scope_name(status, by)].append(status)
    scopes = {}
    for (scope, product, model), pools in pools_by_total(board, by).items():
        current = dict.fromkeys(status.history_key(pool.key) for status, pool in pools)
        holding = {status.server.name for status, _ in pools}
        others = {status.server.name for status in enabled[scope]} - holding
        names = [*dict.fromkeys(name for name, _ in current), *sorted(others)]
        earlier = [(name, key) for name in names for key in ended[name, product, model.value]]
        counted = [pool for pool, counts in once_per_entitlement(pools) if counts]
        expiring: Counter[date] = Counter()
        for pool in counted:
            if (day := pool.license_end) is not None:
                expiring[day] += pool.expiring_count or 0
        limits = total_thresholds(alerts, pools[0][0], product, by)
        scopes[scope, product, model] = ForecastScope(
            scope=scope or ESTATE,
            product=product,
            name=pools[0][1].name,
            model=model,
            pools=tuple(current | dict.fromkeys(earlier)),
            installed=sum_all_known(pool.reading.installed for pool in counted),
            expiring=dict(expiring),
            warn=limits.warn,
            critical=limits.critical,
            entitlements=entitlements_of(enabled[scope]),
        )
    return scopes


def continued_pools(
    board: MergedBoard, recorded: Sequence[KnownPool]
) -> dict[ServerPool, tuple[str, str]]:
    """Ended pools whose series another product carries on (`continues`): its code and model.

    It is the product of the same server that started when they ended, as in a migration to LAS.
    """
    continued: dict[ServerPool, tuple[str, str]] = {}
    for status in board.servers:
        for member in status.members or (status,):
            name, code = member.server.name, member.server.continues
            pools = [pool for pool in recorded if pool.server == name] if code else []
            before = {p.key: p.ended for p in pools if p.product == code and p.ended is not None}
            after = [
                p
                for p in pools
                if p.product != code and p.ended is None and describe(p.product).counted
            ]
            if before and after:
                end = max(before.values())
                _, code, model = min((abs(p.since - end), p.product, p.model) for p in after)
                continued |= {(name, key): (code, model) for key in before}
    return continued


# The past of every total, computed in steps so that polls are not held up


class PastQuery(Struct, frozen=True):
    """Time and time zone of a past summary."""

    now: float  # UTC epoch seconds
    zone: tzinfo | None  # None: the system's
    alerts: AlertSettings

    @property
    def today(self) -> date:
        """The current day in the time zone."""
        return day_of(self.now, self.zone)


async def past_summaries(
    history: History,
    board: MergedBoard,
    by: GroupBy,
    query: PastQuery,
    clock: Clock,
) -> dict[TotalKey, PastSummary]:
    """Peaks, assignments of the month and forecast of every total. Raises HistoryError."""
    peaks: dict[TotalKey, dict[str, ScopedPeak]] = defaultdict(dict)
    servers: dict[str, set[str]] = defaultdict(set)
    for status in board.servers:
        servers[scope_name(status, by)].update(status.member_names)
    if by is GroupBy.PRODUCT:  # a removed server counts until its last poll
        servers[""].update(pool.server for pool in history.pools())
    every = peak_query(history, board, query.now, query.zone)
    for peak in iter_peaks(history, replace(every, scopes=servers, per_server=False)):
        if peak is None:
            await clock.sleep(0)
        else:
            peaks[peak.scope, peak.product, Model(peak.model)][peak.peak.window] = peak
    months: dict[TotalKey, MonthAssignments] = {}
    forecasts: dict[TotalKey, Forecast] = {}
    for key, scope in scopes_by(by, board, history.pools(), query.alerts).items():
        await clock.sleep(0)
        (series,) = history.series_batch((scope.history_query(query.now),))
        forecasts[key] = scope.forecast(series, query.now, query.today)
        if scope.model.is_assigned:
            months[key] = _month_assignments(history, scope, query)
    return {
        key: PastSummary(
            peaks[key].get("24h"),
            peaks[key].get("month"),
            peaks[key].get("all"),
            months.get(key),
            forecasts.get(key),
        )
        for key in {**peaks, **forecasts}
    }


def peak_query(history: History, board: MergedBoard, now: float, zone: tzinfo | None) -> PeakQuery:
    """The query for the peaks of all servers of a board."""
    servers = [status.server for status in board.registered.servers]
    return PeakQuery(
        now,
        zone,
        expected={server.name for server in servers if server.enabled},
        excluded=duplicate_pools(board).keys(),
        entitlements=dict(entitlements_of(board.servers)),
        continued=continued_pools(board, history.pools()),
    )


def _month_assignments(
    history: History, scope: ForecastScope, query: PastQuery
) -> MonthAssignments:
    """What is known of the assignments of this month."""
    month = first_of_month(query.today)
    start = day_start(month, query.zone)
    before = history.series(SeriesQuery(scope.pools, start - HOUR, start, HOUR)).buckets
    reported = reported_month((history.monthly_usage(*pool) for pool in scope.pools), month)
    return MonthAssignments(
        round(before[-1].last) if before else None,
        reported.newly_assigned if reported else None,
        reported.released if reported else None,
    )


# Cache of past summaries: computed once for all who ask, and again when it is old


_MAX_AGE: Final = 300.0  # seconds
_PAUSE_FACTOR: Final = 10  # a summary is kept for this multiple of the time that it took


class _Computation(Struct):
    started: float  # monotonic seconds
    board: MergedBoard
    recorded: tuple[int, int]
    task: asyncio.Task[dict[TotalKey, PastSummary]]
    duration: float = 0.0


class PastSummaryCache:
    """The past summaries of each grouping, at most a few minutes old."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._computations: dict[GroupBy, _Computation] = {}

    async def get(
        self, board: MergedBoard, by: GroupBy, settings: Settings
    ) -> dict[TotalKey, PastSummary]:
        """The summaries of the totals of a board. Raises LictuiError."""
        now = self._clock.monotonic()
        computation = self._computations.get(by)
        pools = self._history.pools()
        recorded = len(pools), sum(pool.since for pool in pools)  # an import changes it
        if computation is None or self._is_outdated(computation, board, recorded, now):
            task = asyncio.create_task(self._compute(board, by, settings), name="past summaries")
            computation = self._computations[by] = _Computation(now, board, recorded, task)
        try:
            return await asyncio.shield(computation.task)
        except Exception:
            self._computations.pop(by, None)
            raise

    @staticmethod
    def _is_outdated(
        computation: _Computation, board: MergedBoard, recorded: tuple[int, int], now: float
    ) -> bool:
        if not computation.task.done():
            return False
        before, after = (
            [status.server for status in merged.servers] for merged in (computation.board, board)
        )
        max_age = max(_MAX_AGE, _PAUSE_FACTOR * computation.duration)
        is_same = before == after and computation.recorded == recorded
        return not is_same or now - computation.started >= max_age

    async def _compute(
        self, board: MergedBoard, by: GroupBy, settings: Settings
    ) -> dict[TotalKey, PastSummary]:
        started = self._clock.monotonic()
        zone = time_zone(settings.timezone)
        query = PastQuery(self._clock.now(), zone, settings.alerts)
        summaries = await past_summaries(self._history, board, by, query, self._clock)
        self._computations[by].duration = self._clock.monotonic() - started
        return summaries

    def close(self) -> None:
        """End running computations."""
        for computation in self._computations.values():
            computation.task.cancel()


# Hourly check of every server for usage that is unusual for the weekday. Products are checked one
# after the other with pauses, so that polls and screens come first.


_log = logging.getLogger(__name__)
_LEAD: Final = 2 * HOUR  # before midnight, for what was assigned on the evening before
_PAUSE: Final = 0.02  # seconds between two products


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
        zone = time_zone(settings.timezone)
        hour = int(self._clock.now()) // HOUR
        due = {name: up[name] for name in up if self._checked_hour.get(name) != hour}
        recorded: tuple[KnownPool, ...] = ()
        for name, status in due.items():
            self._checked_hour[name] = hour
            try:
                recorded = recorded or tuple(self._history.pools())
                alerts = settings.alerts
                anomalies[name] = await self._check_server(status, recorded, alerts, zone)
            except LictuiError as error:  # a history that cannot be read is reported elsewhere
                _log.info("anomaly check of %s: %s", name, error.message)

    async def _check_server(
        self,
        status: ServerStatus,
        recorded: Sequence[KnownPool],
        alerts: AlertSettings,
        zone: tzinfo | None,
    ) -> dict[str, str]:
        sentences = {}
        board = MergedBoard((status,))
        for scope in scopes_by(GroupBy.SERVER, board, recorded, alerts).values():
            if not alerts.thresholds_of(status.server, scope.product).unusual:
                continue
            if sentence := anomaly_of(self._history, scope, self._clock.now(), zone):
                sentences[scope.product] = f"{scope.name}: {sentence}"
            await self._clock.sleep(_PAUSE)
        return sentences


def anomaly_of(
    history: History, scope: ForecastScope, now: float, zone: tzinfo | None
) -> str | None:
    """A sentence if the usage of today, up to this hour, is unlike that of the same weekday."""
    today, current_hour = day_of(now, zone), int(now) // HOUR * HOUR
    local_hour = datetime.fromtimestamp(now, UTC).astimezone(zone).hour
    queries = []
    for week in range(ANOMALY_WEEKS, -1, -1):
        start = day_start(today - timedelta(weeks=week), zone) // HOUR * HOUR
        # Long enough where a clock was changed.
        end = min(start + local_hour * HOUR + _LEAD, current_hour)
        queries.append(SeriesQuery(scope.pools, start - _LEAD, end, HOUR, scope.entitlements))
    hours = chain.from_iterable(series.buckets for series in history.series_batch(queries))
    return anomaly_today(hours, now, zone, assigned=scope.model.is_assigned)
