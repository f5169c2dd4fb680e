"""Build the monthly report: ask the history, product by product and month by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui import products
from lictui.analysis.assignments import reported_month
from lictui.analysis.columns import SumBuilder
from lictui.analysis.series import day_of
from lictui.analysis.usage_stats import excess, usage_stats
from lictui.engine.alert_state import is_transition
from lictui.engine.entitlements import (
    ContractLine,
    Expiry,
    ExpiryKind,
    ScopeUsage,
    compare,
    expiries,
    renewals,
)
from lictui.engine.merge import duplicate_pools
from lictui.engine.outlook import continued_pools, forecast_scopes
from lictui.engine.queries import load_board
from lictui.history.memberships import Membership, memberships
from lictui.model import (
    ESTATE,
    SEVERE_LEVELS,
    Event,
    EventKind,
    Level,
    Model,
    MonthlyUsage,
    Reading,
    Server,
    State,
)
from lictui.report.model import (
    AssignmentChanges,
    MonthlyReport,
    MonthSpan,
    PeriodFigure,
    ProductReport,
    ScopeKind,
    ScopeReport,
    ServerCoverage,
    one_year_later,
    thirteen_months,
    zone_name,
)
from lictui.report.month import ScopeMonth, ServerMonth, days_with_assigned_above

if TYPE_CHECKING:
    from datetime import date, tzinfo

    from lictui.analysis.forecast import Forecast
    from lictui.config.entitlements import Entitlement
    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard, ServerStatus
    from lictui.history.pools import KnownPool
    from lictui.history.store import History

ProductKey = tuple[str, Model]  # the code; concurrent and assigned licenses are never added up


class ReportQuery(Struct, frozen=True):
    """Which report to build."""

    first_day: date  # of the month
    now: float  # UTC epoch seconds
    zone: tzinfo | None  # None: the system's
    servers: tuple[Server, ...]  # the registered ones
    settings: Settings
    groups: tuple[str, ...] = ()  # empty: all servers, removed ones included
    forecasts: Mapping[ProductKey, Forecast] | None = None  # None: those of the engine


def build_report(history: History, query: ReportQuery) -> MonthlyReport:
    """Return the report of one month. Raises HistoryError when the history cannot be read."""
    board = load_board(query.servers, history, query.settings.alerts)
    if query.groups:
        servers = tuple(s for s in board.servers if s.server.group in query.groups)
        board = replace(board, servers=servers)
    known_pools = history.pools()
    members = _memberships(history, board, known_pools, query)
    today = day_of(query.now, query.zone)
    forecasts = query.forecasts
    if forecasts is None:
        forecasts = _forecasts(history, board, known_pools, query)
    months = thirteen_months(query.first_day, query.now, query.zone)
    groups = {status.server.name: status.server.group for status in board.servers}
    built = []
    for (code, model), of_product in members.items():
        builder = _ProductBuilder(history, query, groups, code, Model(model), of_product)
        if product := builder.build(months, forecasts.get((code, Model(model)))):
            built.append(product)
    built.sort(key=lambda product: product.urgency)
    lines = _contract_lines(query, built)
    span = months[-1]
    names = {name for status in board.servers for name in status.member_names}
    later = {m.server for of_product in members.values() for m in of_product if m.since >= span.end}
    later -= {m.server for of_product in members.values() for m in of_product if m.since < span.end}
    events, omitted = _notable_events(history, span, names if query.groups else None)
    first_day = min(today, day_of(span.end, query.zone))
    return MonthlyReport(
        month=span,
        today=today,
        zone=query.zone,
        zone_name=zone_name(query.zone, span.start),
        groups=query.groups,
        products=tuple(built),
        expiries=_expiries(board, lines, first_day, one_year_later(today)),
        events=events,
        omitted_events=omitted,
        contract_lines=lines,
        servers=_server_coverage(board, built, later),
    )


# Which pools count, on which servers

_Memberships = Mapping[tuple[str, str], Sequence[Membership]]  # by product and model


def _memberships(
    history: History, board: MergedBoard, known_pools: Sequence[KnownPool], query: ReportQuery
) -> _Memberships:
    """Return the pools of the servers on the board, and of removed servers without groups."""
    owners = {name: s.server.name for s in board.servers for name in s.member_names}
    if not query.groups:
        registered = {server.name for server in query.servers}
        owners |= {p.server: p.server for p in known_pools if p.server not in registered}
    return memberships(
        known_pools,
        history.last_polls(),
        active={s.server.name for s in board.servers if s.server.enabled},
        excluded=duplicate_pools(board).keys(),
        owners=owners,
        continued=continued_pools(board, known_pools),
    )


# One product, over all servers, by group and by server


class _Scope(Struct, frozen=True, eq=False):
    kind: ScopeKind
    name: str
    group: str
    members: Sequence[Membership]


@dataclass(frozen=True, eq=False)
class _ProductBuilder:
    """Builds the report of one product and model."""

    history: History
    query: ReportQuery
    groups: Mapping[str, str]  # by server
    code: str
    model: Model
    members: Sequence[Membership]

    @cached_property
    def _scopes(self) -> list[_Scope]:
        return _scopes(self.members, self.groups)

    @cached_property
    def _entitlements(self) -> dict[str, str]:
        return {server.name: server.entitlement for server in self.query.servers}

    @cached_property
    def _monthly_usage(self) -> dict[str, list[tuple[MonthlyUsage, ...]]]:
        return {
            member.server: [self.history.monthly_usage(*pool) for pool in member.pools]
            for member in self.members
        }

    def build(self, months: Sequence[MonthSpan], forecast: Forecast | None) -> ProductReport | None:
        """Return the report; None if nothing is known of the last of these months."""
        figures: dict[_Scope, list[PeriodFigure]] = defaultdict(list)
        reports = {}
        month_ends: dict[str, int] = {}  # last figure of each server in the month before
        for span in months:
            for scope, month in self._scope_months(span, month_ends):
                figures[scope].append(self._month_figure(scope, month))
                if span is months[-1]:
                    reports[scope] = self._scope_report(scope, figures[scope], month)
        in_order = [reports[scope] for scope in self._scopes]
        scopes = [scope for scope in in_order if scope.servers or scope.silent_servers]
        if not scopes:
            return None
        warn, critical = self._limits(self._scopes[0])
        return ProductReport(
            self.code,
            products.describe(self.code, self.members[0].known_pools[0].name).name,
            self.model,
            warn,
            critical,
            scopes[0],
            tuple(scope for scope in scopes if scope.kind is ScopeKind.GROUP),
            tuple(scope for scope in scopes if scope.kind is ScopeKind.SERVER),
            forecast,
        )

    def _limits(self, scope: _Scope) -> tuple[float, float]:
        server = scope.name if scope.kind is ScopeKind.SERVER else ""
        alerts = self.query.settings.alerts
        limits = alerts.thresholds_for(group=scope.group, server=server, product=self.code)
        return limits.ratios

    def _scope_months(
        self, span: MonthSpan, month_ends: dict[str, int]
    ) -> Iterator[tuple[_Scope, ScopeMonth]]:
        """Read a month server by server, and yield every scope when it is complete."""
        servers = {scope.name: scope for scope in self._scopes if scope.kind is ScopeKind.SERVER}
        sums = [(scope, ScopeMonth(span)) for scope in self._scopes if scope.name not in servers]
        ends_before = dict(month_ends)
        month_ends.clear()
        for member in self.members:
            name = member.server
            own = [(servers[name], ScopeMonth(span, several=False))] if name in servers else []
            if span.start < span.end and member.overlaps(span.start, span.end):
                part = self._server_month(member, span, ends_before.get(name))
                for scope, month in (*own, *sums):
                    if member in scope.members:
                        month.add(name, part)
                if part is not None:
                    month_ends[name] = int(part.series.last[-1])
            yield from own
        for scope, month in sums:
            pools = [pool for member in scope.members for pool in member.known_pools]
            month.total = self.history.tightened(month.total, pools)
            yield scope, month

    def _server_month(
        self, member: Membership, span: MonthSpan, before: int | None
    ) -> ServerMonth | None:
        pools, own, within = member.known_pools, SumBuilder(span.start, span.end), []
        for series, since, until, entitlement in self.history.sum_parts(
            pools, span.start, span.end, self._entitlements
        ):
            part = series.between(span.start, span.end), since, until, entitlement
            within.append(part)
            own.add(*part)
        total = self.history.tightened(own.series(), pools)
        return (
            ServerMonth(member.since, member.until, within, total, before) if len(total) else None
        )

    def _month_figure(self, scope: _Scope, month: ScopeMonth) -> PeriodFigure:
        if not self.model.is_assigned:
            return month.peak()
        figure = month.assigned()
        if figure.figure is None and (reported := self._reported(scope, month.span)):
            count = reported.in_use
            return replace(figure, figure=count, installed=reported.installed, highest=count)
        return figure

    def _reported(self, scope: _Scope, span: MonthSpan) -> MonthlyUsage | None:
        pools = [pool for member in scope.members for pool in self._monthly_usage[member.server]]
        return reported_month(pools, span.first_day, of_all=True)

    def _scope_report(
        self, scope: _Scope, figures: Sequence[PeriodFigure], month: ScopeMonth
    ) -> ScopeReport:
        limits = self._limits(scope)
        is_assigned = self.model.is_assigned
        days = month.daily_assigned() if is_assigned else month.daily_peaks()
        installed = month.at_day_ends("installed")
        overdraft = next((d.overdraft for d in reversed(days) if d.overdraft is not None), None)
        figure = figures[-1]
        sums_peaks = len(month.servers) > 1 and not is_assigned
        return ScopeReport(
            kind=scope.kind,
            name=scope.name,
            group=scope.group,
            month=figure,
            previous_month=figures[-2],
            previous_year=figures[0],
            months=tuple(figures[-12:]),
            days=days,
            days_above=(
                days_with_assigned_above(days, limits)
                if is_assigned
                else month.days_with_peak_above(limits)
            ),
            installed=next(reversed(installed.values()), None),
            overdraft=overdraft,
            level=_level(figure, overdraft, limits),
            sum_of_server_peaks=month.sum_of_peaks if sums_peaks else None,
            usage=None if is_assigned else usage_stats(month.total),
            excess=excess(month.total),
            assignments=self._changes(scope, figures[-2], month) if is_assigned else None,
            servers=tuple(sorted(month.servers)),
            silent_servers=tuple(sorted(month.silent_servers)),
        )

    def _changes(
        self, scope: _Scope, previous: PeriodFigure, month: ScopeMonth
    ) -> AssignmentChanges:
        reported = self._reported(scope, month.span)
        if reported and None not in (reported.newly_assigned, reported.released):
            new, released, exact = reported.newly_assigned, reported.released, True
        elif month.servers:
            new, released, exact = month.newly_assigned, month.released, False
        else:
            new, released, exact = None, None, False
        return AssignmentChanges(previous.figure, new, released, exact=exact)


def _scopes(members: Sequence[Membership], groups: Mapping[str, str]) -> list[_Scope]:
    """Return all servers together, the groups if there are several, the servers likewise."""
    by_group: dict[str, list[Membership]] = defaultdict(list)
    for member in members:
        if group := groups.get(member.server, ""):
            by_group[group].append(member)
    scopes = [_Scope(ScopeKind.ESTATE, ESTATE, "", members)]
    if len(by_group) > 1:
        scopes += [
            _Scope(ScopeKind.GROUP, group, group, by_group[group]) for group in sorted(by_group)
        ]
    if len(members) > 1:
        scopes += [
            _Scope(ScopeKind.SERVER, m.server, groups.get(m.server, ""), [m]) for m in members
        ]
    return scopes


def _level(figure: PeriodFigure, overdraft: int | None, limits: tuple[float, float]) -> Level:
    """Return the level at the peak; a bound proves none but OK."""
    level = Reading(figure.figure, figure.installed, overdraft).level(*limits)
    return Level.UNKNOWN if figure.is_upper_bound and level is not Level.OK else level


def _forecasts(
    history: History, board: MergedBoard, known_pools: Sequence[KnownPool], query: ReportQuery
) -> Mapping[ProductKey, Forecast]:
    """Return the engine's forecasts of every product over all servers."""
    today = day_of(query.now, query.zone)
    every = forecast_scopes(board, known_pools, query.settings.alerts)
    scopes = [scope for scope in every if scope.scope == ESTATE]
    series = history.series_batch(scope.history_query(query.now) for scope in scopes)
    return {
        (scope.product, scope.model): scope.forecast(past, query.now, today)
        for scope, past in zip(scopes, series, strict=True)
    }


