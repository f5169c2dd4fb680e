"""The options of the command line, and the common ones as one value.

`lictui --help` and shell completion load this module, so it imports nothing heavy.
Every option has an environment variable: that of `--config-dir` is `LICTUI_CONFIG_DIR`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource
from msgspec import Struct
from msgspec.structs import replace

from lictui import __version__
from lictui.paths import Paths, current_folder, resolve_paths

NO_SERVERS: Final = "No servers configured. Run: lictui servers add --help"
FORMATS: Final = ("table", "json", "jsonl", "csv", "markdown")
MONITORING_FORMATS: Final = ("openmetrics", "checkmk", "zabbix", "prtg", "influx")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_Command = TypeVar("_Command", bound=Callable[..., Any])


class CommandContext(Struct, frozen=True):
    """The common options of a command line."""

    paths: Paths
    no_color: bool = False
    log_level: str = "warning"


class MonitorOptions(Struct, frozen=True):
    """The options of the monitor; None or "" means not given."""

    interval: float | None = None  # seconds
    group: str = ""
    pattern: str = ""
    theme: str = ""
    ascii: bool | None = None
    read_only: bool = False
    demo: bool = False
    demo_now: bool = False
    seed: int = 1
    speed: float | None = None
    at: str = ""
    replay: Path | None = None


def option(
    names: str, description: str, metavar: str | None = None, **settings: Any
) -> Callable[[_Command], _Command]:
    """Return the decorator of an option: `-o --output`, its help, and the name of its value.

    Without a value it is a flag; a text that is not given is "", everything else is None. The help
    shows a default.
    """
    settings.setdefault("show_default", settings.get("default") is not None)
    if not settings.keys() & {"type", "multiple", "count", "required"}:
        settings = {"is_flag": True} | settings if metavar is None else {"default": ""} | settings
    return click.option(*names.split(), help=description, metavar=metavar, **settings)


# Options that several commands share. A command's own options are defined at the command.

group_option: Final = option("--group", "Limit to the servers of this group.", "NAME")
servers_option: Final = option(
    "--server servers", "Limit to this server (repeatable).", "NAME", multiple=True
)
products_option: Final = option(
    "--product products", "Limit to this product code (repeatable).", "CODE", multiple=True
)
filter_option: Final = option(
    "--filter pattern",
    "Filter servers and products by a regular expression (prefix ! to invert).",
    "REGEX",
)
cached_option: Final = option("--cached", "Use the last recorded values without polling.")
timeout_option: Final = option(
    "-t --timeout",
    "Timeout per server, in seconds.",
    "SECONDS",
    type=click.FloatRange(min=0.1),
    show_default="timeout of config.toml",
)
timezone_option: Final = option(
    "--tz",
    "Time zone of days and months (IANA name).",
    "ZONE",
    show_default="timezone of config.toml",
)
interval_option: Final = option(
    "-n --interval",
    "Override the polling interval of all servers, in seconds.",
    "SECONDS",
    type=click.FloatRange(min=1.0),
    show_default="the interval of each server",
)
seed_option: Final = option("--seed", "Seed of the simulation.", "N", type=int, default=1)
output_option: Final = option(
    "-o --output",
    "File to write; - is stdout.",
    "FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    show_default="stdout",
)
json_option: Final = option("--json as_json", "Print as JSON.")


class _FormatChoice(click.Choice[str]):
    """A choice of output formats that accepts `md` for `markdown`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name of the format."""
        return super().convert("markdown" if value == "md" else value, param, ctx)


def format_option(
    formats: Sequence[str], default: str | None, *, shown: bool | str = True
) -> Callable[[_Command], _Command]:
    """Return the decorator for `--format` with these words."""
    return option(
        "--format output_format",
        f"Output format: {', '.join(formats)}.",
        "FORMAT",
        type=_FormatChoice(formats),
        default=default,
        show_default=shown,
    )


def format_options(command: _Command, formats: Sequence[str] = FORMATS) -> _Command:
    """Add `--format` with all words and `--json`; both set the parameter `output_format`."""
    json = option("--json output_format", "Same as --format json.", flag_value="json")
    return format_option(formats, "table")(json(command))


def scope_options(command: _Command) -> _Command:
    """Add the options of a question about the history: its scope, the time zone, the format."""
    for option in (timezone_option, group_option, products_option, servers_option):
        command = option(command)
    return format_options(command)


def monitor_options(command: _Command) -> _Command:
    """Add the options of the monitor and of `watch`."""
    for option in reversed(_MONITOR_OPTIONS):
        command = option(command)
    return command


_MONITOR_OPTIONS: Final = (
    interval_option,
    group_option,
    filter_option,
    option("--theme", "Color theme.", "NAME", show_default="theme of config.toml"),
    option(
        "--ascii/--unicode",
        "Draw with ASCII characters only, or with all symbols (default: as the terminal can).",
        default=None,
    ),
    option(
        "--read-only",
        "Show what another lictui records; poll and change nothing.",
    ),
    option("--at", "Show everything as it was, such as 2026-11-25T14:00, 'tue 9am' or 6h.", "TIME"),
    option(
        "--replay",
        "Show the contents of a bundle (see lictui bundle).",
        "FILE",
        type=click.Path(dir_okay=False, path_type=Path),
    ),
    option("--demo", "Run with simulated servers."),
    option("--demo-now", "Start the clock of the demo at the present time."),
    seed_option,
    option(
        "--speed",
        "Simulated seconds per second, with --demo (default: 60).",
        "X",
        type=click.FloatRange(min=1.0, max=3600.0),
    ),
)


# The common options, which every command takes


def add_common_options(command: click.Command) -> click.Command:
    """Add the common options to `command` and its subcommands, and a variable to each option."""
    if any(parameter.name == "config_dir" for parameter in command.params):
        return command
    for add in _COMMON_OPTIONS:
        add(command)
    command.context_settings.setdefault("help_option_names", ["-h", "--help"])
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar is None:
            name = max(parameter.opts, key=len).removeprefix("--")
            parameter.envvar = f"LICTUI_{name.replace('-', '_').upper()}"
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            add_common_options(subcommand)
    return command


def _set_common(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Put the value of a common option into the CommandContext.

    A variable of the environment was applied before the command: an option there counts more.
    """
    source = ctx.get_parameter_source(parameter.name or "")
    if ctx.parent and source is ParameterSource.ENVIRONMENT:
        return
    context: CommandContext = ctx.obj or CommandContext(resolve_paths())
    name = str(parameter.name)
    if isinstance(value, Path):
        folder = value.expanduser()
        folder = folder if folder.is_absolute() else current_folder() / folder
        context = replace(context, paths=replace(context.paths, **{name: folder}))
    elif value:
        context = replace(context, **{name: value})
    ctx.obj = context


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"lictui {__version__}")
        ctx.exit()


