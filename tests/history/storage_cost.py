"""What a reading costs on disk, and how long the past takes to ask: for the tests and the bench.

An estate of pools that move by day and stand still by night, polled through the public face.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.support.clock import FakeClock
from tests.support.values import poll, pool, server, snapshot

from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Pool

DAY = 86400
BEGIN = 1_700_006_400  # midnight, UTC
PRODUCTS = ("XDT_PLT_UD", "XDT_ENT_CCS", "MPS_ADV_CCU", "PVS_STD_CCS", "CITRIX")


def live(folder: Path, every: float, days: int, servers: int = 2, pools: int = 3) -> History:
    """A history that was polled `every` seconds for `days` days; the caller closes it."""
    clock = FakeClock(BEGIN)
    history = History(folder / "history.db", Retention(), clock)
    estate = [server(f"lic-{number:02}", interval=every) for number in range(servers)]
    lines_of = [figures(number, every, pools) for number in range(servers)]
    waiting = []
    for turn in range(int(days * DAY / every)):
        at = BEGIN + turn * every
        for each, lines in zip(estate, lines_of, strict=True):
            waiting.append((each, poll(snapshot(*next(lines)), each.name, at + 1), ()))
        if at % 3600 < every:  # an hour in one transaction, for the test's patience alone
            history.append_many(waiting)
            waiting.clear()
            clock._now = at
            history.compact()
    history.append_many(waiting)
    clock._now = BEGIN + days * DAY
    history.compact()
    return history


def plain(folder: Path, pools: int, days: int, every: int = 900) -> float:
    """Seconds that plain SQL takes for the daily peaks of `pools` pools, over a row a reading."""
    made = """CREATE TABLE reading(
        pool INTEGER, at INTEGER, in_use INTEGER, PRIMARY KEY(pool, at)) WITHOUT ROWID"""
    asked = "SELECT pool, at / 86400, max(in_use) FROM reading GROUP BY pool, at / 86400"
    with closing(sqlite3.connect(folder / "plain.db")) as db:
        db.execute(made)
        for number in range(pools):
            lines = figures(number, every, 1)
            rows = (
                (number, BEGIN + turn * every, next(lines)[0].reading.in_use)
                for turn in range(days * DAY // every)
            )
            db.executemany("INSERT INTO reading VALUES(?, ?, ?)", rows)
        db.commit()
        began = time.perf_counter()
        result = db.execute(asked).fetchall()
        assert len(result) == pools * days
        return time.perf_counter() - began


def figures(seed: int, every: float, pools: int) -> Iterator[tuple[Pool, ...]]:
    """What the pools of one server say, poll after poll."""
    chance = random.Random(seed)  # noqa: S311 - the same estate every time, not a secret
    used = [60.0 * (number + 1) for number in range(pools)]
    pace = every / 60
    at = 0.0
    while True:
        hour, weekday = at % DAY / 3600, at // DAY % 7
        working = weekday < 5 and 7 <= hour < 19
        for number, now in enumerate(used):
            idle = 60.0 * (number + 1)
            busy = idle * (1 + 5 * min(1.0, (hour - 7) / 2, (19 - hour) / 2))
            goal = busy if working else idle
            used[number] += (goal - now) * (1 - 0.97**pace)
            if chance.random() < (min(1.0, 0.9 * pace) if working else 0.01 * pace):
                used[number] += chance.randint(-2, 2) * pace**0.5
        yield tuple(
            pool(PRODUCTS[number % len(PRODUCTS)] + str(number // len(PRODUCTS) or ""), round(now))
            for number, now in enumerate(used)
        )
        at += every
