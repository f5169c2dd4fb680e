"""What a file gave is written down: all of it in the caller's transaction, and only once.

Owns the order of things: the pool, its terms, its readings and buckets, until when it counts. Must
not know files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import groupby, pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui import products
from lictui.analysis.series import BackfillRow, Resolution
from lictui.clock import iso
from lictui.history import blocks, journal, pools
from lictui.history.pools import Capacity, KnownPool
from lictui.history.readings import FOREVER, kept, roll
from lictui.history.readings import rows as rows_of
from lictui.history.rollup import UNKNOWN, ReadingRun, Rollup, coarsen, richer, roll_up
from lictui.model import Event, EventKind, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.config.settings import Retention
    from lictui.history.csv_reader import ImportedPool, ImportedReading


# Readings of elsewhere among those that are there: of two in one second the later stands


_FINEST = Resolution.FIVE_MINUTES
_WIDER = {_FINEST: Resolution.HOUR, Resolution.HOUR: Resolution.DAY}


def add(
    db: sqlite3.Connection,
    pool: int,
    points: Iterable[ImportedReading],
    kept: Mapping[Resolution, int],
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
    was = {each.start: each for each in roll_up(before, _FINEST) if each.start in touched}
    now = {each.start: each for each in roll_up(after, _FINEST) if each.start in touched}
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
    singly = [ReadingRun(at, 0, 1, value) for at, value in sorted(news.items())]
    inside = _inside(db, pool, width, roll_up(singly, width))
    return {
        at: value
        for at, value in news.items()
        if value is not None and at // width * width not in inside
    }


def add_buckets(
    db: sqlite3.Connection,
    pool: int,
    width: Resolution,
    given: Iterable[Rollup],
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
    db: sqlite3.Connection, pool: int, width: Resolution, found: Sequence[Rollup]
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
    was: Mapping[int, Rollup],
    now: Mapping[int, Rollup],
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


def _whole(held: Rollup | None, was: Rollup | None) -> bool:
    """Whether a bucket held nothing but the figures at hand, so that it can be made anew."""
    return held is None or (was is not None and held.n <= was.n)


def _held(
    db: sqlite3.Connection, pool: int, width: Resolution, now: Mapping[int, Rollup]
) -> dict[int, Rollup]:
    first, last = min(now), max(now)
    found = blocks.tallies(db, pool, width, first, last + 1)
    return {each.start: each for each in found if each.start in now}


def _parts(
    db: sqlite3.Connection, pool: int, width: Resolution, wide: Resolution, stretches: Sequence[int]
) -> dict[int, Rollup]:
    """What the buckets of `width` in each of the wider stretches come to together."""
    wanted = set(stretches)
    parts = blocks.tallies(db, pool, width, stretches[0], stretches[-1] + wide)
    return {each.start: each for each in coarsen(parts, wide) if each.start in wanted}


def _ordered(found: Mapping[int, Rollup]) -> list[Rollup]:
    return [found[start] for start in sorted(found)]


def runs(found: Sequence[tuple[int, int | None]]) -> Iterator[ReadingRun]:
    """Readings in order of time as runs: as long as they say the same and are evenly spaced."""
    start = 0
    while start < len(found):
        at, value = found[start]
        stop = start + 1
        step = found[stop][0] - at if stop < len(found) else 0
        while stop < len(found) and found[stop] == (found[stop - 1][0] + step, value):
            stop += 1
        yield ReadingRun(at, found[stop - 1][0] - at, stop - start, value)
        start = stop


# What held of a pool when a reading of elsewhere was taken: put among the terms that are there


_EVERY: Final = 900  # seconds between readings of which there is one alone
_DAY: Final = int(Resolution.DAY)


def put(db: sqlite3.Connection, pool: int, given: ImportedPool) -> None:
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


def _told(given: ImportedPool, held: Sequence[Capacity]) -> dict[int, Capacity]:
    every = _every(given)
    found: dict[int, Capacity] = {}
    for at, installed, overdraft, read in _rows(given):
        known = _at(held, at) if held and held[0].at <= at else UNKNOWN
        pace = min(known.every or every, every) if read else 0.0
        found[at] = Capacity(
            at,
            known.installed if installed is None else installed,
            known.overdraft if overdraft is None else overdraft,
            pace,
        )
    return found


def _rows(given: ImportedPool) -> Iterator[tuple[int, int | None, int | None, bool]]:
    for point in given.readings:
        yield point.at, point.installed, point.overdraft, point.in_use is not None
    for some in given.buckets.values():
        for each in some:
            yield each.tally.start, each.installed, each.overdraft, True


def _every(given: ImportedPool) -> float:
    """The usual time between two readings: one holds no longer than that."""
    moments = sorted({at for at, *_ in _rows(given)})
    gaps = [after - before for before, after in pairwise(moments)]
    return float(min(median_low(gaps), _DAY)) if gaps else float(_EVERY)


def _at(held: Sequence[Capacity], at: int) -> Capacity:
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
    events: Iterable[tuple[int, Capacity]], before: tuple[object, ...] | None
) -> Iterator[Capacity]:
    for at, terms in events:
        if terms[1:] != before:
            yield terms._replace(at=at)
        before = terms[1:]


class ImportCounts(NamedTuple):
    """What became of the rows of a file: those that brought news, and those that did not."""

    written: int
    unchanged: int


def import_readings(
    db: sqlite3.Connection, found: Iterable[ImportedPool], now: float, retention: Retention
) -> ImportCounts:
    """Take in everything given."""
    since = kept(now, retention)
    listed = _listed(db)
    wrote = rows = 0
    for given in found:
        rows += len(given.readings) + len(given.months) + sum(map(len, given.buckets.values()))
        wrote += journal.put_told(db, given.server, given.months)
        if given.readings or given.buckets:
            wrote += _take(db, given, since, counts=(given.server, given.key) in listed)
    return ImportCounts(wrote, rows - wrote)


def _listed(db: sqlite3.Connection) -> set[tuple[str, PoolKey]]:
    """The pools that servers listed when last read: these still count."""
    return {
        (server, pool.key)
        for server, last in journal.everything_latest(db).items()
        if last.snapshot
        for pool in last.snapshot.pools
    }


def _take(
    db: sqlite3.Connection, given: ImportedPool, since: Mapping[Resolution, int], *, counts: bool
) -> int:
    starts, last, ends = _bounds(given)
    pool = pools.find(db, given.server, given.key)
    created = pool is None
    if pool is None:
        name = products.describe(given.key.product).name
        pool = pools.create(db, given.server, given.key, given.model, name, starts)
    pools.begin(db, pool, starts)
    # Readings that were polled here go into blocks first: then there is one place to put more.
    roll(db, pool, 1 + max((last, *(run.end for run in rows_of(db, pool.id)))))
    put(db, pool.id, given)
    wrote = add(db, pool.id, given.readings, since)
    for width, some in given.buckets.items():
        wrote += add_buckets(db, pool.id, width, [each.tally for each in some], since)
    if not counts and (created or pool.ended is not None):
        # No server lists it: sums of later times do without it, rather than miss it for ever.
        pools.end_after(db, pool, ends)
    return wrote


def _bounds(given: ImportedPool) -> tuple[int, int, int]:
    """When the first of it begins, a moment no reading is later than, and when the last ends."""
    hour = Resolution.HOUR
    starts = [point.at for point in given.readings]
    moments = list(starts)
    ends = [at // hour * hour + hour for at in starts]
    for width, some in given.buckets.items():
        starts += [each.tally.start for each in some]
        moments += [each.tally.high_at for each in some]
        ends += [-(-(each.tally.start + width) // hour) * hour for each in some]
    return min(starts), max(moments), max(ends)


# What was not polled here is taken in: buckets of any width, as they stand


_EVERY_PAST: Final = 900.0  # seconds between polls that nobody knows the interval of


def backfill(db: sqlite3.Connection, rows: Iterable[BackfillRow]) -> None:
    """Take in `rows`, within the caller's transaction; quickest when a pool's come together.

    A bucket that is there already is replaced by the one given; wider ones are not made from it.
    """
    for (server, key), group in groupby(rows, lambda row: (row.server, row.key)):
        found = list(group)
        since = min(row.bucket.start for row in found)
        pool = pools.find(db, server, key)
        if pool is None:
            name = products.describe(key.product).name
            pool = pools.create(db, server, key, found[0].model, name, since)
        pools.begin(db, pool, since)
        # Readings that were polled here go into blocks first: then there is one place to replace.
        polled = (run.end for run in rows_of(db, pool.id))
        roll(db, pool, 1 + max((*map(_last_moment, found), *polled)))
        _take_past(db, pool, found)


def _last_moment(row: BackfillRow) -> int:
    one = row.bucket
    return one.end if row.resolution is Resolution.RAW else max(one.start, one.high_at)


def _take_past(db: sqlite3.Connection, pool: KnownPool, found: Sequence[BackfillRow]) -> None:
    tallies: dict[Resolution, list[Rollup]] = defaultdict(list)
    runs: list[ReadingRun] = []
    before: Capacity | None = None
    for row in sorted(found, key=lambda row: (row.bucket.start, -row.resolution)):
        one = row.bucket
        terms = Capacity(one.start, one.installed, one.overdraft, _EVERY_PAST)
        if before is None or before[1:] != terms[1:]:
            pools.set_terms(db, pool.id, terms)
        before = terms
        if row.resolution is Resolution.RAW:
            runs.append(ReadingRun(one.start, one.end - one.start, one.samples, round(one.last)))
        else:
            tallies[row.resolution].append(
                Rollup(
                    one.start,
                    round(one.low),
                    round(one.average * one.samples),
                    round(one.high),
                    one.high_at,
                    round(one.last),
                    one.samples,
                )
            )
    blocks.add_runs(db, pool.id, runs)
    for width, some in tallies.items():
        blocks.replace_tallies(db, pool.id, width, some)


# What license files grant, over time: terms of a pool for when nobody polled it


class LicenseGrant(NamedTuple):
    """So many licenses of a pool, from one moment to another."""

    key: PoolKey
    serial: str
    start: int
    licenses: int
    expires: int | None  # the first moment without them; None: never


def import_licenses(
    db: sqlite3.Connection, server: str, grants: Iterable[LicenseGrant], now: float
) -> int:
    """Take in what files grant on `server`, with a line of the journal each; how many are news."""
    new = [each for each in grants if _put(db, server, each)]
    journal.add(db, [_event(server, each) for each in new])
    for key in {each.key for each in new}:
        _settle(db, server, key, now)
    return len(new)


def _put(db: sqlite3.Connection, server: str, each: LicenseGrant) -> bool:
    row = (server, each.key.product, each.key.subscription_date, *each[1:])
    return (
        db.execute("INSERT OR IGNORE INTO increment VALUES(?, ?, ?, ?, ?, ?, ?)", row).rowcount > 0
    )


def _event(server: str, each: LicenseGrant) -> Event:
    until = "for ever" if each.expires is None else f"to {iso(each.expires - 1)[:10]}"
    serial = f", serial {each.serial}" if each.serial else ""
    day = each.key.subscription_date
    subscription = f", subscription date {day}" if day else ""
    message = (
        f"{each.licenses:,} licenses from {iso(each.start)[:10]} {until}{subscription}{serial}"
        " (license file)"
    )
    return Event(each.start, EventKind.LICENSES, server, message, each.key.product)


def _settle(db: sqlite3.Connection, server: str, key: PoolKey, now: float) -> None:
    """Let the terms of a pool follow from everything that is granted, where nothing was read."""
    steps = [step for step in _steps_licenses(_granted(db, server, key)) if step[0] <= now]
    pool = _pool(db, server, key)
    if pool is None:
        model, name = products.describe(key.product).model, products.describe(key.product).name
        pool = pools.create(db, server, key, model, name, int(now))
        pools.end_after(db, pool, int(now))  # no reading yet: sums do not wait for it
    held = [each for each in pools.terms(db, pool.id) if each.at >= pool.since]
    before = [Capacity(at, count, None, 0.0) for at, count in steps if at < pool.since]
    db.execute("DELETE FROM terms WHERE pool = ?", (pool.id,))
    db.executemany(
        "INSERT INTO terms VALUES(?, ?, ?, ?, ?)",
        [(pool.id, *each) for each in (*before, *_filled(held, steps))],
    )


def _pool(db: sqlite3.Connection, server: str, key: PoolKey) -> pools.KnownPool | None:
    """The pool; where the server tells of no subscription dates, the only one of the product."""
    exact = pools.find(db, server, key)
    return exact or pools.find(db, server, PoolKey(key.product))


def _granted(db: sqlite3.Connection, server: str, key: PoolKey) -> list[LicenseGrant]:
    dated = pools.find(db, server, key) is not None or (
        pools.find(db, server, PoolKey(key.product)) is None
    )
    rows = db.execute(
        "SELECT serial, start, count, expires FROM increment WHERE server = ? AND product = ?"
        " AND (? OR subscription_date = ?)",
        (server, key.product, not dated, key.subscription_date),
    )
    return [LicenseGrant(key, *row) for row in rows]


def _steps_licenses(grants: Sequence[LicenseGrant]) -> list[tuple[int, int]]:
    """From when on how many are granted, in order of time."""
    changes: dict[int, int] = {}
    for each in grants:
        changes[each.start] = changes.get(each.start, 0) + each.licenses
        if each.expires is not None:
            changes[each.expires] = changes.get(each.expires, 0) - each.licenses
    found: list[tuple[int, int]] = []
    count = 0
    for at in sorted(changes):
        count += changes[at]
        found.append((at, count))
    return found


def _filled(held: Sequence[Capacity], steps: Sequence[tuple[int, int]]) -> list[Capacity]:
    """The terms that were read, with a number of licenses where they have none."""
    found: dict[int, Capacity] = {}
    for index, each in enumerate(held):
        found[each.at] = each
        if each.installed is not None:
            continue
        end = held[index + 1].at if index + 1 < len(held) else None
        earlier = [count for at, count in steps if at <= each.at]
        if earlier:
            found[each.at] = each._replace(installed=earlier[-1])
        for at, count in steps:
            if each.at < at and (end is None or at < end):
                found[at] = each._replace(at=at, installed=count)
    return [found[at] for at in sorted(found)]
