"""`lictui servers`: the registry, without the screen.

Owns how a server is printed. Must not know how one is registered (`register`) or tested (`test`).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import servers_edit
from lictui.cli.context import CommandContext, load_configuration, select_servers
from lictui.cli.servers_setup import snippet
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from lictui.config.settings import Limits
    from lictui.engine.license_users import LicenseUsers, VisibleUser
    from lictui.model import Server, StepResult
    from lictui.paths import Paths


# `lictui servers test`: tries one server step by step, and says what each step found


_STEP_WIDTH: Final = 9
_TIME_WIDTH: Final = 7
_INDENT: Final = " " * (3 + _STEP_WIDTH + 1 + _TIME_WIDTH + 2)


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
@click.pass_obj
def test(context: CommandContext, /, *, name: str, as_json: bool) -> int:
    """Try one server: resolve, connect, tls, auth, inventory, parse."""
    from lictui.sources.resolver import run  # noqa: PLC0415 - `--help` connects to nobody

    settings, servers = load_configuration(context)
    (server,) = select_servers(servers, (name,))
    color = False if context.no_color or os.environ.get("NO_COLOR") else None
    findings = run(_findings(server, settings.limits, quiet=as_json, color=color))
    if as_json:
        click.echo(json.dumps(_as_json_test(server, findings), indent=2, ensure_ascii=False))
    return 0 if findings[-1].ok else 1


async def _findings(
    server: Server, limits: Limits, *, quiet: bool, color: bool | None
) -> list[StepResult]:
    """Every finding, each printed as its step ends unless `quiet`."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` does not need it
    from lictui.sources.probe import probe  # noqa: PLC0415 - `--help` does not need httpx

    findings = []
    if not quiet:
        click.echo(f"Test {server.name}")
    async with aclosing(probe(server, limits, SystemClock())) as steps:
        async for finding in steps:
            findings.append(finding)
            if not quiet:
                click.echo(_line(finding), color=color)
    return findings


def _line(finding: StepResult) -> str:
    """` ✔ resolve      2 ms  10.1.0.7`, the hint below it; 7-bit marks where nothing else shows."""
    good, bad, arrow = ("✔", "✖", "→") if _draws("✔✖→") else ("+", "x", "->")
    mark = click.style(good, fg="green") if finding.ok else click.style(bad, fg="red")
    time = f"{finding.seconds * 1000:.0f} ms"
    detail = finding.detail.replace(" · sha256:", f"\n{_INDENT}sha256:")
    line = f" {mark} {finding.step.value:<{_STEP_WIDTH}} {time:>{_TIME_WIDTH}}  {detail}"
    if finding.hint:
        line += f"\n{_INDENT}{arrow} {finding.hint}"
    return line.encode(_encoding(), "replace").decode(_encoding())


def _draws(characters: str) -> bool:
    try:
        characters.encode(_encoding())
    except UnicodeEncodeError:
        return False
    return True


def _encoding() -> str:
    return sys.stdout.encoding or "ascii"


def _as_json_test(server: Server, findings: list[StepResult]) -> dict[str, object]:
    return {
        "schema": "lictui.test/1",
        "server": server.name,
        "ok": findings[-1].ok,
        "steps": [
            {
                "step": finding.step.value,
                "ok": finding.ok,
                "detail": finding.detail,
                "ms": round(finding.seconds * 1000),
            }
            for finding in findings
        ],
    }


# `lictui servers holders`: who holds the licenses of one server now, for scripts and eyes


_COLUMNS_HOLDERS: Final = ("PRODUCT", "USER", "HOST", "SINCE", "COUNT", "")


