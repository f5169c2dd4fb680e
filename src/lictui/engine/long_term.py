"""The long-term engine: the workers that push to it and read from it, and a push by a command.

Each has a thread and a connection to the history of its own, so that polls wait for neither.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.clock import iso
from lictui.engine.poller import Lease
from lictui.engine.queries import history_path
from lictui.errors import LictuiError, UsageError
from lictui.model import Level
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.engine.board import Board
    from lictui.engine.queries import HistoryQueries
    from lictui.engine.thread import LoopThread
    from lictui.history.store import History
    from lictui.longterm.push import Comparison, Pusher
    from lictui.longterm.read import LongTermHistory
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
        url: str = "",
    ) -> None:
        self._paths, self._clock, self._open_thread, self._notify = paths, clock, thread, notify
        self._url = url  # overrides that of the settings
        self._thread: LoopThread | None = None
        self._pusher: Pusher | None = None
        self._settings: Settings | None = None
        self._pause = self._next_try = 0.0
        self._notice = ""

    async def push(
        self, settings: Settings, registry: Sequence[Server], board: Board
    ) -> tuple[str, ...]:
        """Push what is due; return the notice about a failure, if there is one. Never raises."""
        if self._url:
            settings = replace(settings, long_term=replace(settings.long_term, push=self._url))
        if not settings.long_term.push:
            await self.close()
            return ()
        if self._clock.monotonic() >= self._next_try or settings != self._settings:
            self._thread = self._thread or self._open_thread("long-term engine")
            servers = {server.name: server for server in registry}
            polled = {s.server.name: s.polled_at for s in board.servers if s.polled_at is not None}
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
            await thread.run(self._close)
            thread.stop()

    def _close(self) -> None:
        pusher, self._pusher = self._pusher, None
        if pusher:
            with suppress(LictuiError):
                pusher.spool.close()


class EngineReader:
    """Lets questions about the past be answered with an engine, in a thread of their own."""

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        thread: Callable[[str], LoopThread],
        queries: HistoryQueries,
    ) -> None:
        self._paths, self._clock, self._open_thread, self._queries = paths, clock, thread, queries
        self._threads: tuple[LoopThread, LoopThread] | None = None  # of questions, of requests
        self._history: LongTermHistory | None = None
        self._opened: object = None
        self._local_thread = queries.thread

    @property
    def is_used(self) -> bool:
        """Whether questions are answered here."""
        return self._queries.thread is not self._local_thread

    def use_local(self, history: History | None) -> None:
        """Answer from the local history, unless the engine is used; called in its thread."""
        if not self.is_used:
            self._queries.use(history)

    async def update(
        self, settings: Settings, servers: tuple[Server, ...], local: History | None
    ) -> tuple[str, ...]:
        """Follow the settings; return the notice about a failure, if there is one."""
        if not settings.long_term.engine or local is None:
            await self.close(local)
            return ()
        if self._threads is None:
            self._threads = self._open_thread("questions"), self._open_thread("engine requests")
        with suppress(LictuiError):  # the local history is used meanwhile
            questions, requests = self._threads
            await questions.call(self._open(settings, servers, requests))
            if not self.is_used:
                await self._local_thread.run(self._queries.use, None)
                self._queries.thread = questions
                await questions.run(self._queries.use, self._history)
        return self._history.engine_notices if self._history else ()

    async def _open(
        self, settings: Settings, servers: tuple[Server, ...], requests: LoopThread
    ) -> None:
        before = self._history
        if before and self._opened == (settings, servers) and not before.is_replaced():
            if before.recovered():
                self._queries.use(before)  # forgets answers without the engine
            return
        history = open_with_engine(
            self._paths, settings, servers, self._clock, lambda task: requests.submit(task).result()
        )
        self._history, self._opened = history, (settings, servers)
        if self.is_used:
            self._queries.use(history)
        if before:
            before.close()

    async def close(self, local: History | None = None) -> None:
        """Answer from the local history alone, and end the threads. Safe to call twice."""
        threads, self._threads = self._threads, None
        history, self._history = self._history, None
        if threads is None:
            return
        if self.is_used:
            await threads[0].run(self._queries.use, None)
            self._queries.thread = self._local_thread
            await self._local_thread.run(self._queries.use, local)
        if history:
            await threads[0].run(history.close)
        for thread in threads:
            thread.stop()


def open_with_engine(
    paths: Paths,
    settings: Settings,
    servers: tuple[Server, ...],
    clock: Clock,
    run: Callable[[Any], Any],
) -> LongTermHistory:
    """Open the history to read it, together with the engine; `run` runs a coroutine and waits."""
    from lictui.longterm.read import LongTermHistory

    return LongTermHistory(history_path(paths, settings), settings, servers, clock, run)


def _open_pusher(
    paths: Paths, settings: Settings, clock: Clock, *, read_only: bool = False
) -> Pusher:
    from lictui.longterm.push import Pusher
    from lictui.longterm.spool import Spool

    path = history_path(paths, settings)
    spool = Spool(path, settings.retention, clock, read_only=read_only)
    return Pusher(spool, settings, clock)


# One push, without a running lictui


class PushReport(Struct, frozen=True):
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
    """Push what is missing in the engine, and compare. Raises SourceError and LictuiError."""
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
