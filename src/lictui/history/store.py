"""The history as everyone else sees it: polls go in, series, journal and the last board come out.

Owns the connection and its transactions. One thread at a time; other processes may read and write
the same file meanwhile. Everything here raises HistoryError when the file cannot be used just
now: what it holds stays, and the caller goes on without. Times are UTC epoch seconds.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lictui.analysis.series import Resolution
from lictui.history import alerts, journal, latest, lease, pools, told
from lictui.history.append import append
from lictui.history.database import open_database
from lictui.history.past import backfill
from lictui.history.query import answer
from lictui.history.read import horizon
from lictui.history.rename import rename
from lictui.history.retention import compact
from lictui.history.transaction import reading, writing
from lictui.history.trouble import speaking

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from lictui.analysis.series import Past, Question, Series
    from lictui.clock import Clock
    from lictui.config.settings import Retention
    from lictui.history.alerts import Decided
    from lictui.history.database import Opened
    from lictui.history.facts import Facts
    from lictui.history.intake.given import Given
    from lictui.history.intake.take import Taken
    from lictui.history.latest import Latest
    from lictui.history.licenses import Grant
    from lictui.history.pools import KnownPool
    from lictui.history.stats import Stats
    from lictui.history.transfer import Wanted
    from lictui.model import About, Answer, Event, Identity, Poll, PoolKey, Server, Standing, Told


class History:
    """What was read, in one SQLite file."""

    def __init__(self, path: Path, opened: Opened, retention: Retention, clock: Clock) -> None:
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
        with speaking(self.path):
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, server: Server, poll: Poll, events: Sequence[Event] = ()) -> None:
        """Write one poll down, and what it brought for the journal."""
        self.append_many(((server, poll, events),))

    def append_many(
        self, polls: Iterable[tuple[Server, Poll, Sequence[Event]]], decided: Decided | None = None
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

    def alerts(self) -> tuple[Standing, ...]:
        """Everything that is remembered of alerts, raised or not yet."""
        with self._reading() as db:
            return alerts.everything(db)

    def answers(self) -> dict[Identity, Answer]:
        """What was said to alerts, and still stands."""
        with self._reading() as db:
            return alerts.answers(db)

    def answer(self, who: Identity, said: Answer | None, events: Iterable[Event] = ()) -> None:
        """Note what somebody says to an alert, or with None that it is taken back."""
        with self._writing() as db:
            alerts.answer(db, who, said)
            journal.add(db, events)

    def note(self, events: Iterable[Event]) -> None:
        """Lines for the journal that no poll brought."""
        with self._writing() as db:
            journal.add(db, events)

    def backfill(self, rows: Iterable[Past]) -> None:
        """Take in what was not polled here, as it stands; twice changes nothing."""
        with self._writing() as db:
            backfill(db, rows)

    def take(self, found: Iterable[Given]) -> Taken:
        """Take in what a file gave: all of it or none; twice changes nothing."""
        from lictui.history.intake.take import take  # noqa: PLC0415 - the monitor takes in nothing

        with self._writing() as db:
            return take(db, found, self._clock.now(), self.retention)

    def grant(self, server: str, grants: Iterable[Grant], now: float) -> int:
        """Take in what license files grant on a server; how many are news."""
        from lictui.history.licenses import grant  # noqa: PLC0415 - the monitor reads no files

        with self._writing() as db:
            return grant(db, server, grants, now)

    def rename(self, old: str, new: str) -> None:
        """Call the server `old` by the name `new`; if that has a history, this one continues it."""
        with self._writing() as db:
            rename(db, old, new)

    def compact(self) -> None:
        """Roll up and forget what is due: cheap, and to be called every few minutes."""
        with self._writing() as db:
            self._compact(db)

    def shrink(self) -> None:
        """Roll up and forget everything due, and give the disk back what is free: takes a while."""
        with speaking(self.path):
            done = False
            while not done:
                with writing(self._db):
                    done = self._compact(self._db)
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def latest(self) -> Mapping[str, Latest]:
        """The last poll, and the last that told something, of every server ever polled."""
        with self._reading() as db:
            return latest.everything(db)

    def series(self, question: Question) -> Series:
        """What was in use over time; several pools are summed at the same moments."""
        return self.many((question,))[0]

    def many(self, questions: Iterable[Question]) -> tuple[Series, ...]:
        """Several questions, answered as of one moment."""
        now = self._clock.now()
        with self._reading() as db, _undisturbed():
            return tuple(answer(db, question, now) for question in questions)

    def events(
        self,
        limit: int,
        before: float | None = None,
        since: float | None = None,
        about: About | None = None,
    ) -> tuple[Event, ...]:
        """At most `limit` lines of the journal, newest first, of [since, before) if given."""
        with self._reading() as db:
            return journal.newest(db, limit, before, since, about)

    def journal(self, most: int = 1000) -> Iterator[tuple[Event, ...]]:
        """The whole journal, newest first, at most `most` lines at a time."""
        with speaking(self.path):
            yield from journal.pages(self._db, most)

    def told(self, server: str, key: PoolKey) -> tuple[Told, ...]:
        """The months the source told of a pool's past, which are no readings of ours."""
        with self._reading() as db:
            return told.of(db, server, key)

    def export_rows(self, wanted: Wanted) -> Iterator[tuple[object, ...]]:
        """The rows of a CSV, its header first, one pool at a time in memory."""
        from lictui.history.transfer import rows  # noqa: PLC0415 - seldom asked

        with speaking(self.path):
            yield from rows(self._db, wanted)

    def pools(self) -> tuple[KnownPool, ...]:
        """Every pool ever read, by server, product and subscription date."""
        with self._reading() as db:
            return tuple(pools.every_one(db))

    def facts(self, pool: KnownPool, start: int, end: int) -> Facts:
        """What the days of a pool come to that begin in [start, end) and have every figure."""
        from lictui.history.facts import facts  # noqa: PLC0415 - start-up asks for no peaks

        with self._reading() as db:
            return facts(db, pool, (start, end), int(self._clock.now()))

    def bounds(self, pools: Iterable[KnownPool], width: Resolution, base: int) -> list[float]:
        """What the sum of some pools cannot exceed, in each bucket of the block from `base` on."""
        from lictui.history.highs import bounds  # noqa: PLC0415 - start-up asks for no peaks

        with self._reading() as db:
            return bounds(db, (pool.id for pool in pools), width, base)

    def horizon(self, pool: KnownPool) -> int:
        """From when on five-minute figures of a pool are kept; 0 if all there ever were."""
        with self._reading() as db:
            return horizon(db, pool, Resolution.FIVE_MINUTES)

    def others(self) -> int:
        """A number that changes when another process has written to the file."""
        with speaking(self.path):
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def stats(self) -> Stats:
        """How much there is, of what, and since when."""
        from lictui.history.stats import stats  # noqa: PLC0415 - seldom asked

        with self._reading() as db:
            return stats(db)

    def claim(self, holder: str, until: float, now: float) -> bool:
        """Take or renew the right to poll, until `until`; False while another one has it."""
        with self._writing() as db:
            return lease.claim(db, holder, until, now)

    def holder(self) -> str:
        """Who has the right to poll; "" if nobody has."""
        with self._reading() as db:
            return lease.holder(db)

    def release(self, holder: str) -> None:
        """Let go of the right to poll."""
        with self._writing() as db:
            lease.release(db, holder)

    def _compact(self, db: sqlite3.Connection) -> bool:
        now = self._clock.now()
        journal.forget(db, now - self.retention.journal * 86400)
        return compact(db, now, self.retention)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with speaking(self.path), writing(self._db):
            yield self._db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with speaking(self.path), reading(self._db):
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
