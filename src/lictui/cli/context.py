"""The options that every command takes, and those of the monitor; each has its variable.

Owns option names, `LICTUI_<OPTION>` and the log. Must not know any command.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lictui import __version__
from lictui.errors import UsageError
from lictui.paths import Paths, resolve_paths

if TYPE_CHECKING:
    from lictui.config.settings import Settings
    from lictui.history.store import History
    from lictui.model import Server


# What every command is handed: where the files are, and what the command line said of output


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The common options, settled."""

    paths: Paths
    no_color: bool = False
    log_level: str = "warning"
    # setting -> "option" or "environment"
    overrides: Mapping[str, str] = field(default_factory=dict)


_F = TypeVar("_F", bound=Callable[..., Any])
_LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """What can be said to the monitor on its command line; None or "" is "not said"."""

    interval: float | None = None  # seconds
    group: str = ""
    filter: str = ""
    theme: str = ""
    ascii: bool = False
    read_only: bool = False
    demo: bool = False
    seed: int = 1
    speed: float | None = None


def monitor_options(command: _F) -> _F:
    """The options of everything that draws live: the monitor, and `watch`."""
    for option in reversed(
        (
            click.option(
                "-n",
                "--interval",
                type=click.FloatRange(min=1.0),
                metavar="SECONDS",
                help="Poll every server this often, whatever its own interval says.",
            ),
            click.option("--group", default="", help="Only the servers of this group."),
            click.option(
                "--filter",
                default="",
                metavar="REGEX",
                help="Only servers and products that match; a leading ! inverts.",
            ),
            click.option("--theme", default="", metavar="NAME", help="Colours; `T` cycles."),
            click.option("--ascii", is_flag=True, help="Draw with 7-bit characters alone."),
            click.option("--read-only", is_flag=True, help="Look, but do not touch the registry."),
            click.option(
                "--demo", is_flag=True, help="A simulated estate, polled over real sockets."
            ),
            click.option(
                "--seed", type=int, default=1, show_default=True, help="Which simulated estate."
            ),
            click.option(
                "--speed",
                type=click.FloatRange(min=1.0, max=3600.0),
                metavar="X",
                help="With --demo: simulated seconds a second.  [default: 60]",
            ),
        )
    ):
        command = option(command)
    return command


def add_common_options(command: click.Command) -> click.Command:
    """Give `command`, and its own commands, the common options and every option a variable."""
    if any(parameter.name == "config_dir" for parameter in command.params):
        return command
    command.params.extend(_common())
    command.context_settings.setdefault("help_option_names", ["-h", "--help"])
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar is None and parameter.name:
            parameter.envvar = f"LICTUI_{parameter.name.upper()}"
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_common_options(each)
    return command


def _common() -> list[click.Parameter]:
    folder = click.Path(file_okay=False, path_type=Path)
    return [
        click.Option(
            ["--config-dir"],
            type=folder,
            expose_value=False,
            callback=_set_folder,
            is_eager=True,
            help="Where config.toml and servers.toml are.",
        ),
        click.Option(
            ["--data-dir"],
            type=folder,
            expose_value=False,
            callback=_set_folder,
            is_eager=True,
            help="Where the history and the log are.",
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(_LEVELS),
            expose_value=False,
            callback=_set_level,
            help="How much lictui.log says.  [default: warning]",
        ),
        click.Option(
            ["--no-color"],
            is_flag=True,
            expose_value=False,
            callback=_set_no_color,
            help="No colour; so does a NO_COLOR that is not empty.",
        ),
        click.Option(
            ["-V", "--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_version,
            help="Show the version and exit.",
        ),
    ]


def _context(ctx: click.Context) -> CommandContext:
    if ctx.obj is None:
        ctx.obj = CommandContext(resolve_paths())
    context: CommandContext = ctx.obj
    return context


def _set_folder(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    context = _context(ctx)
    if value is not None and parameter.name:
        paths = replace(context.paths, **{parameter.name: value.expanduser().absolute()})
        ctx.obj = replace(context, paths=paths)


def _set_level(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    context = _context(ctx)
    if value is not None:
        ctx.obj = replace(context, log_level=value)


def _set_no_color(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's own signature
    context = _context(ctx)
    if value:
        ctx.obj = replace(context, no_color=True)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's own signature
    if value and not ctx.resilient_parsing:
        click.echo(f"lictui {__version__}")
        ctx.exit()


def suggestion(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` where something known is close, else nothing."""
    close = get_close_matches(word, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def configure_logging(file: Path, level: str, *, also_stderr: bool = False) -> None:
    """Send lictui's log to a rotating file, 0600; secrets never reach a log record."""
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415 - only where something runs

    from lictui.paths import FILE_MODE, make_folder  # noqa: PLC0415 - only where something runs

    make_folder(file.parent)
    file.touch(mode=FILE_MODE, exist_ok=True)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(file, maxBytes=1_000_000, backupCount=3, delay=True)
    ]
    if also_stderr:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=level.upper(),
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    for library in ("httpx", "httpcore", "spnego", "asyncio"):  # they would log headers and tokens
        logging.getLogger(library).setLevel(logging.WARNING)


# The configuration a command works with, and the servers it was asked about


def load_configuration(context: CommandContext) -> tuple[Settings, tuple[Server, ...]]:
    """config.toml and servers.toml; raises ConfigError with every problem of both."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` does not read files
    from lictui.config.registry import load_servers  # noqa: PLC0415 - `--help` neither

    return load_settings(context.paths), load_servers(context.paths)


def select_servers(
    servers: tuple[Server, ...], names: Collection[str] = (), group: str = ""
) -> tuple[Server, ...]:
    """The servers of these names and this group; raises UsageError for one that is not there."""
    known = {server.name for server in servers}
    for name in names:
        if name not in known:
            raise UsageError(
                f"no server is named {name!r}.{suggestion(name, known)}",
                "`lictui servers list` shows them all",
            )
    groups = {server.group for server in servers}
    if group and group not in groups:
        raise UsageError(f"no server is in a group {group!r}.{suggestion(group, groups)}")
    return tuple(
        server
        for server in servers
        if (not names or server.name in names) and group in ("", server.group)
    )


# The history that a command works with: where it is, and that it is closed again


@contextmanager
def open_history(context: CommandContext, *, begin: bool = False) -> Iterator[History]:
    """The history; with `begin` one is begun where there is none."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.config.loader import load_settings  # noqa: PLC0415 - as above
    from lictui.history.store import History  # noqa: PLC0415 - as above

    retention = load_settings(context.paths).retention
    with History.open(history_path(context, begin=begin), retention, SystemClock()) as store:
        for notice in store.notices:
            click.echo(f"lictui: {notice}", err=True)
        yield store


def history_path(context: CommandContext, *, begin: bool = False) -> Path:
    """The file; raises UsageError when there is none and none is to `begin`."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads no file

    path = load_settings(context.paths).retention.path or context.paths.history
    if not begin and not path.exists():
        raise UsageError(
            f"there is no history at {path} yet",
            "the monitor, `lictui collect` and `lictui status` begin one",
        )
    return path


def require_known(what: str, named: Collection[str], known: Collection[str]) -> None:
    """Raise UsageError for a name that is not `known`."""
    for name in named:
        if name not in known:
            raise UsageError(f"the history knows no {what} {name!r}.{suggestion(name, known)}")
