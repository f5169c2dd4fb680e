"""`lictui collect`: the engine without a screen, as a service that other systems read."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.context import (
    configure_logging,
    handling_signals,
    load_configuration,
    parse_address,
    select_servers,
)
from lictui.cli.export import own_command
from lictui.cli.options import CommandContext, group_option, interval_option, option
from lictui.cli.output import fields
from lictui.clock import SystemClock
from lictui.config.settings import push_url
from lictui.config.toml_document import InvalidValue
from lictui.engine.engine import Engine, RunScope
from lictui.engine.engine_thread import EngineThread
from lictui.export.metrics import MetricsPublisher
from lictui.export.systemd import ServiceManager, unit_file
from lictui.model import count_text
from lictui.paths import resolve_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.config.settings import Settings
    from lictui.engine.board import MergedBoard

CLOSE_TIMEOUT: Final = 3.0  # seconds for everything: whatever hangs, the process ends
# A signal that another thread receives does not end a wait of the main thread, which handles it.
_SIGNAL_PAUSE: Final = 0.5  # seconds


def _push_url(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return push_url(value)
    except InvalidValue as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from None


@click.command(epilog="Example: lictui collect --metrics-listen 9877")
@interval_option
@group_option
@option(
    "--metrics-listen",
    "Serve OpenMetrics on this address at /metrics; without a host on loopback only.",
    "HOST:PORT",
)
@option(
    "--textfile",
    "Write OpenMetrics to this file (mode 0644) for node_exporter.",
    "PATH",
    type=click.Path(dir_okay=False, path_type=Path),
)
@option(
    "--push",
    "Push to a long-term engine by Prometheus remote write; overrides [history] push.",
    "URL",
    callback=_push_url,
)
@option("--print-unit", "Print a systemd unit with these options, and exit.")
@click.pass_obj
def collect(
    context: CommandContext,
    /,
    *,
    interval: float | None,
    group: str,
    metrics_listen: str,
    textfile: Path | None,
    push: str,
    print_unit: bool,
) -> int:
    """Poll and record in the background, without a screen.

    It runs until SIGTERM (exit code 0) or SIGINT (130); SIGHUP reloads the configuration.
    """
    address = parse_address(metrics_listen) if metrics_listen else None
    if print_unit:
        options = {"interval": interval, "group": group, "metrics_listen": metrics_listen}
        options["push"] = push
        click.echo(_unit(context, options, textfile), nl=False)
        return 0
    configure_logging(context.paths.log, context.log_level, also_stderr=True)
    _, servers = load_configuration(context)
    select_servers(servers, group=group)
    with ExitStack() as stack:
        clock = SystemClock()
        metrics = MetricsPublisher(clock, textfile)
        stack.callback(metrics.stop)
        if address:
            host, port = metrics.listen(*address)
            host = f"[{host}]" if ":" in host else host
            click.echo(f"lictui: metrics on http://{host}:{port}/metrics", err=True)
        scope = RunScope(group, interval, push=push)
        thread = EngineThread(Engine(context.paths, clock, scope))
        return _run(thread, metrics, clock)


def _unit(context: CommandContext, options: Mapping[str, object], textfile: Path | None) -> str:
    """The systemd unit for these options, and for folders that are not the usual ones."""
    usual, names = resolve_paths(), "config_dir data_dir"
    folders = dict(fields(context.paths, names).items() - fields(usual, names).items())
    file = textfile.absolute() if textfile else None
    arguments = [
        word
        for name, value in {**dict(sorted(folders.items())), **options, "textfile": file}.items()
        if value
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    writable = [path for path in (folders.get("data_dir"), file and file.parent) if path]
    return unit_file([*own_command(), "collect", *arguments], writable)


def _run(thread: EngineThread, metrics: MetricsPublisher, clock: SystemClock) -> int:
    """Collect until a signal ends it; return the exit code."""
    stop, reload = threading.Event(), threading.Event()
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        if not received:  # whatever hangs, the process ends
            code = 130 if number == signal.SIGINT else 0
            limit = threading.Timer(CLOSE_TIMEOUT, os._exit, [code])
            limit.daemon = True
            limit.start()
        received.append(number)
        stop.set()

    on_terminal = sys.stdin.isatty()  # its end is that of lictui
    with ExitStack() as stack:
        stack.enter_context(handling_signals(on_signal, "SIGTERM", "SIGINT"))
        on_hangup = on_signal if on_terminal else lambda _number, _frame: reload.set()
        stack.enter_context(handling_signals(on_hangup, "SIGHUP"))
        service = ServiceManager(clock)
        stack.callback(thread.stop)
        stack.callback(service.notify, "STOPPING=1")
        thread.start()
        printer = ChangePrinter(thread.board)
        count = len(thread.board.registered.servers)
        message = f"collecting from {count_text(count, 'server')}"
        if count == 0:
            message = "no servers configured; servers added now will be polled"
        click.echo(f"lictui: {message}", err=True)

        def publish(board: MergedBoard, settings: Settings) -> None:
            metrics.publish(board)
            printer(board, settings)

        metrics.publish(thread.board)
        thread.start_polling(publish)
        service.notify("READY=1", f"STATUS={message}")
        while not stop.wait(_SIGNAL_PAUSE):
            if reload.is_set():
                reload.clear()
                service.notify_reload()
                click.echo("lictui: reloading the configuration", err=True)
                thread.reload()
                service.notify("READY=1")
            service.feed_watchdog(thread.responds)
    return 130 if signal.SIGINT in received else 0


_NUMBER: Final = re.compile(r"(?<![\w.-])\d+(?![\w.-])")


class ChangePrinter:
    """Prints to stderr when the state of a server changes, and new notices."""

    def __init__(self, board: MergedBoard) -> None:
        self._states = {status.server.name: status.state for status in board.registered.servers}
        self._printed: set[str] = set()  # notices, without their figures
        self._print_notices(board)

    def __call__(self, board: MergedBoard, _settings: Settings) -> None:
        """Print what differs from the board before."""
        for status in board.registered.servers:
            name = status.server.name
            if self._states.get(name) is not status.state:
                self._states[name] = status.state
                reason = f": {status.failure.message}" if status.failure else ""
                click.echo(f"lictui: {name} is {status.state.replace('_', ' ')}{reason}", err=True)
        self._print_notices(board)

    def _print_notices(self, board: MergedBoard) -> None:
        # A count in a notice may change with every poll.
        notices = [(_NUMBER.sub("#", notice), notice) for notice in board.notices]
        for template, notice in notices:
            if template not in self._printed:
                click.echo(f"lictui: {notice}", err=True)
        self._printed = {template for template, _ in notices}
