"""Reads the history and the outlook of one product. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from lictui.analysis.assignments import observed_changes, sum_reported_months
from lictui.analysis.columns import Series, concatenate
from lictui.analysis.series import SeriesQuery, day_of, day_start, first_of_month
from lictui.analysis.usage import ANOMALY_WEEKS, anomaly_today
from lictui.analysis.usage_stats import heat_matrix, usage_stats
from lictui.engine.outlook import daily_usage, forecast_scopes
from lictui.model import (
    ESTATE,
    EventKind,
    JournalFilter,
    Model,
    MonthlyUsage,
    PoolKey,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from lictui.analysis.series import Bucket
    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.engine.board import MergedBoard
    from lictui.engine.outlook import ForecastScope
    from lictui.history.pools import KnownPool
    from lictui.model import Event

from lictui.engine.product_history import (
    ProductHistory,
    ProductOutlook,
    ProductQuery,
    ProductSelection,
    select_product,
    statuses_of,
)

_HOUR: Final = 3600
_DAY: Final = 86400
_YEAR: Final = 300 * _DAY  # a range longer than this is a year
_FINE: Final = 300
_FEW_POOLS: Final = 4  # may be read for a year by five minutes; a sum takes a second each
_MANY_POOLS: Final = 8  # a long query about more is read in slices, so that polls go on
_LONG: Final = 62 * _DAY
_SLICES: Final = 12
_MAX_EVENTS: Final = 500
_EVENT_KINDS: Final = tuple(kind for kind in EventKind if kind is not EventKind.LEVEL)

Owner = tuple[str, PoolKey]  # a registered server and its pool


class RecordedHistory(Protocol):
    """What is read of the history."""

    def series(self, query: SeriesQuery, /) -> Series:
        """One series."""
        ...

    def pools(self) -> tuple[KnownPool, ...]:
        """Every pool ever recorded."""
        ...

    def monthly_usage(self, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
        """The months the source reported for a pool."""
        ...

    def events(
        self,
        limit: int,
        before: float | None = None,
        since: float | None = None,
        wanted: JournalFilter | None = None,
        /,
    ) -> tuple[Event, ...]:
        """Events in [since, before), the newest first."""
        ...


class ProductHistoryReader:
    """Answers the two questions from the history. Raises HistoryError."""

    def __init__(self, history: RecordedHistory, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._year: tuple[SeriesQuery, int, Series] | None = None  # with the hour it was read in

    async def history(
        self, board: MergedBoard, query: ProductQuery, settings: Settings
    ) -> ProductHistory:
        """The recorded past of a time range on the servers of a merged board."""
        zone = _zone(settings)
        selection = select_product(board, query.servers, query.product, settings)
        owners = self._owners(selection)
        base = SeriesQuery(owners, query.start, query.end, _resolution(query, selection, owners))
        series = await self._range(base)
        previous = await self._previous(base, query, zone) if query.compare_days else ()
        heat = None
        if query.heat_map:
            weeks = _heat_map_query(base, zone)
            heat = series if weeks == base else await self._series(weeks)
        now = int(self._clock.now())
        narrow = _narrow(series)
        return ProductHistory(
            _draw(series, query),
            usage_stats(series.capped(now + 1)),
            previous,
            heat_matrix(_narrow(heat), zone) if heat else None,
            self._monthly_usage(selection, owners),
            self._history.events(_MAX_EVENTS, query.end, query.start, event_filter(selection)),
            is_coarse=len(narrow) < len(series),
            is_upper_bound=not series.exact,
        )

    async def outlook(
        self,
        board: MergedBoard,
        servers: Sequence[str],
        product: str,
        settings: Settings,
    ) -> ProductOutlook | None:
        """What the past year lets expect; None for a product that no server holds any more."""
        zone = _zone(settings)
        scope = _forecast_scope(board, servers, product, self._history, settings.alerts)
        if scope is None:
            return None
        now = self._clock.now()
        today = day_of(now, zone)
        days = await self._series(scope.history_query(now))
        first = day_start(today - timedelta(weeks=ANOMALY_WEEKS), zone) // _HOUR * _HOUR - _DAY
        hours = await self._series(SeriesQuery(scope.pools, first, int(now) + 1, _HOUR))
        assigned = scope.model.is_assigned
        return ProductOutlook(
            scope.forecast(days, now, today),
            scope.installed,
            scope.expiring,
            anomaly_today(hours.buckets, now, zone, assigned=assigned, upper_bound=not hours.exact),
            _assignments(days, hours, scope.model, now, zone) if assigned else None,
        )

    # The pools, and the series of a range

    def _owners(self, selection: ProductSelection) -> tuple[Owner, ...]:
        """Every pool whose history is the product's: those of now, and earlier ones.

        A license that was renewed is a pool of its own on the board; its curve continues the old.
        """
        current = dict.fromkeys(status.history_key(pool.key) for status, pool in selection.pools)
        holding = {status.server.name for status, _ in selection.pools}
        servers = {server for server, _ in current} | (set(selection.servers) - holding)
        duplicates = _duplicates(selection)
        earlier = (
            (pool.server, pool.key)
            for pool in self._history.pools()
            if pool.product == selection.product and pool.server in servers
        )
        return tuple(current | dict.fromkeys(owner for owner in earlier if owner not in duplicates))

    async def _range(self, query: SeriesQuery) -> Series:
        """The series of a time range; that of a year is read once an hour."""
        if query.end - query.start < _YEAR:
            return await self._series(query)
        hour = int(self._clock.now()) // _HOUR
        if self._year is None or self._year[:2] != (query, hour):
            series = await self._series(query)
            if series.width > _HOUR > query.width:  # five minutes are not kept for a year
                series = await self._series(replace(query, width=_HOUR))
            self._year = query, hour, series
        return self._year[2]

    async def _previous(
        self, base: SeriesQuery, query: ProductQuery, zone: tzinfo | None
    ) -> tuple[Bucket, ...]:
        """The previous period at the same wall-clock times, moved into the time of this one."""
        back = query.compare_days * _DAY
        # An hour more at each end: clocks may have changed in between.
        earlier = replace(base, start=base.start - back - _HOUR, end=base.end - back + _HOUR)
        series = await self._range(earlier)
        moved = sorted(_moved(series.buckets, query.compare_days, zone))
        drawn = _draw(Series.of(moved, series.width), query)
        return tuple(bucket for bucket in drawn if query.start <= bucket.start < query.end)

    async def _series(self, query: SeriesQuery) -> Series:
        """One series; a long one of many pools in slices, between which polls are recorded."""
        length = query.end - query.start
        if len(query.pools) <= _MANY_POOLS or length <= _LONG:
            return self._history.series(query)
        step = -(-length // _SLICES // _DAY) * _DAY
        slices = []
        for start in range(query.start, query.end, step):
            end = min(start + step, query.end)
            slices.append(self._history.series(replace(query, start=start, end=end)))
            await self._clock.sleep(0)
        return concatenate(slices, max(query.width, *(series.width for series in slices)))

    def _monthly_usage(
        self, selection: ProductSelection, owners: Iterable[Owner]
    ) -> tuple[MonthlyUsage, ...]:
        """The months the source reports, over all pools; concurrent licenses have none."""
        if not selection.is_assigned:
            return ()
        months = (self._history.monthly_usage(*owner) for owner in owners)
        return sum_reported_months(months)


def _zone(settings: Settings) -> tzinfo | None:
    """The user's time zone; None for the system's."""
    return ZoneInfo(settings.timezone) if settings.timezone else None


def event_filter(selection: ProductSelection) -> JournalFilter:
    """Events of the servers and of the product; the curve shows the level."""
    statuses = [status for status, _ in selection.pools]
    names = {name for status in statuses for name in (status.server.name, *status.member_names)}
    owners = {status.history_key(pool.key)[0] for status, pool in selection.pools}
    names |= owners | set(selection.servers)
    return JournalFilter(tuple(sorted(names)), selection.product, _EVENT_KINDS)


def _duplicates(selection: ProductSelection) -> set[Owner]:
    """Pools of members that report what another pool's history holds already."""
    owned = {status.history_key(pool.key) for status, pool in selection.pools}
    return {
        (member.server.name, pool.key)
        for status, _ in selection.pools
        for member in status.members
        for pool in (member.snapshot.pools if member.snapshot else ())
    } - owned


