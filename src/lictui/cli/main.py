"""The `lictui` command: the table of all commands, and how errors and signals become exit codes.

Exit codes: 0 success, 1 negative result, 2 usage or configuration error, 130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import re
import sys
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from lictui.cli.options import (
    MonitorOptions,
    add_common_options,
    monitor_options,
    suggestion,
    working,
)
from lictui.errors import LictuiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PROGRAM: Final = "lictui"
# group -> command -> its short help, in the order of the help, which imports no command.
COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "lictui": {
        "watch": "Full-screen view for wall displays, rotating through groups.",
        "status": "Poll all servers once, record and print the result.",
        "check": "Check usage, expirations and servers as a plugin for Nagios and Icinga.",
        "alerts": "Show active alerts.",
        "collect": "Poll and record in the background, without a screen.",
        "serve": "Serve the read-only monitor as a web page.",
        "servers": "List, add, change, remove and test servers.",
        "secrets": "Store passwords.",
        "history": "Export, import and inspect the recorded history.",
        "forecast": "Forecast when each license type reaches its thresholds or runs out.",
        "report": "Write a monthly report: peaks, trends, bottlenecks, expirations and costs.",
        "bundle": "Pack a span of the history into a file that lictui opens anywhere.",
        "contract": "Compare entitlements with installed and used licenses, and list expirations.",
        "renewal": "Write the renewal pack: position, proposed quantities, costs and evidence.",
        "export": "Write rules, a dashboard or a template for another monitoring system.",
        "simulate": "Run simulated license servers and create a matching configuration.",
        "config": "Show and check the configuration.",
        "info": "Show versions, surroundings and file locations, without names or secrets.",
        "completion": "Print the completion for bash, zsh or fish, values included.",
        "help": "Show the help of a command, or the manual of all.",
    },
    "servers": {
        "list": "List all servers.",
        "show": "Show one server and its warnings.",
        "add": "Add a server.",
        "edit": "Change a server.",
        "remove": "Remove a server (its history is kept).",
        "test": "Test the connection to a server step by step.",
        "holders": "List the users of licenses on a server.",
        "snippet": "Print a ready-to-use command for reading a server.",
    },
    "secrets": {
        "set": "Store a password and print the reference to it.",
    },
    "history": {
        "export": "Export the history as CSV, one series after another; times are UTC.",
        "import": "Import usage data from a CSV file.",
        "import-licenses": "Import license counts from .lic files, or folders with such files.",
        "peaks": "Show peak usage of the last 24 hours, this month and all time.",
        "journal": "Print the event log, newest first: changes of servers and pools, and alerts.",
        "stats": "Show database statistics.",
        "push": "Show what was pushed to the long-term engine, and verify it.",
        "compact": "Aggregate, apply retention and compact the database.",
    },
    "config": {
        "path": "Print the path of config.toml.",
        "init": "Create a commented config.toml (never overwrites).",
        "show": "Print the effective settings as TOML.",
        "schema": "Print the JSON Schema of config.toml, servers.toml or status --json.",
        "check": "Check config.toml, servers.toml and contract.toml.",
    },
}
# A command is a function of its name, in the module of its group or name, unless it is here.
_FUNCTIONS: Final = {
    "watch": "monitor:watch",
    "contract": "report:contract",
    "info": "config:info",
    "completion": "help:completion",
    "help": "help:show_help",
    "servers list": "servers:list_servers",
    "servers snippet": "servers_setup:snippet",
    "secrets set": "servers_setup:set_secret",
    "history import": "history_import:import_csv",
    "history import-licenses": "history_import:import_licenses",
    "history peaks": "forecast:peaks",
}


def _load(target: str) -> Any:
    """Import what `module:name` refers to, below lictui.cli."""
    gc.disable()  # imports create no garbage, and looking for it takes a tenth of their time
    try:
        with working("starting"):
            return resolve_name(f"lictui.cli.{target}")
    finally:
        gc.enable()


class _KnownName(click.types.StringParamType):
    """A name in the registry or the history, which a shell completes."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that start with what was typed."""
        del param
        names = _load("help:known_names")(ctx.obj, self._kind)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


_COMPLETED: Final = ("server", "group", "product", "theme")
_NEW_NAMES: Final = ("add", "set")  # commands whose argument is the name of something new


def _complete_names(command: click.Command) -> click.Command:
    for parameter in command.params:
        kind = "server" if parameter.name == "name" else parameter.opts[0].removeprefix("--")
        is_text = isinstance(parameter.type, click.types.StringParamType)
        if is_text and kind in _COMPLETED and command.name not in _NEW_NAMES:
            parameter.type = _KnownName(kind)
    return command


@contextmanager
def _ending_with_its_reader() -> Iterator[None]:
    """End the program with 0 when nobody reads its output any more; click would end it with 1."""
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(0) from None


