"""What a command works on: configuration, servers, history database, signals, log."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from lictui.cli.options import CommandContext, suggestion
from lictui.clock import SystemClock
from lictui.config.loader import load_settings
from lictui.config.registry import load_servers
from lictui.engine import queries
from lictui.engine.long_term import open_with_engine
from lictui.engine.thread import run
from lictui.errors import UsageError
from lictui.paths import FILE_MODE, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import tzinfo
    from pathlib import Path

    from lictui.config.settings import Settings
    from lictui.history.store import History
    from lictui.model import Server


def load_configuration(context: CommandContext) -> tuple[Settings, tuple[Server, ...]]:
    """Read config.toml and servers.toml; raises ConfigError with every problem of both."""
    return load_settings(context.paths), load_servers(context.paths)


def select_servers(
    servers: tuple[Server, ...], names: Collection[str] = (), group: str = ""
) -> tuple[Server, ...]:
    """Return the servers of these names and this group; raises UsageError for an unknown one."""
    existing = {server.name for server in servers}
    for name in names:
        if name not in existing:
            raise UsageError(
                f"unknown server {name!r}.{suggestion(name, existing)}",
                "run `lictui servers list` to see all servers",
            )
    groups = {server.group for server in servers}
    if group and group not in groups:
        raise UsageError(
            f"unknown group {group!r}.{suggestion(group, groups)}",
            f"groups are {', '.join(sorted(groups - {''}))}" if any(groups) else "there is none",
        )
    return tuple(
        server
        for server in servers
        if (not names or server.name in names) and group in ("", server.group)
    )


def resolve_timezone(context: CommandContext, name: str = "") -> tzinfo | None:
    """Return the time zone of an IANA name, else that of config.toml; None is the system's."""
    name = name or load_settings(context.paths).timezone
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"unknown time zone {name!r}",
            "use an IANA name, such as Europe/Berlin, America/New_York or UTC",
        ) from None


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; without a host it is loopback. Raises UsageError.

    Port 0 is any free one.
    """
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal()) or int(port) >= 1 << 16:
        raise UsageError(f"invalid address {text!r}", "examples: 9877, 0.0.0.0:9877, [::1]:9877")
    return host, int(port)


def existing_history(context: CommandContext) -> Path:
    """Return the path of the history database; raises UsageError if there is none."""
    path = queries.history_path(context.paths, load_settings(context.paths))
    if not path.exists():
        raise UsageError(
            f"no history database at {path}",
            "the monitor, `lictui collect` and `lictui status` create it",
        )
    return path


@contextmanager
def open_history(
    context: CommandContext, *, create: bool = False, write: bool = False, past: bool = False
) -> Iterator[History]:
    """Open the history database to read it, or to `write` it.

    Without `create`, raises UsageError if there is none. With `past` a long-term engine adds what
    the history does not have.
    """
    if not create:
        existing_history(context)
    settings = load_settings(context.paths)
    read_only = not (create or write)
    clock = SystemClock()
    if past and settings.long_term.engine:
        servers = load_servers(context.paths)
        with open_with_engine(context.paths, settings, servers, clock, run) as merged:
            yield merged
            for notice in (*merged.notices, *merged.engine_notices, *merged.used_notices):
                click.echo(f"lictui: {notice}", err=True)
        return
    with queries.open_history(context.paths, settings, clock, read_only=read_only) as history:
        for notice in history.notices:
            click.echo(f"lictui: {notice}", err=True)
        yield history


@contextmanager
def handling_signals(handler: Callable[[int, Any], None], *names: str) -> Iterator[None]:
    """Call `handler` on these signals during the block; some do not exist on every system."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in previous.items():
            signal.signal(number, handler_before)


def require_recorded(
    history: History, servers: Collection[str] = (), products: Collection[str] = ()
) -> None:
    """Raise UsageError for a server or product that is not in the history."""
    pools = history.pools()
    for kind, names, recorded in (
        ("server", servers, {pool.server for pool in pools}),
        ("product", products, {pool.product for pool in pools}),
    ):
        for name in names:
            if name not in recorded:
                raise UsageError(
                    f"the history contains no {kind} {name!r}.{suggestion(name, recorded)}",
                    "run `lictui history peaks` to see what it contains",
                )


def configure_logging(file: Path | None, level: str, *, also_stderr: bool = False) -> None:
    """Log to a rotating file with mode 0600; without one if it is None or cannot be written.

    Secrets never reach a log record.
    """
    logging.raiseExceptions = False  # a full disk would print a traceback for every record
    handlers: list[logging.Handler] = [logging.StreamHandler()] if also_stderr else []
    try:
        if file is not None:
            make_folder(file.parent)
            handlers.append(_PrivateLog(file, maxBytes=1_000_000, backupCount=3))
    except OSError as error:
        click.echo(f"lictui: no log: {file}: {error.strerror or error}", err=True)
    handlers = handlers or [logging.NullHandler()]
    logging.basicConfig(
        level=level.upper(),
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    for library in ("httpx", "httpcore", "spnego", "asyncio"):  # they would log headers and tokens
        logging.getLogger(library).setLevel(logging.WARNING)


class _PrivateLog(RotatingFileHandler):
    """A log with private files, also after a rotation."""

    def _open(self) -> Any:
        def opener(name: str, flags: int) -> int:
            return os.open(name, flags, FILE_MODE)

        return open(self.baseFilename, self.mode, encoding="utf-8", opener=opener)
