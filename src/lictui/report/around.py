"""What stands around the figures: what ends, what happened, how much is on record.

Owns which of it belongs in a report. Must not know figures.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lictui import products
from lictui.engine.alert_state import is_turn
from lictui.model import EventKind, Level, State
from lictui.report import saying
from lictui.report.values import End, Recorded, What

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date

    from lictui.analysis.usage import Holding
    from lictui.engine.board import Board, ServerStatus
    from lictui.history.store import History
    from lictui.model import Event, Pool
    from lictui.report.values import Month, Product

_MOST_EVENTS: Final = 60
_PAGE: Final = 1000
_TOLD: Final = (
    *(EventKind.LICENSES, EventKind.SERVER, EventKind.ACTIVATION),
    *(EventKind.VERSION, EventKind.CERTIFICATE),
)
_GRAVE: Final = (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


def ends(board: Board, holdings: Sequence[Holding], start: date, end: date) -> tuple[End, ...]:
    """Everything that ends in [start, end], by day; permanent and start-up licenses never do."""
    found = [each for status in board.servers for each in _of_server(status)]
    for holding in holdings:
        bought = holding.purchase
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
            about = (server, pool.product, saying.called(pool.product, pool.name))
            if pool.expires is not None and not pool.permanent:
                yield End(pool.expires, What.LICENSES, *about, pool.leaving)
            if pool.subscription_date is not None and pool.subscription_date != pool.expires:
                covered = pool.subscription_date != newest
                installed = pool.reading.installed
                yield End(pool.subscription_date, What.SUBSCRIPTION, *about, installed, covered)


def happened(
    history: History, month: Month, servers: Collection[str] | None
) -> tuple[tuple[Event, ...], int]:
    """What deserves mention of the month's journal, oldest first, and how much was left out.

    Where that is too much, what was grave is kept, then what is newest.
    """
    found = [
        each
        for each in _journal(history, month)
        if (servers is None or each.server in servers) and _worth_telling(each)
    ]
    kept = sorted(found, key=lambda e: (e.level not in _GRAVE, -e.at))[:_MOST_EVENTS]
    return tuple(sorted(kept, key=lambda e: (e.at, e.server, e.message))), len(found) - len(kept)


def _worth_telling(event: Event) -> bool:
    """An alert that was raised, rose or was cleared; not that it lasted, nor who answered it."""
    if event.kind is EventKind.ALERT:
        return is_turn(event)
    return event.kind in _TOLD or event.level in _GRAVE


def _journal(history: History, month: Month) -> Iterator[Event]:
    before: float = month.end
    while True:
        page = history.events(_PAGE, before)
        yield from (each for each in page if each.at >= month.start)
        if len(page) < _PAGE or page[-1].at < month.start or page[-1].at >= before:
            return
        before = page[-1].at


def recorded(
    board: Board, found: Iterable[Product], first_seen: dict[str, int], month: Month
) -> tuple[Recorded, ...]:
    """How much is on record of every server that was there in the month, as the registry has them.

    `first_seen` is the first reading of each server. One without any counts as silent.
    """
    shares: dict[str, list[float]] = defaultdict(list)
    silent: dict[str, None] = {}
    for product in found:
        for line in product.servers or (product.estate,):
            for server in line.servers:
                shares[server].append(line.month.coverage)
            silent |= dict.fromkeys(line.silent)
    answer = []
    for status in board.servers:
        name, known = status.server.name, shares.pop(status.server.name, [])
        silent.pop(name, None)
        later = first_seen.get(name, 0) >= month.end
        if (status.server.enabled and not later and not _nothing_to_tell(status)) or known:
            coverage = sum(known) / len(known) if known else 0.0
            answer.append(Recorded(name, status.server.group, coverage, reason=_reason(status)))
    for name in silent:
        shares.setdefault(name, [])
    answer += [
        Recorded(name, "", sum(known) / len(known) if known else 0.0, removed=True)
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
