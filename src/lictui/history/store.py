"""The history: polls are recorded, and series, events and the last polls are read back.

A connection is used by one thread at a time; other processes may read and write the same file
meanwhile. Every method raises HistoryError when the file cannot be used: its contents stay, and
the caller continues without it. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from lictui.analysis.series import Resolution
from lictui.history import journal, pools
from lictui.history.errors import sqlite_errors, transaction
from lictui.history.journal import Journal
from lictui.history.polls import Polls
from lictui.history.recording import append_poll

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from lictui.analysis.columns import Series, SumPart
    from lictui.analysis.series import SeriesQuery
    from lictui.clock import Clock
    from lictui.config.settings import Retention
    from lictui.history.backfill import ImportCounts, LicenseGrant
    from lictui.history.csv_export import ExportQuery
    from lictui.history.csv_reader import ImportedPool
    from lictui.history.journal import AlertChanges
    from lictui.history.memberships import ServerPool
    from lictui.history.pools import Capacity, KnownPool
    from lictui.history.query import StoredPool
    from lictui.model import Event, Poll, Server


class History(Journal, Polls):
    """The history database: one SQLite file."""

    def __init__(
        self,
        path: Path,
        retention: Retention,
        clock: Clock,
        *,
        read_only: bool = False,
        patience: float | None = None,
    ) -> None:
        super().__init__(path, clock.now(), read_only=read_only, patience=patience)
        self.retention = retention
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Recording

    def append(self, server: Server, poll: Poll, events: Sequence[Event] = ()) -> None:
        """Record one poll and its events."""
        self.append_many(((server, poll, events),))

    def append_many(
        self,
        server_polls: Iterable[tuple[Server, Poll, Sequence[Event]]],
        changes: AlertChanges | None = None,
    ) -> None:
        """Record several polls in order, and changes of alerts: all, or none.

        A failed poll leaves a gap: no figures, only that it was tried.
        """
        with self._writing() as db:
            for server, poll, events in server_polls:
                append_poll(db, server, poll)
                journal.add_events(db, events)
            if changes is not None:
                journal.write_alerts(db, changes)

    def import_readings(self, imported: Iterable[ImportedPool]) -> ImportCounts:
        """Import what a file has: all of it or nothing; the same again changes nothing."""
        from lictui.history import backfill

        with self._writing() as db:
            return backfill.import_readings(db, imported, self._clock.now(), self.retention)

    def import_licenses(self, server: str, grants: Iterable[LicenseGrant], now: float) -> int:
        """Import the grants of license files on a server; return how many were new."""
        from lictui.history import backfill

        with self._writing() as db:
            return backfill.import_licenses(db, server, grants, now)

    def push_positions(self, target: str) -> dict[str, tuple[int, int]]:
        """Return by server: up to when figures are in an engine, and up to when any were sent."""
        with self._reading() as db:
            rows = db.execute("SELECT server, until, tried FROM pushed WHERE target = ?", (target,))
            return {server: (until, tried) for server, until, tried in rows}

    def set_pushed(self, target: str, server: str, before: int, until: int, tried: int) -> None:
        """Store a position, unless it is not `before` any more: there are late figures."""
        statement = "INSERT INTO pushed VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        statement += " until = excluded.until, tried = excluded.tried WHERE until = ?"
        with self._writing() as db:
            db.execute(statement, (target, server, until, tried, before))

    def rename_server(self, old: str, new: str) -> None:
        """Rename a server; if `new` has a history, that of `old` continues it."""
        if old != new:
            with self._writing() as db:
                _rename_server(db, old, new)

    # Maintenance

    def compact(self) -> None:
        """Pack and delete what is due: quick, to be called every few minutes."""
        with self._writing() as db:
            self._compact(db)

    def compact_all(self) -> None:
        """Pack and delete everything that is due, and shrink the file: may take minutes."""
        with sqlite_errors(self.path):
            done = False
            while not done:
                with transaction(self._db, "IMMEDIATE"):
                    done = self._compact(self._db, everything=True)
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _compact(self, db: sqlite3.Connection, *, everything: bool = False) -> bool:
        from lictui.history import blocks, compaction
        from lictui.history.sums import store_peaks

        now = self._clock.now()
        packed = compaction.pack_due(db, now)
        proven = compaction.justified_time(db, now)
        first = proven - self.retention.journal * Resolution.DAY
        db.execute("DELETE FROM event WHERE time < ?", (first,))
        kept = compaction.kept_since(proven, self.retention)
        until = kept[Resolution.FIVE_MINUTES]
        kept[Resolution.FIVE_MINUTES] = store_peaks(db, until, int(now))
        done = len(packed) < compaction.MAX_POOLS and kept[Resolution.FIVE_MINUTES] == until
        for pool in pools.all_pools(db) if done and everything else packed:
            for width, since in kept.items():
                blocks.drop_before(db, pool.id, width, since)
        return done

    def stats(self) -> HistoryStats:
        """Return the size and period of the history."""
        with self._reading() as db:
            return _stats(db)

    # Reading

    def pools(self) -> tuple[KnownPool, ...]:
        """Return every recorded pool, by server, product and subscription date."""
        with self._reading() as db:
            return tuple(pools.all_pools(db))

    def latest_capacities(self) -> dict[int, Capacity]:
        """Return the last known capacity of every pool, by the pool's id."""
        with self._reading() as db:
            return pools.latest_capacities(db)

    def series(self, query: SeriesQuery) -> Series:
        """Return usage over time; several pools are summed at the same times."""
        return self.series_batch((query,))[0]

    def series_batch(self, queries: Iterable[SeriesQuery]) -> tuple[Series, ...]:
        """Answer several queries from one consistent state."""
        from lictui.history.query import series_of

        now = self._clock.now()
        with self._reading() as db:
            return tuple(
                series_of(db, self._stored(db, query.pools), query, now) for query in queries
            )

    def sum_parts(
        self, known: Iterable[KnownPool], start: int, end: int, entitlements: Mapping[str, str]
    ) -> list[SumPart]:
        """Return what a sum over [start, end) adds of these pools; `entitlements` of servers."""
        by_owner = {(pool.server, pool.key): pool for pool in known}
        with self._reading() as db:
            return [
                part
                for stored in self._stored(db, by_owner)
                for part in stored.parts(
                    by_owner[stored.pool.server, stored.pool.key], start, end, entitlements
                )
            ]

    def _stored(self, db: sqlite3.Connection, owners: Iterable[ServerPool]) -> list[StoredPool]:
        from lictui.history.query import StoredPool

        found = (pools.find_pool(db, *owner) for owner in dict.fromkeys(owners))
        return [StoredPool(db, pool, int(self._clock.now())) for pool in found if pool]

    def remember_sums(self, sums: Iterable[Iterable[KnownPool]]) -> None:
        """Keep the daily maxima of the sums of these pools when five-minute figures expire."""
        ids = [sorted({pool.id for pool in parts}) for parts in sums]
        rows = {(" ".join(map(str, numbers)),) for numbers in ids if len(numbers) > 1}
        with self._reading() as db:
            new = rows.difference(db.execute("SELECT pools FROM summed"))
        if new:
            with self._writing() as db:
                db.executemany("INSERT OR IGNORE INTO summed VALUES(?)", sorted(new))

    def tightened(self, total: Series, known: Sequence[KnownPool]) -> Series:
        """Return a sum of pools with the exact maxima of its days, as far as they were stored."""
        from lictui.history.query import tightened

        if total.exact:
            return total
        with self._reading() as db:
            return tightened(db, total, known)

    def export_rows(self, query: ExportQuery) -> Iterator[tuple[object, ...]]:
        """Yield the rows of a CSV, its header first, one pool at a time in memory."""
        from lictui.history.csv_export import export_rows  # noqa: PLC0415 - not for the screens

        with sqlite_errors(self.path):
            yield from export_rows(self._db, query)


