"""What to forecast, and from which past: the products of every server, and of the estate.

Owns the way from a board and the known pools to questions, and from their answers to forecasts.
Must not open a history: whoever asks the questions has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Final

from lictui.analysis.assignments import MonthAssignments, reported_month
from lictui.analysis.forecast import Forecast, ForecastInput, forecast
from lictui.analysis.series import Resolution, Series, SeriesQuery, day_start, first_of_month
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import GroupBy, MergedBoard, ServerStatus, scope_name
from lictui.engine.merge import duplicate_pools
from lictui.history.peaks import PeakCache, PeakQuery, iter_peaks
from lictui.model import ESTATE, Model, Pool, PoolKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.peaks import ScopedPeak
    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Settings
    from lictui.history.pools import KnownPool
    from lictui.history.store import History


_DAYS: Final = 365  # of the past that a forecast rests on
_DAY: Final = int(Resolution.DAY)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_Owner = tuple[str, "PoolKey"]


@dataclass(frozen=True, slots=True)
class ForecastScope:
    """One product and model, of a server or of the estate."""

    scope: str
    product: str
    name: str
    model: Model
    pools: tuple[_Owner, ...]  # whose past it is: those that have ended, too
    installed: int | None  # now; None if that of any pool is unknown
    expiring: Mapping[date, int]  # licenses that expire, by their last day
    warn: float
    critical: float

    def history_query(self, now: float) -> SeriesQuery:
        """The daily past up to `now`, UTC epoch seconds."""
        end = int(now) // _DAY * _DAY  # the day that is not over says too little
        return SeriesQuery(self.pools, end - _DAYS * _DAY, end, _DAY)

    def forecast(self, past: Series, now: float, today: date) -> Forecast:
        """What the answer to that question lets expect; `today` where the user is."""
        return forecast(
            ForecastInput(
                self.scope,
                self.product,
                self.model,
                daily_usage(past, self.model, now),
                self.installed,
                self.expiring,
                self.warn,
                self.critical,
                installed_by_day(past, now),
            ),
            today,
        )


def installed_by_day(past: Series, now: float) -> dict[date, int]:
    """What was installed on each day (of UTC) that is over, where that is known."""
    return {
        date.fromordinal(_EPOCH + each.start // _DAY): each.installed
        for each in past.buckets
        if each.end <= now and each.installed is not None
    }


def daily_usage(past: Series, model: Model, now: float) -> dict[date, float]:
    """The figure of each day (of UTC) that is over: the most in use, or what was assigned last."""
    assigned = model in _ASSIGNED
    return {
        date.fromordinal(_EPOCH + each.start // _DAY): each.last if assigned else each.high
        for each in past.buckets
        if each.end <= now
    }


@dataclass(slots=True)
class _Held:
    """The counted pools of one product and model, in one scope."""

    name: str
    pools: list[Pool] = field(default_factory=list)
    owners: dict[_Owner, None] = field(default_factory=dict)  # in order, each once

    def take(self, pool: Pool, owners: Iterable[_Owner]) -> None:
        self.pools.append(pool)
        self.owners |= dict.fromkeys(owners)


def forecast_scopes(
    board: MergedBoard, known: Iterable[KnownPool], alerts: AlertSettings
) -> tuple[ForecastScope, ...]:
    """The products of the estate, which is every enabled server on the board; then of each server.

    `board` is one that Together made: a license server that is read twice counts once. Start-up
    licenses are left out. `known` are the pools that the history holds.
    """
    ended: dict[tuple[str, str, str], list[PoolKey]] = defaultdict(list)
    for old in known:
        if old.ended is not None:
            ended[old.server, old.product, old.model].append(old.key)
    total: dict[tuple[str, Model], _Held] = {}
    alone: list[ForecastScope] = []
    for status in board.servers:
        held: dict[tuple[str, Model], _Held] = {}
        for pool in _counted(status):
            owner, key = status.history_key(pool.key)
            before = ended[owner, key.product, pool.model.value]
            owners = [(owner, key), *((owner, each) for each in before)]
            for scope in (held, total):
                what = pool.product, pool.model
                scope.setdefault(what, _Held(pool.name)).take(pool, owners)
        server = status.server
        for (product, model), each in held.items():
            limits = alerts.thresholds_for(group=server.group, server=server.name, product=product)
            alone.append(_scope(server.name, product, model, each, (limits.warn, limits.critical)))
    everywhere = []
    for (product, model), each in total.items():
        limits = alerts.thresholds_for(group="", server="", product=product)
        everywhere.append(_scope(ESTATE, product, model, each, (limits.warn, limits.critical)))
    return (*everywhere, *alone)


def _counted(status: ServerStatus) -> Iterator[Pool]:
    if status.server.enabled and status.snapshot:
        yield from (pool for pool in status.snapshot.pools if pool.counted)


def _scope(
    scope: str, product: str, model: Model, held: _Held, limits: tuple[float, float]
) -> ForecastScope:
    warn, critical = limits
    leaving: Counter[date] = Counter()
    for pool in held.pools:
        if pool.expires is not None and not pool.permanent:
            leaving[pool.expires] += pool.expiring_count or 0
    return ForecastScope(
        scope,
        product,
        held.name,
        model,
        tuple(held.owners),
        _sum([pool.reading.installed for pool in held.pools]),
        dict(leaving),
        warn,
        critical,
    )


def _sum(figures: Sequence[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None


# The past of everything that the estate shows, found a little at a time so that polls go on


ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class PastQuery:
    """As of when and where it is looked back."""

    now: float
    zone: tzinfo | None
    alerts: AlertSettings

    @property
    def today(self) -> date:
        """The day where the user is."""
        return datetime.fromtimestamp(self.now, UTC).astimezone(self.zone).date()

    @property
    def month_start(self) -> int:
        """The first moment of this month where the user is."""
        return day_start(first_of_month(self.today), self.zone)


async def past_summaries(
    history: History,
    memory: PeakCache,
    board: MergedBoard,
    by: GroupBy,
    look: PastQuery,
    clock: Clock,
) -> dict[TotalKey, PastSummary]:
    """What the past says of every total of `board`, which is one that Together made."""
    found: dict[TotalKey, dict[str, ScopedPeak]] = defaultdict(dict)
    for each in iter_peaks(history, _wanted(board, by, look), memory):
        if each is None:
            await clock.sleep(0)
        else:
            found[each.scope, each.product, Model(each.model)][each.peak.window] = each
    ahead: dict[TotalKey, tuple[ForecastScope, Forecast]] = {}
    for key, scope in _outlooks(history, board, by, look):
        await clock.sleep(0)
        (past,) = history.series_batch((scope.history_query(look.now),))
        ahead[key] = scope, scope.forecast(past, look.now, look.today)
    return {
        key: PastSummary(
            found[key].get("24h"),
            found[key].get("month"),
            found[key].get("all"),
            _month(history, ahead[key][0], look) if key[2] in ASSIGNED and key in ahead else None,
            ahead[key][1] if key in ahead else None,
        )
        for key in {**found, **ahead}
    }


def _wanted(board: MergedBoard, by: GroupBy, look: PastQuery) -> PeakQuery:
    servers: dict[str, set[str]] = defaultdict(set)
    for status in board.servers:
        servers[scope_name(status, by)].update(status.member_names)
    expected = {status.server.name for status in board.servers if status.server.enabled}
    parts = {
        part.server.name
        for status in board.servers
        for part in status.members
        if part.server.enabled
    }
    return PeakQuery(
        look.now,
        look.zone,
        expected | parts,
        scopes=servers,
        per_server=False,
        excluded=duplicate_pools(board).keys(),
    )


def _outlooks(
    history: History, board: MergedBoard, by: GroupBy, look: PastQuery
) -> Iterator[tuple[TotalKey, ForecastScope]]:
    known = history.pools()
    if by is GroupBy.SERVER:
        names = {status.server.name for status in board.servers}
        for scope in forecast_scopes(board, known, look.alerts):
            if scope.scope in names:
                yield (scope.scope, scope.product, scope.model), scope
        return
    parts: dict[str, list[ServerStatus]] = defaultdict(list)
    for status in board.servers:
        parts[scope_name(status, by)].append(status)
    for name, some in parts.items():
        for scope in forecast_scopes(replace(board, servers=tuple(some)), known, look.alerts):
            if scope.scope == ESTATE:
                yield (name, scope.product, scope.model), scope


def _month(history: History, scope: ForecastScope, look: PastQuery) -> MonthAssignments:
    """What is known of the assignments of this month."""
    before = history.series(
        SeriesQuery(scope.pools, look.month_start - _HOUR, look.month_start, _HOUR)
    ).buckets
    reported = reported_month(
        (history.monthly_usage(*pool) for pool in scope.pools), first_of_month(look.today)
    )
    return MonthAssignments(
        round(before[-1].last) if before else None,
        reported.newly_assigned if reported else None,
        reported.released if reported else None,
    )


# Looking back for those who watch: each look at the past is taken once, and anew when it is old


_FRESH: Final = 300.0  # seconds for which a look is good
_REST: Final = 10  # times as long as a look took, before the next: a large estate's takes a while


@dataclass(slots=True)
class _Look:
    began: float
    board: MergedBoard
    task: asyncio.Task[dict[TotalKey, PastSummary]]
    took: float = 0.0


class PastSummaryCache:
    """Looks back, and remembers what it saw."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._memory = PeakCache()
        self._looks: dict[GroupBy, _Look] = {}

    async def get(
        self, board: MergedBoard, by: GroupBy, settings: Settings
    ) -> dict[TotalKey, PastSummary]:
        """What the past says of the totals of `board`, as of a few minutes ago at most.

        Raises LictuiError.
        """
        now = self._clock.monotonic()
        known = self._looks.get(by)
        if known is None or self._old(known, board, now):
            task = asyncio.create_task(self._look(board, by, settings), name="look back")
            known = self._looks[by] = _Look(now, board, task)
        try:
            return await asyncio.shield(known.task)
        except Exception:
            self._looks.pop(by, None)
            raise

    def _old(self, known: _Look, board: MergedBoard, now: float) -> bool:
        if not known.task.done():
            return False
        names = [[status.server for status in each.servers] for each in (known.board, board)]
        return names[0] != names[1] or now - known.began >= max(_FRESH, _REST * known.took)

    async def _look(
        self, board: MergedBoard, by: GroupBy, settings: Settings
    ) -> dict[TotalKey, PastSummary]:
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

        began = self._clock.monotonic()
        zone = ZoneInfo(settings.timezone) if settings.timezone else None
        look = PastQuery(self._clock.now(), zone, settings.alerts)
        found = await past_summaries(self._history, self._memory, board, by, look, self._clock)
        self._looks[by].took = self._clock.monotonic() - began
        return found

    async def close(self) -> None:
        """Look no further."""
        tasks = [known.task for known in self._looks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
