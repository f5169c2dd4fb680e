"""`lictui collect`: the engine alone, for ever; ends cleanly on SIGTERM."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click

from lictui.cli.options import log_to
from lictui.cli.selection import load, select

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.config.settings import Settings
    from lictui.engine.board import Board


@click.command()
@click.option(
    "-n",
    "--interval",
    type=click.FloatRange(min=1.0),
    metavar="SECONDS",
    help="Poll every server this often, whatever its own interval says.",
)
@click.option("--group", default="", help="Only the servers of this group.")
@click.pass_obj
def collect(context: Context, /, *, interval: float | None, group: str) -> int:
    """Poll for ever without a screen, and record."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` does not need the engine
    from lictui.engine.engine import Engine, Scope  # noqa: PLC0415 - nor this
    from lictui.engine.thread import Monitor  # noqa: PLC0415 - nor this

    log_to(context.paths.log, context.log_level, also_stderr=True)
    _settings, servers = load(context)
    select(servers, group=group)
    asked = threading.Event()
    received: list[int] = []

    def end(number: int, _frame: object) -> None:
        received.append(number)
        asked.set()

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    monitor = Monitor(Engine(context.paths, SystemClock(), Scope(group, interval)))
    try:
        monitor.start()
        _say_notices(monitor.board)
        click.echo(f"lictui: {_begun(len(monitor.board.servers))}", err=True)
        monitor.go(_Announcer(monitor.board))
        asked.wait()
    finally:
        monitor.stop()
        for each, handler in previous.items():
            signal.signal(each, handler)
    return 130 if signal.SIGINT in received else 0


def _begun(count: int) -> str:
    if count == 0:
        return "no server is registered yet; one that is added now will be polled"
    return f"collecting from {count} {'server' if count == 1 else 'servers'}"


def _say_notices(board: Board) -> None:
    for notice in board.notices:
        click.echo(f"lictui: {notice}", err=True)


class _Announcer:
    """Says a word on stderr when a server's state changes, and only then."""

    def __init__(self, board: Board) -> None:
        self._states = {status.server.name: status.state for status in board.servers}
        self._notices = board.notices

    def __call__(self, board: Board, _settings: Settings) -> None:
        for status in board.servers:
            name = status.server.name
            if self._states.get(name) is not status.state:
                self._states[name] = status.state
                why = f": {status.failure.message}" if status.failure else ""
                click.echo(f"lictui: {name} is {status.state.replace('_', ' ')}{why}", err=True)
        if board.notices != self._notices:
            self._notices = board.notices
            _say_notices(board)
