"""The front door: every command by name, the options all of them take, and how an error leaves.

Owns the exit codes: 0 fine, 1 the answer is no, 2 usage or configuration, 130 interrupted.
Must not import what a command needs: each is loaded when it is called.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import context
from lictui.cli.forecast import peaks
from lictui.cli.history import compact, export, journal, stats
from lictui.cli.history_import import import_csv, import_licenses
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from collections.abc import Sequence


# name -> module:attribute; the order is the order of the help.
_COMMANDS: Final = {
    "watch": "lictui.cli.monitor:watch",
    "status": "lictui.cli.status:status",
    "alerts": "lictui.cli.alerts:alerts",
    "collect": "lictui.cli.monitor:collect",
    "servers": "lictui.cli.servers:servers",
    "history": "lictui.cli.main:history",
    "forecast": "lictui.cli.forecast:forecast",
    "report": "lictui.cli.report:report",
    "contract": "lictui.cli.report:contract",
    "simulate": "lictui.cli.simulate:simulate",
    "config": "lictui.cli.config:config",
    "info": "lictui.cli.config:info",
}


class _Doors(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return context.add_common_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = context.suggestion(args[0], _COMMANDS)
            raise click.UsageError(f"{error.message}{near}", ctx) from None


@click.group(
    cls=_Doors,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@context.monitor_options
@click.pass_context
def lictui(ctx: click.Context, /, **chosen: Any) -> None:
    """Monitor Citrix license servers, in a terminal.

    Without a command, the monitor itself: register servers with `a`, then watch them.
    """
    if ctx.invoked_subcommand is None:
        from lictui.cli.monitor import monitor  # noqa: PLC0415 - commands without a screen do not pay

        monitor(ctx.obj, context.MonitorOptions(**chosen))


context.add_common_options(lictui)


def main(args: Sequence[str] | None = None) -> None:
    """Run `lictui` and exit."""
    try:
        code = lictui.main(args, prog_name="lictui", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except LictuiError as error:
        _say(error)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        code = 0
    _let_go()
    sys.exit(code if isinstance(code, int) else 0)


def _let_go() -> None:
    """Leave a pipe or a terminal that is gone in peace; Python would complain while closing it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(error: LictuiError) -> None:
    click.echo(f"lictui: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)


# `lictui history`: the local history out and in, what it comes to, and less of it on disk


@click.group()
def history() -> None:
    """Look after the local history."""


for _command in (export, import_csv, import_licenses, peaks, journal, stats, compact):
    history.add_command(_command)
