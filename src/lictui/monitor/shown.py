"""Alerts as they are looked at: what stands and what was answered to it.

Pure. Where nobody has decided on alerts, it is what is true now. Owns their order: what nobody has
answered first, the worst of it on top. Must not know who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.monitor.alerts import current, severity

if TYPE_CHECKING:
    from datetime import date

    from lictui.config.settings import Alerts
    from lictui.model import Answer, Identity, Level
    from lictui.monitor.board import Board


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert, and how far it has come. Times are UTC epoch seconds."""

    who: Identity
    level: Level
    message: str
    since: float | None
    raised: bool = True
    clearing: bool = False  # its cause was gone at the last poll
    to_come: int = 0  # polls until it is raised
    answer: Answer | None = None  # that silences it now
    group: str = ""

    @property
    def loud(self) -> bool:
        """Whether somebody should look at it."""
        return self.raised and self.answer is None


def shown(board: Board, alerts: Alerts, today: date, now: float) -> tuple[Shown, ...]:
    """Every alert of the servers on the board, also those that are not raised yet."""
    if board.standing is None:
        found = [
            Shown(each.who, each.level, each.message, each.since)
            for each in current(board, alerts, today)
        ]
    else:
        servers = {name for status in board.servers for name in status.names}
        found = []
        for each in board.standing:
            if each.who.server not in servers:
                continue
            answer = board.answers.get(each.who)
            found.append(
                Shown(
                    each.who,
                    each.level,
                    each.message,
                    each.since,
                    each.raised is not None,
                    each.clear > 0,
                    max(0, each.wanted - each.seen),
                    answer if answer and answer.holds(now) else None,
                    each.group,
                )
            )
    return tuple(sorted(found, key=_place))


def _place(each: Shown) -> tuple[int, int]:
    return (0 if each.loud else 1 if each.raised else 2), severity(each.level)
