"""What to forecast, and from which past: the products of every server, and of the estate.

Owns the way from a board and the known pools to questions, and from their answers to forecasts.
Must not open a history: whoever asks the questions has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from lictui.analysis.forecast import Given, forecast
from lictui.analysis.series import Question, Resolution
from lictui.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.series import Series
    from lictui.config.settings import Alerts
    from lictui.history.pools import KnownPool
    from lictui.model import Pool, PoolKey
    from lictui.monitor.board import Board, ServerStatus

ESTATE: Final = "estate"
_DAYS: Final = 365  # of the past that a forecast rests on
_DAY: Final = int(Resolution.DAY)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
_Owner = tuple[str, "PoolKey"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One product and model, of a server or of the estate."""

    scope: str
    product: str
    name: str
    model: Model
    pools: tuple[_Owner, ...]  # whose past it is: those that have ended, too
    installed: int | None  # now; None if that of any pool is unknown
    leaving: Mapping[date, int]  # licenses that expire, by their last day
    warn: float
    critical: float

    def question(self, now: float) -> Question:
        """The daily past up to `now`, UTC epoch seconds."""
        end = int(now) // _DAY * _DAY  # the day that is not over says too little
        return Question(self.pools, end - _DAYS * _DAY, end, _DAY)

    def forecast(self, past: Series, now: float, today: date) -> Forecast:
        """What the answer to that question lets expect; `today` where the user is."""
        return forecast(
            Given(
                self.scope,
                self.product,
                self.model,
                daily(past, self.model, now),
                self.installed,
                self.leaving,
                self.warn,
                self.critical,
                held(past, now),
            ),
            today,
        )


def held(past: Series, now: float) -> dict[date, int]:
    """What was installed on each day (of UTC) that is over, where that is known."""
    return {
        date.fromordinal(_EPOCH + each.start // _DAY): each.installed
        for each in past.buckets
        if each.end <= now and each.installed is not None
    }


def daily(past: Series, model: Model, now: float) -> dict[date, float]:
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


def scopes(board: Board, known: Iterable[KnownPool], alerts: Alerts) -> tuple[Scope, ...]:
    """The products of the estate, which is every enabled server on the board; then of each server.

    `board` is one that Together made: a license server that is read twice counts once. Start-up
    licenses are left out. `known` are the pools that the history holds.
    """
    ended: dict[tuple[str, str, str], list[PoolKey]] = defaultdict(list)
    for old in known:
        if old.ended is not None:
            ended[old.server, old.product, old.model].append(old.key)
    total: dict[tuple[str, Model], _Held] = {}
    alone: list[Scope] = []
    for status in board.servers:
        held: dict[tuple[str, Model], _Held] = {}
        for pool in _counted(status):
            owner, key = status.owner(pool.key)
            before = ended[owner, key.product, pool.model.value]
            owners = [(owner, key), *((owner, each) for each in before)]
            for scope in (held, total):
                what = pool.product, pool.model
                scope.setdefault(what, _Held(pool.name)).take(pool, owners)
        server = status.server
        for (product, model), each in held.items():
            limits = alerts.of(group=server.group, server=server.name, product=product)
            alone.append(_scope(server.name, product, model, each, (limits.warn, limits.critical)))
    everywhere = []
    for (product, model), each in total.items():
        limits = alerts.of(group="", server="", product=product)
        everywhere.append(_scope(ESTATE, product, model, each, (limits.warn, limits.critical)))
    return (*everywhere, *alone)


def _counted(status: ServerStatus) -> Iterator[Pool]:
    if status.server.enabled and status.snapshot:
        yield from (pool for pool in status.snapshot.pools if pool.counted)


def _scope(
    scope: str, product: str, model: Model, held: _Held, limits: tuple[float, float]
) -> Scope:
    warn, critical = limits
    leaving: Counter[date] = Counter()
    for pool in held.pools:
        if pool.expires is not None and not pool.permanent:
            leaving[pool.expires] += pool.leaving or 0
    return Scope(
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
