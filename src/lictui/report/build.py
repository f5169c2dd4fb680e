"""The report is made: the history is asked, product by product and month by month.

Owns the order of the questions and what the whole consists of. Must not know a format.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.aligned import ALIGNMENT, ServerSeries
from lictui.analysis.forecast import Forecast, describe_forecast
from lictui.analysis.series import Bucket, Resolution, SeriesQuery, day_of
from lictui.analysis.usage import ContractLine
from lictui.engine.alert_state import is_transition
from lictui.engine.merge import duplicate_pools
from lictui.engine.outlook import ForecastScope, forecast_scopes
from lictui.engine.restore import load_board
from lictui.model import (
    ESTATE,
    Event,
    EventKind,
    Level,
    Model,
    MonthlyUsage,
    Pool,
    PoolKey,
    Reading,
    Server,
    State,
)
from lictui.report import model as span
from lictui.report import month as assigned
from lictui.report import text
from lictui.report.model import (
    AssignmentChanges,
    DayFigure,
    End,
    MonthFigure,
    MonthlyReport,
    MonthSpan,
    Outlook,
    ProductReport,
    ScopeKind,
    ScopeReport,
    ServerCoverage,
    Short,
    What,
)
from lictui.report.month import Scoped, at_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date, tzinfo

    from lictui.config.settings import AlertSettings, Settings
    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.history.polls import LastPoll
    from lictui.history.pools import KnownPool
    from lictui.history.store import History


# One product: a line for the estate, for each group and for each server, from a year of months


if TYPE_CHECKING:
    Foresee = Callable[[ScopeKind, str, str, Model], Outlook | None]


@dataclass(frozen=True, slots=True)
class Given:
    """What a product's lines are made with besides its answers."""

    zone: tzinfo | None
    alerts: AlertSettings
    told: Mapping[str, Sequence[Sequence[MonthlyUsage]]]  # by server, of each of its pools
    foresee: Foresee | None = None


@dataclass(slots=True)
class _Scope:
    kind: ScopeKind
    name: str
    group: str
    shares: Sequence[Share]
    months: list[MonthFigure] = field(default_factory=list)

    @property
    def servers(self) -> set[str]:
        return {share.server for share in self.shares}

    def limits(self, alerts: AlertSettings, product: str) -> tuple[float, float]:
        server = self.name if self.kind is ScopeKind.SERVER else ""
        found = alerts.thresholds_for(group=self.group, server=server, product=product)
        return found.warn, found.critical


def product(
    what: tuple[str, Model], shares: Sequence[Share], answers: Iterable[Answer], given: Given
) -> ProductReport | None:
    """The lines of one product and model; None when nothing at all is known of the last month.

    The answers are of thirteen months in a row, the one that is reported on at the end.
    """
    scopes = _scopes(shares)
    makers = {id(scope): _Maker(what, scope, given) for scope in scopes}
    last: Answer | None = None
    ended: dict[str, int] = {}
    for answer in answers:
        if last is not None:
            ended = {name: round(part.buckets[-1].last) for name, part in last.parts.items()}
        for scope in scopes:
            scope.months.append(makers[id(scope)].monthly(answer))
        last = answer
    if last is None or not (last.parts or last.silent):
        return None
    lines = [makers[id(scope)].line(last, ended) for scope in scopes]
    lines = [line for line in lines if line.servers or line.silent_servers]
    warn, critical = scopes[0].limits(given.alerts, what[0])
    own = [line for line in lines if line.kind is ScopeKind.SERVER]
    return ProductReport(
        what[0],
        text.called(what[0], shares[0].name),
        what[1],
        warn,
        critical,
        lines[0],
        tuple(line for line in lines if line.kind is ScopeKind.GROUP),
        tuple(own),
    )


