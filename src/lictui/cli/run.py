"""`lictui` and `lictui watch`: the monitor thread and the screen, brought together and taken apart.

Owns the order: the files are opened, the screen is imported and drawn, then polling begins.
Must not know what is drawn.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import options
from lictui.cli.leaving import leaving
from lictui.errors import LictuiError, UsageError

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.cli.options import MonitorOptions
    from lictui.clock import SystemClock
    from lictui.config.settings import Settings

_DEMO: Final = -1  # what the first-run screen ends with when the demo is wanted
_DEMO_SPEED: Final = 60.0  # a day in 24 minutes: something happens while one looks


def monitor(context: Context, chosen: MonitorOptions, watch: dict[str, Any] | None = None) -> None:
    """Run the monitor until it is quit; exits with its code."""
    from lictui.engine.board import Filter  # noqa: PLC0415 - `--help` runs nothing

    Filter.parse(chosen.filter)  # said before there is a screen to say it on
    _require_terminal()
    code = _demo(context, chosen, watch) if chosen.demo else _live(context, chosen, watch)
    if code == _DEMO:
        code = _demo(context, chosen, watch)
    raise click.exceptions.Exit(code)


@click.command()
@click.option(
    "--rotate",
    type=click.FloatRange(min=1.0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each group is shown.",
)
@click.option("--beep", is_flag=True, help="Ring the bell when there is a new alert.")
@click.option(
    "--exit-on", type=click.Choice(["warn", "critical"]), help="Exit with 1 at this level."
)
@options.monitor
@click.pass_obj
def watch(
    context: Context, /, *, rotate: float, beep: bool, exit_on: str | None, **chosen: Any
) -> None:
    """Show the console view: no key needed, big figures, a group at a time."""
    wanted = {"rotate": rotate, "beep": beep, "exit_on": exit_on}
    monitor(context, options.MonitorOptions(**chosen), wanted)


def _demo(context: Context, chosen: MonitorOptions, watch: dict[str, Any] | None) -> int:
    from lictui.simulator.demo import Demo  # noqa: PLC0415 - only the demo pays for it

    with ExitStack() as stack:
        demo = stack.enter_context(Demo(chosen.seed, chosen.speed or _DEMO_SPEED))
        context = replace(context, paths=demo.paths)
        return _run(stack, context, demo.clock, chosen, watch, demo=True)


def _live(context: Context, chosen: MonitorOptions, watch: dict[str, Any] | None) -> int:
    from lictui.clock import SystemClock  # noqa: PLC0415 - late like everything of the monitor

    with ExitStack() as stack:
        return _run(stack, context, SystemClock(), chosen, watch, demo=False)


def _run(
    stack: ExitStack,
    context: Context,
    clock: SystemClock,
    chosen: MonitorOptions,
    watch: dict[str, Any] | None,
    *,
    demo: bool,
) -> int:
    # What start-up makes stays: looking through it for garbage takes a tenth of the time to the
    # first frame, and finds none.
    gc.disable()
    from lictui.config.reload import load_state, save_state  # noqa: PLC0415 - late, as above
    from lictui.engine.engine import Engine, Scope  # noqa: PLC0415 - late, as above
    from lictui.engine.thread import Monitor  # noqa: PLC0415 - late, as above

    options.log_to(context.paths.log, context.log_level)
    stack.callback(gc.enable)
    engine = Engine(context.paths, clock, Scope(chosen.group, chosen.interval))
    thread = Monitor(engine)
    stack.callback(thread.stop)
    thread.start()
    if context.no_color:
        os.environ["NO_COLOR"] = "1"
    elif os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]  # an empty one asks for nothing
    from lictui.tui.app import LictuiApp, WatchOptions  # noqa: PLC0415 - after the thread has begun

    def shown() -> None:
        gc.freeze()
        gc.enable()
        thread.go(lambda board, settings: app.publish(board, _drawn(settings, chosen)))

    app = LictuiApp(
        thread,
        clock,
        _drawn(engine.settings, chosen),
        board=thread.board,
        demo=demo,
        read_only=chosen.read_only,
        filter=chosen.filter,
        watch=WatchOptions(**watch) if watch is not None else None,
        state=load_state(context.paths),
        on_shown=shown,
    )
    with leaving(end=lambda: app.call_later(app.exit, 0), close=stack.close):
        result = app.run()
    with suppress(LictuiError):  # a view that is not remembered is no reason to complain
        save_state(context.paths, app.remembered)
    return result if isinstance(result, int) else app.return_code or 0


def _drawn(settings: Settings, chosen: MonitorOptions) -> Settings:
    """The settings as the command line has them."""
    return replace(
        settings,
        theme=chosen.theme or settings.theme,
        ascii=chosen.ascii or settings.ascii or _needs_ascii(),
        read_only=chosen.read_only or settings.read_only,
    )


def _needs_ascii() -> bool:
    """Whether this is a Linux console that cannot show more than ASCII."""
    charset = next(
        (os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), ""
    )
    utf8 = charset.upper().replace("-", "").endswith("UTF8")
    return os.environ.get("TERM") == "linux" and not utf8


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the monitor needs a terminal, and this is none",
            "`lictui status` prints once; `lictui collect` runs without a screen",
        )
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        raise UsageError(
            f"the monitor cannot draw on TERM={os.environ.get('TERM', '')!r}",
            "set TERM to what this terminal is, for example xterm-256color",
        )
