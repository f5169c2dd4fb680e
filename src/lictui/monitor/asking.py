"""Asks who holds licenses, on request alone, and lets through only what may be seen.

Owns the way from a registered server to the answer, and the key of the hashes. Keeps no answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lictui.model import Failure, FailureKind
from lictui.monitor import holders as seen
from lictui.monitor.holders import Holders
from lictui.paths import FILE_MODE, make_folder
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.config.settings import Settings
    from lictui.model import Holder, Server
    from lictui.paths import Paths

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
