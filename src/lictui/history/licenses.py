"""What license files grant, over time: terms of a pool for when nobody polled it.

Owns the table `increment`, and that what was read of a server stands: a file tells of the time
before the first reading, and of readings that came without a number of licenses. No reading is
made up. Must not know files. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lictui import products
from lictui.clock import iso
from lictui.history import journal, pools
from lictui.history.pools import Terms
from lictui.model import Event, EventKind, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence


class Grant(NamedTuple):
    """So many licenses of a pool, from one moment to another."""

    key: PoolKey
    serial: str
    start: int
    number: int
    expires: int | None  # the first moment without them; None: never


def grant(db: sqlite3.Connection, server: str, grants: Iterable[Grant], now: float) -> int:
    """Take in what files grant on `server`, with a line of the journal each; how many are news."""
    new = [each for each in grants if _put(db, server, each)]
    journal.add(db, [_event(server, each) for each in new])
    for key in {each.key for each in new}:
        _settle(db, server, key, now)
    return len(new)


def _put(db: sqlite3.Connection, server: str, each: Grant) -> bool:
    row = (server, each.key.product, each.key.subscription_date, *each[1:])
    return (
        db.execute("INSERT OR IGNORE INTO increment VALUES(?, ?, ?, ?, ?, ?, ?)", row).rowcount > 0
    )


def _event(server: str, each: Grant) -> Event:
    until = "for ever" if each.expires is None else f"to {iso(each.expires - 1)[:10]}"
    serial = f", serial {each.serial}" if each.serial else ""
    day = each.key.subscription_date
    subscription = f", subscription date {day}" if day else ""
    message = (
        f"{each.number:,} licenses from {iso(each.start)[:10]} {until}{subscription}{serial}"
        " (license file)"
    )
    return Event(each.start, EventKind.LICENSES, server, message, each.key.product)


def _settle(db: sqlite3.Connection, server: str, key: PoolKey, now: float) -> None:
    """Let the terms of a pool follow from everything that is granted, where nothing was read."""
    steps = [step for step in _steps(_granted(db, server, key)) if step[0] <= now]
    pool = _pool(db, server, key)
    if pool is None:
        model, name = products.describe(key.product).model, products.describe(key.product).name
        pool = pools.create(db, server, key, model, name, int(now))
        pools.end_after(db, pool, int(now))  # no reading yet: sums do not wait for it
    held = [each for each in pools.terms(db, pool.id) if each.at >= pool.since]
    before = [Terms(at, count, None, 0.0) for at, count in steps if at < pool.since]
    db.execute("DELETE FROM terms WHERE pool = ?", (pool.id,))
    db.executemany(
        "INSERT INTO terms VALUES(?, ?, ?, ?, ?)",
        [(pool.id, *each) for each in (*before, *_filled(held, steps))],
    )


def _pool(db: sqlite3.Connection, server: str, key: PoolKey) -> pools.KnownPool | None:
    """The pool; where the server tells of no subscription dates, the only one of the product."""
    exact = pools.find(db, server, key)
    return exact or pools.find(db, server, PoolKey(key.product))


def _granted(db: sqlite3.Connection, server: str, key: PoolKey) -> list[Grant]:
    dated = pools.find(db, server, key) is not None or (
        pools.find(db, server, PoolKey(key.product)) is None
    )
    rows = db.execute(
        "SELECT serial, start, count, expires FROM increment WHERE server = ? AND product = ?"
        " AND (? OR subscription_date = ?)",
        (server, key.product, not dated, key.subscription_date),
    )
    return [Grant(key, *row) for row in rows]


def _steps(grants: Sequence[Grant]) -> list[tuple[int, int]]:
    """From when on how many are granted, in order of time."""
    changes: dict[int, int] = {}
    for each in grants:
        changes[each.start] = changes.get(each.start, 0) + each.number
        if each.expires is not None:
            changes[each.expires] = changes.get(each.expires, 0) - each.number
    found: list[tuple[int, int]] = []
    count = 0
    for at in sorted(changes):
        count += changes[at]
        found.append((at, count))
    return found


def _filled(held: Sequence[Terms], steps: Sequence[tuple[int, int]]) -> list[Terms]:
    """The terms that were read, with a number of licenses where they have none."""
    found: dict[int, Terms] = {}
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
