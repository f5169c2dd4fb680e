"""The past of everything that the estate shows, found a little at a time so that polls go on.

Owns the way from a board to what is asked of the history, and back to rows. Must not know who
looks. Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.analysis.peaks import ESTATE
from lictui.analysis.series import Question, begins, month_of
from lictui.analysis.usage import Month, Retrospect
from lictui.history.peaks import Wanted, slowly
from lictui.model import Model
from lictui.monitor.outlook import scopes as outlooks
from lictui.monitor.together import stand_ins
from lictui.monitor.totals import By, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, tzinfo

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.peaks import Found
    from lictui.analysis.usage import Key
    from lictui.clock import Clock
    from lictui.config.settings import Alerts
    from lictui.history.peaks import Memory
    from lictui.history.store import History
    from lictui.monitor.board import Board, ServerStatus
    from lictui.monitor.outlook import Scope

ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Look:
    """As of when and where it is looked back."""

    now: float
    zone: tzinfo | None
    alerts: Alerts

    @property
    def today(self) -> date:
        """The day where the user is."""
        return datetime.fromtimestamp(self.now, UTC).astimezone(self.zone).date()

    @property
    def month(self) -> int:
        """The first moment of this month where the user is."""
        return begins(month_of(self.today), self.zone)


async def retrospects(
    history: History, memory: Memory, board: Board, by: By, look: Look, clock: Clock
) -> dict[Key, Retrospect]:
    """What the past says of every total of `board`, which is one that Together made."""
    found: dict[Key, dict[str, Found]] = defaultdict(dict)
    for each in slowly(history, _wanted(board, by, look), memory):
        if each is None:
            await clock.sleep(0)
        else:
            found[each.scope, each.product, Model(each.model)][each.peak.window] = each
    ahead: dict[Key, tuple[Scope, Forecast]] = {}
    for key, scope in _outlooks(history, board, by, look):
        await clock.sleep(0)
        (past,) = history.many((scope.question(look.now),))
        ahead[key] = scope, scope.forecast(past, look.now, look.today)
    return {
        key: Retrospect(
            found[key].get("24h"),
            found[key].get("month"),
            found[key].get("all"),
            _month(history, ahead[key][0], look) if key[2] in ASSIGNED and key in ahead else None,
            ahead[key][1] if key in ahead else None,
        )
        for key in {**found, **ahead}
    }


def _wanted(board: Board, by: By, look: Look) -> Wanted:
    servers: dict[str, set[str]] = defaultdict(set)
    for status in board.servers:
        servers[scope_of(status, by)].update(status.names)
    expected = {status.server.name for status in board.servers if status.server.enabled}
    parts = {
        part.server.name for status in board.servers for part in status.parts if part.server.enabled
    }
    return Wanted(
        look.now,
        look.zone,
        expected | parts,
        scopes=servers,
        own=False,
        without=stand_ins(board).keys(),
    )


def _outlooks(history: History, board: Board, by: By, look: Look) -> Iterator[tuple[Key, Scope]]:
    known = history.pools()
    if by is By.SERVER:
        names = {status.server.name for status in board.servers}
        for scope in outlooks(board, known, look.alerts):
            if scope.scope in names:
                yield (scope.scope, scope.product, scope.model), scope
        return
    parts: dict[str, list[ServerStatus]] = defaultdict(list)
    for status in board.servers:
        parts[scope_of(status, by)].append(status)
    for name, some in parts.items():
        for scope in outlooks(replace(board, servers=tuple(some)), known, look.alerts):
            if scope.scope == ESTATE:
                yield (name, scope.product, scope.model), scope


def _month(history: History, scope: Scope, look: Look) -> Month:
    """What is known of the assignments of this month."""
    before = history.series(Question(scope.pools, look.month - _HOUR, look.month, _HOUR)).buckets
    told = [
        month
        for pool in scope.pools
        for month in history.told(*pool)
        if datetime.fromtimestamp(month.at, UTC).date() == look.today.replace(day=1)
    ]
    return Month(
        round(before[-1].last) if before else None,
        _sum([month.newly for month in told]),
        _sum([month.released for month in told]),
    )


def _sum(figures: list[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
