"""Several ways to read one license server, as one: the board as it is looked at.

Owns who is whose part (`same_as`), and what Citrix Cloud says of a license server beside it. Pure
but for the memory that makes an unchanged board cost nothing. Must not know how figures are chosen
(`merging`); polling and recording know nothing of all this.
"""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING

from lictui.config.toml_document import nearest
from lictui.model import State
from lictui.monitor.hosts import Listing, names_of, one_host
from lictui.monitor.merging import merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.model import PoolKey, Server
    from lictui.monitor.board import Board, ServerStatus


def mains(servers: Iterable[Server]) -> dict[str, str]:
    """The server that each other one is a part of; who has no `same_as` that leads on is not in it.

    A chain leads to its end. What goes in a circle, or to a server that is not there, is ignored.
    """
    links = _links(tuple(servers))
    found = {}
    for name in links:
        at = name
        while at in links:
            at = links[at]
        found[name] = at
    return found


def _links(servers: tuple[Server, ...]) -> dict[str, str]:
    links = {server.name: server.same_as for server in servers if server.same_as}
    if links:
        known = {server.name for server in servers}
        links = {name: to for name, to in links.items() if to in known}
        for name in _on_circles(links):
            del links[name]
    return links


def _on_circles(links: dict[str, str]) -> frozenset[str]:
    found = set()
    for name in links:
        seen: dict[str, None] = {}
        at: str | None = name
        while at is not None and at not in seen:
            seen[at] = None
            at = links.get(at)
        if at == name:
            found.add(name)
    return frozenset(found)


def doubts(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """What is said of every `same_as` that is ignored."""
    known = [server.name for server in servers]
    links = {each.name: each.same_as for each in servers if each.same_as in known}
    circles = _on_circles(links)
    said = []
    for server in servers:
        if server.same_as and server.name not in links:
            hint = nearest(server.same_as, known)
            close = f" ({hint})" if hint else ""
            said.append(f"{server.name}: same_as: no server is named {server.same_as}{close}")
        elif server.name in circles:
            said.append(f"{server.name}: same_as = {server.same_as} leads back to itself")
    return tuple(said)


def same_hosts(board: Board, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The registered servers whose license server answers to one of these names."""
    return tuple(
        status.server.name
        for status in board.servers
        if any(one_host(mine, asked) for mine in names_of(status) for asked in hosts)
    )


class Together:
    """Makes of a board the one that is looked at; what has not changed is the same object again."""

    def __init__(self) -> None:
        self._last: tuple[Board, Board] | None = None
        self._listing = Listing(())
        self._made: dict[str, tuple[tuple[ServerStatus, ...], ServerStatus]] = {}

    def of(self, board: Board) -> Board:
        """The board with one status for each license server, in the order of the main ones."""
        if self._last is None or self._last[0] is not board:
            self._last = board, self._look(board)
        return self._last[1]

    def _look(self, board: Board) -> Board:
        accounts = tuple(
            status.snapshot.license_servers
            for status in board.servers
            if status.snapshot
            and status.snapshot.license_servers
            and status.state is not State.DISABLED
        )
        if accounts != self._listing.accounts:
            self._listing = Listing(accounts)
            self._made.clear()
        part_of = mains(status.server for status in board.servers)
        if not accounts and not part_of:
            return board
        parts: dict[str, list[ServerStatus]] = {
            status.server.name: [status]
            for status in board.servers
            if status.server.name not in part_of
        }
        for status in board.servers:
            if main := part_of.get(status.server.name):
                parts[main].append(status)
        self._made = {name: self._one(name, tuple(each)) for name, each in parts.items()}
        return replace(board, servers=tuple(status for _, status in self._made.values()))

    def _one(
        self, name: str, parts: tuple[ServerStatus, ...]
    ) -> tuple[tuple[ServerStatus, ...], ServerStatus]:
        before = self._made.get(name)
        if before and len(before[0]) == len(parts) and all(map(is_, before[0], parts)):
            return before
        status = merged(parts) if len(parts) > 1 else parts[0]
        found = self._listing.of(status)
        return parts, status if found is None else replace(status, reports=found)


def stand_ins(board: Board) -> dict[tuple[str, PoolKey], str]:
    """The readings that are another's as well: (server, pool), and the server that counts.

    `board` is one that was made by Together.
    """
    found: dict[tuple[str, PoolKey], str] = {}
    for status in board.servers:
        if not status.parts:
            continue
        owners = {status.owner(key) for key in status.origins}
        products = {key.product: server for server, key in owners}
        for part in status.parts:
            for pool in part.snapshot.pools if part.snapshot else ():
                own = (part.server.name, pool.key)
                if own not in owners:
                    same = next((server for server, key in owners if key == pool.key), "")
                    found[own] = same or products.get(pool.product, status.server.name)
    return found


def doubles(board: Board, name: str) -> frozenset[PoolKey]:
    """The pools of one registered server that no figure of its license server is taken from.

    `board` is one that was made by Together.
    """
    status = board.of(name)
    if status is None or not status.parts:
        return frozenset()
    taken = {
        (origin.server, origin.key)
        for origins in status.origins.values()
        for origin in origins
        if origin.figure in ("pool", "in_use", "installed")
    }
    told = status.part(name).snapshot
    return (
        frozenset(pool.key for pool in told.pools if (name, pool.key) not in taken)
        if told
        else frozenset()
    )
