"""Tables `last_poll`, `monthly_usage` and `lease`: the last poll of every server, and who polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.history.database import HistoryFile
from lictui.history.json_codec import from_json, to_json
from lictui.model import Failure, MonthlyUsage, Poll, PoolKey, Snapshot, State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

_FIGURE_LIMIT: Final = 2**31  # no license server counts so far; SQLite cannot store every integer


def stored_figure(value: int | None) -> int | None:
    """Return a figure as it is stored: None for one that no license server can mean."""
    return value if value is not None and abs(value) < _FIGURE_LIMIT else None


class LastPoll(Struct, frozen=True):
    """The last poll of one server and its last snapshot. Times are UTC epoch seconds."""

    polled_at: float
    latency: float  # seconds
    state_since: float  # when the present state was entered
    failure: Failure | None  # of the last poll, if it failed
    last_success_at: float | None  # time of `snapshot`
    stored: Snapshot | str | None  # the last snapshot, as JSON until it is asked for

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot of the last successful poll, without the pools' raw fields."""
        stored = self.stored
        return from_json(Snapshot, stored) if isinstance(stored, str) else stored


def record_last_poll(db: sqlite3.Connection, poll: Poll) -> bool:
    """Record a poll; return whether the previous one succeeded."""
    row = db.execute(
        "SELECT state, state_since FROM last_poll WHERE server = ?", (poll.server,)
    ).fetchone()
    previous_state, state_since = row or (None, poll.time)
    failure = success = snapshot = None
    if isinstance(poll.result, Failure):
        failure = poll.result
    else:  # without what explains a figure of now: it is too large for the past
        kept = tuple(replace(pool, raw_fields=()) for pool in poll.result.pools)
        success, snapshot = poll.time, to_json(replace(poll.result, pools=kept))
    state = failure.state if failure else State.UP
    if state != previous_state:
        state_since = poll.time
    db.execute(
        "INSERT INTO last_poll(server, polled_at, latency, state, state_since, failure,"
        " last_success_at, snapshot) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " polled_at = excluded.polled_at, latency = excluded.latency, state = excluded.state,"
        " state_since = excluded.state_since, failure = excluded.failure,"
        " last_success_at = ifnull(excluded.last_success_at, last_success_at),"
        " snapshot = ifnull(excluded.snapshot, snapshot)",
        (
            *(poll.server, poll.time, poll.latency, state.value, state_since),
            *(to_json(failure) if failure else None, success, snapshot),
        ),
    )
    return bool(previous_state == State.UP)


def last_polls(db: sqlite3.Connection) -> dict[str, LastPoll]:
    """Return the last poll of every server ever polled, by its name."""
    rows = db.execute(
        "SELECT server, polled_at, latency, state_since, failure, last_success_at, snapshot"
        " FROM last_poll"
    )
    return {
        server: LastPoll(
            polled_at,
            latency,
            state_since,
            from_json(Failure, failure),
            last_success_at,
            snapshot,
        )
        for server, polled_at, latency, state_since, failure, last_success_at, snapshot in rows
    }


# Months of the past that a source reports itself: not lictui's readings


def record_monthly_usage(
    db: sqlite3.Connection, server: str, months: Iterable[MonthlyUsage]
) -> int:
    """Record reported months in place of earlier reports; return how many are new or changed."""
    changed = 0
    for month in months:
        figures = map(
            stored_figure, (month.in_use, month.installed, month.newly_assigned, month.released)
        )
        key = month.key
        changed += db.execute(
            "INSERT INTO monthly_usage VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " in_use = excluded.in_use, installed = excluded.installed,"
            " newly_assigned = excluded.newly_assigned, released = excluded.released"
            " WHERE (in_use, installed, newly_assigned, released) IS NOT (excluded.in_use,"
            " excluded.installed, excluded.newly_assigned, excluded.released)",
            (server, key.product, key.subscription_date, int(month.month_start), *figures),
        ).rowcount
    return changed


def all_months(db: sqlite3.Connection) -> Iterator[tuple[str, MonthlyUsage]]:
    """Yield all reported months with their servers, by pool and in order of time."""
    for server, product, day, *month in db.execute(f"{_MONTHS} ORDER BY 1, 2, 3, 4"):
        yield server, MonthlyUsage(PoolKey(product, day), *month)


def monthly_usage(db: sqlite3.Connection, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
    """Return the reported months of a pool in order of time."""
    where = " WHERE server = ? AND product = ? AND subscription_date = ? ORDER BY month_start"
    rows = db.execute(_MONTHS + where, (server, key.product, key.subscription_date))
    return tuple(MonthlyUsage(key, *row[3:]) for row in rows)


_MONTHS: Final = (
    "SELECT server, product, subscription_date, month_start, in_use, installed, newly_assigned,"
    " released FROM monthly_usage"
)


# The lease: which of several lictui that share one history polls. Whether it is still valid is not
# decided here: clocks of two machines differ, and any clock may be set.


LeaseRow = tuple[str, float]  # the holder, and when it renewed the lease (UTC epoch seconds)


class Polls(HistoryFile):
    """The last polls, and the right to poll, as a part of the history."""

    def last_polls(self) -> dict[str, LastPoll]:
        """Return the last poll, and the last snapshot, of every server ever polled."""
        with self._reading() as db:
            return last_polls(db)

    def monthly_usage(self, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
        """Return the months of a pool that the source reported itself."""
        with self._reading() as db:
            return monthly_usage(db, server, key)

    def claim_lease(self, lease: LeaseRow, abandoned: LeaseRow | None = None) -> LeaseRow:
        """Take or renew the lease; return it, or that of another holder, unless `abandoned`."""
        with self._writing() as db:
            row: LeaseRow | None = db.execute("SELECT holder, renewed_at FROM lease").fetchone()
            if row and row[0] != lease[0] and row != abandoned:
                return row
            db.execute("INSERT OR REPLACE INTO lease VALUES(1, ?, ?)", lease)
            return lease

    def lease(self) -> LeaseRow | None:
        """Return the lease; None if nobody has it."""
        with self._reading() as db:
            row: LeaseRow | None = db.execute("SELECT holder, renewed_at FROM lease").fetchone()
            return row

    def release_lease(self, holder: str) -> None:
        """Give up the right to poll, if `holder` has it."""
        with self._writing() as db:
            db.execute("DELETE FROM lease WHERE holder = ?", (holder,))
