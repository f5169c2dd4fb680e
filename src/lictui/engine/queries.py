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

from lictui.analysis.series import Question, Series
from lictui.engine import holders as seen
from lictui.engine.holders import Holders
from lictui.model import About, Event, Failure, FailureKind, Holder, PoolKey, Server, Told
from lictui.paths import FILE_MODE, Paths, make_folder
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lictui.analysis.usage import Key, Retrospect
    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.engine.board import Board, By, Filter
    from lictui.engine.outlook import Back
    from lictui.history.store import History


# Looking through the whole journal, a page at a time, so that polls get their turn in between


_PAGE: Final = 2000  # lines: a few hundredths of a second


async def look_through(
    history: History, wanted: Filter, limit: int | None, clock: Clock
) -> tuple[Event, ...]:
    """The newest `limit` lines that the filter lets through, or all of them.

    A line is known by its server, its product and what it says. Raises HistoryError.
    """
    found: list[Event] = []
    for page in history.journal(_PAGE):
        found += (each for each in page if wanted((each.server, each.product, each.message)))
        if limit is not None and len(found) >= limit:
            return tuple(found[:limit])
        await clock.sleep(0)
    return tuple(found)


class Past:
    """What the history answers; all of it in the loop it is asked in. Raises LictuiError."""

    def __init__(self, history: History | None, clock: Clock) -> None:
        self._history = history
        self._clock = clock
        self._back: Back | None = None

    async def aclose(self) -> None:
        """End what is being looked for."""
        if self._back:
            await self._back.close()

    async def many(self, questions: tuple[Question, ...]) -> tuple[Series, ...]:
        """Series; without a history every one is empty."""
        if self._history is None:
            return tuple(Series((), question.bucket) for question in questions)
        return self._history.many(questions)

    async def pools(
        self, servers: tuple[str, ...], product: str
    ) -> tuple[tuple[str, PoolKey], ...]:
        """Every pool of `product` that was ever read of these servers, as a question names it."""
        if self._history is None:
            return ()
        return tuple(
            (pool.server, pool.key)
            for pool in self._history.pools()
            if pool.product == product and pool.server in servers
        )

    async def retrospects(
        self, board: Board, by: By, settings: Settings
    ) -> Mapping[Key, Retrospect]:
        """What the past says of every total, as of a few minutes ago; takes a while at first."""
        if self._history is None:
            return {}
        if self._back is None:
            from lictui.engine.outlook import Back  # noqa: PLC0415 - start-up looks at no past

            self._back = Back(self._history, self._clock)
        return await self._back.look(board, by, settings)

    async def told(self, server: str, key: PoolKey) -> tuple[Told, ...]:
        """The months the source told of a pool's past."""
        return self._history.told(server, key) if self._history else ()

    async def events(
        self,
        limit: int = 1000,
        *,
        since: float | None = None,
        before: float | None = None,
        about: About | None = None,
    ) -> tuple[Event, ...]:
        """The journal, newest first; of the times [since, before) if given."""
        return self._history.events(limit, before, since, about) if self._history else ()

    async def search(self, wanted: Filter, limit: int | None = None) -> tuple[Event, ...]:
        """What of the whole journal the filter lets through, newest first; at most `limit`."""
        if self._history is None:
            return ()
        return await look_through(self._history, wanted, limit, self._clock)


# Asks who holds licenses, on request alone, and lets through only what may be seen


_log = logging.getLogger(__name__)
_KEY_BYTES: Final = 32


async def ask_holders(
    servers: Sequence[Server],
    name: str,
    product: str,
    *,
    settings: Settings,
    paths: Paths,
    clock: Clock,
) -> Holders:
    """Who holds `product` ("" for every one) of the server `name`, told by whoever can tell.

    Raises nothing but cancellation: what went wrong is a failure in the answer.
    """
    empty = Holders(name, settings.users, clock.now())
    asked = seen.parts(servers, name)
    if not asked:
        known = any(each.name == name for each in servers)
        said = f"{name} is disabled" if known else f"no server is named {name}"
        return replace(empty, failures=((name, Failure(FailureKind.CONFIG, said)),))
    try:
        key = hash_key(paths.privacy_key) if settings.users == "hash" else b""
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
        told_by=tuple(each for each, _ in told),
        holdings=_holdings(found, product, key, settings, clock),
        failures=seen.worth_saying(failed, told=bool(told)),
    )


def _holdings(
    found: list[Holder], product: str, key: bytes, settings: Settings, clock: Clock
) -> tuple[seen.Holding, ...]:
    from lictui.sources.holders import release_line  # noqa: PLC0415 - only when it is asked

    return seen.holdings(
        found,
        product=product,
        users=settings.users,
        key=key,
        now=clock.now(),
        idle_days=settings.idle_days,
        release=release_line,
    )


async def _ask(server: Server, settings: Settings, clock: Clock) -> tuple[Holder, ...] | Failure:
    from lictui.sources.holders import holders  # noqa: PLC0415 - only when it is asked

    try:
        return await holders(server, settings.limits, clock)
    except SourceError as error:
        return error.failure
    except Exception as error:  # noqa: BLE001 - a mistake of lictui's own: the screen goes on
        # Neither message nor traceback: names of users could stand in them.
        _log.error("asking %s for holders: %s", server.name, type(error).__name__)
        return Failure(FailureKind.PARSE, "lictui failed at reading the answer")


def hash_key(file: Path) -> bytes:
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