def _scopes(shares: Sequence[Share]) -> list[_Scope]:
    groups = sorted({share.group for share in shares if share.group})
    found = [_Scope(ScopeKind.ESTATE, "estate", "", shares)]
    if len(groups) > 1:
        for group in groups:
            some = [share for share in shares if share.group == group]
            found.append(_Scope(ScopeKind.GROUP, group, group, some))
    if len(shares) > 1:
        found += [_Scope(ScopeKind.SERVER, each.server, each.group, [each]) for each in shares]
    return found


class _Maker:
    """Makes the months, and at the end the line, of one scope."""

    def __init__(self, what: tuple[str, Model], scope: _Scope, given: Given) -> None:
        self._code, self._model = what
        self._scope = scope
        self._given = given
        self._servers = scope.servers
        self._assigned = self._model in assigned.ASSIGNED

    def _scoped(self, answer: Answer) -> Scoped:
        parts = [part for name, part in answer.parts.items() if name in self._servers]
        return Scoped(answer.month, parts, answer.width)

    def monthly(self, answer: Answer) -> MonthFigure:
        scoped = self._scoped(answer)
        found = assigned.monthly(scoped, assigned.summed(scoped))
        if not self._assigned:
            return found
        days = assigned.daily_assigned(scoped, self._given.zone)
        month = assigned.monthly_assigned(scoped, days, found.coverage)
        if month.figure is None:
            told = assigned.told_of(self._told(), answer.month.first_day)
            if told is not None:
                return MonthFigure(month.first_day, told.in_use, None, told.installed)
        return month

    def _told(self) -> list[Sequence[MonthlyUsage]]:
        return [pool for share in self._scope.shares for pool in self._given.told[share.server]]

    def line(self, answer: Answer, ended: Mapping[str, int]) -> ScopeReport:
        scope, given, zone = self._scope, self._given, self._given.zone
        scoped = self._scoped(answer)
        sums = assigned.summed(scoped)
        limits = scope.limits(given.alerts, self._code)
        if self._assigned:
            days: tuple[DayFigure, ...] = assigned.daily_assigned(scoped, zone)
            above = assigned.days_above_assigned(days, limits)
        else:
            days = assigned.daily(scoped, sums, zone)
            above = assigned.days_above(answer.month, sums, zone, limits)
        month = scope.months[-1]
        installed = at_ends(answer.month, scoped.parts, zone, lambda bucket: bucket.installed)
        overdraft = next((d.overdraft for d in reversed(days) if d.overdraft is not None), None)
        reading = Reading(month.figure, month.installed, overdraft)
        telling = tuple(sorted(self._servers & answer.parts.keys()))
        return ScopeReport(
            kind=scope.kind,
            name=scope.name,
            group=scope.group,
            month=month,
            previous_month=scope.months[-2],
            previous_year=scope.months[0],
            months=tuple(scope.months[-12:]),
            days=days,
            days_above=above,
            installed=next(reversed(installed.values()), None),
            overdraft=overdraft,
            level=reading.level(*limits),
            sum_of_server_peaks=None if self._assigned or len(telling) < 2 else _bound(scoped),  # noqa: PLR2004 - of one alone it is the peak
            usage=None if self._assigned else assigned.usage(sums),
            assignments=self._moves(answer, ended) if self._assigned else None,
            servers=telling,
            silent_servers=tuple(sorted(self._servers & answer.silent)),
            outlook=given.foresee(scope.kind, scope.name, self._code, self._model)
            if given.foresee
            else None,
        )

    def _moves(self, answer: Answer, ended: Mapping[str, int]) -> AssignmentChanges:
        at_start = self._scope.months[-2].figure
        told = assigned.told_of(self._told(), answer.month.first_day)
        if told is not None and told.newly_assigned is not None and told.released is not None:
            return AssignmentChanges(at_start, told.newly_assigned, told.released, exact=True)
        some = {name: part.buckets for name, part in answer.parts.items() if name in self._servers}
        return assigned.moves(some, ended, at_start)


def _bound(scoped: Scoped) -> int:
    return round(sum(max(bucket.high for bucket in part.buckets) for part in scoped.parts))


