"""Answers that are not on the board: from the history, and license users read from servers."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import defaultdict
from contextlib import suppress
from datetime import date
from functools import wraps
from socket import gethostname
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from msgspec.structs import replace

from lictui.clock import DAY, PastClock, iso
from lictui.engine import license_users
from lictui.engine.board import Board, mark_stale, with_servers
from lictui.engine.license_users import LicenseUsers
from lictui.engine.merge import merge_board
from lictui.engine.poller import host_and_process, poll_server
from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
from lictui.engine.recorder import Recorder
from lictui.errors import LictuiError
from lictui.history.errors import HistoryError
from lictui.history.store import History
from lictui.model import (
    Event,
    Failure,
    FailureKind,
    LicenseUserList,
    Model,
    Pool,
    Reading,
    Server,
    State,
)
from lictui.paths import FILE_MODE, Paths, make_folder
from lictui.products import describe
from lictui.sources import open_source
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from lictui.analysis.columns import Series
    from lictui.analysis.series import SeriesQuery
    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.clock import Clock
    from lictui.config.settings import AlertSettings, Limits, Settings
    from lictui.engine.board import Filter, GroupBy, MergedBoard, ServerStatus
    from lictui.engine.outlook import PastSummaryCache
    from lictui.engine.product_reader import ProductHistoryReader
    from lictui.engine.thread import LoopThread
    from lictui.history.memberships import ServerPool
    from lictui.history.polls import LastPoll
    from lictui.model import Poll


_P = ParamSpec("_P")
_T = TypeVar("_T")
_PATIENCE: Final = 0.25  # seconds that one answer waits for a locked history
_PAGE: Final = 2000  # lines of the event log read together: a few hundredths of a second


def _in_history_thread(
    method: Callable[Concatenate[HistoryQueries, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[HistoryQueries, _P], Coroutine[Any, Any, _T]]:
    @wraps(method)
    async def call(self: HistoryQueries, /, *arguments: _P.args, **options: _P.kwargs) -> _T:
        async def answer() -> _T:
            history = self._history
            try:
                return await method(self, *arguments, **options)
            except (HistoryError, asyncio.CancelledError):
                if history is self._history:
                    raise
                return await method(self, *arguments, **options)  # it was opened again meanwhile

        return await self.thread.call(answer())

    return call


class HistoryQueries:
    """Answers from the history; all of them empty if there is none. Methods raise LictuiError.

    They run in the thread of the history, so that a large or locked file holds up no poll.
    """

    def __init__(
        self,
        thread: LoopThread,
        clock: Clock,
        board: Callable[[], MergedBoard],
        settings: Callable[[], Settings],
    ) -> None:
        self.thread = thread
        self._history: History | None = None
        self._clock = clock
        self._board = board
        self._settings = settings
        self._summaries: PastSummaryCache | None = None
        self._products: ProductHistoryReader | None = None

    def use(self, history: History | None) -> None:
        """Answer from this history from now on, without cached answers; called in its thread."""
        if self._summaries and history is not self._history:
            self._summaries.close()
            self._summaries = None
        self._history, self._products = history, None

    @_in_history_thread
    async def series_batch(self, queries: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        """The series of several queries, in their order."""
        if self._history is None:
            from lictui.analysis.columns import Series  # loads numpy

            return tuple(Series.empty(query.width) for query in queries)
        return self._history.series_batch(self._with_ended_pools(queries, self._history))

    def _with_ended_pools(
        self, queries: tuple[SeriesQuery, ...], history: History
    ) -> tuple[SeriesQuery, ...]:
        """The queries with the ended pools that theirs carry on: renewed, or `continues`."""
        from lictui.engine.outlook import continued_pools  # loads numpy, as the answer does

        ended = [pool for pool in history.pools() if pool.ended is not None]
        continued = continued_pools(self._board(), history.pools()) if ended else {}
        earlier: dict[tuple[str, str], list[ServerPool]] = defaultdict(list)
        for pool in ended:
            owner = pool.server, pool.key
            product, _ = continued.get(owner, (pool.product, pool.model))
            earlier[pool.server, product].append(owner)
        before = (
            [owner for server, key in query.pools for owner in earlier[server, key.product]]
            for query in queries
        )
        return tuple(
            replace(query, pools=tuple(dict.fromkeys((*query.pools, *owners))))
            for query, owners in zip(queries, before, strict=True)
        )

    @_in_history_thread
    async def product_history(self, query: ProductQuery) -> ProductHistory:
        """What was recorded of one product in a time range."""
        reader = self._product_reader()
        if reader is None:
            return ProductHistory()
        return await reader.history(self._board(), query, self._settings())

    @_in_history_thread
    async def product_outlook(
        self, servers: tuple[str, ...], product: str, by: GroupBy | None = None
    ) -> ProductOutlook | None:
        """What is expected of one product; None if no server has it now."""
        reader = self._product_reader()
        if reader is None:
            return None
        return await reader.outlook(self._board(), servers, product, self._settings(), by)

    def _product_reader(self) -> ProductHistoryReader | None:
        if self._products is None and self._history is not None:
            # The first frame needs no forecast.
            from lictui.engine.product_reader import ProductHistoryReader

            self._products = ProductHistoryReader(self._history, self._clock)
        return self._products

    @_in_history_thread
    async def summaries(self, by: GroupBy) -> Mapping[TotalKey, PastSummary]:
        """The past summary of every total, a few minutes old at most; slow at first."""
        if self._history is None:
            return {}
        if self._summaries is None:
            from lictui.engine.outlook import PastSummaryCache

            self._summaries = PastSummaryCache(self._history, self._clock)
        return await self._summaries.get(self._board(), by, self._settings())

    @_in_history_thread
    async def recorded_since(self, server: str) -> float | None:
        """When the first reading of a server was recorded; None if there is none."""
        pools = self._history.pools() if self._history else ()
        return min((float(pool.since) for pool in pools if pool.server == server), default=None)

    @_in_history_thread
    async def events(self, limit: int) -> tuple[Event, ...]:
        """The newest lines of the event log, newest first."""
        return self._history.events(limit) if self._history else ()

    @_in_history_thread
    async def search(self, pattern: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """The newest lines of the event log that match, or all of them, newest first.

        A line matches by its server, its product or its message. The log is read page by page, so
        that polls are not held up.
        """
        lines: list[Event] = []
        for page in self._history.event_pages(_PAGE) if self._history else ():
            lines += (
                event for event in page if pattern((event.server, event.product, event.message))
            )
            if limit is not None and len(lines) >= limit:
                return tuple(lines[:limit])
            await self._clock.sleep(0)
        return tuple(lines)


# Boards from the history: as the last run left them, or as another lictui keeps them


def history_path(paths: Paths, settings: Settings) -> Path:
    """Return the path of the history database, which the settings may place elsewhere."""
    return settings.retention.path or paths.history


def open_history(
    paths: Paths,
    settings: Settings,
    clock: Clock,
    *,
    read_only: bool = False,
    patience: float | None = None,
) -> History:
    """Open the history where the settings place it; before the clock, if it is of the past.

    `patience`: seconds to wait if it is locked. Raises LictuiError when that fails.
    """
    path = history_path(paths, settings)
    if isinstance(clock, PastClock):
        from lictui.history.past import PastHistory

        return PastHistory(path, settings.retention, clock, read_only=True)
    return History(path, settings.retention, clock, read_only=read_only, patience=patience)


def load_board(servers: Iterable[Server], history: History, settings: AlertSettings) -> MergedBoard:
    """The servers as last recorded, each license server once. Raises HistoryError."""
    return merge_board(with_history(with_servers(Board(), servers), history), settings)


def with_history(
    board: Board,
    history: History,
    is_newer: Callable[[ServerStatus, LastPoll], bool] = lambda status, _: status.polled_at is None,
) -> Board:
    """The board with the last poll of every server in the history, if it `is_newer`.

    A server that no poll has read yet gets the pools that are recorded of it, for example from an
    import: it is expected in their totals. Raises HistoryError.
    """
    last_polls = history.last_polls()
    servers = [
        _with_last_poll(status, last)
        if status.server.enabled
        and (last := last_polls.get(status.server.name))
        and is_newer(status, last)
        else status
        for status in board.servers
    ]
    if any(status.snapshot is None and status.server.enabled for status in servers):
        pools = _recorded_pools(history, last_polls.keys())
        servers = [
            status
            if status.snapshot or status.state is State.DISABLED
            else replace(status, recorded_pools=tuple(pools[status.server.name]))
            for status in servers
        ]
    return replace(board, servers=tuple(servers))


def _recorded_pools(history: History, polled: Collection[str]) -> dict[str, list[Pool]]:
    """The pools by server that have not ended, with the licenses installed last.

    Those of a server that was never polled end with their import: the last of them count.
    """
    capacities, recorded = history.latest_capacities(), history.pools()
    imported: dict[str, int] = {}  # the last day of a server that was never polled
    for pool in recorded:
        if pool.ended is not None and pool.server not in polled:
            imported[pool.server] = max(pool.ended // DAY, imported.get(pool.server, 0))
    pools: dict[str, list[Pool]] = defaultdict(list)
    for pool in recorded:
        if pool.ended is None or pool.ended // DAY == imported.get(pool.server):
            product, model = describe(pool.product), Model(pool.model)
            capacity = capacities.get(pool.id)
            reading = (
                Reading(None, capacity.installed, capacity.overdraft) if capacity else Reading()
            )
            day = pool.subscription_date
            pools[pool.server].append(
                Pool(
                    pool.product,
                    pool.name or product.name,
                    model,
                    reading,
                    subscription_date=date.fromisoformat(day) if day else None,
                    counted=product.counted,
                )
            )
    return pools


def _with_last_poll(status: ServerStatus, last: LastPoll) -> ServerStatus:
    state, snapshot = last.failure.state if last.failure else State.UP, last.snapshot
    return replace(
        status,
        recorded_pools=() if snapshot else status.recorded_pools,
        state=state,
        since=status.since if state is status.state else last.state_since,
        failure=last.failure,
        snapshot=snapshot,
        polled_at=last.polled_at,
        last_success_at=last.last_success_at,
        latency=last.latency,
    )


def describe_poller(history: History) -> str:
    """Return which process polls, without the name of its machine. Raises HistoryError."""
    lease = history.lease()
    if lease is None:
        return "nobody"
    host, process = host_and_process(lease[0])
    where = f"process {process} of this machine" if host == gethostname() else "another machine"
    return f"{where}, last seen {iso(lease[1])}"


# One poll of every server, as `lictui status` needs it


async def poll_once(
    servers: tuple[Server, ...],
    settings: Settings,
    paths: Paths,
    clock: Clock,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - passed to every poll
    contact: bool = True,
) -> Board:
    """Poll every enabled server once, concurrently, each within `timeout` seconds.

    Without `contact` no server is polled, and the board shows what was recorded last. A history
    that cannot be opened becomes a notice on the board, or LictuiError where nothing else is shown.
    """
    history: History | None = None
    notices: tuple[str, ...] = ()
    try:
        if servers:  # a history of nothing is not created
            history = open_history(paths, settings, clock, patience=_PATIENCE)
            notices = history.notices
    except LictuiError as error:
        if not contact:
            raise
        notices = (f"{error.message}; recording is disabled. {error.hint}",)
    try:
        board = with_servers(Board(), servers)
        if history:
            board = with_history(board, history)
            alerts = history.alert_states()
            board = replace(board, alert_states=alerts, acknowledgements=history.acknowledgements())
        recorder = Recorder(board, settings.alerts)
        if contact:
            limits = settings.limits
            if timeout is not None:
                connect_timeout = min(timeout, limits.connect_timeout)
                limits = replace(limits, timeout=timeout, connect_timeout=connect_timeout)
            recorder.record(await _poll_all(servers, limits, clock))
            unwritten = recorder.take_unwritten()
            try:
                if history:
                    history.append_many(unwritten.polls, unwritten.changes)
            except LictuiError as error:
                notices += (f"{error.message}; this result is not recorded. {error.hint}",)
        return mark_stale(replace(recorder.board, notices=notices), clock.now())
    finally:
        if history:
            history.close()


async def _poll_all(
    servers: tuple[Server, ...], limits: Limits, clock: Clock
) -> list[tuple[Server, Poll, None]]:
    slots = asyncio.Semaphore(limits.concurrency)

    async def poll(server: Server) -> tuple[Server, Poll, None]:
        source = open_source(server, limits, clock)
        try:
            async with slots:
                return server, await poll_server(server, source, limits.timeout, clock), None
        finally:
            await source.aclose()

    return await asyncio.gather(*(poll(server) for server in servers if server.enabled))


# License users: read from the servers on request only, never stored


_log = logging.getLogger(__name__)
_KEY_BYTES: Final = 32


async def query_license_users(
    servers: Sequence[Server],
    name: str,
    product: str,
    *,
    settings: Settings,
    paths: Paths,
    clock: Clock,
) -> LicenseUsers:
    """Read the users of `product` ("" for every one) from all data sources of a server.

    Never raises: what goes wrong is a failure in the answer.
    """
    from lictui.sources.license_users import release_command

    answer = LicenseUsers(name, settings.user_privacy, clock.now())
    sources = license_users.data_sources(servers, name)
    if not sources:
        registered = any(server.name == name for server in servers)
        message = f"{name} is disabled" if registered else f"unknown server {name}"
        return replace(answer, failures=((name, Failure(FailureKind.CONFIG, message)),))
    hash_key = _hash_key(settings, paths)
    if isinstance(hash_key, Failure):
        return replace(answer, failures=((name, hash_key),))
    results = await asyncio.gather(*(_read_users(server, settings, clock) for server in sources))
    by_name = {server.name: result for server, result in zip(sources, results, strict=True)}
    failures = [(key, value) for key, value in by_name.items() if isinstance(value, Failure)]
    lists = {key: value for key, value in by_name.items() if isinstance(value, LicenseUserList)}
    return replace(
        answer,
        at=clock.now(),
        sources=tuple(lists),
        users=license_users.visible_users(
            (user for result in lists.values() for user in result.users),
            product=product,
            privacy=settings.user_privacy,
            key=hash_key,
            now=clock.now(),
            idle_days=settings.idle_days,
            release_command=release_command,
        ),
        reservations=license_users.visible_reservations(
            (reservation for result in lists.values() for reservation in result.reservations),
            product=product,
            privacy=settings.user_privacy,
        ),
        failures=license_users.relevant_failures(failures, any_success=bool(lists)),
    )


def _hash_key(settings: Settings, paths: Paths) -> bytes | Failure:
    """Return the key that user names are hashed with, b"" if they are not."""
    if settings.user_privacy != "hash":
        return b""
    try:
        return load_hash_key(paths.privacy_key)
    except OSError as error:
        return Failure(
            FailureKind.CONFIG,
            f"{paths.privacy_key}: the key of hashed names cannot be stored: {error.strerror}",
            "make the folder writable, or set [privacy] users to hide",
        )


async def _read_users(
    server: Server, settings: Settings, clock: Clock
) -> LicenseUserList | Failure:
    from lictui.sources.license_users import read_license_users

    try:
        return await read_license_users(server, settings.limits, clock)
    except SourceError as error:
        return error.failure
    except Exception as error:  # noqa: BLE001 - a defect of lictui must not end the screen
        # Without message and traceback: they could contain names of users.
        _log.error("reading license users of %s: %s", server.name, type(error).__name__)
        return Failure(FailureKind.PARSE, "lictui could not process the response")


def load_hash_key(file: Path) -> bytes:
    """The key in `file`, created on first use with mode 0600. Raises OSError.

    Processes that create it at the same time end up with one key: the file appears complete.
    """
    with suppress(FileNotFoundError):
        if len(key := file.read_bytes()) == _KEY_BYTES:
            return key
    make_folder(file.parent)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "wb") as output:
        output.write(secrets.token_bytes(_KEY_BYTES))
    if file.exists():  # of another length: not a key
        temporary.replace(file)
    else:
        with suppress(FileExistsError):
            os.link(temporary, file)
        temporary.unlink(missing_ok=True)
    return file.read_bytes()
