"""The last poll of every server, and the last that told something: the board after a restart.

Owns the table `latest`. Must not know boards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lictui.history.codec import dump, load
from lictui.model import Failure, Snapshot, State

if TYPE_CHECKING:
    import sqlite3

    from lictui.model import Poll


@dataclass(frozen=True, slots=True)
class Latest:
    """What was last heard of one server. Times are UTC epoch seconds."""

    polled_at: float
    latency: float  # seconds
    since: float  # when the state that the last poll found was entered
    failure: Failure | None  # of the last poll, if it failed
    answered_at: float | None  # of `snapshot`
    snapshot: Snapshot | None  # of the last poll that succeeded, without the pools' raw fields


def put(db: sqlite3.Connection, poll: Poll) -> int | None:
    """Note a poll; returns when the one before it was, in whole seconds, if that succeeded."""
    row = db.execute(
        "SELECT polled_at, state, since FROM latest WHERE server = ?", (poll.server,)
    ).fetchone()
    polled_at, state_before, since = row or (poll.at, None, poll.at)
    failure = poll.result if isinstance(poll.result, Failure) else None
    state = failure.state if failure else State.UP
    if state != state_before:
        since = poll.at
    common = (poll.server, poll.at, poll.latency, state.value, since)
    if failure:
        db.execute(
            "INSERT INTO latest(server, polled_at, latency, state, since, failure)"
            " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET polled_at = excluded.polled_at,"
            " latency = excluded.latency, state = excluded.state, since = excluded.since,"
            " failure = excluded.failure",
            (*common, dump(failure)),
        )
    else:
        db.execute(
            "INSERT OR REPLACE INTO latest(server, polled_at, latency, state, since, failure,"
            " answered_at, snapshot) VALUES(?, ?, ?, ?, ?, NULL, ?, ?)",
            (*common, poll.at, dump(poll.result)),
        )
    return int(polled_at) if state_before == State.UP else None


def everything(db: sqlite3.Connection) -> dict[str, Latest]:
    """What was last heard of every server that was ever polled, by its name."""
    rows = db.execute(
        "SELECT server, polled_at, latency, since, failure, answered_at, snapshot FROM latest"
    )
    return {
        server: Latest(
            polled_at, latency, since, load(Failure, failure), answered_at, load(Snapshot, snapshot)
        )
        for server, polled_at, latency, since, failure, answered_at, snapshot in rows
    }