# What the history is asked: a month of every server that holds a product, in buckets of one width


_MANY: Final = 150  # servers; five minutes of more than these for a month fill the memory


@dataclass(frozen=True, slots=True)
class Answer:
    """A month of one product."""

    month: MonthSpan
    width: int  # seconds of every bucket
    parts: Mapping[str, ServerSeries]  # by server; those that told something
    silent: frozenset[str]  # expected, and told nothing


def ask(history: History, shares: Sequence[Share], month: MonthSpan) -> Answer:
    """The buckets that begin in the month, of the finest width that all have of all of it.

    That is five minutes, as long as they are kept; an hour where very many servers are summed.
    """
    asked = [
        share
        for share in shares
        if share.since < month.end and (share.until is None or share.until > month.start)
    ]
    width = int(ALIGNMENT if len(asked) <= _MANY else Resolution.HOUR)
    while asked and month.start < month.end:
        found = history.series_batch(
            SeriesQuery(share.pools, month.start, month.end, width) for share in asked
        )
        widest = max(series.width for series in found)
        if all(series.width == widest for series in found):
            return _answer(month, asked, widest, [series.buckets for series in found])
        width = widest
    return Answer(month, width, {}, frozenset())


def _answer(
    month: MonthSpan, asked: Sequence[Share], width: int, buckets: Sequence[Sequence[Bucket]]
) -> Answer:
    parts: dict[str, ServerSeries] = {}
    for share, found in zip(asked, buckets, strict=True):
        within = [each for each in found if month.start <= each.start < month.end]
        if within:
            parts[share.server] = ServerSeries(share.since, share.until, within)
    silent = frozenset(share.server for share in asked if share.server not in parts)
    return Answer(month, width, parts, silent)


# Who holds a product: the pools of every license server, and from when until when they count


@dataclass(frozen=True, slots=True)
class Share:
    """The pools of one product and model that a license server has or had."""

    server: str
    group: str
    pools: tuple[tuple[str, PoolKey], ...]  # each by the registered name it was read under
    since: int  # UTC epoch seconds
    until: int | None  # None: still
    name: str  # of the product


Shares = dict[tuple[str, Model], list[Share]]


def looked_at(
    servers: Iterable[Server],
    history: History,
    settings: AlertSettings,
    groups: Collection[str] = (),
) -> MergedBoard:
    """The servers of these groups, or all, as last recorded, each license server once."""
    board = load_board(servers, history, settings)
    kept = (each for each in board.servers if not groups or each.server.group in groups)
    return replace(board, servers=tuple(kept))


def shares(
    board: MergedBoard,
    known: Sequence[KnownPool],
    latest: Mapping[str, LastPoll],
    removed: Collection[str],
) -> Shares:
    """By product and model, who holds it; of the servers on the board and of those `removed`.

    Start-up licenses are left out, and readings that another's stand for.
    """
    left_out = set(duplicate_pools(board)) | _uncounted(latest)
    main = {name: each.server for each in board.servers for name in each.member_names}
    found: dict[tuple[str, str, str], list[KnownPool]] = defaultdict(list)
    for pool in known:
        if pool.server not in main and pool.server not in removed:
            continue
        if (pool.server, pool.key) in left_out or not products.describe(pool.product).counted:
            continue
        name = main[pool.server].name if pool.server in main else pool.server
        found[pool.product, pool.model, name].append(pool)
    answer: Shares = defaultdict(list)
    for (product, model, name), pools in sorted(found.items()):
        server = main.get(name)
        gone = server is None or not server.enabled
        answer[product, Model(model)].append(
            Share(
                name,
                server.group if server else "",
                tuple((pool.server, pool.key) for pool in pools),
                min(pool.since for pool in pools),
                _until(pools, latest.get(name) if gone else None),
                pools[0].name,
            )
        )
    return answer


