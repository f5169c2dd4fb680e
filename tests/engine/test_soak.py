"""A day of 50 servers in compressed time, with every fault that must not cost a reading."""

from __future__ import annotations

import gc
import logging
import random
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from tests.engine.conftest import EngineHarness
from tests.support.values import pool, server, snapshot

from lictui.config.settings import Retention
from lictui.engine.engine import Engine
from lictui.history.store import History
from lictui.model import FailureKind, Snapshot
from lictui.sources.source import SourceError

SERVERS, INTERVAL, HOUR = 50, 120.0, 3600.0
NAMES = [f"lic-{number:02}" for number in range(SERVERS)]
PAGE = 4096
MAX_GROWTH = 1.0  # MB an hour


class Day:
    """An engine that runs for hours, and what it should have recorded."""

    def __init__(self, harness: EngineHarness) -> None:
        self.harness = harness
        self.answered = SERVERS  # readings that must be found; the start polls every server
        self.memory: list[float] = []  # MB, after each hour
        self._random = random.Random(1)  # noqa: S311 - the same faults every time
        self._fetch = harness.open_source

    def answer(self) -> None:
        """Let every server answer something else next: mostly figures, sometimes a failure."""
        for name in NAMES:
            reply: Snapshot | Exception = snapshot(
                pool(in_use=self._random.randrange(600), installed=500)
            )
            if self._random.random() < 0.05:
                reply = SourceError(FailureKind.TIMEOUT, "no answer")
            elif self._random.random() < 0.01:
                reply = ZeroDivisionError("a defect of a source")
            self.harness.replies[name] = reply

    async def run(self, hours: float) -> None:
        """Let time pass, minute by minute."""
        for _ in range(round(hours * HOUR / 60)):
            self.answer()
            before = len(self.harness.polled_names)
            await self.harness.clock.advance(60)
            for name in self.harness.polled_names[before:]:
                self.answered += isinstance(self.harness.replies[name], Snapshot)
            del self.harness.polled_names[:], self.harness.boards[:]
        gc.collect()
        self.memory.append(resident())

    def readings(self) -> int:
        """How many readings another process finds in the history."""
        with History(self.harness.paths.history, Retention(), self.harness.clock) as history:
            return history.stats().readings


def resident() -> float:
    """Resident memory in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def resources() -> tuple[int, int]:
    """Open files and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def fill_disk(engine: Engine, *, full: bool) -> None:
    """Let the history file grow no more, nor use pages that became free; or let it grow again."""
    assert engine._history
    engine._history._db.execute("VACUUM")
    ((pages,),) = engine._history._db.execute("PRAGMA page_count")
    engine._history._db.execute(f"PRAGMA max_page_count = {pages if full else 1_000_000}")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory and files are counted in /proc")
async def test_day_with_faults_loses_no_reading_and_needs_no_more_memory(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.history.database._BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pytest keeps lines
    harness.register(*(server(name, interval=INTERVAL) for name in NAMES))
    day, path = Day(harness), harness.paths.history
    engine = await harness.engine()
    await day.run(3)
    at_start = resources()
    harness.clock.set_wall(3600.0)
    await day.run(3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    await day.run(0.5)
    assert any("not written yet" in notice for notice in engine.board.notices)
    other.close()
    await day.run(2.5)
    harness.clock.set_wall(-3607.0)
    await day.run(3)
    for _ in range(5):  # compaction frees pages now and then
        fill_disk(engine, full=True)
        await day.run(0.1)
    assert any("disk full" in notice for notice in engine.board.notices)
    fill_disk(engine, full=False)
    await day.run(2.5)
    await engine._write()
    assert day.readings() == day.answered
    path.unlink()
    day.answered = 0
    await day.run(9)
    await harness.close(engine)
    assert day.readings() == day.answered
    assert engine.board.notices == ()
    growth = (day.memory[-1] - day.memory[0]) / 21
    figures = f"{growth:.2f} MB an hour, {day.memory}, {at_start} -> {resources()}"
    assert growth < MAX_GROWTH, figures
    assert resources()[1] <= at_start[1], figures
    assert resources()[0] <= at_start[0], figures
    sys.stdout.write(f"{day.answered} readings after the deletion; {figures}\n")
