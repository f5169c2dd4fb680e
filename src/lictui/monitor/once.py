"""Every server polled once, recorded, and that is that: what `status` shows.

Must not know how it is printed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from lictui.errors import LictuiError
from lictui.monitor import board as boards
from lictui.monitor.board import Board
from lictui.monitor.poll import poll
from lictui.monitor.record import Recorder
from lictui.monitor.restore import open_history, restored
from lictui.sources.source import open_source

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.config.settings import Limits, Settings
    from lictui.history.store import History
    from lictui.model import Poll, Server
    from lictui.paths import Paths


async def once(
    servers: tuple[Server, ...],
    settings: Settings,
    paths: Paths,
    clock: Clock,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - handed on to every poll
    contact: bool = True,
) -> Board:
    """The board after one poll of every enabled server, all at once; each within `timeout` s.

    Without `contact` nobody is asked, and the board is what was recorded last, at its age.
    A history that cannot be opened is a notice on the board.
    """
    history, notices = _open(paths, settings, clock)
    try:
        board = boards.register(Board(), servers)
        if history:
            board = restored(board, history.latest())
        recorder = Recorder(board, history, settings.alerts)
        recorder.note(notices)
        recorder.decide(clock.now(), allowed=False)
        if contact:
            limits = settings.limits if timeout is None else _within(settings.limits, timeout)
            enabled = [server for server in servers if server.enabled]
            polls = await _poll_all(enabled, limits, clock)
            recorder.record(
                (server, each, None) for server, each in zip(enabled, polls, strict=True)
            )
        return boards.age(recorder.board, clock.now())
    finally:
        if history:
            history.close()


def _open(paths: Paths, settings: Settings, clock: Clock) -> tuple[History | None, tuple[str, ...]]:
    try:
        history = open_history(paths, settings, clock)
    except LictuiError as error:
        return None, (f"{error.message}; nothing is recorded. {error.hint}",)
    return history, history.notices


def _within(limits: Limits, timeout: float) -> Limits:
    return replace(limits, timeout=timeout, connect_timeout=min(timeout, limits.connect_timeout))


async def _poll_all(servers: list[Server], limits: Limits, clock: Clock) -> list[Poll]:
    places = asyncio.Semaphore(limits.concurrency)

    async def one(server: Server) -> Poll:
        source = open_source(server, limits, clock)
        try:
            async with places:
                return await poll(server, source, limits.timeout, clock)
        finally:
            await source.aclose()

    return list(await asyncio.gather(*map(one, servers)))