_FOLDER: Final = click.Path(file_okay=False, path_type=Path)
_COMMON: Final[dict[str, Any]] = {"callback": _set_common, "is_eager": True, "expose_value": False}
_COMMON_OPTIONS: Final = (
    option(
        "--config-dir", "Directory of config.toml and servers.toml.", "DIR", type=_FOLDER, **_COMMON
    ),
    option(
        "--data-dir",
        "Directory of the history database and the log file.",
        "DIR",
        type=_FOLDER,
        **_COMMON,
    ),
    option(
        "--log-level",
        "Log level of lictui.log (default: warning).",
        type=click.Choice(_LOG_LEVELS),
        **_COMMON,
    ),
    option("--no-color", "Disable colors (also: NO_COLOR).", **_COMMON),
    option("-V --version", "Show the version and exit.", **_COMMON | {"callback": _print_version}),
)


@contextmanager
def working(words: str) -> Iterator[None]:
    """Show on a terminal what is being done, until the block ends."""
    if not sys.stderr.isatty():
        yield
        return
    line = f"lictui: {words} …"
    click.echo(line, err=True, nl=False)
    try:
        yield
    finally:
        click.echo(f"\r{' ' * len(line)}\r", err=True, nl=False)


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """Return ` Did you mean …?` if one of `candidates` resembles `word`, else nothing."""
    close = get_close_matches(word, candidates, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