class LazyGroup(click.Group):
    """A group whose commands are imported when they run; its table is `COMMANDS[name]`."""

    def __init__(self, name: str, **settings: Any) -> None:
        super().__init__(name, **settings)
        self._table = COMMANDS[name]
        # Only click's own search for similar names looks at the values
        self.commands = dict.fromkeys(self._table, click.Command(None))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; `--help` prints."""
        with _ending_with_its_reader():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _ending_with_its_reader():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is no such command."""
        del ctx
        if cmd_name not in self._table:
            return None
        if cmd_name in COMMANDS:
            command: click.Command = LazyGroup(cmd_name, help=self._table[cmd_name])
        else:
            is_top = self.name == _PROGRAM
            path = cmd_name if is_top else f"{self.name} {cmd_name}"
            usual = f"{cmd_name if is_top else self.name}:{cmd_name}"
            command = _load(_FUNCTIONS.get(path, usual))
        return _complete_names(add_common_options(command))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their short help from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands from the table, then the options."""
        items = (CompletionItem(name, help=text) for name, text in self._table.items())
        commands = [item for item in items if item.value.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: lictui --demo",
)
@monitor_options
@click.pass_context
def lictui(ctx: click.Context, /, **options: Any) -> None:
    """Monitor Citrix license servers in a terminal.

    Run without a command to open the dashboard. Press `a` to add a server.
    """
    if ctx.invoked_subcommand is None:
        _load("monitor:run_monitor")(ctx.obj, MonitorOptions(**options))


_complete_names(add_common_options(lictui))


def main(args: Sequence[str] | None = None) -> None:
    """Run `lictui` and exit."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name may have letters that a terminal lacks
    try:
        code = lictui.main(args, prog_name="lictui", standalone_mode=False)
        try:
            sys.stdout.flush()
        except OSError as error:
            if error.errno != errno.EIO:  # else the terminal hung up
                raise
    except click.exceptions.Exit as error:
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        code = 0
    except Exception as error:  # noqa: BLE001 - what nobody can fix is raised again
        code = _print_failure(error, args)
    _drop_broken_streams()
    code = code if isinstance(code, int) else 0
    if args is None:  # this process is lictui's own
        atexit._run_exitfuncs()  # noqa: SLF001 - what `sys.exit` does before it waits for threads
        os._exit(code)  # the interpreter may wait for a lock of a blocked thread
    sys.exit(code)


_FULL: Final = (errno.ENOSPC, errno.EDQUOT)  # stdout is a file on a full disk


def _print_failure(error: Exception, args: Sequence[str] | None) -> int:
    """Print an error of the user, or any error of a monitoring plugin; return the exit code."""
    words = sys.argv[1:] if args is None else args
    if isinstance(error, OSError) and error.errno in _FULL:
        error = LictuiError(f"cannot write the output: {error.strerror}")
    is_plugin = next((word for word in words if word in COMMANDS[_PROGRAM]), "") == "check"
    if is_plugin:
        with suppress(OSError):  # an output that is full does not take the error, either
            _print_unknown(error)
        return 3
    if isinstance(error, click.ClickException | LictuiError):
        with suppress(OSError):
            _print_error(error)
        return 2
    raise error


def _print_unknown(error: Exception) -> None:
    """Print an error as a monitoring plugin does, in one line."""
    text = str(error) or type(error).__name__
    if isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, LictuiError):
        text = f"{error.message} ({error.hint})" if error.hint else error.message
    click.echo(f"LICENSES UNKNOWN - {' '.join(text.split()).replace('|', '¦')}")


_WRONG_CHOICE: Final = re.compile("'(.*?)' is not one of")


def _print_error(error: click.ClickException | LictuiError) -> None:
    """Print an error, and the environment variable that a wrong value comes from."""
    variables = []
    if isinstance(error, LictuiError):
        click.echo(f"lictui: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        quoted = error.message.replace('"', "'")
        variables = [
            n for n, v in os.environ.items() if n.startswith("LICTUI_") and repr(v) in quoted
        ]
    else:
        if isinstance(error, click.BadParameter) and error.param:
            words = getattr(error.param.type, "choices", ())
            if wrong := _WRONG_CHOICE.match(error.message):
                message = f"{error.message}{suggestion(wrong[1], words)}"
                error = click.BadParameter(message, error.ctx, error.param)
        error.show()
        if isinstance(error, click.BadParameter) and error.ctx and error.param:
            source = error.ctx.get_parameter_source(error.param.name or "")
            variables = [str(error.param.envvar)] * (source is ParameterSource.ENVIRONMENT)
    for variable in variables:
        click.echo(f"  the value comes from the environment variable {variable}", err=True)


def _open_missing_streams() -> None:
    """Open the null device in place of a stream that the caller has closed.

    Python has None there, and the next file that is opened, such as the history, its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _drop_broken_streams() -> None:
    """Replace a stdout or stderr that is closed, or Python complains about it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
