"""Recording continues while the terminal is stalled, and until a SIGKILL."""

import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import Simulators, licenses

STALLED = 20.0  # seconds
PATIENCE = 30.0
PIPE = 100_000  # bytes; more than a terminal takes without being read


def last_polls(history: Path) -> list[float]:
    """Return the time of the last poll of each server, as another process reads it."""
    if not history.exists():
        return []
    with closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as db:
        try:
            return [at for (at,) in db.execute("SELECT polled_at FROM last_poll")]
        except sqlite3.OperationalError:
            return []


def wait_for_reading_after(history: Path, moment: float) -> None:
    deadline = time.monotonic() + PATIENCE
    while not any(at > moment for at in last_polls(history)):
        assert time.monotonic() < deadline, "no reading came"


def reading_count(program: Program) -> int:
    return int(program.json("history", "stats")["readings"])


@pytest.mark.slow
def test_stalled_terminal_does_not_stop_recording(program: Program, simulators: Simulators) -> None:
    # Figures that change with every poll and views that change places: many times what the pipe to
    # a terminal holds, so that the screen's thread is stuck in a write while nobody reads.
    servers = [simulators.winrm(*(licenses(n, f"P{n:02}_CCU") for n in range(20))) for _ in "ab"]
    program.register(*(each.server(f"lic-{n}", interval=1.0) for n, each in enumerate(servers)))
    history = program.paths.history
    with program.terminal(columns=200, rows=60) as terminal:
        terminal.wait_for("lic-0", "lic-1")
        stalled = time.time()
        polls = 0
        figure = 100
        while time.time() - stalled < STALLED:  # nobody reads the terminal meanwhile
            figure += 1
            terminal.send_keys("21")
            for simulated in servers:
                simulated.inventory = tuple(licenses(figure + n, f"P{n:02}_CCU") for n in range(20))
            wait_for_reading_after(history, time.time())
            polls += 1
        assert polls > STALLED / 3
        unread = terminal.received
        terminal.wait_for("lic-0", str(figure))  # reads again, and shows the current values
        assert terminal.received - unread > PIPE
        terminal.send_keys("q")
        assert terminal.wait_for_exit() == 0


@pytest.mark.slow
def test_sigkill_loses_at_most_the_running_poll(program: Program, simulators: Simulators) -> None:
    program.register(simulators.winrm().server("lic-01", interval=1.0))
    history = program.paths.history
    moments = random.Random(7)  # noqa: S311 - any five moments, the same in every run
    seen = 0
    for _ in range(5):
        collector = program.start("collect", "-n", "1")
        began = time.time()
        wait_for_reading_after(history, began + moments.uniform(0, 2.5))
        known = max(last_polls(history))
        collector.send_signal(signal.SIGKILL)
        collector.communicate()
        assert max(last_polls(history)) >= known
        with closing(sqlite3.connect(history)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        now = reading_count(program)
        assert now > seen
        seen = now


@pytest.mark.slow
def test_collect_polls_without_a_data_directory(program: Program, simulators: Simulators) -> None:
    program.register(simulators.winrm().server("lic-01", interval=1.0))
    (program.paths.config_dir / "file").touch()
    data = program.paths.config_dir / "file" / "data"
    collector = program.start("--data-dir", str(data), "collect")
    assert collector.stderr is not None
    lines = []
    for line in collector.stderr:
        lines.append(line)
        if "lic-01 is up" in line:
            break
    collector.send_signal(signal.SIGTERM)
    text = "".join(lines) + collector.communicate(timeout=20)[1]
    assert collector.returncode == 0
    assert "no log: " in text
    assert "cannot be written" in text
    assert "Traceback" not in text
    assert "Logging error" not in text
