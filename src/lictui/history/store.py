"""The history as everyone else sees it: polls go in, series, journal and the last board come out.

Owns the connection and its transactions. One thread at a time; other processes may read and write
the same file meanwhile. Everything here raises HistoryError when the file cannot be used just
now: what it holds stays, and the caller goes on without. Times are UTC epoch seconds.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lictui.analysis.series import BackfillRow, Resolution, Series, SeriesQuery
from lictui.history import (
    blocks,
    journal,
    pools,
)
from lictui.history import (
    journal as alerts,
)
from lictui.history import (
    journal as latest,
)
from lictui.history import (
    journal as lease,
)
from lictui.history import (
    journal as told,
)
from lictui.history.backfill import ImportCounts, LicenseGrant, backfill
from lictui.history.database import OpenedDatabase, open_database
from lictui.history.errors import reading, sqlite_errors, writing
from lictui.history.query import answer
from lictui.history.readings import FOREVER, append, compact, horizon, roll
from lictui.history.readings import rows as rows_retention

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.config.settings import Retention
    from lictui.history.csv_export import ExportQuery
    from lictui.history.csv_reader import ImportedPool
    from lictui.history.daily_maxima import Facts
    from lictui.history.journal import AlertChanges, LastPoll
    from lictui.history.pools import KnownPool
    from lictui.history.rollup import Rollup
    from lictui.model import (
        Acknowledgement,
        AlertKey,
        AlertState,
        Event,
        JournalFilter,
        MonthlyUsage,
        Poll,
        PoolKey,
        Server,
    )


# A server gets another name and keeps its history, even if the name had one before


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Call the server `old` by the name `new`, within the caller's transaction."""
    if old == new:
        return
    there = pools.of_server(db, new)
    for key, pool in pools.of_server(db, old).items():
        if key in there:
            _merge(db, there[key], pool)
    db.execute("UPDATE pool SET server = ? WHERE server = ?", (new, old))
    if db.execute("SELECT 1 FROM latest WHERE server = ?", (old,)).fetchone():
        db.execute("UPDATE OR REPLACE latest SET server = ? WHERE server = ?", (new, old))
    told.rename_told(db, old, new)
    alerts.rename(db, old, new)
    db.execute("UPDATE OR REPLACE increment SET server = ? WHERE server = ?", (new, old))
    db.execute("UPDATE event SET server = ? WHERE server = ?", (new, old))


def _merge(db: sqlite3.Connection, earlier: KnownPool, later: KnownPool) -> None:
    """Put what a name used to stand for before the history of who bears it now."""
    # Both in blocks entirely: one place to join them. What is read next starts a new row.
    roll(db, earlier, FOREVER)
    roll(db, later, FOREVER)
    blocks.hand_over(db, later.id, earlier.id)
    db.execute("UPDATE OR REPLACE terms SET pool = ? WHERE pool = ?", (earlier.id, later.id))
    db.execute("DELETE FROM pool WHERE id = ?", (later.id,))
    db.execute(
        "UPDATE pool SET model = ?, name = ?, since = ?, ended = ?, rolled = ? WHERE id = ?",
        (
            later.model,
            later.name,
            min(earlier.since, later.since),
            later.ended,
            later.rolled,
            earlier.id,
        ),
    )


