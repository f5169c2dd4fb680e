"""What the screen costs: start, memory, bytes on the wire, key to frame; in a real terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from tests.support.terminal import Terminal

from lictui.paths import Paths

BARE = [sys.executable, str(Path(__file__).with_name("bare_app.py"))]
ROUNDS = 5
KEYS = 60


def lictui(paths: Paths) -> list[str]:
    """The command that shows a registry."""
    where = ["--config-dir", str(paths.config_dir), "--data-dir", str(paths.data_dir)]
    return [sys.executable, "-m", "lictui", *where]


@contextmanager
def shown(command: list[str], word: str, columns: int = 120, rows: int = 40) -> Iterator[_Shown]:
    """The program with `word` on the screen."""
    began = time.perf_counter()
    with Terminal(command, columns=columns, rows=rows) as terminal:
        terminal.wait_for(word)
        seconds = time.perf_counter() - began
        yield _Shown(terminal, seconds)


class _Shown:
    def __init__(self, terminal: Terminal, seconds: float) -> None:
        self.terminal = terminal
        self.seconds = seconds

    @property
    def kibibytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.terminal.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0])

    def settle(self) -> None:
        """Read until nothing has come for a second."""
        while self.terminal.read(1.0):
            pass


def start(paths: Paths, word: str) -> tuple[float, float, float, float]:
    """Median seconds to the first frame with data and KiB: of lictui, then of a bare app."""
    ours: list[_Sample] = []
    bare: list[_Sample] = []
    for _ in range(ROUNDS):
        for command, marker, samples in (
            (lictui(paths), word, ours),
            (BARE, "bare-and-ready", bare),
        ):
            with shown(command, marker) as app:
                app.settle()
                samples.append((app.seconds, app.kibibytes))
    return (
        median(seconds for seconds, _ in ours),
        median(memory for _, memory in ours),
        median(seconds for seconds, _ in bare),
        median(memory for _, memory in bare),
    )


_Sample = tuple[float, int]


def idle_bytes(paths: Paths, word: str, seconds: float = 10.0) -> float:
    """Bytes a second on the wire while nothing changes."""
    with shown(lictui(paths), word, 80, 24) as app:
        app.settle()
        before = app.terminal.received
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            app.terminal.read(left)
        return (app.terminal.received - before) / seconds


def key_to_frame(command: list[str], word: str) -> float:
    """Seconds from a key to the first byte it causes, 95th percentile."""
    with shown(command, word) as app:
        app.settle()
        times = []
        for number in range(KEYS):
            while app.terminal.read(0.05):
                pass  # an age line may have come in between
            began = time.perf_counter()
            app.terminal.send_keys("\x1b[B" if number % 2 == 0 else "\x1b[A")
            app.terminal.read(5.0)
            times.append(time.perf_counter() - began)
    return quantiles(times, n=20)[-1]


def bytes_of_a_round(rounds: int = 10) -> float:
    """Bytes on the wire for a poll round that changes every visible row, at 80x24."""
    command = [sys.executable, "-m", "tests.bench.changing_app"]
    with shown(command, "lic-00", 80, 24) as app:
        until = time.monotonic() + 2.0  # the first frame, trends and all
        while (left := until - time.monotonic()) > 0:
            app.terminal.read(left)
        before = app.terminal.received
        until = time.monotonic() + rounds
        while (left := until - time.monotonic()) > 0:
            app.terminal.read(left)
        return (app.terminal.received - before) / rounds
