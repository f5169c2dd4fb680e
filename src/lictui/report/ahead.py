"""What the report expects: the forecasts of the estate, of each group and of each server.

Owns which scopes are forecast, and the way from a forecast to the report's outlook. The forecast
is that of today, not of the month's end: what people read is about the time ahead of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.analysis.forecast import words
from lictui.engine.outlook import ESTATE, scopes
from lictui.report.values import Kind, Outlook, Short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lictui.analysis.forecast import Forecast
    from lictui.config.settings import Alerts
    from lictui.engine.board import Board
    from lictui.engine.outlook import Scope
    from lictui.history.pools import KnownPool
    from lictui.history.store import History
    from lictui.model import Model
    from lictui.report.lines import Foresee

_Key = tuple[Kind, str, str, "Model"]


def foreseen(
    history: History,
    board: Board,
    known: Sequence[KnownPool],
    alerts: Alerts,
    moment: tuple[float, date],
) -> Foresee:
    """The outlook of every line that a report of this board can have, as of `moment`."""
    now, today = moment
    asked: dict[_Key, Scope] = {}
    for scope in scopes(board, known, alerts):
        kind = Kind.ESTATE if scope.scope == ESTATE else Kind.SERVER
        asked[kind, scope.scope, scope.product, scope.model] = scope
    for group in {each.server.group for each in board.servers if each.server.group}:
        mine = tuple(each for each in board.servers if each.server.group == group)
        for scope in scopes(replace(board, servers=mine), known, alerts):
            if scope.scope == ESTATE:
                asked[Kind.GROUP, group, scope.product, scope.model] = scope
    pasts = history.many(scope.question(now) for scope in asked.values())
    found = {
        key: _outlook(scope.forecast(past, now, today), today)
        for (key, scope), past in zip(asked.items(), pasts, strict=True)
    }

    def foresee(kind: Kind, name: str, product: str, model: Model) -> Outlook | None:
        return found.get((kind, name, product, model))

    return foresee


def _outlook(found: Forecast, today: date) -> Outlook:
    return Outlook(
        words(found, today),
        found.reaches.warn,
        found.reaches.critical,
        found.reaches.installed,
        tuple(Short(each.date, each.installed, each.expected) for each in found.shortfalls),
    )
