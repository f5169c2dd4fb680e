"""Questions about the past, for those who watch: series, pools, months, the journal.

Owns what is answered where there is no history: nothing. Must not know what is true now.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Series, SeriesQuery
from lictui.engine import license_users
from lictui.engine.license_users import LicenseUsers
from lictui.engine.product_history import ProductHistory, ProductOutlook, ProductQuery
from lictui.engine.product_reader import ProductHistoryReader
from lictui.model import (
    Event,
    Failure,
    FailureKind,
    JournalFilter,
    LicenseUser,
    Server,
)
from lictui.paths import FILE_MODE, Paths, make_folder
from lictui.sources.license_users import read_license_users, release_command
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lictui.analysis.usage import PastSummary, TotalKey
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.engine.board import Filter, GroupBy, MergedBoard
    from lictui.engine.outlook import PastSummaryCache
    from lictui.history.store import History


# Looking through the whole journal, a page at a time, so that polls get their turn in between


_PAGE: Final = 2000  # lines: a few hundredths of a second


async def search_journal(
    history: History, wanted: Filter, limit: int | None, clock: Clock
) -> tuple[Event, ...]:
    """The newest `limit` lines that the filter lets through, or all of them.

    A line is known by its server, its product and what it says. Raises HistoryError.
    """
    found: list[Event] = []
    for page in history.event_pages(_PAGE):
        found += (each for each in page if wanted((each.server, each.product, each.message)))
        if limit is not None and len(found) >= limit:
            return tuple(found[:limit])
        await clock.sleep(0)
    return tuple(found)


class HistoryQueries:
    """What the history answers; all of it in the loop it is asked in. Raises LictuiError."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._back: PastSummaryCache | None = None
        self._products = ProductHistoryReader(history, clock) if history else None

    async def aclose(self) -> None:
        """End what is being looked for."""
        if self._back:
            await self._back.close()

    async def many(self, questions: tuple[SeriesQuery, ...]) -> tuple[Series, ...]:
        """Series; without a history every one is empty."""
        if self._history is None:
            return tuple(Series((), question.width) for question in questions)
        return self._history.series_batch(questions)

    async def product_history(
        self, board: MergedBoard, query: ProductQuery, settings: Settings
    ) -> ProductHistory:
        """The recorded past of one product in a time range."""
        if self._products is None:
            return ProductHistory()
        return await self._products.history(board, query, settings)

    async def product_outlook(
        self, board: MergedBoard, servers: tuple[str, ...], product: str, settings: Settings
    ) -> ProductOutlook | None:
        """What is expected of one product; None if no server holds it now."""
        if self._products is None:
            return None
        return await self._products.outlook(board, servers, product, settings)

    async def retrospects(
        self, board: MergedBoard, by: GroupBy, settings: Settings
    ) -> Mapping[TotalKey, PastSummary]:
        """What the past says of every total, as of a few minutes ago; takes a while at first."""
        if self._history is None:
            return {}
        if self._back is None:
            from lictui.engine.outlook import PastSummaryCache  # noqa: PLC0415 - start-up looks at no past

            self._back = PastSummaryCache(self._history, self._clock)
        return await self._back.get(board, by, settings)

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: JournalFilter | None = None,
    ) -> tuple[Event, ...]:
        """The journal, newest first; of the times [since, before) if given."""
        return self._history.events(limit, before, since, about) if self._history else ()

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """What of the whole journal the filter lets through, newest first; at most `limit`."""
        if self._history is None:
            return ()
        return await search_journal(self._history, wanted, limit, self._clock)


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

    Never raises, except when canceled: what goes wrong is a failure in the answer.
    """
    answer = LicenseUsers(name, settings.user_privacy, clock.now())
    asked = license_users.servers_to_ask(servers, name)
    if not asked:
        registered = any(server.name == name for server in servers)
        message = f"{name} is disabled" if registered else f"unknown server {name}"
        return replace(answer, failures=((name, Failure(FailureKind.CONFIG, message)),))
    try:
        key = load_hash_key(paths.privacy_key) if settings.user_privacy == "hash" else b""
    except OSError as error:
        failure = Failure(
            FailureKind.CONFIG,
            f"{paths.privacy_key}: the key of hashed names cannot be stored: {error.strerror}",
            "make the folder writable, or set [privacy] users to hide",
        )
        return replace(answer, failures=((name, failure),))
    results = await asyncio.gather(*(_read_users(server, settings, clock) for server in asked))
    users: list[LicenseUser] = []
    sources: list[str] = []
    failures: list[tuple[str, Failure]] = []
    for server, result in zip(asked, results, strict=True):
        if isinstance(result, Failure):
            failures.append((server.name, result))
        else:
            users += result
            sources.append(server.name)
    return replace(
        answer,
        at=clock.now(),
        sources=tuple(sources),
        users=license_users.visible_users(
            users,
            product=product,
            privacy=settings.user_privacy,
            key=key,
            now=clock.now(),
            idle_days=settings.idle_days,
            release_command=release_command,
        ),
        failures=license_users.relevant_failures(failures, any_success=bool(sources)),
    )


async def _read_users(
    server: Server, settings: Settings, clock: Clock
) -> tuple[LicenseUser, ...] | Failure:
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
