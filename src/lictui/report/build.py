"""The report is made: the history is asked, product by product and month by month.

Owns the order of the questions and what the whole consists of. Must not know a format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.analysis.series import day_of
from lictui.analysis.usage import Holding
from lictui.model import Level
from lictui.report import around, lines, span
from lictui.report.ahead import foreseen
from lictui.report.ask import ask
from lictui.report.shares import looked_at, shares
from lictui.report.values import Kind, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, tzinfo

    from lictui.config.settings import Settings
    from lictui.history.store import History
    from lictui.model import Server
    from lictui.report.lines import Foresee
    from lictui.report.shares import Shares
    from lictui.report.values import Line, Product


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which report."""

    first: date  # of the month
    now: float  # UTC epoch seconds
    zone: tzinfo | None  # None: the system's
    servers: tuple[Server, ...]  # the registry
    settings: Settings
    groups: tuple[str, ...] = ()  # none: the estate, removed servers included
    foresee: Foresee | None = None  # None: what `ahead` foresees


def build(history: History, wanted: Wanted) -> Report:
    """The report of one month. Raises HistoryError when the history cannot be read."""
    latest, known = history.latest(), history.pools()
    board = looked_at(wanted.servers, latest, wanted.groups)
    registered = {server.name for server in wanted.servers}
    removed = set() if wanted.groups else {pool.server for pool in known} - registered
    held = shares(board, known, latest, removed)
    today = day_of(wanted.now, wanted.zone)
    alerts = wanted.settings.alerts
    foresee = wanted.foresee or foreseen(history, board, known, alerts, (wanted.now, today))
    months = span.thirteen(wanted.first, wanted.now, wanted.zone)
    found = []
    for what, of_it in held.items():
        told = {
            share.server: [history.told(server, key) for server, key in share.pools]
            for share in of_it
        }
        given = lines.Given(wanted.zone, alerts, told, foresee)
        answers = (ask(history, of_it, month) for month in months)
        made = lines.product(what, of_it, answers, given)
        found += [made] if made else []
    found.sort(key=_tightest_first)
    holdings = tuple(_holdings(wanted, found))
    month = months[-1]
    first_seen = _first_seen(held)
    names = {name for each in board.servers for name in each.names} if wanted.groups else None
    events, more = around.happened(history, month, names)
    return Report(
        month=month,
        made_at=int(wanted.now),
        today=today,
        zone=wanted.zone,
        zone_name=span.zone_name(wanted.zone, month.start),
        groups=wanted.groups,
        products=tuple(found),
        ends=around.ends(
            board, holdings, min(today, day_of(month.end, wanted.zone)), span.in_a_year(today)
        ),
        events=events,
        more_events=more,
        holdings=holdings,
        servers=around.recorded(board, found, first_seen, month),
    )


def _tightest_first(product: Product) -> tuple[int, float, str, str]:
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


def _holdings(wanted: Wanted, found: Sequence[Product]) -> Iterator[Holding]:
    """What the contract comes to; with groups asked for, their lines and their servers' alone."""
    mine = {server.name: server.group for server in wanted.servers}
    for bought in wanted.settings.contract:
        group = bought.group or mine.get(bought.server, "")
        if wanted.groups and group not in wanted.groups:
            continue
        scope = (
            (Kind.SERVER, bought.server)
            if bought.server
            else (Kind.GROUP, bought.group)
            if bought.group
            else (Kind.ESTATE, "estate")
        )
        name = products.describe(bought.product).name
        of_it = [each for each in found if each.code == bought.product]
        if len(of_it) != 1:  # counted in several ways, or not at all: nothing may be added up
            yield Holding(bought, of_it[0].name if of_it else name, None, None, None, 0)
            continue
        line = _line(of_it[0], scope, mine)
        known = [m.figure for m in line.months if m.figure is not None] if line else []
        yield Holding(
            bought,
            of_it[0].name,
            line.installed if line else None,
            line.month.figure if line else None,
            max(known, default=None),
            len(known),
        )


def _line(product: Product, scope: tuple[Kind, str], groups: dict[str, str]) -> Line | None:
    """The line of a scope; where there is one alone, the estate's stands for its group and it."""
    kind, name = scope
    for line in product.lines:
        if (line.kind, line.name) == scope:
            return line
    known = {*product.estate.servers, *product.estate.silent}
    whole = (
        known == {name} if kind is Kind.SERVER else {groups.get(each) for each in known} == {name}
    )
    return product.estate if whole and known else None
