"""What held of a pool when a reading of elsewhere was taken: put among the terms that are there.

Owns that the terms of a reading from elsewhere hold up to the next reading of our own, and that
what a file does not know takes nothing away. Must not know readings' figures.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history import blocks, pools
from lictui.history.hold import UNKNOWN
from lictui.history.pools import Terms
from lictui.history.retention import FOREVER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.history.intake.given import Given

_EVERY: Final = 900  # seconds between readings of which there is one alone
_DAY: Final = int(Resolution.DAY)


def put(db: sqlite3.Connection, pool: int, given: Given) -> None:
    """Note the terms of everything given; before its figures are put down."""
    held = pools.terms(db, pool)
    told = _told(given, held)
    if all(_at(held, at)[1:] == terms[1:] and held for at, terms in told.items()):
        return
    first, last = min(told), max(told)
    moments = _moments(db, pool, first)
    following = next((at for at in moments if at > last), last)
    events = {at: _at(held, at) for at in moments if at <= following}
    events |= {each.at: each for each in held if first <= each.at <= following}
    events |= told
    before = next((each[1:] for each in reversed(held) if each.at < first), None)
    db.execute("DELETE FROM terms WHERE pool = ? AND at BETWEEN ? AND ?", (pool, first, following))
    db.executemany(
        "INSERT INTO terms VALUES(?, ?, ?, ?, ?)",
        [(pool, *each) for each in _steps(sorted(events.items()), before)],
    )


def _told(given: Given, held: Sequence[Terms]) -> dict[int, Terms]:
    every = _every(given)
    found: dict[int, Terms] = {}
    for at, installed, overdraft, read in _rows(given):
        known = _at(held, at) if held and held[0].at <= at else UNKNOWN
        pace = min(known.every or every, every) if read else 0.0
        found[at] = Terms(
            at,
            known.installed if installed is None else installed,
            known.overdraft if overdraft is None else overdraft,
            pace,
        )
    return found


def _rows(given: Given) -> Iterator[tuple[int, int | None, int | None, bool]]:
    for point in given.points:
        yield point.at, point.installed, point.overdraft, point.in_use is not None
    for some in given.stretches.values():
        for each in some:
            yield each.tally.start, each.installed, each.overdraft, True


def _every(given: Given) -> float:
    """The usual time between two readings: one holds no longer than that."""
    moments = sorted({at for at, *_ in _rows(given)})
    gaps = [after - before for before, after in pairwise(moments)]
    return float(min(median_low(gaps), _DAY)) if gaps else float(_EVERY)


def _at(held: Sequence[Terms], at: int) -> Terms:
    """The terms that held at a moment; the first ones before all of them."""
    if not held:
        return UNKNOWN
    return held[max(0, bisect_right(held, at, key=lambda each: each.at) - 1)]


def _moments(db: sqlite3.Connection, pool: int, first: int) -> list[int]:
    """When there is something of our own from `first` on, in order."""
    found: set[int] = set()
    days: set[int] = set()
    for run in blocks.runs(db, pool, first, FOREVER):
        days.add(run.at // _DAY)
        found.update(map(run.moment, range(run.n)))
    for width in blocks.WIDTHS:
        starts = {each.start for each in blocks.tallies(db, pool, width, first, FOREVER)}
        found |= {at for at in starts if at // _DAY not in days}
        days |= {at // _DAY for at in starts}
    return sorted(at for at in found if at >= first)


def _steps(
    events: Iterable[tuple[int, Terms]], before: tuple[object, ...] | None
) -> Iterator[Terms]:
    for at, terms in events:
        if terms[1:] != before:
            yield terms._replace(at=at)
        before = terms[1:]
