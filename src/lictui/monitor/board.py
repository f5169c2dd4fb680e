"""What is true now: one frozen value that the screen, `status` and the journal read.

Owns the state of every server, and how a poll changes it. Pure: must not know threads, sockets,
SQL or the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.model import (
        Answer,
        Identity,
        LicenseServer,
        Poll,
        PoolKey,
        Server,
        Snapshot,
        Standing,
    )

STALE_AFTER: Final = 3  # polls missed


@dataclass(frozen=True, slots=True)
class Origin:
    """Which registered server a figure of a merged pool was read from, and which pool of it."""

    figure: str  # in_use · installed · overdraft · queued · ends · …; "pool" is the one that leads
    server: str
    key: PoolKey


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, and the last that is known of it.

    The last fields are `together`'s: of servers that read one license server it makes one status.
    """

    server: Server
    state: State = State.WAITING
    since: float | None = None  # when the state was entered
    failure: Failure | None = None  # of the last poll, if it failed
    snapshot: Snapshot | None = None  # of the last poll that succeeded, however long ago
    polled_at: float | None = None
    answered_at: float | None = None  # of `snapshot`
    latency: float | None = None  # seconds, of the last poll
    due: float | None = None  # when the next poll is planned
    parts: tuple[ServerStatus, ...] = ()  # what this one stands for, the main server first
    origins: Mapping[PoolKey, tuple[Origin, ...]] = field(default_factory=dict, hash=False)
    lapsed: frozenset[PoolKey] = frozenset()  # pools that no part answers for just now
    reports: LicenseServer | None = None  # how Citrix Cloud lists it

    @property
    def names(self) -> tuple[str, ...]:
        """The registered servers that this status stands for."""
        return tuple(part.server.name for part in self.parts) or (self.server.name,)

    def owner(self, key: PoolKey) -> tuple[str, PoolKey]:
        """The registered server, and its pool, whose past is the past of this pool."""
        whose = {origin.figure: origin for origin in self.origins.get(key, ())}
        origin = whose.get("in_use") or whose.get("pool")
        return (origin.server, origin.key) if origin else (self.server.name, key)

    def part(self, name: str) -> ServerStatus:
        """The status of one registered server in this one; itself if it stands for no other."""
        return next((part for part in self.parts if part.server.name == name), self)

    @property
    def live(self) -> bool:
        """Whether the figures of `snapshot` are those of now."""
        return self.state is State.UP


@dataclass(frozen=True, slots=True)
class Board:
    """All servers, in the order of the registry, and what the user should know of the rest."""

    servers: tuple[ServerStatus, ...] = ()
    notices: tuple[str, ...] = ()  # lasting: a damaged file, another lictui that polls
    standing: tuple[Standing, ...] | None = None  # alerts; None: nobody has decided on any
    answers: Mapping[Identity, Answer] = field(default_factory=dict, hash=False)  # to these

    def of(self, name: str) -> ServerStatus | None:
        """The status of one server, or the one that stands for it."""
        own = next((status for status in self.servers if status.server.name == name), None)
        if own is not None:
            return own
        return next(
            (status for status in self.servers if status.parts and name in status.names), None
        )


def register(board: Board, servers: Iterable[Server]) -> Board:
    """The board for this registry: what is known of servers that stay is kept."""
    known = {status.server.name: status for status in board.servers}
    return replace(
        board, servers=tuple(_registered(known.get(server.name), server) for server in servers)
    )


def _registered(known: ServerStatus | None, server: Server) -> ServerStatus:
    if known is None:
        return ServerStatus(server, State.WAITING if server.enabled else State.DISABLED)
    if known.server == server:
        return known
    if not server.enabled:
        return replace(known, server=server, state=State.DISABLED, failure=None, due=None)
    if not known.server.enabled:
        return replace(known, server=server, state=State.WAITING, since=None)
    return replace(known, server=server)


def apply(board: Board, poll: Poll, due: float | None = None) -> Board:
    """The board after a poll; the same board if the server is not on it (it was removed)."""
    return replace(
        board,
        servers=tuple(
            _polled(status, poll, due) if status.server.name == poll.server else status
            for status in board.servers
        ),
    )


def _polled(before: ServerStatus, poll: Poll, due: float | None) -> ServerStatus:
    if isinstance(poll.result, Failure):
        after = replace(before, state=poll.result.state, failure=poll.result)
    else:
        after = replace(
            before, state=State.UP, failure=None, snapshot=poll.result, answered_at=poll.at
        )
    since = before.since if after.state is before.state else poll.at
    return replace(after, since=since, polled_at=poll.at, latency=poll.latency, due=due)


def age(board: Board, now: float) -> Board:
    """The board at `now`: servers that were up and missed three polls become stale."""
    return replace(board, servers=tuple(_aged(status, now) for status in board.servers))


def _aged(status: ServerStatus, now: float) -> ServerStatus:
    if status.state is not State.UP or status.polled_at is None:
        return status
    every = status.due - status.polled_at if status.due else status.server.every
    missed = (now - status.polled_at) / max(every, 1.0)
    return replace(status, state=State.STALE, since=now) if missed > STALE_AFTER else status
