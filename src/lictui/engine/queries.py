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


# Asks who holds licenses, on request alone, and lets through only what may be seen


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
    """Who holds `product` ("" for every one) of the server `name`, told by whoever can tell.

    Raises nothing but cancellation: what went wrong is a failure in the answer.
    """
    empty = LicenseUsers(name, settings.user_privacy, clock.now())
    asked = license_users.servers_to_ask(servers, name)
    if not asked:
        known = any(each.name == name for each in servers)
        said = f"{name} is disabled" if known else f"no server is named {name}"
        return replace(empty, failures=((name, Failure(FailureKind.CONFIG, said)),))
    try:
        key = load_hash_key(paths.privacy_key) if settings.user_privacy == "hash" else b""
    except OSError as error:
        said = f"{paths.privacy_key}: the key of the hashes cannot be kept: {error.strerror}"
        hint = "make the folder writable, or set [privacy] users to hide"
        failure = Failure(FailureKind.CONFIG, said, hint)
        return replace(empty, failures=((name, failure),))
    answers = await asyncio.gather(*(_ask(each, settings, clock) for each in asked))
    pairs = [(each.name, answer) for each, answer in zip(asked, answers, strict=True)]
    told = [(each, answer) for each, answer in pairs if isinstance(answer, tuple)]
    failed = [(each, answer) for each, answer in pairs if isinstance(answer, Failure)]
    found = [holder for _, answer in told for holder in answer]
    return replace(
        empty,
        at=clock.now(),
        sources=tuple(each for each, _ in told),
        users=_holdings(found, product, key, settings, clock),
        failures=license_users.relevant_failures(failed, told=bool(told)),
    )


def _holdings(
    found: list[LicenseUser], product: str, key: bytes, settings: Settings, clock: Clock
) -> tuple[license_users.VisibleUser, ...]:
    from lictui.sources.license_users import release_command  # noqa: PLC0415 - only when it is asked

    return license_users.visible_users(
        found,
        product=product,
        users=settings.user_privacy,
        key=key,
        now=clock.now(),
        idle_days=settings.idle_days,
        release=release_command,
    )


async def _ask(
    server: Server, settings: Settings, clock: Clock
) -> tuple[LicenseUser, ...] | Failure:
    from lictui.sources.license_users import read_license_users  # noqa: PLC0415 - only when it is asked

    try:
        return await read_license_users(server, settings.limits, clock)
    except SourceError as error:
        return error.failure
    except Exception as error:  # noqa: BLE001 - a mistake of lictui's own: the screen goes on
        # Neither message nor traceback: names of users could stand in them.
        _log.error("asking %s for holders: %s", server.name, type(error).__name__)
        return Failure(FailureKind.PARSE, "lictui failed at reading the answer")


def load_hash_key(file: Path) -> bytes:
    """The key in `file`, made on first use, 0600; raises OSError.

    Two that make it at the same moment end with one key: the file appears whole, or not at all.
    """
    with suppress(FileNotFoundError):
        if len(key := file.read_bytes()) == _KEY_BYTES:
            return key
    make_folder(file.parent)
    mine = file.with_name(f".{file.name}.{os.getpid()}")
    mine.unlink(missing_ok=True)
    handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "wb") as out:
        out.write(secrets.token_bytes(_KEY_BYTES))
    if file.exists():  # of another length: nobody's key
        mine.replace(file)
    else:
        with suppress(FileExistsError):
            os.link(mine, file)
        mine.unlink(missing_ok=True)
    return file.read_bytes()
