"""A program in a real pseudo-terminal, its screen read by an independent emulator (pyte).

Waits by what the program writes, never by sleeping; gives up with the screen in the message.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pyte

PATIENCE = 30.0  # seconds


class Terminal:
    """`with Terminal([...]) as terminal:` runs a program until the block ends."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.columns, self.rows = columns, rows
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.received = 0  # bytes so far
        self._master, slave = pty.openpty()
        _set_size(slave, columns, rows)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or os.environ)},
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.disconnect()

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def modes(self) -> set[int]:
        """The private modes that are set."""
        return {mode >> 5 for mode in self._screen.mode if mode >= 1 << 5}

    def has_color(self, name: str) -> bool:
        """Return whether text is drawn in a color of the terminal itself."""
        return any(cell.fg == name for row in self._screen.buffer.values() for cell in row.values())

    def attributes(self) -> list[Any]:
        """The settings of the terminal line, such as echo."""
        return termios.tcgetattr(self._master)

    def set_attributes(self, attributes: list[Any]) -> None:
        termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    def clear(self) -> None:
        """Lose what is on the screen, as if something else had written over it."""
        self._screen.erase_in_display(2)

    def send_keys(self, keys: str) -> None:
        self.send(keys.encode())

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def wait_for(self, *words: str, gone: Sequence[str] = ()) -> str:
        """Read until all `words` are on the screen and none of `gone`; return its text."""
        return self.wait_until(
            lambda text: (
                all(word in text for word in words) and not any(word in text for word in gone)
            ),
            f"{words} (without {tuple(gone)})",
        )

    def wait_until(self, condition: Callable[[str], bool], what: str) -> str:
        """Read until the screen meets `condition`; return its text."""
        deadline = time.monotonic() + PATIENCE
        while not condition(self.text):
            if not self.read(max(0.0, deadline - time.monotonic())):
                ended = self.process.poll()
                raise AssertionError(f"waited in vain for {what}; exit {ended}:\n{self.text}")
        return self.text

    def read(self, seconds: float) -> int:
        """Read what the program writes next, for up to `seconds`; return the number of bytes."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return 0
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return 0
        self.received += len(data)
        if b"\x1b[c" in data:  # a query for the attributes; without an answer some programs wait
            os.write(self._master, b"\x1b[?62;22c")
        self._stream.feed(data)
        return len(data)

    def disconnect(self) -> None:
        """Close the terminal, like a broken connection; the program gets no signal."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._screen.resize(rows, columns)
        _set_size(self._master, columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def wait_for_exit(self) -> int:
        """Read until the program exits; return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.1)
        while self.read(0.0):
            pass
        code = self.process.poll()
        assert code is not None, f"still running:\n{self.text}"
        return code


def _set_size(handle: int, columns: int, rows: int) -> None:
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
