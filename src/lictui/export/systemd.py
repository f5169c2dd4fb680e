"""systemd: the notification protocol (man sd_notify), and a unit file for the collector."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from lictui.export.templates import read_template

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lictui.clock import Clock

_MICROSECONDS: Final = 1_000_000
_PATIENCE: Final = 1.0  # seconds that the engine may take to answer


class ServiceManager:
    """The service manager that started this process; without one every call does nothing."""

    def __init__(self, clock: Clock) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._clock = clock
        self._interval = 0.0  # seconds between two signs of life; 0: none are expected
        if os.environ.get("WATCHDOG_PID") in (None, str(os.getpid())):
            microseconds = os.environ.get("WATCHDOG_USEC", "")
            if microseconds.isdecimal():
                self._interval = int(microseconds) / _MICROSECONDS / 3
        self._fed_at = clock.monotonic()

    def notify(self, *assignments: str) -> None:
        """Send a message; it is not an error if the service manager does not receive it."""
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(0)
            out.sendto("\n".join(assignments).encode(), self._address)

    def notify_reload(self) -> None:
        """Announce that the configuration is being loaded; READY=1 follows."""
        microseconds = round(self._clock.monotonic() * _MICROSECONDS)
        self.notify("RELOADING=1", f"MONOTONIC_USEC={microseconds}")

    def feed_watchdog(self, responds: Callable[[float], bool]) -> None:
        """Send a sign of life if one is due and the engine `responds` within some seconds."""
        now = self._clock.monotonic()
        if self._interval and now - self._fed_at >= self._interval and responds(_PATIENCE):
            self._fed_at = now
            self.notify("WATCHDOG=1")


def unit_file(command: Sequence[str], writable: Sequence[Path] = ()) -> str:
    """Return a hardened unit that runs `command`, which may write into these folders, too."""
    in_home = command[0].startswith(("/home/", "/root/"))
    values = {
        "COMMAND": " ".join(map(_quoted, command)),
        "WRITABLE": "".join(f"ReadWritePaths={_quoted(str(path))}\n" for path in writable),
        "HOME": "read-only" if in_home else "yes",  # the program itself is there
    }
    return read_template("lictui.service", values)


def _quoted(word: str) -> str:
    """Quote a word for a unit file: `%` and `$` would be replaced."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    plain = text == word and word and not any(c.isspace() or c in "';" for c in word)
    return text if plain else f'"{text}"'