@click.command()
@click.argument("name")
@click.option("--product", default="", metavar="CODE", help="One product alone, as XDT_PLT_UD.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with times in UTC.")
@click.pass_obj
def holders(context: CommandContext, /, *, name: str, product: str, as_json: bool) -> int:
    """Ask who holds the licenses of the server called NAME.

    lmstat tells it, and a command that prints lmstat or udadmin; of any other server, what is
    registered with same_as = NAME is asked. User and host names are replaced unless config.toml
    says users = "hash" or "show" in [privacy]. Nothing is kept, and nothing is released.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` asks nobody
    from lictui.engine.queries import query_license_users  # noqa: PLC0415 - as above
    from lictui.sources.resolver import run  # noqa: PLC0415 - as above

    settings, servers = load_configuration(context)
    select_servers(servers, (name,))
    answer = run(
        query_license_users(
            servers, name, product, settings=settings, paths=context.paths, clock=SystemClock()
        )
    )
    if as_json:
        click.echo(json.dumps(_as_json_holders(answer), indent=2, ensure_ascii=False))
    elif answer.sources:
        _print(answer, settings.timezone)
    for server, failure in answer.failures:
        hint = f" ({failure.hint})" if failure.hint else ""
        click.echo(f"lictui: {server}: {failure.message}{hint}", err=True)
    return 0 if answer.sources else 1


def _print(answer: LicenseUsers, timezone: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only for a table

    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - as above

    zone = ZoneInfo(timezone) if timezone else None
    if not answer.users:
        click.echo(f"Nobody holds a license of {answer.server}.", err=True)
        return
    rows = [_row_holders(each, zone) for each in answer.users]
    click.echo("\n".join(aligned_lines([_COLUMNS_HOLDERS, *rows], right={4})))
    if answer.privacy != "show":
        said = f'names are replaced: [privacy] users = "{answer.privacy}" in config.toml'
        click.echo(f"note: {said}", err=True)


def _row_holders(holding: VisibleUser, zone: Any) -> tuple[str, ...]:
    holder = holding.license_user
    since = datetime.fromtimestamp(holder.since, UTC).astimezone(zone) if holder.since else None
    marks = [holding.release or "idle"] if holding.idle else []
    return (
        holder.product,
        holder.user or "-",
        holder.device or "-",
        f"{since:%Y-%m-%d %H:%M}" if since else "?",
        str(holder.count),
        *(marks or [""]),
    )


def _as_json_holders(answer: LicenseUsers) -> dict[str, Any]:
    return {
        "schema": "lictui.holders/1",
        "at": _utc(answer.at),
        "server": answer.server,
        "told_by": answer.sources,
        "users": answer.privacy,
        "holders": [
            {
                "product": it.license_user.product,
                "user": it.license_user.user or None,
                "host": it.license_user.device or None,
                "since": _utc(it.license_user.since),
                "count": it.license_user.count,
                "assigned": it.license_user.assigned,
                "subscription_date": _day(it),
                "idle": it.idle,
                "release": it.release or None,
            }
            for it in answer.users
        ],
        "failures": [
            {"server": server, "kind": it.kind, "message": it.message, "hint": it.hint}
            for server, it in answer.failures
        ],
    }


def _day(holding: VisibleUser) -> str | None:
    day = holding.license_user.subscription_date
    return day.isoformat() if day else None


def _utc(at: float | None) -> str | None:
    if at is None:
        return None
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"


_COLUMNS: Final = ("NAME", "SOURCE", "ADDRESS", "GROUP", "EVERY", "VERIFY", "ENABLED")


@click.group()
def servers() -> None:
    """List, register, change, remove and test servers."""


@servers.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_servers(context: CommandContext, /, *, as_json: bool) -> int:
    """Print every registered server."""
    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table
    from lictui.config.registry import read_servers  # noqa: PLC0415 - `--help` reads nothing

    found, problems = read_servers(context.paths)
    usual = _usual_interval(context.paths)
    if as_json:
        listed = [_as_json(server, usual) for server in found]
        _print_json({"schema": "lictui.servers/1", "servers": listed})
    elif found:
        click.echo(
            "\n".join(aligned_lines([_COLUMNS, *(_row(each, usual) for each in found)], right={4}))
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
def show(context: CommandContext, /, *, name: str, as_json: bool) -> None:
    """Print one server, with what there is to warn of."""
    import tomli_w  # noqa: PLC0415 - `--help` prints no server

    from lictui.config.server_schema import to_table  # noqa: PLC0415 - as above

    server = _registered(context.paths, name)
    if as_json:
        usual = _usual_interval(context.paths)
        _print_json({"schema": "lictui.server/1", **_as_json(server, usual)})
    else:
        click.echo(tomli_w.dumps(to_table(server)), nl=False)
    servers_edit.warn(server)


def _registered(paths: Paths, name: str) -> Server:
    from lictui.cli.context import select_servers  # noqa: PLC0415 - `--help` selects nothing
    from lictui.config.registry import read_servers  # noqa: PLC0415 - `--help` reads nothing

    found, problems = read_servers(paths)
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    (server,) = select_servers(found, (name,))
    return server


def _usual_interval(paths: Paths) -> float | None:
    """Seconds between two polls of a server that does not say; None leaves it to the source."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads nothing

    try:
        return load_settings(paths).interval
    except ConfigError:  # `config check` says what is wrong; the registry can be read all the same
        return None


def _every(server: Server, usual: float | None) -> float:
    return server.interval or usual or server.effective_interval


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


for command in (servers_edit.add, servers_edit.edit, servers_edit.remove, test, holders, snippet):
    servers.add_command(command)
