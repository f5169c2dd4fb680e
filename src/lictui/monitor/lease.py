"""Who polls, when several lictui share a data dir: one does, the others follow what it records.

Owns this process's claim. Must not know what polling is. All in seconds of the clock.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

from lictui.errors import LictuiError

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.history.store import History

TERM: Final = 30.0  # a holder that died is replaced after this long


class Lease:
    """This process's claim on polling; without a history there is nobody to share with."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"  # unique; see _is_dead
        self.held = False

    def renew(self) -> bool:
        """Claim or prolong; True while this process is the one that polls.

        A history that cannot be asked leaves things as they were.
        """
        if self._history is None:
            self.held = True
            return True
        try:
            self.held = self._claim(self._history)
        except LictuiError:
            self.held = True  # rather two that poll than none
        return self.held

    def _claim(self, history: History) -> bool:
        now = self._clock.now()
        if history.claim(self.holder, until=now + TERM, now=now):
            return True
        other = history.holder()
        if not _is_dead(other):
            return False
        history.release(other)
        return history.claim(self.holder, until=now + TERM, now=now)

    def release(self) -> None:
        """Let another one poll at once."""
        if self._history is not None and self.held:
            try:
                self._history.release(self.holder)
            except LictuiError:
                return  # it runs out by itself
            finally:
                self.held = False


def _is_dead(holder: str) -> bool:
    """Whether `holder` was a process of this machine that is gone, so that nobody need wait."""
    host, _, rest = holder.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdecimal() or os.name == "nt":
        return False
    try:
        os.kill(int(rest), 0)  # signal 0 asks, and does nothing
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
