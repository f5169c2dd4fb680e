"""`lictui servers list`, `show`, `test` and `holders`: what is known of the registered servers.

JSON: `lictui.servers/1`, `lictui.server/1`, `lictui.test/1` and `lictui.holders/1`.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
import tomli_w

from lictui.cli.context import load_configuration, resolve_timezone, select_servers
from lictui.cli.options import CommandContext, format_options, json_option
from lictui.cli.output import Column, Kind, Row, emit, json_text, optional_date, optional_time
from lictui.cli.servers_edit import print_warnings
from lictui.clock import SystemClock
from lictui.config.loader import load_settings
from lictui.config.registry import read_servers
from lictui.config.server_schema import server_warnings, to_table
from lictui.engine.queries import query_license_users
from lictui.errors import ConfigError
from lictui.sources.resolver import run

if TYPE_CHECKING:
    from lictui.config.settings import Limits
    from lictui.engine.license_users import LicenseUsers, VisibleUser
    from lictui.model import Server, StepResult
    from lictui.paths import Paths

_MAX_ADDRESS: Final = 60  # characters in a table


def _address(server: Server) -> str:
    """Return the URL, the FlexNet address PORT@HOST, or the command."""
    return server.url or server.address or shlex.join(server.command)


def _address_text(row: Row) -> str:
    address: str = row["location"]
    return address if len(address) <= _MAX_ADDRESS else f"{address[: _MAX_ADDRESS - 1]}…"


def _verify_text(row: Row) -> str:
    if not row["url"]:
        return "-"
    if not row["url"].startswith("https:"):
        return "no TLS"
    if isinstance(row["verify"], bool):
        return "yes" if row["verify"] else "OFF"
    return "pinned" if row["verify"].startswith("sha256:") else str(row["verify"])


_SERVER_COLUMNS: Final = (
    Column("name", "NAME"),
    Column("source", "SOURCE"),
    Column("location", "ADDRESS", text=_address_text),
    Column("group", "GROUP"),
    Column("every", "INTERVAL", Kind.NUMBER, lambda row: f"{row['every']:g} s"),
    Column("verify", "VERIFY", text=_verify_text),
    Column("enabled", "ENABLED"),
)


@click.command("list")
@format_options
@click.pass_obj
def list_servers(context: CommandContext, /, *, output_format: str) -> int:
    """List all servers.

    Exit code 2: servers.toml has problems; valid servers are listed all the same.
    """
    servers, problems = read_servers(context.paths)
    interval = _default_interval(context.paths)
    records = [_server_json(server, interval) for server in servers]
    emit(
        [
            {**record, "location": _address(server)}
            for record, server in zip(records, servers, strict=True)
        ],
        _SERVER_COLUMNS,
        output_format,
        document={"schema": "lictui.servers/1", "servers": records},
        records="servers",
        empty="" if problems else "No servers configured. Run: lictui servers add --help",
    )
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    return 2 if problems else 0


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(context: CommandContext, /, *, name: str, as_json: bool) -> None:
    """Show one server and its warnings."""
    servers, problems = read_servers(context.paths)
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    (server,) = select_servers(servers, (name,))
    if as_json:
        record = _server_json(server, _default_interval(context.paths))
        click.echo(json_text({"schema": "lictui.server/1", **record}), nl=False)
    else:
        click.echo(tomli_w.dumps(to_table(server)), nl=False)
    print_warnings(server)


def _default_interval(paths: Paths) -> float | None:
    """Return the polling interval of config.toml in seconds; None is that of the source."""
    try:
        return load_settings(paths).interval
    except ConfigError:  # `config check` reports it; the servers can be listed all the same
        return None


def _server_json(server: Server, default_interval: float | None) -> dict[str, Any]:
    interval = server.interval or default_interval or server.effective_interval
    return {**asdict(server), "every": interval, "warnings": server_warnings(server)}


# `lictui servers test`

_STEP_WIDTH: Final = 9
_TIME_WIDTH: Final = 7
_INDENT: Final = " " * (3 + _STEP_WIDTH + 1 + _TIME_WIDTH + 2)


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def test(context: CommandContext, /, *, name: str, as_json: bool) -> int:
    """Test the connection to a server step by step.

    The steps are resolve, connect, tls, auth, inventory and parse. Exit code 1: a step failed.
    """
    settings, servers = load_configuration(context)
    (server,) = select_servers(servers, (name,))
    color = False if context.no_color or os.environ.get("NO_COLOR") else None
    steps = run(_test_steps(server, settings.limits, quiet=as_json, color=color))
    if as_json:
        click.echo(json_text(_test_json(server, steps)), nl=False)
    return 0 if steps[-1].ok else 1


async def _test_steps(
    server: Server, limits: Limits, *, quiet: bool, color: bool | None
) -> list[StepResult]:
    """Return all steps; each is printed as it ends, unless `quiet`."""
    from lictui.sources.probe import probe

    results = []
    if not quiet:
        click.echo(f"Test {server.name}")
    async with aclosing(probe(server, limits, SystemClock())) as steps:
        async for step in steps:
            results.append(step)
            if not quiet:
                click.echo(_step_lines(step), color=color)
    return results


def _step_lines(step: StepResult) -> str:
    """Return ` ✔ resolve      2 ms  10.1.0.7` and the hint, with ASCII marks if need be."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        "✔✖→".encode(encoding)
        passed, failed, arrow = "✔✖→"
    except UnicodeEncodeError:
        passed, failed, arrow = "+", "x", "->"
    mark = click.style(passed, fg="green") if step.ok else click.style(failed, fg="red")
    time = f"{step.seconds * 1000:.0f} ms"
    detail = step.detail.replace(" · sha256:", f"\n{_INDENT}sha256:")
    lines = f" {mark} {step.step.value:<{_STEP_WIDTH}} {time:>{_TIME_WIDTH}}  {detail}"
    if step.hint:
        lines += f"\n{_INDENT}{arrow} {step.hint}"
    return lines.encode(encoding, "replace").decode(encoding)


