"""Reads the history and the outlook of one product. Times are UTC epoch seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lictui.analysis.assignments import observed_changes, sum_reported_months
from lictui.analysis.columns import Series, concatenate
from lictui.analysis.series import (
    ALIGNMENT,
    SeriesQuery,
    day_of,
    day_start,
    first_of_month,
)
from lictui.analysis.usage_stats import heat_matrix, usage_curve, usage_stats
from lictui.clock import DAY, HOUR, time_zone
from lictui.engine.board import GroupBy, entitlements_of
from lictui.engine.merge import duplicate_pools
from lictui.engine.outlook import anomaly_of, continued_pools, scopes_by
from lictui.engine.product_history import (
    ProductHistory,
    ProductOutlook,
    ProductQuery,
    ProductSelection,
    select_product,
    statuses_of,
    usual_grouping,
)
from lictui.longterm.read import LongTermHistory
from lictui.model import (
    Event,
    EventKind,
    JournalFilter,
    MonthlyUsage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from lictui.analysis.series import Bucket
    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.engine.board import MergedBoard
    from lictui.engine.outlook import ForecastScope
    from lictui.history.memberships import ServerPool
    from lictui.history.store import History

_QUARTER: Final = 900  # clocks change at whole quarters of an hour
_MANY_POOLS: Final = 8  # a long query about more is read in slices, so that polls go on
_LONG: Final = 62 * DAY
_WEEK: Final = 8 * DAY
_SLICES: Final = 12
_MAX_EVENTS: Final = 500
_EVENT_KINDS: Final = tuple(kind for kind in EventKind if kind is not EventKind.LEVEL)


class ProductHistoryReader:
    """Answers the two questions from the history. Raises HistoryError."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._cached: dict[SeriesQuery, Series] = {}

    async def history(
        self, board: MergedBoard, query: ProductQuery, settings: Settings
    ) -> ProductHistory:
        """The recorded past of a time range on the servers of a merged board."""
        zone = time_zone(settings.timezone)
        selection = select_product(board, query.servers, query.product, settings)
        owners = self._owners(board, selection)
        shared = entitlements_of(statuses_of(board, query.servers))
        base = SeriesQuery(owners, query.start, query.end, ALIGNMENT, shared)
        series = await self._five_minutes(base)
        past = series.capped(int(self._clock.now()) + 1)
        heat = series.select(series.seconds <= HOUR) if query.heat_map else None
        return ProductHistory(
            _draw(series, query),
            usage_stats(past),
            await self._previous(base, query, zone) if query.compare_days else (),
            heat_matrix(heat, zone) if heat else None,
            usage_curve(past) if query.curve else (),
            self._monthly_usage(selection, owners),
            (
                *self._continuations(owners, selection, query),
                *self._engine_figures(owners, query, zone),
                *self._history.events(_MAX_EVENTS, query.end, query.start, event_filter(selection)),
            ),
            is_coarse=bool((series.seconds > ALIGNMENT).any()),
        )

    async def outlook(
        self,
        board: MergedBoard,
        servers: Sequence[str],
        product: str,
        settings: Settings,
        by: GroupBy | None = None,
    ) -> ProductOutlook | None:
        """What the past year lets expect; None for a product that no server holds any more."""
        zone = time_zone(settings.timezone)
        scope = _forecast_scope(board, servers, product, by, self._history, settings.alerts)
        if scope is None:
            return None
        now = self._clock.now()
        today = day_of(now, zone)
        days = await self._sliced(scope.history_query(now))
        return ProductOutlook(
            scope.forecast(days, now, today),
            scope.installed,
            scope.expiring,
            anomaly_of(self._history, scope, now, zone),
            await self._assignments(scope, now, zone) if scope.model.is_assigned else None,
        )

    async def _assignments(
        self, scope: ForecastScope, now: float, zone: tzinfo | None
    ) -> tuple[int, int] | None:
        """How many each server assigned and released this month, as its readings show."""
        first = first_of_month(day_of(now, zone))
        start = day_start(first, zone)
        before = day_start(first_of_month(first - timedelta(days=1)), zone)
        changes = []
        for _, pools in groupby(sorted(scope.pools), itemgetter(0)):
            query = SeriesQuery(tuple(pools), before, int(now) + 1, ALIGNMENT)
            series = self._history.series(query)
            last_before = max(0, int(series.start.searchsorted(start)) - 1)
            if len(series) - last_before > 1:
                changes.append(observed_changes(series.last[last_before:]))
            await self._clock.sleep(0)
        return (sum(new for new, _ in changes), sum(n for _, n in changes)) if changes else None

    # The pools, and the series of a range

    def _owners(self, board: MergedBoard, selection: ProductSelection) -> tuple[ServerPool, ...]:
        """Every pool whose history is the product's: those of now, and earlier ones.

        A license that was renewed is a pool of its own on the board; its curve continues the old.
        """
        current = dict.fromkeys(status.history_key(pool.key) for status, pool in selection.pools)
        holding = {status.server.name for status, _ in selection.pools}
        servers = {server for server, _ in current} | (set(selection.servers) - holding)
        duplicates = duplicate_pools(board)
        recorded = self._history.pools()
        continued = continued_pools(board, recorded)
        earlier = (
            owner
            for pool in recorded
            if pool.server in servers
            for owner in ((pool.server, pool.key),)
            if continued.get(owner, (pool.product,))[0] == selection.product
        )
        return tuple(current | dict.fromkeys(owner for owner in earlier if owner not in duplicates))

    async def _five_minutes(self, query: SeriesQuery) -> Series:
        """The series by five minutes, which all figures rest on whatever the chart's buckets are.

        The past of a long range is kept until the hour is over, and with it that of one other.
        """
        hour = min(query.end, int(self._clock.now()) // HOUR * HOUR)
        if hour - query.start <= (_LONG if len(query.pools) <= _MANY_POOLS else _WEEK):
            return self._history.series(query)
        past = replace(query, end=hour)
        if past not in self._cached:
            recent = [entry for entry in self._cached.items() if entry[0].end == hour]
            self._cached = {**dict(recent[-1:]), past: await self._sliced(past)}
        current = self._history.series(replace(query, start=hour))
        return concatenate((self._cached[past], current), ALIGNMENT)

    async def _previous(
        self, base: SeriesQuery, query: ProductQuery, zone: tzinfo | None
    ) -> tuple[Bucket, ...]:
        """The previous period at the same wall-clock times, moved into the time of this one."""
        back = query.compare_days * DAY
        # An hour more at each end: clocks may have changed in between.
        earlier = replace(base, start=base.start - back - HOUR, end=base.end - back + HOUR)
        series = await self._five_minutes(earlier)
        drawn = _draw(_moved(series, query.compare_days, zone), query)
        return tuple(bucket for bucket in drawn if query.start <= bucket.start < query.end)

    async def _sliced(self, query: SeriesQuery) -> Series:
        """One series; a long one of many pools in slices, between which polls are recorded."""
        if len(query.pools) <= _MANY_POOLS:
            return self._history.series(query)
        step = -(-(query.end - query.start) // _SLICES // DAY) * DAY
        slices = []
        for start in range(query.start, query.end, step):
            end = min(start + step, query.end)
            slices.append(self._history.series(replace(query, start=start, end=end)))
            await self._clock.sleep(0)
        return concatenate(slices, query.width)

    def _continuations(
        self, owners: Iterable[ServerPool], selection: ProductSelection, query: ProductQuery
    ) -> Iterator[Event]:
        """Where the series of an earlier product goes over into that of the present one."""
        earlier = {owner for owner in owners if owner[1].product != selection.product}
        for pool in self._history.pools() if earlier else ():
            if (pool.server, pool.key) in earlier and pool.ended is not None:
                text = f"continues {pool.product}: earlier values are those of that product"
                if query.start <= pool.ended < query.end:
                    kind = EventKind.LICENSES
                    yield Event(pool.ended, kind, pool.server, text, selection.product)

    def _engine_figures(
        self, owners: Iterable[ServerPool], query: ProductQuery, zone: tzinfo | None
    ) -> Iterator[Event]:
        """Up to where figures are those of the long-term engine."""
        history = self._history
        if not isinstance(history, LongTermHistory):
            return
        if span := history.used_span(owners, query.start, query.end):
            text = f"figures from {day_of(span[0], zone)} to here are in part those of "
            text += f"the long-term engine {history.engine}"
            yield Event(min(span[1], query.end - 1), EventKind.NOTICE, "", text)

    def _monthly_usage(
        self, selection: ProductSelection, owners: Iterable[ServerPool]
    ) -> tuple[MonthlyUsage, ...]:
        """The months the source reports, over all pools; concurrent licenses have none."""
        if not selection.total.model.is_assigned:
            return ()
        months = (self._history.monthly_usage(*owner) for owner in owners)
        return sum_reported_months(months)


def event_filter(selection: ProductSelection) -> JournalFilter:
    """Events of the servers and of the product; the curve shows the level."""
    members = {name for status, _ in selection.pools for name in status.member_names}
    names = sorted(members | set(selection.servers))
    return JournalFilter(tuple(names), selection.product, _EVENT_KINDS)


def _draw(series: Series, query: ProductQuery) -> tuple[Bucket, ...]:
    """The series in the buckets that are drawn; what is stored in wider ones stays in those."""
    wide = series.seconds > query.width
    drawn = series.select(~wide).joined(query.bounds).buckets
    return tuple(sorted((*drawn, *series.select(wide).buckets))) if wide.any() else drawn


def _moved(series: Series, days: int, zone: tzinfo | None) -> Series:
    """The series so many days later by the clock on the wall."""
    quarters = [start // _QUARTER * _QUARTER for start in series.start.tolist()]
    shifts = {quarter: _shift(quarter, days, zone) for quarter in set(quarters)}
    return series.shifted([shifts[quarter] for quarter in quarters])


def _shift(time: int, days: int, zone: tzinfo | None) -> int:
    local = datetime.fromtimestamp(time, UTC).astimezone(zone)
    later = (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
    return int((later if zone else later.astimezone()).timestamp()) - time


# The outlook


def _forecast_scope(
    board: MergedBoard,
    servers: Sequence[str],
    product: str,
    by: GroupBy | None,
    history: History,
    alerts: AlertSettings,
) -> ForecastScope | None:
    """The scope that a forecast of these servers is about: one server, or the sum of several."""
    statuses = statuses_of(board, servers)
    by = by or usual_grouping(statuses)
    scopes = scopes_by(by, replace(board, servers=statuses), history.pools(), alerts)
    return next((scope for scope in scopes.values() if scope.product == product), None)
