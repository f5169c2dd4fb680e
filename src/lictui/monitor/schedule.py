"""When a server's turn comes. Pure: must not know the clock, tasks or sockets. All in seconds."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, FailureKind

if TYPE_CHECKING:
    from lictui.model import Server, Snapshot

JITTER: Final = 0.1  # of the interval at most, …
MAX_JITTER: Final = 30.0  # … and never more than this
DOUBLINGS: Final = 3  # a failing server is left alone for 2, 4, then 8 intervals


def jitter(server: Server) -> float:
    """The server's own offset, so that 300 servers do not ask in the same second.

    The same server always gets the same one: two runs poll at the same distance.
    """
    share = zlib.crc32(server.name.encode()) / 2**32
    return share * min(server.every * JITTER, MAX_JITTER)


def first_due(server: Server, polled_at: float | None, now: float) -> float:
    """The first poll after a start: at once, unless the last one is still fresh."""
    if polled_at is None or polled_at > now:
        return now
    return max(now, polled_at + server.every)


def next_due(server: Server, due: float, now: float, pause: float) -> float:
    """The turn after `due`: on the server's own grid, never in the past, `pause` ahead at least.

    A poll that took longer than an interval skips the turns it missed: no drift, no overlap.
    """
    every = server.every
    behind = max(0.0, now - due)
    after = due + every * (math.floor(behind / every) + 1)
    return max(after, due + pause)


def pause(server: Server, result: Snapshot | Failure, failures: int, cap: float) -> float:
    """How long to leave a server alone after `failures` polls in a row that failed.

    A refused password is tried ever more rarely, up to `cap`: a directory locks accounts.
    """
    every = server.every
    if not isinstance(result, Failure) or failures < 1:
        return every
    if result.kind is FailureKind.AUTH:
        return max(every, min(every * 2.0 ** min(failures - 1, 30), cap))
    return max(every, min(every * 2.0 ** min(failures - 1, DOUBLINGS), cap))