def _resolution(query: ProductQuery, selection: ProductSelection, owners: Sequence[Owner]) -> int:
    """Seconds of the buckets to read: an hour where there are readings for it, else more."""
    if query.width >= _DAY:
        return _HOUR if len(owners) > _FEW_POOLS or _on_full_hours(query.bounds) else _FINE
    width = next(
        (hours for hours in (_HOUR, 2 * _HOUR) if hours >= 2 * selection.interval), query.width
    )
    return query.width if query.width % width else width


def _on_full_hours(bounds: Iterable[int]) -> bool:
    """Whether calendar days start on full hours of UTC: not in zones that are half an hour off."""
    return all(bound % _HOUR == 0 for bound in bounds)


def _heat_map_query(base: SeriesQuery, zone: tzinfo | None) -> SeriesQuery:
    """The hours of the range, and of a week at least.

    By five minutes where the hours of the wall clock are not those of UTC.
    """
    start = min(base.start, base.end - 7 * _DAY)
    full_hours = _on_full_hours((day_start(day_of(start, zone), zone),))
    quick = base.end - base.start < _YEAR or len(base.pools) <= _FEW_POOLS
    return replace(base, start=start, width=_HOUR if full_hours or not quick else _FINE)


def _draw(series: Series, query: ProductQuery) -> tuple[Bucket, ...]:
    """The series in the buckets that are drawn; what is kept in wider ones stays in those."""
    if series.width == query.width < _DAY or series.width > query.width:
        return series.buckets
    return series.joined(query.bounds).buckets