def _test_json(server: Server, steps: list[StepResult]) -> dict[str, Any]:
    return {
        "schema": "lictui.test/1",
        "server": server.name,
        "ok": steps[-1].ok,
        "steps": [
            {
                "step": step.step.value,
                "ok": step.ok,
                "detail": step.detail,
                "ms": round(step.seconds * 1000),
            }
            for step in steps
        ],
    }


# `lictui servers holders`


def _idle_text(row: Row) -> str:
    return (row["release"] or "idle") if row["idle"] else "-"


_USER_COLUMNS: Final = (
    Column("product", "PRODUCT"),
    Column("user", "USER", missing="-"),
    Column("host", "HOST", missing="-"),
    Column("since", "SINCE", Kind.TIME),
    Column("count", "COUNT", Kind.NUMBER),
    Column("assigned"),
    Column("subscription_date"),
    Column("idle", "IDLE", text=_idle_text),
    Column("release"),
)


@click.command()
@click.argument("name")
@click.option(
    "--product", default="", metavar="CODE", help="Limit to this product code, e.g. XDT_PLT_UD."
)
@format_options
@click.pass_obj
def holders(context: CommandContext, /, *, name: str, product: str, output_format: str) -> int:
    """List the users of licenses on a server.

    Available from lmstat, and from commands that print lmstat or udadmin; for any other server,
    the servers with same_as = NAME are asked. User and host names are replaced unless [privacy]
    users in config.toml is "hash" or "show". Nothing is stored, and nothing is released.

    Exit code 1: no source can report license users.
    """
    settings, servers = load_configuration(context)
    select_servers(servers, (name,))
    users = run(
        query_license_users(
            servers, name, product, settings=settings, paths=context.paths, clock=SystemClock()
        )
    )
    document = _users_json(users)
    if users.sources or output_format in ("json", "jsonl"):
        emit(
            document["holders"],
            _USER_COLUMNS,
            output_format,
            document=document,
            records="holders",
            zone=resolve_timezone(context),
            empty=f"No licenses of {users.server} are in use.",
        )
    if users.users and users.privacy != "show":
        note = f'names are replaced: [privacy] users = "{users.privacy}" in config.toml'
        click.echo(f"note: {note}", err=True)
    for server, failure in users.failures:
        hint = f" ({failure.hint})" if failure.hint else ""
        click.echo(f"lictui: {server}: {failure.message}{hint}", err=True)
    return 0 if users.sources else 1


def _users_json(users: LicenseUsers) -> dict[str, Any]:
    return {
        "schema": "lictui.holders/1",
        "at": optional_time(users.at),
        "server": users.server,
        "told_by": users.sources,
        "users": users.privacy,
        "holders": list(map(_user_json, users.users)),
        "failures": [
            {
                "server": server,
                "kind": failure.kind,
                "message": failure.message,
                "hint": failure.hint,
            }
            for server, failure in users.failures
        ],
    }


def _user_json(visible: VisibleUser) -> dict[str, Any]:
    user = visible.license_user
    return {
        "product": user.product,
        "user": user.user or None,
        "host": user.device or None,
        "since": optional_time(user.since),
        "count": user.count,
        "assigned": user.assigned,
        "subscription_date": optional_date(user.subscription_date),
        "idle": visible.idle,
        "release": visible.release or None,
    }
