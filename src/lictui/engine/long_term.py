"""The long-term engine: the worker that pushes the history to it, and one push by a command.

The worker has a thread and a connection to the history of its own: neither polls nor charts wait.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.clock import iso
from lictui.engine.poller import Lease
from lictui.engine.queries import history_path
from lictui.errors import LictuiError, UsageError
from lictui.model import Level
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.engine.thread import LoopThread
    from lictui.longterm.push import Comparison, Pusher
    from lictui.model import Server
    from lictui.paths import Paths

_MAX_PAUSE: Final = 300.0  # seconds between two tries while the engine fails


class PushWorker:
    """Pushes whenever it is called; a failure is a notice, and the next try waits longer."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        thread: Callable[[str], LoopThread],
        notify: Callable[[str, Level], None],
    ) -> None:
        self._paths, self._clock, self._open_thread, self._notify = paths, clock, thread, notify
        self._thread: LoopThread | None = None
        self._pusher: Pusher | None = None
        self._settings: Settings | None = None
        self._pause = self._next_try = 0.0
        self._notice = ""

    async def push(
        self, settings: Settings, servers: Mapping[str, Server], polled: Mapping[str, float]
    ) -> tuple[str, ...]:
        """Push what is due; return the notice about a failure, if there is one. Never raises."""
        if not settings.long_term.push:
            await self.close()
            return ()
        if self._clock.monotonic() >= self._next_try or settings != self._settings:
            self._thread = self._thread or self._open_thread("long-term engine")
            await self._thread.call(self._try(settings, servers, polled))
        return (self._notice,) if self._notice else ()

    async def _try(
        self, settings: Settings, servers: Mapping[str, Server], polled: Mapping[str, float]
    ) -> None:
        from lictui.longterm.client import engine_name

        name = f"long-term engine {engine_name(settings.long_term.push)}"
        try:
            pusher = self._open(settings)
            sent = await pusher.push(servers, polled)
        except (SourceError, LictuiError) as error:
            failure = error.failure if isinstance(error, SourceError) else error
            self._pause = min(max(15.0, 2 * self._pause), _MAX_PAUSE)
            self._next_try = self._clock.monotonic() + self._pause
            if not self._notice:
                self._notify(f"{name}: {failure.message}", Level.WARN)
            self._notice = f"{name}: {failure.message}; {self._waiting(polled)}. {failure.hint}"
            return
        if self._notice:
            self._notify(f"{name}: recovered, {sent:,} samples pushed", Level.OK)
        self._pause, self._notice = 0.0, ""

    def _open(self, settings: Settings) -> Pusher:
        if self._pusher and (settings != self._settings or self._pusher.spool.is_replaced()):
            self._pusher.spool.close()
            self._pusher = None
        if self._pusher is None:
            self._pusher = _open_pusher(self._paths, settings, self._clock)
            self._settings = settings
        return self._pusher

    def _waiting(self, polled: Mapping[str, float]) -> str:
        with suppress(LictuiError):
            if self._pusher and (waiting := self._pusher.waiting(polled)):
                since = iso(min(waiting.values())) if min(waiting.values()) else "their start"
                return f"figures of {len(waiting)} servers since {since} wait in the history"
        return "what is not pushed waits in the history"

    async def close(self) -> None:
        """Close the history and end the thread. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread:
            await thread.call(self._close())
            thread.stop()

    async def _close(self) -> None:
        pusher, self._pusher = self._pusher, None
        if pusher:
            with suppress(LictuiError):
                pusher.spool.close()


def _open_pusher(
    paths: Paths, settings: Settings, clock: Clock, *, read_only: bool = False
) -> Pusher:
    from lictui.longterm.push import Pusher
    from lictui.longterm.spool import Spool

    path = history_path(paths, settings)
    spool = Spool.open(path, settings.retention, clock, read_only=read_only)
    return Pusher(spool, settings, clock)


# One push, without a running lictui


@dataclass(frozen=True, slots=True)
class PushReport:
    """What was pushed, and what is in the engine."""

    target: str
    servers: int
    waiting: Mapping[str, int]  # servers with figures that are not pushed, and since when
    sent: int = 0
    left_to_other: bool = False  # another lictui polls: only that one pushes
    comparison: Comparison | None = None


async def push_history(
    paths: Paths,
    settings: Settings,
    servers: tuple[Server, ...],
    clock: Clock,
    *,
    backfill: bool = False,
    verify: bool = False,
) -> PushReport:
    """Push what is not in the engine, and compare, as told. Raises SourceError and LictuiError."""
    if not settings.long_term.push:
        raise UsageError("no long-term engine is configured", "set [history] push in config.toml")
    if verify and not settings.long_term.engine:
        raise UsageError("the engine cannot be read", "set [history] engine in config.toml")
    pusher = _open_pusher(paths, settings, clock, read_only=not backfill)
    with pusher.spool as history:
        polled = {name: last.polled_at for name, last in history.last_polls().items()}
        registered = {server.name: server for server in servers}
        lease, sent = Lease(clock), 0
        if backfill:
            pusher.forget()
            if lease.renew(history):
                try:
                    sent = await pusher.push(registered, polled, lambda: lease.renew(history))
                finally:
                    history.release_lease(lease.holder)
        return PushReport(
            settings.long_term.push,
            len({pool.server for pool in history.pools()}),
            pusher.waiting(polled),
            sent,
            backfill and not lease.is_held,
            await pusher.compare(registered) if verify else None,
        )
