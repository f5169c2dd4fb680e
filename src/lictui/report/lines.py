"""One product: a line for the estate, for each group and for each server, from a year of months.

Owns which servers are one line, and the order of the months. Must not open a history: it is handed
the answers one after another, so that only one month is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictui.model import Reading
from lictui.report import assigned, concurrent, saying
from lictui.report.concurrent import Scoped
from lictui.report.days import at_ends
from lictui.report.values import Assigned, Kind, Line, Monthly, Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import tzinfo

    from lictui.config.settings import Alerts
    from lictui.model import Model, Told
    from lictui.report.ask import Answer
    from lictui.report.shares import Share
    from lictui.report.values import Day, Outlook

    Foresee = Callable[[Kind, str, str, Model], Outlook | None]


@dataclass(frozen=True, slots=True)
class Given:
    """What a product's lines are made with besides its answers."""

    zone: tzinfo | None
    alerts: Alerts
    told: Mapping[str, Sequence[Sequence[Told]]]  # by server, of each of its pools
    foresee: Foresee | None = None


@dataclass(slots=True)
class _Scope:
    kind: Kind
    name: str
    group: str
    shares: Sequence[Share]
    months: list[Monthly] = field(default_factory=list)

    @property
    def servers(self) -> set[str]:
        return {share.server for share in self.shares}

    def limits(self, alerts: Alerts, product: str) -> tuple[float, float]:
        server = self.name if self.kind is Kind.SERVER else ""
        found = alerts.of(group=self.group, server=server, product=product)
        return found.warn, found.critical


def product(
    what: tuple[str, Model], shares: Sequence[Share], answers: Iterable[Answer], given: Given
) -> Product | None:
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
    lines = [line for line in lines if line.servers or line.silent]
    warn, critical = scopes[0].limits(given.alerts, what[0])
    own = [line for line in lines if line.kind is Kind.SERVER]
    return Product(
        what[0],
        saying.called(what[0], shares[0].name),
        what[1],
        warn,
        critical,
        lines[0],
        tuple(line for line in lines if line.kind is Kind.GROUP),
        tuple(own),
    )


def _scopes(shares: Sequence[Share]) -> list[_Scope]:
    groups = sorted({share.group for share in shares if share.group})
    found = [_Scope(Kind.ESTATE, "estate", "", shares)]
    if len(groups) > 1:
        for group in groups:
            some = [share for share in shares if share.group == group]
            found.append(_Scope(Kind.GROUP, group, group, some))
    if len(shares) > 1:
        found += [_Scope(Kind.SERVER, each.server, each.group, [each]) for each in shares]
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

    def monthly(self, answer: Answer) -> Monthly:
        scoped = self._scoped(answer)
        found = concurrent.monthly(scoped, concurrent.summed(scoped))
        if not self._assigned:
            return found
        days = assigned.daily(scoped, self._given.zone)
        month = assigned.monthly(scoped, days, found.coverage)
        if month.figure is None:
            told = assigned.told_of(self._told(), answer.month.first)
            if told is not None:
                return Monthly(month.first, told.in_use, None, told.installed)
        return month

    def _told(self) -> list[Sequence[Told]]:
        return [pool for share in self._scope.shares for pool in self._given.told[share.server]]

    def line(self, answer: Answer, ended: Mapping[str, int]) -> Line:
        scope, given, zone = self._scope, self._given, self._given.zone
        scoped = self._scoped(answer)
        sums = concurrent.summed(scoped)
        limits = scope.limits(given.alerts, self._code)
        if self._assigned:
            days: tuple[Day, ...] = assigned.daily(scoped, zone)
            above = assigned.days_above(days, limits)
        else:
            days = concurrent.daily(scoped, sums, zone)
            above = concurrent.days_above(answer.month, sums, zone, limits)
        month = scope.months[-1]
        installed = at_ends(answer.month, scoped.parts, zone, lambda bucket: bucket.installed)
        overdraft = next((d.overdraft for d in reversed(days) if d.overdraft is not None), None)
        reading = Reading(month.figure, month.installed, overdraft)
        telling = tuple(sorted(self._servers & answer.parts.keys()))
        return Line(
            kind=scope.kind,
            name=scope.name,
            group=scope.group,
            month=month,
            before=scope.months[-2],
            year_before=scope.months[0],
            months=tuple(scope.months[-12:]),
            days=days,
            days_above=above,
            installed=next(reversed(installed.values()), None),
            overdraft=overdraft,
            level=reading.level(*limits),
            upper_bound=None if self._assigned or len(telling) < 2 else _bound(scoped),  # noqa: PLR2004 - of one alone it is the peak
            usage=None if self._assigned else concurrent.usage(sums),
            assigned=self._moves(answer, ended) if self._assigned else None,
            servers=telling,
            silent=tuple(sorted(self._servers & answer.silent)),
            outlook=given.foresee(scope.kind, scope.name, self._code, self._model)
            if given.foresee
            else None,
        )

    def _moves(self, answer: Answer, ended: Mapping[str, int]) -> Assigned:
        at_start = self._scope.months[-2].figure
        told = assigned.told_of(self._told(), answer.month.first)
        if told is not None and told.newly is not None and told.released is not None:
            return Assigned(at_start, told.newly, told.released, told=True)
        some = {name: part.buckets for name, part in answer.parts.items() if name in self._servers}
        return assigned.moves(some, ended, at_start)


def _bound(scoped: Scoped) -> int:
    return round(sum(max(bucket.high for bucket in part.buckets) for part in scoped.parts))