# Events, coverage and entitlements

_MAX_EVENTS: Final = 60
_MAX_READ: Final = 1_000_000
_NOTABLE_KINDS: Final = (
    EventKind.LICENSES,
    EventKind.SERVER,
    EventKind.ACTIVATION,
    EventKind.VERSION,
    EventKind.CERTIFICATE,
)


def _notable_events(
    history: History, span: MonthSpan, servers: Collection[str] | None
) -> tuple[tuple[Event, ...], int]:
    """Return the notable events of the month, oldest first, and how many were left out.

    Of too many, the severe ones are kept, then the newest.
    """
    events = [
        event
        for event in history.events(_MAX_READ, span.end, span.start)
        if (servers is None or event.server in servers)
        # Of alerts, only what was raised, escalated or resolved
        and (
            is_transition(event)
            if event.kind is EventKind.ALERT
            else event.kind in _NOTABLE_KINDS or event.level in SEVERE_LEVELS
        )
    ]
    kept = sorted(events, key=lambda e: (e.level not in SEVERE_LEVELS, -e.time))[:_MAX_EVENTS]
    in_order = sorted(kept, key=lambda e: (e.time, e.server, e.message))
    return tuple(in_order), len(events) - len(kept)


def _server_coverage(
    board: MergedBoard, reports: Iterable[ProductReport], later: Collection[str]
) -> tuple[ServerCoverage, ...]:
    """Return how much data there is of every server of the month, removed ones last.

    Servers that were first read `later` are not expected.
    """
    coverages: dict[str, list[float]] = defaultdict(list)
    for product in reports:
        for scope in product.servers or (product.estate,):
            for server in scope.servers:
                coverages[server].append(scope.month.coverage)
            for server in scope.silent_servers:
                coverages.setdefault(server, [])
    servers = []
    for status in board.servers:
        name = status.server.name
        shares = coverages.pop(name, [])
        is_expected = status.server.enabled and name not in later and not _has_no_licenses(status)
        if is_expected or shares:
            group, reason = status.server.group, _failure_text(status)
            servers.append(ServerCoverage(name, group, _mean(shares), reason=reason))
    removed = [
        ServerCoverage(name, "", _mean(shares), removed=True)
        for name, shares in sorted(coverages.items())
    ]
    return (*servers, *removed)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _has_no_licenses(status: ServerStatus) -> bool:
    """Whether a server responds but has no counted license, as a partner account does."""
    if status.failure is not None or status.snapshot is None:
        return False
    pools = status.snapshot.pools
    return not any(pool.counted and products.describe(pool.product).counted for pool in pools)