# Renaming a server


_OF_SERVERS: Final = ("pool", "license_grant", "last_poll", "monthly_usage", "event")


def _rename_server(db: sqlite3.Connection, old: str, new: str) -> None:
    existing = pools.pools_of_server(db, new)
    for key, pool in pools.pools_of_server(db, old).items():
        if key in existing:
            from lictui.history.compaction import merge_pools

            merge_pools(db, existing[key], pool)
    for table in ("alert", "acknowledgement"):
        if db.execute(f"SELECT 1 FROM {table} WHERE server = ?", (old,)).fetchone():
            db.execute(f"DELETE FROM {table} WHERE server = ?", (new,))
    for table in (*_OF_SERVERS, "alert", "acknowledgement"):
        db.execute(f"UPDATE OR REPLACE {table} SET server = ? WHERE server = ?", (new, old))
    pools.reset_pushed(db, new, 0)


# Statistics


class HistoryStats(Struct, frozen=True):
    """Size and period of the history. Times are None while it is empty."""

    schema: int
    servers: int
    pools: int
    readings: int  # all that were ever recorded, in whatever resolution they are kept now
    events: int
    first_reading: int | None
    last_reading: int | None
    size_bytes: int  # without the write-ahead log

    @property
    def bytes_per_reading(self) -> float | None:
        """Bytes on disk per reading."""
        return self.size_bytes / self.readings if self.readings else None


def _stats(db: sqlite3.Connection) -> HistoryStats:
    """Count everything; unpacks the daily blocks, which takes a moment with many pools."""
    from lictui.history.query import stored_readings

    known = pools.all_pools(db)
    samples = 0
    times: list[int] = []
    for pool in known:
        count, last = stored_readings(db, pool)
        samples += count
        times += [] if last is None else [last]
    ((schema,),) = db.execute("PRAGMA user_version")
    ((page_count,),) = db.execute("PRAGMA page_count")
    ((page_size,),) = db.execute("PRAGMA page_size")
    ((events,),) = db.execute("SELECT count(*) FROM event")
    ((last_success,),) = db.execute("SELECT max(last_success_at) FROM last_poll")
    times += [] if last_success is None else [int(last_success)]
    return HistoryStats(
        schema=schema,
        servers=len({pool.server for pool in known}),
        pools=len(known),
        readings=samples,
        events=events,
        first_reading=min((pool.since for pool in known), default=None),
        last_reading=max(times, default=None),
        size_bytes=page_count * page_size,
    )