class History:
    """What was read, in one SQLite file."""

    def __init__(
        self, path: Path, opened: OpenedDatabase, retention: Retention, clock: Clock
    ) -> None:
        self.path = path
        self.retention = retention
        self.journal_mode = opened.journal
        self.notices = opened.notices  # what the user must be told
        self._db = opened.db
        self._clock = clock

    @classmethod
    def open(cls, path: Path, retention: Retention, clock: Clock) -> History:
        """The history at `path`, 0600 in a 0700 folder, created or brought up to date if need be.

        A damaged file is set aside, never deleted; a newer lictui's or another program's is
        refused and not touched.
        """
        return cls(path, open_database(path, clock.now()), retention, clock)

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with sqlite_errors(self.path):
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, server: Server, poll: Poll, events: Sequence[Event] = ()) -> None:
        """Write one poll down, and what it brought for the journal."""
        self.append_many(((server, poll, events),))

    def append_many(
        self,
        polls: Iterable[tuple[Server, Poll, Sequence[Event]]],
        decided: AlertChanges | None = None,
    ) -> None:
        """Write several polls down, in order, and what was `decided` on alerts: all, or none.

        A poll that failed leaves a gap: no figures, only that it was tried.
        """
        with self._writing() as db:
            for server, poll, events in polls:
                append(db, server, poll)
                journal.add(db, events)
            if decided is not None:
                alerts.put(db, decided)

    def alert_states(self) -> tuple[AlertState, ...]:
        """Everything that is remembered of alerts, raised or not yet."""
        with self._reading() as db:
            return alerts.everything(db)

    def acknowledgements(self) -> dict[AlertKey, Acknowledgement]:
        """What was said to alerts, and still stands."""
        with self._reading() as db:
            return alerts.answers(db)

    def set_acknowledgement(
        self, who: AlertKey, said: Acknowledgement | None, events: Iterable[Event] = ()
    ) -> None:
        """Note what somebody says to an alert, or with None that it is taken back."""
        with self._writing() as db:
            alerts.answer(db, who, said)
            journal.add(db, events)

    def add_events(self, events: Iterable[Event]) -> None:
        """Lines for the journal that no poll brought."""
        with self._writing() as db:
            journal.add(db, events)

    def backfill(self, rows: Iterable[BackfillRow]) -> None:
        """Take in what was not polled here, as it stands; twice changes nothing."""
        with self._writing() as db:
            backfill(db, rows)

    def import_readings(self, found: Iterable[ImportedPool]) -> ImportCounts:
        """Take in what a file gave: all of it or none; twice changes nothing."""
        from lictui.history.backfill import import_readings  # noqa: PLC0415 - the monitor takes in nothing

        with self._writing() as db:
            return import_readings(db, found, self._clock.now(), self.retention)

    def import_licenses(self, server: str, grants: Iterable[LicenseGrant], now: float) -> int:
        """Take in what license files grant on a server; how many are news."""
        from lictui.history.backfill import import_licenses  # noqa: PLC0415 - the monitor reads no files

        with self._writing() as db:
            return import_licenses(db, server, grants, now)

    def rename_server(self, old: str, new: str) -> None:
        """Call the server `old` by the name `new`; if that has a history, this one continues it."""
        with self._writing() as db:
            rename(db, old, new)

    def compact(self) -> None:
        """Roll up and forget what is due: cheap, and to be called every few minutes."""
        with self._writing() as db:
            self._compact(db)

    def compact_all(self) -> None:
        """Roll up and forget everything due, and give the disk back what is free: takes a while."""
        with sqlite_errors(self.path):
            done = False
            while not done:
                with writing(self._db):
                    done = self._compact(self._db)
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def last_polls(self) -> Mapping[str, LastPoll]:
        """The last poll, and the last that told something, of every server ever polled."""
        with self._reading() as db:
            return latest.everything_latest(db)

    def series(self, question: SeriesQuery) -> Series:
        """What was in use over time; several pools are summed at the same moments."""
        return self.series_batch((question,))[0]

    def series_batch(self, questions: Iterable[SeriesQuery]) -> tuple[Series, ...]:
        """Several questions, answered as of one moment."""
        now = self._clock.now()
        with self._reading() as db, _undisturbed():
            return tuple(answer(db, question, now) for question in questions)

    def events(
        self,
        limit: int,
        before: float | None = None,
        since: float | None = None,
        about: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        """At most `limit` lines of the journal, newest first, of [since, before) if given."""
        with self._reading() as db:
            return journal.newest(db, limit, before, since, about)

    def event_pages(self, most: int = 1000) -> Iterator[tuple[Event, ...]]:
        """The whole journal, newest first, at most `most` lines at a time."""
        with sqlite_errors(self.path):
            yield from journal.pages(self._db, most)

    def monthly_usage(self, server: str, key: PoolKey) -> tuple[MonthlyUsage, ...]:
        """The months the source told of a pool's past, which are no readings of ours."""
        with self._reading() as db:
            return told.of(db, server, key)

    def export_rows(self, wanted: ExportQuery) -> Iterator[tuple[object, ...]]:
        """The rows of a CSV, its header first, one pool at a time in memory."""
        from lictui.history.csv_export import export_rows  # noqa: PLC0415 - seldom asked

        with sqlite_errors(self.path):
            yield from export_rows(self._db, wanted)

    def pools(self) -> tuple[KnownPool, ...]:
        """Every pool ever read, by server, product and subscription date."""
        with self._reading() as db:
            return tuple(pools.every_one(db))

    def complete_days(self, pool: KnownPool, start: int, end: int) -> Facts:
        """What the days of a pool come to that begin in [start, end) and have every figure."""
        from lictui.history.daily_maxima import facts  # noqa: PLC0415 - start-up asks for no peaks

        with self._reading() as db:
            return facts(db, pool, (start, end), int(self._clock.now()))

    def upper_bounds(self, pools: Iterable[KnownPool], width: Resolution, base: int) -> list[float]:
        """What the sum of some pools cannot exceed, in each bucket of the block from `base` on."""
        from lictui.history.daily_maxima import bounds  # noqa: PLC0415 - start-up asks for no peaks

        with self._reading() as db:
            return bounds(db, (pool.id for pool in pools), width, base)

    def fine_grained_since(self, pool: KnownPool) -> int:
        """From when on five-minute figures of a pool are kept; 0 if all there ever were."""
        with self._reading() as db:
            return horizon(db, pool, Resolution.FIVE_MINUTES)

    def data_version(self) -> int:
        """A number that changes when another process has written to the file."""
        with sqlite_errors(self.path):
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def stats(self) -> HistoryStats:
        """How much there is, of what, and since when."""
        with self._reading() as db:
            return stats(db)

    def claim_lease(self, holder: str, until: float, now: float) -> bool:
        """Take or renew the right to poll, until `until`; False while another one has it."""
        with self._writing() as db:
            return lease.claim(db, holder, until, now)

    def lease_holder(self) -> str:
        """Who has the right to poll; "" if nobody has."""
        with self._reading() as db:
            return lease.holder(db)

    def release_lease(self, holder: str) -> None:
        """Let go of the right to poll."""
        with self._writing() as db:
            lease.release(db, holder)

    def _compact(self, db: sqlite3.Connection) -> bool:
        now = self._clock.now()
        journal.forget(db, now - self.retention.journal * 86400)
        return compact(db, now, self.retention)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self.path), writing(self._db):
            yield self._db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with sqlite_errors(self.path), reading(self._db):
            yield self._db


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Look for no garbage meanwhile: an answer has none, and going through it takes as long again.

    A year of a thousand pools is 365,000 buckets, and the collector looks at all of them a dozen
    times while their number grows.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# How much the history holds, of what, and since when