def _failure_text(status: ServerStatus) -> str:
    if status.failure is not None:
        return f"{status.state.replace('_', ' ')}: {status.failure.message}"
    return "never reported" if status.state is State.WAITING else ""


def _contract_lines(
    query: ReportQuery, reports: Sequence[ProductReport]
) -> tuple[ContractLine, ...]:
    """Return the entitlements compared with usage; of some groups only those of their servers."""
    groups = {server.name: server.group for server in query.servers}
    entitlements = [
        entitlement
        for entitlement in query.settings.entitlements
        if not query.groups
        or (entitlement.group or groups.get(entitlement.server, "")) in query.groups
    ]

    def usage_of(entitlement: Entitlement) -> list[ScopeUsage]:
        of_product = [product for product in reports if product.code == entitlement.product]
        scopes = [(product, _scope_of(entitlement, product, groups)) for product in of_product]
        return [_scope_usage(product, scope) for product, scope in scopes]

    return compare(entitlements, usage_of, groups)


def _scope_usage(product: ProductReport, scope: ScopeReport | None) -> ScopeUsage:
    if scope is None:
        return ScopeUsage(product.name, None, model=product.model)
    months = [(month.highest_is_bound, month.highest) for month in scope.months]
    peaks = [(is_bound, highest) for is_bound, highest in months if highest is not None]
    return ScopeUsage(
        product.name,
        scope.installed,
        scope.month.highest,
        max((highest for _, highest in peaks), default=None),
        max((highest for is_bound, highest in peaks if not is_bound), default=None),
        scope.month.highest_is_bound,
        product.model,
    )


