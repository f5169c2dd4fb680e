"""Readings of elsewhere among those that are there: of two in one second the later stands.

Owns the day as the unit of work: its readings are put together one by one, and what the buckets of
five minutes, an hour and the day come to follows from them. Must not know terms or files.

A bucket that came to more readings than are still kept singly (they were forgotten, or taken in as
a bucket) is not made anew from the few: it gets their extremes, and the average of the more. So
nothing that was polled here is lost, and the same file again changes nothing.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lictui.analysis.series import Resolution
from lictui.history import blocks
from lictui.history.rollup import Run, coarsen, richer, tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.history.intake.given import Point
    from lictui.history.rollup import Tally

_FINEST = Resolution.FIVE_MINUTES
_WIDER = {_FINEST: Resolution.HOUR, Resolution.HOUR: Resolution.DAY}


def add(
    db: sqlite3.Connection, pool: int, points: Iterable[Point], kept: Mapping[Resolution, int]
) -> int:
    """Put readings of a pool whose own are all in blocks with them; how many brought news.

    `kept` says from which moment on each width is kept. Points of one second: the later one stands.
    """
    given = {point.at: point.in_use for point in points}
    news = 0
    for day, group in groupby(sorted(given), lambda at: at // Resolution.DAY):
        base = day * Resolution.DAY
        news += _add_day(db, pool, base, {at: given[at] for at in group}, kept)
    return news


def _add_day(
    db: sqlite3.Connection,
    pool: int,
    base: int,
    given: Mapping[int, int | None],
    kept: Mapping[Resolution, int],
) -> int:
    end = base + Resolution.DAY
    before = list(blocks.runs(db, pool, base, base + 1))
    found = {run.moment(index): run.in_use for run in before for index in range(run.n)}
    news = {at: value for at, value in given.items() if _is_news(found, at, value)}
    if news and end <= kept[Resolution.RAW]:
        news = _unknown(db, pool, base, news, kept)
    if not news:
        return 0
    found.update(news)
    after = list(runs(sorted(found.items())))
    blocks.replace_runs(db, pool, base, after)
    touched = {at // _FINEST * _FINEST for at in news}
    was = {each.start: each for each in tally(before, _FINEST) if each.start in touched}
    now = {each.start: each for each in tally(after, _FINEST) if each.start in touched}
    widen(db, pool, _FINEST, was, now)
    return len(news)


def _is_news(found: Mapping[int, int | None], at: int, value: int | None) -> bool:
    """Whether a reading says more than what is there: one without a figure does not replace one."""
    return at not in found or (value is not None and found[at] != value)


def _unknown(
    db: sqlite3.Connection,
    pool: int,
    base: int,
    news: Mapping[int, int | None],
    kept: Mapping[Resolution, int],
) -> dict[int, int | None]:
    """The readings that are not in the buckets, of a day whose readings are no longer kept singly.

    They were taken in once and forgotten since, if the bucket is of as many and their extremes.
    """
    width = next((each for each in blocks.WIDTHS if kept[each] <= base), Resolution.DAY)
    singly = [Run(at, 0, 1, value) for at, value in sorted(news.items())]
    inside = _inside(db, pool, width, tally(singly, width))
    return {
        at: value
        for at, value in news.items()
        if value is not None and at // width * width not in inside
    }


def add_buckets(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    given: Iterable[Tally],
    kept: Mapping[Resolution, int],
) -> int:
    """Put buckets of `width` with those that are there; how many brought news."""
    found = {each.start: each for each in given}
    wide = _WIDER.get(width)
    if wide and (old := [each for each in _ordered(found) if each.start < kept[width]]):
        inside = _inside(db, pool, wide, coarsen(old, wide))
        found = {
            start: each
            for start, each in found.items()
            if start >= kept[width] or start // wide * wide not in inside
        }
    return widen(db, pool, width, {}, found)


def _inside(
    db: sqlite3.Connection, pool: int, width: Resolution, found: Sequence[Tally]
) -> set[int]:
    """Which of these buckets those that are there may well include."""
    if not found:
        return set()
    there = blocks.tallies(db, pool, width, found[0].start, found[-1].start + 1)
    held = {each.start: each for each in there}
    return {
        each.start
        for each in found
        if (one := held.get(each.start))
        and one.n >= each.n
        and one.low <= each.low
        and each.high <= one.high
    }


def widen(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    was: Mapping[int, Tally],
    now: Mapping[int, Tally],
) -> int:
    """Let the buckets of `width`, by their start, be `now`, and what is wider follow.

    `was` is what the finer figures at hand came to before. Returns how many brought news.
    """
    if not now:
        return 0
    held = _held(db, pool, width, now)
    fresh = {
        start: each if _whole(held.get(start), was.get(start)) else richer(held[start], each)
        for start, each in now.items()
    }
    changed = {start: each for start, each in fresh.items() if held.get(start) != each}
    if not changed:
        return 0
    wide = _WIDER.get(width)
    if wide is None:
        blocks.replace_tallies(db, pool, width, _ordered(changed))
        return len(changed)
    stretches = sorted({start // wide * wide for start in changed})
    earlier = _parts(db, pool, width, wide, stretches)
    blocks.replace_tallies(db, pool, width, _ordered(changed))
    later = _parts(db, pool, width, wide, stretches)
    widen(db, pool, wide, earlier, later)
    return len(changed)


def _whole(held: Tally | None, was: Tally | None) -> bool:
    """Whether a bucket held nothing but the figures at hand, so that it can be made anew."""
    return held is None or (was is not None and held.n <= was.n)


def _held(
    db: sqlite3.Connection, pool: int, width: Resolution, now: Mapping[int, Tally]
) -> dict[int, Tally]:
    first, last = min(now), max(now)
    found = blocks.tallies(db, pool, width, first, last + 1)
    return {each.start: each for each in found if each.start in now}


def _parts(
    db: sqlite3.Connection, pool: int, width: Resolution, wide: Resolution, stretches: Sequence[int]
) -> dict[int, Tally]:
    """What the buckets of `width` in each of the wider stretches come to together."""
    wanted = set(stretches)
    parts = blocks.tallies(db, pool, width, stretches[0], stretches[-1] + wide)
    return {each.start: each for each in coarsen(parts, wide) if each.start in wanted}


def _ordered(found: Mapping[int, Tally]) -> list[Tally]:
    return [found[start] for start in sorted(found)]


def runs(found: Sequence[tuple[int, int | None]]) -> Iterator[Run]:
    """Readings in order of time as runs: as long as they say the same and are evenly spaced."""
    start = 0
    while start < len(found):
        at, value = found[start]
        stop = start + 1
        step = found[stop][0] - at if stop < len(found) else 0
        while stop < len(found) and found[stop] == (found[stop - 1][0] + step, value):
            stop += 1
        yield Run(at, found[stop - 1][0] - at, stop - start, value)
        start = stop