@dataclass(frozen=True, slots=True)
class HistoryStats:
    """What there is. Times are UTC epoch seconds, None while there is nothing."""

    schema: int
    servers: int
    pools: int
    readings: int  # polls of pools ever kept, in whatever resolution they are kept now
    events: int
    first_reading: int | None
    last_reading: int | None
    size_bytes: int  # bytes, without the write-ahead log

    @property
    def bytes_per_reading(self) -> float | None:
        """What a reading costs on disk."""
        return self.size_bytes / self.readings if self.readings else None


def stats(db: sqlite3.Connection) -> HistoryStats:
    """Count everything; unpacks the daily blocks, so that it takes a moment for many pools."""
    known = list(pools.every_one(db))
    readings = 0
    moments: list[int] = []
    for pool in known:
        days = blocks.tallies(db, pool.id, Resolution.DAY, 0, FOREVER)
        recent = rows_retention(db, pool.id)
        readings += sum(each.n for each in days)
        readings += sum(run.n for run in recent if run.in_use is not None)
        moments += [run.end for run in recent[-1:]] or _last(db, pool.id, days)
    ((schema,),) = db.execute("PRAGMA user_version")
    ((page_count,),) = db.execute("PRAGMA page_count")
    ((page_size,),) = db.execute("PRAGMA page_size")
    ((events,),) = db.execute("SELECT count(*) FROM event")
    ((answered,),) = db.execute("SELECT max(answered_at) FROM latest")
    moments += [] if answered is None else [int(answered)]
    return HistoryStats(
        schema=schema,
        servers=len({pool.server for pool in known}),
        pools=len(known),
        readings=readings,
        events=events,
        first_reading=min((pool.since for pool in known), default=None),
        last_reading=max(moments, default=None),
        size_bytes=page_count * page_size,
    )


def _last(db: sqlite3.Connection, pool: int, days: Sequence[Rollup]) -> list[int]:
    """When the last reading was that is in a block, as near as is still known."""
    if not days:
        return []
    start = days[-1].start
    ends = [run.end for run in blocks.runs(db, pool, start, start + 1)]
    return [max([days[-1].high_at, *ends])]