def _scope_of(
    entitlement: Entitlement, product: ProductReport, groups: Mapping[str, str]
) -> ScopeReport | None:
    """Return the scope of an entitlement.

    A single server or group has no scope of its own: that of all servers is the same.
    """
    kind, name = ScopeKind.ESTATE, ESTATE
    if entitlement.server:
        kind, name = ScopeKind.SERVER, entitlement.server
    elif entitlement.group:
        kind, name = ScopeKind.GROUP, entitlement.group
    for scope in product.scopes:
        if (scope.kind, scope.name) == (kind, name):
            return scope
    servers = {*product.estate.servers, *product.estate.silent_servers}
    only = servers if kind is ScopeKind.SERVER else {groups.get(server) for server in servers}
    return product.estate if only == {name} else None


def _expiries(
    board: MergedBoard, lines: Sequence[ContractLine], first_day: date, last_day: date
) -> tuple[Expiry, ...]:
    """Return what expires in a period, by day; a subscription without licenses of its own day.

    Where licenses and their subscription end on one day, only the licenses are listed.
    """
    in_period = [
        replace(expiry, name=products.describe(expiry.product, expiry.name).name)
        for expiry in (*expiries(board), *renewals(lines))
        if first_day <= expiry.day <= last_day
        and expiry.kind is not ExpiryKind.CERTIFICATE
        and not expiry.licenses_too
    ]
    return tuple(sorted(in_period, key=lambda e: (e.day, e.server, e.product, e.kind)))
