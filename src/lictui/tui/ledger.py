"""The estate as a table: its rows and their order.

Owns what a row knows and what it can be sorted by. Concurrent licenses, whose peaks are of use, and
assigned ones, which have none, are never mixed: they stand apart. Pure: totals and what the past
says of them in, views out. Must not know columns (`ledger_columns`) or Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lictui.analysis.forecast import Status
from lictui.analysis.usage import Retrospect
from lictui.engine.board import By, product_words, thresholds
from lictui.model import Level, Model
from lictui.products import Product
from lictui.tui import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from lictui.analysis.peaks import Found, Peak
    from lictui.analysis.usage import Key
    from lictui.config.settings import Alerts, Thresholds
    from lictui.engine.board import Filter, Total

ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_WORSE: Final = (Level.UNKNOWN, Level.OK, Level.WARN, Level.CRITICAL, Level.OVERDRAFT)
_NEVER: Final = 1 << 30
_UNTOLD: Final = Retrospect()


@dataclass(frozen=True, slots=True)
class Around:
    """What rows are made with, besides the figures of now."""

    alerts: Alerts
    wanted: Filter
    today: date
    zone: ZoneInfo | None = None
    by: By = By.PRODUCT


@dataclass(frozen=True, slots=True)
class TotalView:
    """One product and model of one scope."""

    total: Total
    name: str
    limits: Thresholds
    past: Retrospect
    today: date
    zone: ZoneInfo | None
    scope: str = ""  # as it is said

    @property
    def id(self) -> Key:
        """What the cursor remembers."""
        return self.total.scope, self.total.product, self.total.model

    @property
    def assigned(self) -> bool:
        """Whether its licenses are assigned, not checked out."""
        return self.total.model in ASSIGNED

    @property
    def full_in(self) -> int | None:
        """Days until licenses run short, if a forecast dares to say; 0 where they are short now."""
        if (self.total.ratio or 0.0) >= 1:
            return 0
        ahead = self.past.ahead
        if ahead is None:
            return None
        days = [ahead.reaches.installed, *(each.date for each in ahead.shortfalls)]
        return min(((day - self.today).days for day in days if day is not None), default=None)

    @property
    def outlook(self) -> str:
        """The same for a cell: days, or where it leads without a date."""
        days, ahead = self.full_in, self.past.ahead
        if days is not None:
            return "now" if days <= 0 else f"{days:,} d"
        if ahead is None:
            return ""
        return {Status.FLAT: "flat", Status.FALLING: "falls", Status.GROWING: "later"}.get(
            ahead.status, "?"
        )

    @property
    def net(self) -> int | None:
        """By how much assignments have grown since the month began."""
        month, now = self.past.assigned, self.total.reading.in_use
        if month is None or month.began is None or now is None:
            return None
        return now - month.began


def views(
    found: Sequence[Total], pasts: Mapping[Key, Retrospect], around: Around
) -> tuple[TotalView, ...]:
    """The rows that the filter lets through."""
    return tuple(
        TotalView(
            total,
            text.clean(Product(total.product, total.name, total.model).short_name),
            thresholds(around.alerts, total.scope, total.product, around.by),
            pasts.get((total.scope, total.product, total.model), _UNTOLD),
            around.today,
            around.zone,
            _said(total.scope, around.by),
        )
        for total in found
        if around.wanted((*product_words(total.product, total.name, total.model), total.scope))
    )


def _said(scope: str, by: By) -> str:
    return text.clean(scope) or ("" if by is By.PRODUCT else "no group")


def ordered(rows: Iterable[TotalView], sort: str, *, reverse: bool) -> tuple[TotalView, ...]:
    """The rows in the order that is wanted, what is assigned below the rest."""
    found = list(rows)
    met = {scope: at for at, scope in enumerate(dict.fromkeys(view.scope for view in found))}
    found.sort(key=_SORT_KEYS.get(sort) or (lambda view: met[view.scope]))
    if reverse:
        found.reverse()
    return tuple(sorted(found, key=lambda view: view.assigned))


def _most(figure: float | None) -> float:
    return _NEVER if figure is None else -figure


def peak(found: Found | None) -> Peak | None:
    """The peak of a window, if there is one."""
    return found.peak if found and found.peak.peak is not None else None


def _peak(found: Found | None) -> float:
    known = peak(found)
    return _most(known.peak if known else None)


_SORT_KEYS: Final[dict[str, Callable[[TotalView], Any]]] = {
    "name": lambda view: (view.name.casefold(), view.scope.casefold()),
    "ratio": lambda view: _most(view.total.ratio),
    "free": lambda view: view.total.free if view.total.free is not None else _NEVER,
    "level": lambda view: -_WORSE.index(view.total.level) if view.total.level in _WORSE else -9,
    "days left": lambda view: _NEVER if view.full_in is None else view.full_in,
    "in use": lambda view: _most(view.total.reading.in_use),
    "installed": lambda view: _most(view.total.reading.installed),
    "overdraft": lambda view: _most(view.total.reading.overdraft),
    "servers missing": lambda view: len(view.total.reporting) - len(view.total.expected),
    "peak 24 h": lambda view: _peak(view.past.day),
    "peak of the month": lambda view: _most(view.net) if view.assigned else _peak(view.past.month),
    "peak of all time": lambda view: _peak(view.past.ever),
    "average": lambda view: _most(known.average if (known := peak(view.past.month)) else None),
    "model": lambda view: view.total.model,
    "scope": lambda view: view.scope.casefold(),
}
SORTS: Final = ("registry", *_SORT_KEYS)
