"""The budgets of the history: bytes on disk, and the time that questions take."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.history import storage_cost
from tests.history.history_fixture import DAY, HOUR, MIDNIGHT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.model import Event, EventKind


def test_renamed_server_keeps_its_history(desk: HistoryFixture) -> None:
    event = Event(MIDNIGHT, EventKind.SERVER, "old", "found")
    desk.history.append(server("old", interval=60.0), poll(name="old", at=MIDNIGHT), [event])
    desk.history.rename_server("old", "new")
    desk.history.append(server("new", interval=60.0), poll(name="new", at=MIDNIGHT + 60))
    assert desk.readings() == [(MIDNIGHT, 412), (MIDNIGHT + 60, 412)]
    assert desk.rows() == [(MIDNIGHT, 60, 2, 412)]
    assert set(desk.history.last_polls()) == {"new"}
    assert [each.server for each in desk.history.events(9)] == ["new"]
    assert desk.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "old") == ()


@pytest.mark.parametrize("rolled_between", [False, True])
def test_renamed_server_continues_the_history_of_its_new_name(
    desk: HistoryFixture, *, rolled_between: bool
) -> None:
    desk.line(MIDNIGHT, [5] * 10, "new")
    desk.read(MIDNIGHT, {"ONLY_OLD": 3}, "old")
    desk.line(MIDNIGHT + DAY, [7] * 10, "old")
    if rolled_between:
        desk.move_to(MIDNIGHT + DAY + 6 * HOUR)
    desk.history.rename_server("old", "new")
    desk.line(MIDNIGHT + DAY + 600, [8], "new")
    desk.clock._now = MIDNIGHT + 2 * DAY
    found = desk.buckets(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY, "new")
    assert [(one.high, one.samples) for one in found] == [(5, 10), (8, 11)]
    assert {each.server for each in desk.history.pools()} == {"new"}
    assert len(desk.history.pools()) == 2
    assert desk.history.last_polls()["new"].snapshot == snapshot(pool(in_use=8))
    assert len(desk.readings()) == 22
    desk.move_to(MIDNIGHT + 3 * DAY)
    assert len(desk.readings()) == 22


def test_renaming_to_the_same_name_changes_nothing(desk: HistoryFixture) -> None:
    desk.line(MIDNIGHT, [5])
    desk.history.rename_server("lic-01", "lic-01")
    desk.history.rename_server("nobody", "somebody")
    assert desk.readings() == [(MIDNIGHT, 5)]
    assert set(desk.history.last_polls()) == {"lic-01"}


BYTES = 8.0


@pytest.mark.slow
@pytest.mark.parametrize(("every", "days"), [(60, 70), (900, 365)])
def test_reading_takes_few_bytes_on_disk(tmp_path: Path, every: float, days: int) -> None:
    # Single readings are kept for 62 days: from then on a year of minutes only gets cheaper.
    with closing(storage_cost.live(tmp_path, every, days)) as history:
        found = history.stats()
        assert found.readings == days * storage_cost.DAY / every * found.pools
        assert found.bytes_per_reading is not None
        assert found.bytes_per_reading <= BYTES
        assert history.path.stat().st_size <= found.size_bytes


TOP = Path(__file__).parents[2]
# Polls for ever, tells each one that was written, and rolls up every few hours of its own time.
WRITER = """
import sys
from pathlib import Path
from tests.history.history_fixture import MIDNIGHT, Desk
desk = Desk(Path(sys.argv[1]))
turn = int(sys.argv[2])
while True:
    desk.line(MIDNIGHT + turn * 60, [turn // 3])
    print(turn, flush=True)
    turn += 1
    if turn % 50 == 0:
        desk.move_to(MIDNIGHT + turn * 60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback"])
def test_killed_writer_loses_nothing_written(tmp_path: Path, *, network: bool) -> None:
    path = tmp_path / "history.db"
    program = WRITER
    if network:
        program = (
            "from lictui.history import database\ndatabase.is_network_path = lambda path: True\n"
            + WRITER
        )
    told = -1
    for kill in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(told + 1)],
            cwd=TOP,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout
            for _ in range(150 + 37 * kill):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                told = int(line) if line.endswith("\n") else told
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with closing(HistoryFixture(path)) as desk:
            readings = desk.readings()
        expected = [(MIDNIGHT + turn * 60, turn // 3) for turn in range(told + 1)]
        assert readings[: len(expected)] == expected
        assert len(readings) - len(expected) <= 1  # written, but not told any more
        told = len(readings) - 1