def _until(pools: Sequence[KnownPool], last: LastPoll | None) -> int | None:
    ends = [pool.ended for pool in pools if pool.ended is not None]
    if len(ends) == len(pools):
        return max(ends)
    if last is None or last.last_success_at is None:
        return None
    return (int(last.last_success_at) // ALIGNMENT + 1) * ALIGNMENT


def _uncounted(latest: Mapping[str, LastPoll]) -> set[tuple[str, PoolKey]]:
    return {
        (server, pool.key)
        for server, heard in latest.items()
        if heard.snapshot
        for pool in heard.snapshot.pools
        if not pool.counted
    }


# What the report expects: the forecasts of the estate, of each group and of each server


_Key = tuple[ScopeKind, str, str, "Model"]


def foreseen(
    history: History,
    board: MergedBoard,
    known: Sequence[KnownPool],
    alerts: AlertSettings,
    moment: tuple[float, date],
) -> Foresee:
    """The outlook of every line that a report of this board can have, as of `moment`."""
    now, today = moment
    asked: dict[_Key, ForecastScope] = {}
    for scope in forecast_scopes(board, known, alerts):
        kind = ScopeKind.ESTATE if scope.scope == ESTATE else ScopeKind.SERVER
        asked[kind, scope.scope, scope.product, scope.model] = scope
    for group in {each.server.group for each in board.servers if each.server.group}:
        mine = tuple(each for each in board.servers if each.server.group == group)
        for scope in forecast_scopes(replace(board, servers=mine), known, alerts):
            if scope.scope == ESTATE:
                asked[ScopeKind.GROUP, group, scope.product, scope.model] = scope
    pasts = history.series_batch(scope.history_query(now) for scope in asked.values())
    found = {
        key: _outlook(scope.forecast(past, now, today), today)
        for (key, scope), past in zip(asked.items(), pasts, strict=True)
    }

    def foresee(kind: ScopeKind, name: str, product: str, model: Model) -> Outlook | None:
        return found.get((kind, name, product, model))

    return foresee


def _outlook(found: Forecast, today: date) -> Outlook:
    return Outlook(
        describe_forecast(found, today),
        found.reaches.warn,
        found.reaches.critical,
        found.reaches.installed,
        tuple(Short(each.date, each.installed, each.expected) for each in found.shortfalls),
    )


# What stands around the figures: what ends, what happened, how much is on record


_MOST_EVENTS: Final = 60
_PAGE: Final = 1000
_TOLD: Final = (
    *(EventKind.LICENSES, EventKind.SERVER, EventKind.ACTIVATION),
    *(EventKind.VERSION, EventKind.CERTIFICATE),
)
_GRAVE: Final = (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


def ends(
    board: MergedBoard, holdings: Sequence[ContractLine], start: date, end: date
) -> tuple[End, ...]:
    """Everything that ends in [start, end], by day; permanent and start-up licenses never do."""
    found = [each for status in board.servers for each in _of_server(status)]
    for holding in holdings:
        bought = holding.entitlement
        if bought.renewal is not None:
            what = End(
                *(bought.renewal, What.RENEWAL, holding.scope, bought.product, holding.name),
                bought.purchased,
            )
            found.append(what)
    within = [each for each in found if start <= each.day <= end]
    return tuple(sorted(within, key=lambda e: (e.day, e.server, e.product, e.what)))


def _of_server(status: ServerStatus) -> Iterator[End]:
    server, snapshot = status.server.name, status.snapshot
    if snapshot is None or not status.server.enabled:
        return
    if snapshot.activation is not None and snapshot.activation.expires is not None:
        yield End(snapshot.activation.expires, What.ACTIVATION, server, "", "", None)
    by_product: dict[str, list[Pool]] = defaultdict(list)
    for pool in snapshot.pools:
        if _counts(pool):
            by_product[pool.product].append(pool)
    for found in by_product.values():
        days = [pool.subscription_date for pool in found if pool.subscription_date]
        newest = max(days, default=None)
        for pool in found:
            about = (server, pool.product, text.called(pool.product, pool.name))
            if pool.expires is not None and not pool.permanent:
                yield End(pool.expires, What.LICENSES, *about, pool.expiring_count)
            if pool.subscription_date is not None and pool.subscription_date != pool.expires:
                covered = pool.subscription_date != newest
                installed = pool.reading.installed
                yield End(pool.subscription_date, What.SUBSCRIPTION, *about, installed, covered)


def happened(
    history: History, month: MonthSpan, servers: Collection[str] | None
) -> tuple[tuple[Event, ...], int]:
    """What deserves mention of the month's journal, oldest first, and how much was left out.

    Where that is too much, what was grave is kept, then what is newest.
    """
    found = [
        each
        for each in _journal(history, month)
        if (servers is None or each.server in servers) and _worth_telling(each)
    ]
    kept = sorted(found, key=lambda e: (e.level not in _GRAVE, -e.time))[:_MOST_EVENTS]
    return tuple(sorted(kept, key=lambda e: (e.time, e.server, e.message))), len(found) - len(kept)


def _worth_telling(event: Event) -> bool:
    """An alert that was raised, rose or was cleared; not that it lasted, nor who answered it."""
    if event.kind is EventKind.ALERT:
        return is_transition(event)
    return event.kind in _TOLD or event.level in _GRAVE


def _journal(history: History, month: MonthSpan) -> Iterator[Event]:
    before: float = month.end
    while True:
        page = history.events(_PAGE, before)
        yield from (each for each in page if each.time >= month.start)
        if len(page) < _PAGE or page[-1].time < month.start or page[-1].time >= before:
            return
        before = page[-1].time


def recorded(
    board: MergedBoard, found: Iterable[ProductReport], first_seen: dict[str, int], month: MonthSpan
) -> tuple[ServerCoverage, ...]:
    """How much is on record of every server that was there in the month, as the registry has them.

    `first_seen` is the first reading of each server. One without any counts as silent.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    silent: dict[str, None] = {}
    for product in found:
        for line in product.servers or (product.estate,):
            for server in line.servers:
                shares[server].append(line.month.coverage)
            silent |= dict.fromkeys(line.silent_servers)
    answer = []
    for status in board.servers:
        name, known = status.server.name, shares.pop(status.server.name, [])
        silent.pop(name, None)
        later = first_seen.get(name, 0) >= month.end
        if (status.server.enabled and not later and not _nothing_to_tell(status)) or known:
            coverage = sum(known) / len(known) if known else 0.0
            answer.append(
                ServerCoverage(name, status.server.group, coverage, reason=_reason(status))
            )
    for name in silent:
        shares.setdefault(name, [])
    answer += [
        ServerCoverage(name, "", sum(known) / len(known) if known else 0.0, removed=True)
        for name, known in sorted(shares.items())
    ]
    return tuple(answer)


def _nothing_to_tell(status: ServerStatus) -> bool:
    """Whether it answers and holds nothing that is counted, as an account of partners does."""
    return (
        status.failure is None
        and status.snapshot is not None
        and not any(_counts(pool) for pool in status.snapshot.pools)
    )


def _counts(pool: Pool) -> bool:
    return pool.counted and products.describe(pool.product).counted


def _reason(status: ServerStatus) -> str:
    if status.failure is not None:
        return f"{status.state.replace('_', ' ')}: {status.failure.message}"
    return "never reported" if status.state is State.WAITING else ""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which report."""

    first_day: date  # of the month
    now: float  # UTC epoch seconds
    zone: tzinfo | None  # None: the system's
    servers: tuple[Server, ...]  # the registry
    settings: Settings
    groups: tuple[str, ...] = ()  # none: the estate, removed servers included
    foresee: Foresee | None = None  # None: what `ahead` foresees


def build_report(history: History, wanted: ReportQuery) -> MonthlyReport:
    """The report of one month. Raises HistoryError when the history cannot be read."""
    latest, known = history.last_polls(), history.pools()
    board = looked_at(wanted.servers, history, wanted.settings.alerts, wanted.groups)
    registered = {server.name for server in wanted.servers}
    removed = set() if wanted.groups else {pool.server for pool in known} - registered
    held = shares(board, known, latest, removed)
    today = day_of(wanted.now, wanted.zone)
    alerts = wanted.settings.alerts
    foresee = wanted.foresee or foreseen(history, board, known, alerts, (wanted.now, today))
    months = span.thirteen_months(wanted.first_day, wanted.now, wanted.zone)
    found = []
    for what, of_it in held.items():
        told = {
            share.server: [history.monthly_usage(server, key) for server, key in share.pools]
            for share in of_it
        }
        given = Given(wanted.zone, alerts, told, foresee)
        answers = (ask(history, of_it, month) for month in months)
        made = product(what, of_it, answers, given)
        found += [made] if made else []
    found.sort(key=_tightest_first)
    holdings = tuple(_holdings(wanted, found))
    month = months[-1]
    first_seen = _first_seen(held)
    names = (
        {name for each in board.servers for name in each.member_names} if wanted.groups else None
    )
    events, more = happened(history, month, names)
    return MonthlyReport(
        month=month,
        made_at=int(wanted.now),
        today=today,
        zone=wanted.zone,
        zone_name=span.zone_name(wanted.zone, month.start),
        groups=wanted.groups,
        products=tuple(found),
        expiries=ends(
            board, holdings, min(today, day_of(month.end, wanted.zone)), span.one_year_later(today)
        ),
        events=events,
        omitted_events=more,
        contract_lines=holdings,
        servers=recorded(board, found, first_seen, month),
    )


def _tightest_first(product: ProductReport) -> tuple[int, float, str, str]:
    line = product.estate
    return -_SEVERITY.index(line.level), -(line.month.ratio or 0.0), product.name, product.model


_SEVERITY: Final = (
    *(Level.OK, Level.UNKNOWN, Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED),
)


def _first_seen(held: Shares) -> dict[str, int]:
    first: dict[str, int] = {}
    for of_it in held.values():
        for share in of_it:
            first[share.server] = min(share.since, first.get(share.server, share.since))
    return first


def _holdings(wanted: ReportQuery, found: Sequence[ProductReport]) -> Iterator[ContractLine]:
    """What the contract comes to; with groups asked for, their lines and their servers' alone."""
    mine = {server.name: server.group for server in wanted.servers}
    for bought in wanted.settings.entitlements:
        group = bought.group or mine.get(bought.server, "")
        if wanted.groups and group not in wanted.groups:
            continue
        scope = (
            (ScopeKind.SERVER, bought.server)
            if bought.server
            else (ScopeKind.GROUP, bought.group)
            if bought.group
            else (ScopeKind.ESTATE, "estate")
        )
        name = products.describe(bought.product).name
        of_it = [each for each in found if each.code == bought.product]
        if len(of_it) != 1:  # counted in several ways, or not at all: nothing may be added up
            yield ContractLine(bought, of_it[0].name if of_it else name, None, None, None, 0)
            continue
        line = _line(of_it[0], scope, mine)
        known = [m.figure for m in line.months if m.figure is not None] if line else []
        yield ContractLine(
            bought,
            of_it[0].name,
            line.installed if line else None,
            line.month.figure if line else None,
            max(known, default=None),
            len(known),
        )


def _line(
    product: ProductReport, scope: tuple[ScopeKind, str], groups: dict[str, str]
) -> ScopeReport | None:
    """The line of a scope; where there is one alone, the estate's stands for its group and it."""
    kind, name = scope
    for line in product.scopes:
        if (line.kind, line.name) == scope:
            return line
    known = {*product.estate.servers, *product.estate.silent_servers}
    whole = (
        known == {name}
        if kind is ScopeKind.SERVER
        else {groups.get(each) for each in known} == {name}
    )
    return product.estate if whole and known else None
