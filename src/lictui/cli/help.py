"""`lictui help`, the man page, and the completion of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from lictui import __version__
from lictui.cli.context import open_history
from lictui.cli.options import option, suggestion
from lictui.config.registry import read_servers
from lictui.errors import LictuiError
from lictui.tui.theme_names import THEME_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.cli.options import CommandContext

_SHELLS: Final = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_MAN_FILES: Final = (
    ("config.toml", "settings; lictui config init writes one with comments"),
    ("servers.toml", "the registered servers"),
    ("contract.toml", "entitlements: purchased licenses, prices and renewal dates"),
    ("history.db", "the local history (SQLite)"),
)


@click.command(epilog="Example: lictui completion bash")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(*, shell: str) -> None:
    """Print the completion for bash, zsh or fish, values included.

    In bash, add eval "$(lictui completion bash)" to ~/.bashrc, in zsh the same to ~/.zshrc. For
    fish, run lictui completion fish > ~/.config/fish/completions/lictui.fish
    """
    root = click.get_current_context().find_root().command
    click.echo(_SHELLS[shell](root, {}, "lictui", "_LICTUI_COMPLETE").source())


def known_names(context: CommandContext, kind: str) -> list[str]:
    """Return the names that complete a value: of servers, groups, products or themes."""
    if kind == "theme":
        return list(THEME_NAMES)
    servers, _ = read_servers(context.paths)
    if kind == "product":
        try:
            with open_history(context) as history:
                return sorted({pool.product for pool in history.pools()})
        except LictuiError:
            return []
    return sorted({server.name if kind == "server" else server.group for server in servers} - {""})


@click.command("help", epilog="Example: lictui help history import")
@click.argument("commands", nargs=-1, metavar="[COMMAND]...")
@option("--man", "Print the manual of all commands for man(1).")
def show_help(*, commands: tuple[str, ...], man: bool) -> None:
    """Show the help of a command, or the manual of all."""
    root = click.get_current_context().find_root()
    if man:
        click.echo("\n".join(_manual(root.command)))
        return
    context = root
    for name in commands:
        group = context.command
        command = group.get_command(context, name) if isinstance(group, click.Group) else None
        if command is None:
            known = group.list_commands(context) if isinstance(group, click.Group) else ()
            path = " ".join(commands)
            raise click.UsageError(f"No such command '{path}'.{suggestion(name, known)}")
        context = click.Context(command, context, name)
    click.echo(context.get_help())


def _manual(root: click.Command) -> Iterator[str]:
    """Yield the lines of a manual page, in the macros of man(7)."""
    yield f'.TH LICTUI 1 "" "lictui {__version__}" "User Commands"'
    yield from (".SH NAME", r"lictui \- monitor Citrix license servers in a terminal")
    yield from (".SH SYNOPSIS", r"\fBlictui\fR [\fIOPTIONS\fR] [\fICOMMAND\fR] [\fIARGS\fR]...")
    yield from (".SH DESCRIPTION", _roff(root.help or ""), ".SH OPTIONS")
    context = click.Context(root, info_name="lictui")
    yield from _options(root, context, common=())
    yield ".SH COMMANDS"
    common = {name for parameter in root.params for name in parameter.opts}
    yield from _commands(root, context, sorted(common))
    yield ".SH FILES"
    for name, meaning in _MAN_FILES:
        yield from (".TP", rf"\fB{name}\fR", _roff(meaning))
    yield _roff("lictui info prints where they are.")
    yield ".SH EXIT STATUS"
    yield _roff("0 success; 1 negative result; 2 usage or configuration error; 130 interrupted.")
    yield _roff("lictui check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")


def _commands(group: click.Command, context: click.Context, common: Sequence[str]) -> Iterator[str]:
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, inner, common)
            continue
        usage = " ".join(command.collect_usage_pieces(inner))
        yield from (f'.SS "{_roff(inner.command_path)} {_roff(usage)}"', _roff(command.help or ""))
        yield from _options(command, inner, common)
        yield from (".PP", _roff(command.epilog or ""))


def _options(
    command: click.Command, context: click.Context, common: Sequence[str]
) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and not set(parameter.opts) & set(common):
            yield from (".TP", rf"\fB{_roff(record[0])}\fR", _roff(record[1]))


def _roff(text: str) -> str:
    """Return text without what man(7) would take for a macro or an escape."""
    text = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text[:1] in {".", "'"} else text
