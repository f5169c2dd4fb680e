"""Killed at any moment: the file is sound, and nothing but the poll in flight is missing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.history.history_fixture import MIDNIGHT, HistoryFixture

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
def test_nothing_that_was_written_is_missing_after_a_kill(tmp_path: Path, *, network: bool) -> None:
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