def _moved(buckets: Iterable[Bucket], days: int, zone: tzinfo | None) -> Iterator[Bucket]:
    for bucket in buckets:
        local = datetime.fromtimestamp(bucket.start, UTC).astimezone(zone)
        later = (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
        start = int((later if zone else later.astimezone()).timestamp())
        shift = start - bucket.start
        yield bucket._replace(start=start, end=bucket.end + shift, high_at=bucket.high_at + shift)


def _narrow(series: Series) -> Series:
    return series.select(series.seconds <= _HOUR)


# The outlook


def _forecast_scope(
    board: MergedBoard,
    servers: Sequence[str],
    product: str,
    history: RecordedHistory,
    alerts: AlertSettings,
) -> ForecastScope | None:
    """The scope that a forecast of these servers is about: one server, or the sum of several."""
    statuses = statuses_of(board, servers)
    name = statuses[0].server.name if len(statuses) == 1 else ESTATE
    selected = replace(board, servers=statuses)
    scopes = forecast_scopes(selected, history.pools(), alerts)
    return next(
        (scope for scope in scopes if (scope.scope, scope.product) == (name, product)), None
    )


def _assignments(
    days: Series, hours: Series, model: Model, now: float, zone: tzinfo | None
) -> tuple[int, int] | None:
    """How many were assigned and released this month, as far as each day's last figure shows."""
    today = day_of(now, zone)
    figures = daily_usage(days, model, now)
    if hours.buckets and day_of(hours.buckets[-1].start, zone) == today:
        figures[today] = hours.buckets[-1].last
    since = first_of_month(today) - timedelta(days=1)
    known = [figures[day] for day in sorted(figures) if day >= since]
    return observed_changes(known) if len(known) > 1 else None
