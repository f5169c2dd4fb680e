"""`lictui servers`: the registry, without the screen.

Owns how a server is printed. Must not know how one is registered (`register`) or tested (`test`).
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import register
from lictui.cli.holders import holders
from lictui.cli.snippet import snippet
from lictui.cli.test import test
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.model import Server
    from lictui.paths import Paths

_COLUMNS: Final = ("NAME", "SOURCE", "ADDRESS", "GROUP", "EVERY", "VERIFY", "ENABLED")


@click.group()
def servers() -> None:
    """List, register, change, remove and test servers."""


@servers.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_servers(context: Context, /, *, as_json: bool) -> int:
    """Print every registered server."""
    from lictui.cli.tables import aligned  # noqa: PLC0415 - `--help` prints no table
    from lictui.config.registry import read_servers  # noqa: PLC0415 - `--help` reads nothing

    found, problems = read_servers(context.paths)
    usual = _usual_interval(context.paths)
    if as_json:
        listed = [_as_json(server, usual) for server in found]
        _print_json({"schema": "lictui.servers/1", "servers": listed})
    elif found:
        click.echo(
            "\n".join(aligned([_COLUMNS, *(_row(each, usual) for each in found)], right={4}))
        )
    elif not problems:
        click.echo("No server is registered yet: lictui servers add --help", err=True)
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    return 2 if problems else 0


@servers.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(context: Context, /, *, name: str, as_json: bool) -> None:
    """Print one server, with what there is to warn of."""
    import tomli_w  # noqa: PLC0415 - `--help` prints no server

    from lictui.config.server_schema import table_of  # noqa: PLC0415 - as above

    server = _registered(context.paths, name)
    if as_json:
        usual = _usual_interval(context.paths)
        _print_json({"schema": "lictui.server/1", **_as_json(server, usual)})
    else:
        click.echo(tomli_w.dumps(table_of(server)), nl=False)
    register.warn(server)


def _registered(paths: Paths, name: str) -> Server:
    from lictui.cli.selection import select  # noqa: PLC0415 - `--help` selects nothing
    from lictui.config.registry import read_servers  # noqa: PLC0415 - `--help` reads nothing

    found, problems = read_servers(paths)
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    (server,) = select(found, (name,))
    return server


def _usual_interval(paths: Paths) -> float | None:
    """Seconds between two polls of a server that does not say; None leaves it to the source."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads nothing

    try:
        return load_settings(paths).interval
    except ConfigError:  # `config check` says what is wrong; the registry can be read all the same
        return None


def _every(server: Server, usual: float | None) -> float:
    return server.interval or usual or server.every


def _row(server: Server, usual: float | None) -> tuple[str, ...]:
    return (
        server.name,
        server.source.value,
        _address(server),
        server.group,
        f"{_every(server, usual):g} s",
        _trust(server),
        "yes" if server.enabled else "no",
    )


def _address(server: Server, most: int = 60) -> str:
    """Where it is asked: its URL, FlexNet's PORT@HOST, or the command."""
    said = server.url or server.address or shlex.join(server.command)
    return said if len(said) <= most else f"{said[: most - 1]}…"


def _trust(server: Server) -> str:
    if not server.url:
        return "-"
    if not server.url.startswith("https:"):
        return "no TLS"
    match server.verify:
        case True:
            return "yes"
        case False:
            return "OFF"
        case pin if pin.startswith("sha256:"):
            return "pinned"
        case bundle:
            return bundle


def _as_json(server: Server, usual: float | None) -> dict[str, Any]:
    from lictui.config.registry import warnings  # noqa: PLC0415 - `--help` warns of nothing

    every = _every(server, usual)
    return {**asdict(server), "every": every, "warnings": warnings(server)}


def _print_json(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


for command in (register.add, register.edit, register.remove, test, holders, snippet):
    servers.add_command(command)
