"""What a test of the history writes and asks with: one file, one clock, few words."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from tests.support.clock import START, FakeClock
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.columns import Series
from lictui.analysis.series import Bucket, Resolution, SeriesQuery
from lictui.config.settings import Retention
from lictui.csvfile import csv_lines
from lictui.history.csv_export import ExportQuery
from lictui.history.journal import AlertChanges
from lictui.history.store import History
from lictui.model import Event, PoolKey

PRODUCT = "XDT_PLT_UD"
MIDNIGHT = int(START) - 6 * 3600
HOUR = 3600
DAY = 86400


class HistoryFixture:
    """A history and the clock it goes by."""

    def __init__(
        self, path: Path, clock: FakeClock | None = None, retention: Retention | None = None
    ) -> None:
        self.path = path
        self.clock = clock or FakeClock()
        self.history = History(path, retention or Retention(), self.clock)

    def close(self) -> None:
        self.history.close()

    def compact_at(self, at: float) -> None:
        """Let time be `at`, and what is due be rolled up."""
        self.clock._now = at
        self.history.compact()

    def add_events(self, *events: Event) -> None:
        """Events that belong to no poll."""
        self.history.append_many((), AlertChanges(events=events))

    def record(
        self,
        at: float,
        figures: dict[str, int | None] | int | None,
        name: str = "lic-01",
        every: float = 60.0,
        installed: int | None = 500,
    ) -> None:
        """A poll at `at` that read these figures, by product."""
        result = figures if isinstance(figures, dict) else {PRODUCT: figures}
        pools = [pool(product, in_use, installed) for product, in_use in result.items()]
        self.history.append(server(name, interval=every), poll(snapshot(*pools), name, at))

    def record_failure(self, at: float, name: str = "lic-01", every: float = 60.0) -> None:
        """A poll at `at` that failed."""
        self.history.append(server(name, interval=every), poll(failure(), name, at))

    def poll_series(
        self,
        start: float,
        figures: Iterable[int | None],
        name: str = "lic-01",
        every: float = 60.0,
        late: float = 0.0,
    ) -> None:
        """Polls from `start` on, `every` seconds and each `late`, one for each figure."""
        one, pace = server(name, interval=every), every + late
        polls = [
            (one, poll(snapshot(pool(PRODUCT, figure)), name, start + turn * pace), ())
            for turn, figure in enumerate(figures)
        ]
        self.history.append_many(polls)

    def series(
        self,
        start: float,
        end: float,
        bucket: int,
        names: tuple[str, ...] = ("lic-01",),
        product: str = PRODUCT,
    ) -> Series:
        pools = tuple((name, PoolKey(product)) for name in names)
        return self.history.series(SeriesQuery(pools, int(start), int(end), bucket))

    def buckets(
        self, start: float, end: float, bucket: int, *names: str, product: str = PRODUCT
    ) -> tuple[Bucket, ...]:
        return self.series(start, end, bucket, names or ("lic-01",), product).buckets

    def unpacked(self) -> list[tuple[int, int | None]]:
        """The readings that are not in blocks yet: when, and in use."""
        query = (
            "SELECT time, in_use FROM reading JOIN pool ON pool.id = pool"
            " WHERE time >= packed_until ORDER BY pool, time"
        )
        return self.history._db.execute(query).fetchall()

    def export(self, resolution: Resolution = Resolution.RAW, **wanted: object) -> list[list[str]]:
        """The exported rows, without their header, as text."""
        rows = self.history.export_rows(ExportQuery(resolution, **wanted))  # type: ignore[arg-type]
        written = io.StringIO("".join(csv_lines(rows)), newline="")
        return list(csv.reader(written))[1:]

    def readings(self) -> list[tuple[int, int | None]]:
        """Every reading of the exported past, one pool after another: when, and in use."""
        return [
            (int(datetime.fromisoformat(row[0]).timestamp()), int(row[5]) if row[5] else None)
            for row in self.export()
        ]
