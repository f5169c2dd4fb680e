"""The months a source tells of its own past, beside what was read here and never among it.

Owns the table `told`. Must not know readings. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.model import PoolKey, Told

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

_LARGEST = 2**31  # no license server counts further


def put(db: sqlite3.Connection, server: str, months: Iterable[Told]) -> int:
    """Note what is told of months; what was told of them before gives way. How many are news."""
    news = 0
    for month in months:
        figures = map(_figure, (month.in_use, month.installed, month.newly, month.released))
        key = month.key
        news += db.execute(
            "INSERT INTO told VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " in_use = excluded.in_use, installed = excluded.installed, newly = excluded.newly,"
            " released = excluded.released WHERE (in_use, installed, newly, released)"
            " IS NOT (excluded.in_use, excluded.installed, excluded.newly, excluded.released)",
            (server, key.product, key.subscription_date, int(month.at), *figures),
        ).rowcount
    return news


def of(db: sqlite3.Connection, server: str, key: PoolKey) -> tuple[Told, ...]:
    """Every month that was told of a pool, in order of time."""
    rows = db.execute(
        "SELECT at, in_use, installed, newly, released FROM told"
        " WHERE server = ? AND product = ? AND subscription_date = ? ORDER BY at",
        (server, key.product, key.subscription_date),
    )
    return tuple(Told(key, *row) for row in rows)


def keys(db: sqlite3.Connection) -> Iterator[tuple[str, PoolKey]]:
    """Every pool of which months were told, by server, product and subscription date."""
    rows = db.execute(
        "SELECT DISTINCT server, product, subscription_date FROM told"
        " ORDER BY server, product, subscription_date"
    )
    for server, product, day in rows:
        yield server, PoolKey(product, day)


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Let what was told of the server `old` be of `new`, which tells of a month itself at most."""
    db.execute("UPDATE OR REPLACE told SET server = ? WHERE server = ?", (new, old))


def _figure(value: int | None) -> int | None:
    return value if value is not None and abs(value) < _LARGEST else None
