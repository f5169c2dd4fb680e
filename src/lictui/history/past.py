"""The history as it was at another time: that of its clock. What came later does not exist yet."""

from __future__ import annotations

from datetime import date
from math import inf, nextafter
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec.structs import replace

from lictui.analysis.series import ALIGNMENT
from lictui.history import polls, pools
from lictui.history.compaction import with_unpacked
from lictui.history.journal import EVERYTHING
from lictui.history.polls import LastPoll
from lictui.history.query import StoredPool
from lictui.history.rollup import CONTEXT, UNKNOWN, Capacities
from lictui.history.store import History
from lictui.model import (
    STATE_OF_KIND,
    Acknowledgement,
    AlertKey,
    AlertState,
    Failure,
    FailureKind,
    Model,
    Pool,
    Reading,
    Snapshot,
    State,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from lictui.analysis.columns import Series
    from lictui.analysis.series import SeriesQuery
    from lictui.history.pools import Capacity, KnownPool
    from lictui.model import Event, JournalFilter, PoolKey

_KINDS: Final[Mapping[State, FailureKind]] = {
    State.DOWN: FailureKind.TIMEOUT,
    **{state: kind for kind, state in reversed(STATE_OF_KIND.items())},
}


class PastHistory(History):
    """Answers as if it were the time of its clock, which may go back. Opened read-only."""

    def pools(self) -> tuple[KnownPool, ...]:
        """Return the pools that were recorded by then."""
        now = int(self._clock.now())
        return tuple(
            pool._replace(ended=None if pool.ended is None or pool.ended > now else pool.ended)
            for pool in super().pools()
            if pool.since <= now
        )

    def series_batch(self, queries: Iterable[SeriesQuery]) -> tuple[Series, ...]:
        """Answer several queries, up to then."""
        end = int(self._clock.now()) + 1
        return super().series_batch(replace(query, end=min(query.end, end)) for query in queries)

    def event_pages(
        self,
        size: int = 1000,
        before: float = inf,
        since: float = -inf,
        about: JournalFilter = EVERYTHING,
    ) -> Iterator[tuple[Event, ...]]:
        """Yield what had happened by then."""
        after = nextafter(self._clock.now(), inf)
        return super().event_pages(size, min(before, after), since, about)

    def alert_states(self) -> tuple[AlertState, ...]:
        """Return nothing: alerts of another time are evaluated again."""
        return ()

    def acknowledgements(self) -> dict[AlertKey, Acknowledgement]:
        """Return nothing, as above."""
        return {}

    def latest_capacities(self) -> dict[int, Capacity]:
        """Return the capacity of every pool that was known last by then."""
        with self._reading() as db:
            return pools.latest_capacities(db, int(self._clock.now()))

    def last_polls(self) -> dict[str, LastPoll]:
        """Return the last poll of every server by then, from its readings and the event log.

        What was not recorded for every poll is that of the newest one: names, expirations, version.
        """
        now = int(self._clock.now())
        known = self.pools()
        with self._reading() as db:
            newest = polls.last_polls(db)
            failures = _failures(db, now)
            return {
                server: _last_poll(
                    db,
                    [pool for pool in known if pool.server == server],
                    newest[server].snapshot if server in newest else None,
                    failures.get(server),
                    now,
                )
                for server in {pool.server for pool in known} | failures.keys()
            }


def _failures(db: sqlite3.Connection, now: int) -> dict[str, tuple[float, Failure | None]]:
    """Return since when each server was in its state, and the failure if it was not up."""
    rows = db.execute(  # the message is that of the row with the maximum
        "SELECT server, max(time), message FROM event WHERE kind = 'server' AND time <= ?"
        " GROUP BY server",
        (now,),
    )
    found: dict[str, tuple[float, Failure | None]] = {}
    for server, time, message in rows:
        words, _, reason = message.partition(": ")
        state = words.replace(" ", "_")
        failure = Failure(_KINDS[State(state)], reason) if state in _KINDS else None
        found[server] = time, failure
    return found


def _last_poll(
    db: sqlite3.Connection,
    known: Iterable[KnownPool],
    newest: Snapshot | None,
    state: tuple[float, Failure | None] | None,
    now: int,
) -> LastPoll:
    since, failure = state or (0.0, None)
    templates: dict[PoolKey, Pool] = {pool.key: pool for pool in newest.pools} if newest else {}
    polled_at, listed = 0, []
    for pool in known:
        if pool.ended is not None:
            continue
        time, reading = _reading_at(db, pool, now)
        polled_at = max(polled_at, time)
        day = pool.subscription_date
        template = templates.get(pool.key) or Pool(
            *(pool.product, pool.name, Model(pool.model), Reading()),
            subscription_date=date.fromisoformat(day) if day else None,
        )
        listed.append(replace(template, reading=reading, queued=None))
    snapshot = Snapshot(
        tuple(listed),
        *((newest.reported_name, newest.version, newest.mode) if newest else ()),
    )
    if failure is None and not polled_at:
        failure = Failure(FailureKind.TIMEOUT, "nothing was recorded at this time")
    last_success = float(polled_at) if polled_at else None
    time_of_poll = float(now) if failure else float(polled_at)
    return LastPoll(
        time_of_poll,
        0.0,
        since or time_of_poll,
        failure,
        last_success,
        snapshot if listed else None,
    )


def _reading_at(db: sqlite3.Connection, pool: KnownPool, now: int) -> tuple[int, Reading]:
    """Return when the pool was read, 0 if it was not, and its figures."""
    capacities = Capacities.of(pools.capacities(db, pool.id))
    readings = with_unpacked(db, pool, now - CONTEXT, now + 1)
    time, value = 0, UNKNOWN
    if len(readings):
        time = int(readings.time[-1])
        is_missing = ((capacities.gaps > time) & (capacities.gaps <= now)).any()
        value = UNKNOWN if is_missing else int(readings.value[-1])
    else:  # single readings of this time are not kept
        start = now // ALIGNMENT * ALIGNMENT - ALIGNMENT
        series = StoredPool(db, pool, now).series(ALIGNMENT, start, start + ALIGNMENT)
        if len(series.start):
            time, value = int(series.end[-1]), int(series.last[-1])
    installed, overdraft = (
        None if np.isnan(count) else int(count)
        for column in (capacities.installed, capacities.overdraft)
        for count in column[capacities.at(np.array([now]))]
    )
    return min(time, now), Reading(None if value == UNKNOWN else value, installed, overdraft)
