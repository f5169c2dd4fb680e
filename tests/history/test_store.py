"""The budgets of the history: bytes on disk, and the time that questions take."""

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


def test_renamed_server_keeps_its_history(fixture: HistoryFixture) -> None:
    event = Event(MIDNIGHT, EventKind.SERVER, "old", "found")
    fixture.history.append(server("old", interval=60.0), poll(name="old", at=MIDNIGHT), [event])
    fixture.history.rename_server("old", "new")
    fixture.history.append(server("new", interval=60.0), poll(name="new", at=MIDNIGHT + 60))
    assert fixture.readings() == [(MIDNIGHT, 412), (MIDNIGHT + 60, 412)]
    assert set(fixture.history.last_polls()) == {"new"}
    assert [each.server for each in fixture.history.events(9)] == ["new"]
    assert fixture.buckets(MIDNIGHT, MIDNIGHT + HOUR, 300, "old") == ()


@pytest.mark.parametrize("rolled_between", [False, True])
def test_renamed_server_continues_the_history_of_its_new_name(
    fixture: HistoryFixture, *, rolled_between: bool
) -> None:
    fixture.poll_series(MIDNIGHT, [5] * 10, "new")
    fixture.record(MIDNIGHT, {"ONLY_OLD": 3}, "old")
    fixture.poll_series(MIDNIGHT + DAY, [7] * 10, "old")
    if rolled_between:
        fixture.compact_at(MIDNIGHT + DAY + 6 * HOUR)
    fixture.history.rename_server("old", "new")
    fixture.poll_series(MIDNIGHT + DAY + 600, [8], "new")
    fixture.clock._now = MIDNIGHT + 2 * DAY
    result = fixture.buckets(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY, "new")
    assert [(one.high, one.samples) for one in result] == [(5, 10), (8, 11)]
    assert {each.server for each in fixture.history.pools()} == {"new"}
    assert len(fixture.history.pools()) == 2
    assert fixture.history.last_polls()["new"].snapshot == snapshot(pool(in_use=8))
    assert len(fixture.readings()) == 22
    fixture.compact_at(MIDNIGHT + 3 * DAY)
    assert len(fixture.readings()) == 22


def test_renaming_to_the_same_name_changes_nothing(fixture: HistoryFixture) -> None:
    fixture.poll_series(MIDNIGHT, [5])
    fixture.history.rename_server("lic-01", "lic-01")
    fixture.history.rename_server("nobody", "somebody")
    assert fixture.readings() == [(MIDNIGHT, 5)]
    assert set(fixture.history.last_polls()) == {"lic-01"}


BYTES = 8.0


@pytest.mark.slow
@pytest.mark.parametrize(("every", "days"), [(60, 70), (900, 365)])
def test_reading_takes_few_bytes_on_disk(tmp_path: Path, every: float, days: int) -> None:
    # Single readings are kept for 62 days: from then on a year of minutes only gets cheaper.
    with closing(storage_cost.live(tmp_path, every, days)) as history:
        result = history.stats()
        assert result.readings == days * storage_cost.DAY / every * result.pools
        assert result.bytes_per_reading is not None
        assert result.bytes_per_reading <= BYTES
        assert history.path.stat().st_size <= result.size_bytes


TOP = Path(__file__).parents[2]
# Polls for ever, tells each one that was written, and rolls up every few hours of its own time.
WRITER = """
import sys
from pathlib import Path
from tests.history.history_fixture import MIDNIGHT, HistoryFixture
fixture = HistoryFixture(Path(sys.argv[1]))
turn = int(sys.argv[2])
while True:
    fixture.poll_series(MIDNIGHT + turn * 60, [turn // 3])
    print(turn, flush=True)
    turn += 1
    if turn % 50 == 0:
        fixture.compact_at(MIDNIGHT + turn * 60)
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
    reported = -1
    for kill in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(reported + 1)],
            cwd=TOP,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout
            for _ in range(150 + 37 * kill):
                reported = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                reported = int(line) if line.endswith("\n") else reported
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with closing(HistoryFixture(path)) as fixture:
            readings = fixture.readings()
        expected = [(MIDNIGHT + turn * 60, turn // 3) for turn in range(reported + 1)]
        assert readings[: len(expected)] == expected
        assert len(readings) - len(expected) <= 1  # written, but not reported any more
        reported = len(readings) - 1


IMPORTER = """
import sys
from pathlib import Path
from tests.history.history_fixture import MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.csv_files import reading_rows
from lictui.history.csv_reader import ImportedPool
from lictui.model import Model, PoolKey

fixture, turn = HistoryFixture(Path(sys.argv[1])), int(sys.argv[2])
while True:
    columns = reading_rows([(MIDNIGHT + (turn * 50 + at) * 60, at, 100) for at in range(50)])
    pools = [
        ImportedPool(name, PoolKey(PRODUCT), Model.CONCURRENT, columns) for name in ("a", "b")
    ]
    fixture.history.import_readings(pools)
    print(turn, flush=True)
    turn += 1
    if turn % 10 == 0:
        fixture.clock._now = MIDNIGHT + turn * 3000
        fixture.history.compact()
"""


@pytest.mark.slow
def test_killed_import_is_complete_or_did_not_happen(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    files, reported = 0, -1
    for kill in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(path), str(files)],
            cwd=TOP,
            stdout=subprocess.PIPE,
            text=True,
        ) as importer:
            assert importer.stdout
            for _ in range(5 + 3 * kill):
                reported = int(importer.stdout.readline())
            importer.send_signal(signal.SIGKILL)
            for line in importer.stdout:
                reported = int(line) if line.endswith("\n") else reported
        with closing(HistoryFixture(path)) as fixture:
            readings = fixture.readings()
        files = len(readings) // 100
        assert reported + 1 <= files <= reported + 2  # written, but not reported any more
        own = [(MIDNIGHT + turn * 60, turn % 50) for turn in range(files * 50)]
        assert readings == own * 2
