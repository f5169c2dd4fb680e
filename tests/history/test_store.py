"""The budgets of the history: bytes on disk, and the time that questions take."""

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
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


polls = st.tuples(
    st.none() | st.integers(0, 9),
    st.sampled_from((1, 1, 1, 1.25, 4)),  # intervals to the next poll
    st.booleans(),
)


@settings(max_examples=10)
@example([(1, 1.25, False), (5, 1, True)] * 3, 3600)
@example([(5, 1, False)] * 3 + [(5, 4, True)] + [(5, 1, False)] * 2, 3600)
@given(st.lists(polls, min_size=6, max_size=18), st.sampled_from((900, 3600)))
def test_server_that_was_renamed_between_polls_has_the_same_history_as_any_other(
    polls: list[tuple[int | None, float, bool]], every: int
) -> None:
    with TemporaryDirectory() as folder:
        renamed = HistoryFixture(Path(folder) / "renamed.db")
        usual = HistoryFixture(Path(folder) / "usual.db", renamed.clock)
        with closing(renamed), closing(usual):
            at, third = MIDNIGHT, len(polls) // 3
            for turn, (figure, pause, is_packed) in enumerate(polls):
                if turn == 2 * third:
                    renamed.history.rename_server("old", "new")
                name = "old" if third <= turn < 2 * third else "new"
                renamed.record(at, figure, name, every)
                usual.record(at, figure, "new", every)
                at += int(pause * every)
                if is_packed:
                    renamed.compact_at(at)
            renamed.clock._now = at
            for width in (300, HOUR, DAY):
                expected = usual.series(MIDNIGHT, at + DAY, width, ("new",))
                assert renamed.series(MIDNIGHT, at + DAY, width, ("new",)) == expected


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
# Polls, imports and compacts, and kills itself before a given statement of SQL.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.csv_files import reading_rows
from lictui.history import database
from lictui.history.csv_reader import ImportedPool
from lictui.model import Model, PoolKey

path, network, limit = Path(sys.argv[1]), sys.argv[2] == "True", int(sys.argv[3])
database.is_network_path = lambda path: network
statements = 0

def count(_):
    global statements
    statements += 1
    if statements == limit:
        os.kill(os.getpid(), signal.SIGKILL)

fixture = HistoryFixture(path)
fixture.history._db.set_trace_callback(count)
for turn in range(4):
    now = MIDNIGHT + turn * HOUR
    fixture.poll_series(now, [turn, turn])
    print("polled", flush=True)
    rows = reading_rows([(now + at * 60, at, 100) for at in range(50)])
    fixture.history.import_readings(
        ImportedPool(name, PoolKey(PRODUCT), Model.CONCURRENT, rows) for name in ("a", "b")
    )
    print("imported", flush=True)
    fixture.compact_at(now + 6 * HOUR)
print(statements)
"""


def run_until_killed(path: Path, limit: int, *, network: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(network), str(limit)],
        cwd=TOP,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if limit else 0)
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback"])
def test_killed_program_loses_nothing_and_leaves_nothing_half_done(
    tmp_path: Path, *, network: bool
) -> None:
    statements = int(run_until_killed(tmp_path / "whole.db", 0, network=network)[-1])
    for kill in range(20):
        path = tmp_path / f"{kill}.db"
        reported = run_until_killed(path, 1 + statements * kill // 20, network=network)
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with closing(HistoryFixture(path)) as fixture:
            counts = Counter(row[1] for row in fixture.export())
        # What is written when the program is killed is not reported any more.
        polled, imported = 2 * reported.count("polled"), 50 * reported.count("imported")
        assert polled <= counts["lic-01"] <= polled + 2
        assert counts["a"] == counts["b"] in (imported, imported + 50)
