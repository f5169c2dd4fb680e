"""`lictui servers`: list, show, test, holders, and add, edit and remove, which change servers.toml.

JSON: `lictui.servers/1`, `lictui.server/1`, `lictui.test/1` and `lictui.holders/1`.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import tomli_w
from msgspec.structs import asdict

from lictui.cli.context import load_configuration, resolve_timezone, select_servers
from lictui.cli.options import (
    NO_SERVERS,
    CommandContext,
    format_options,
    json_option,
    option,
    working,
)
from lictui.cli.output import Column, Kind, Row, emit, fields, json_text, optional_time, record
from lictui.clock import SystemClock
from lictui.config.loader import load_settings
from lictui.config.registry import (
    add_server,
    edit_server,
    read_servers,
    remove_server,
    require_server,
)
from lictui.config.secrets import secret_warning
from lictui.config.server_help import key_help
from lictui.config.server_schema import (
    checked_server,
    server_warnings,
    to_table,
    value_from_text,
    with_absolute_paths,
)
from lictui.engine.license_users import reservation_text
from lictui.engine.merge import same_as_warnings
from lictui.engine.queries import history_path, open_history, query_license_users
from lictui.engine.thread import run
from lictui.errors import ConfigError, UsageError
from lictui.paths import current_folder

if TYPE_CHECKING:
    from lictui.config.settings import Limits
    from lictui.engine.license_users import LicenseUsers
    from lictui.model import Server, StepResult
    from lictui.paths import Paths

_MAX_ADDRESS: Final = 60  # characters in a table
_SHORT_ADDRESS: Final = 30  # in a terminal that is too narrow


def _address(server: Server) -> str:
    """Return the URL, the FlexNet address PORT@HOST, or the command."""
    return server.url or server.address or shlex.join(server.command)


def _address_text(row: Row, length: int = _MAX_ADDRESS) -> str:
    address: str = row["location"]
    return address if len(address) <= length else f"{address[: length - 1]}…"


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
    Column(
        "location",
        "ADDRESS",
        text=_address_text,
        detail=3,
        narrow=partial(_address_text, length=_SHORT_ADDRESS),
    ),
    Column("group", "GROUP", detail=1),
    Column("every", "INTERVAL", Kind.NUMBER, lambda row: f"{row['every']:g} s", detail=2),
    Column("verify", "VERIFY", text=_verify_text),
    Column("enabled", "ENABLED"),
)


@click.command("list", epilog="Example: lictui servers list")
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
        empty="" if problems else NO_SERVERS,
    )
    for problem in problems:
        click.echo(f"lictui: {problem}", err=True)
    return 2 if problems else 0


@click.command(epilog="Example: lictui servers show lic-01")
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
    _print_warnings(server)


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
_MARK_WIDTH: Final = 3
_INDENT: Final = " " * (_MARK_WIDTH + _STEP_WIDTH + 1 + _TIME_WIDTH + 2)
_MIN_WIDTH: Final = 30  # of a text behind the indent


@click.command(epilog="Example: lictui servers test lic-01")
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
    ok = steps[-1].ok
    if as_json:
        records = [
            {"step": s.step, "ok": s.ok, "detail": s.detail, "ms": round(s.seconds * 1000)}
            for s in steps
        ]
        document = {"schema": "lictui.test/1", "server": name, "ok": ok, "steps": records}
        click.echo(json_text(document), nl=False)
    return 0 if ok else 1


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
    detail, *fingerprint = step.detail.split(" · sha256:")
    lines = [_folded(detail), *(_unbroken(f"sha256:{digest}") for digest in fingerprint)]
    if step.hint:
        lines.append(_INDENT + _folded(f"{arrow} {step.hint}"))
    head = f" {mark} {step.step.value:<{_STEP_WIDTH}} {time:>{_TIME_WIDTH}}  "
    return head + "\n".join(lines)


def _folded(text: str) -> str:
    """Return a text behind the indent, broken between words where the terminal is too narrow."""
    if not sys.stdout.isatty():
        return text
    width = max(get_terminal_size().columns - len(_INDENT), _MIN_WIDTH)
    lines = wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{_INDENT}".join(lines)


def _unbroken(word: str) -> str:
    """Return a word on a line of its own, further left where it would not fit."""
    has_room = not sys.stdout.isatty() or len(_INDENT + word) <= get_terminal_size().columns
    return f"{_INDENT if has_room else _INDENT[:_MARK_WIDTH]}{word}"


# `lictui servers holders`


def _idle_text(row: Row) -> str:
    return (row["release"] or "idle") if row["idle"] else "-"


_USER_COLUMNS: Final = (
    Column("product", "PRODUCT", source="license_user.product"),
    Column("user", "USER", missing="-", source="license_user.user"),
    Column("host", "HOST", missing="-", source="license_user.device"),
    Column("since", "SINCE", Kind.TIME, source="license_user.since"),
    Column("count", "COUNT", Kind.NUMBER, source="license_user.count"),
    Column("assigned", source="license_user.assigned"),
    Column("subscription_date", source="license_user.subscription_date"),
    Column("idle", "IDLE", text=_idle_text),
    Column("release", missing="-"),
)


@click.command(epilog="Example: lictui servers holders lic-01 --product XDT_PLT_UD")
@click.argument("name")
@option("--product", "Limit to this product code, e.g. XDT_PLT_UD.", "CODE")
@format_options
@click.pass_obj
def holders(context: CommandContext, /, *, name: str, product: str, output_format: str) -> int:
    """List the users of licenses on a server.

    Available from lmstat, and from commands that print lmstat or udadmin; for any other server,
    its second data sources (those with same_as = NAME) are asked. User and host names are replaced
    unless [privacy] users in config.toml is "hash" or "show". Nothing is stored or released.

    Exit code 1: no source can report license users.
    """
    settings, servers = load_configuration(context)
    select_servers(servers, (name,))
    query = query_license_users(
        servers, name, product, settings=settings, paths=context.paths, clock=SystemClock()
    )
    with working(f"asking the sources of {name}"):
        users = run(query)
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
    for reservation in users.reservations:
        click.echo(f"note: {reservation_text(reservation)}", err=True)
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
        "holders": [record(user, _USER_COLUMNS) for user in users.users],
        "reservations": [
            {**fields(reservation, "product count name?"), "for": reservation.kind}
            for reservation in users.reservations
        ],
        "failures": [
            {"server": server, **fields(failure, "kind message hint")}
            for server, failure in users.failures
        ],
    }


# `lictui servers add`, `edit` and `remove`

_EXAMPLES: Final = """\b
Examples by source:
  lictui servers add lic01 --source winrm --url https://lic01:5986/wsman \\
      --username 'CORP\\svc' --secret env:LIC01
  lictui servers add site --source cvad --url https://ddc01 \\
      --username 'CORP\\svc' --secret file:/etc/lictui/site
  lictui servers add daas --source citrix-cloud --set customer_id=acme \\
      --username CLIENT_ID --secret env:CLOUD     (--set experimental=true)
  lictui servers add csp --source partner --set customer_id=acme \\
      --username CLIENT_ID --secret env:CLOUD     (--url, --set trust_url=URL)
  lictui servers add lic01 --source lmstat --set address=27000@lic01 \\
      --set lmutil=/opt/citrix/lmutil
  lictui servers add lic02 --source command --set format=get-licinventory \\
      --set 'command=["ssh", "lic02", "Get-LicInventory | ConvertTo-Json"]'

\b
Settings of every source: same_as=NAME (a second data source of that
server), quantity_divisor=2 (the server reports every license twice),
entitlement=NAME (LAS servers that report the same licenses),
continues=CODE (an earlier product whose history is carried on).
"""
_Command = TypeVar("_Command", bound=Callable[..., Any])

# key -> metavar of its option; `--set` is for all other keys
_KEY_OPTIONS: Final = {
    "source": "SOURCE",
    "url": "URL",
    "username": "USER",
    "secret": "REF",
    "auth": "METHOD",
    "verify": "POLICY",
    "group": "GROUP",
    "interval": "SECONDS",
}


def _key_options(command: _Command) -> _Command:
    """Add the options of `add` and `edit`.

    They have no environment variables: LICTUI_INTERVAL is that of the monitor, and must not get
    into servers.toml.
    """
    command = option(
        "--set assignments",
        'Additional settings, e.g. site=PROD or overview_paths=["/a", "/b"] (lists as TOML).',
        "KEY=VALUE",
        multiple=True,
        envvar=(),
    )(command)
    for key, metavar in reversed(_KEY_OPTIONS.items()):
        command = option(f"--{key}", key_help(key), metavar, default=None, envvar=())(command)
    return command


@click.command(epilog=_EXAMPLES)
@click.argument("name")
@_key_options
@click.pass_obj
def add(
    context: CommandContext, /, *, name: str, assignments: tuple[str, ...], **options: str | None
) -> None:
    """Add a server."""
    table = {"name": name, **_changes(options, assignments)}
    server = checked_server(table, context.paths.config_dir)
    add_server(context.paths, server)
    click.echo(f"Added {name}. Test it with: lictui servers test {shlex.quote(name)}", err=True)
    _print_warnings(server, context.paths)


@click.command(epilog="Example: lictui servers edit lic-01 --group emea --interval 900")
@click.argument("name")
@option("--name new_name", "New name; the history is kept.", "NEW", default=None, envvar=())
@option("--enable/--disable enabled", "Enable or disable polling.", default=None, envvar=())
@_key_options
@click.pass_obj
def edit(
    context: CommandContext,
    /,
    *,
    name: str,
    new_name: str | None,
    enabled: bool | None,
    assignments: tuple[str, ...],
    **options: str | None,
) -> None:
    """Change a server.

    An empty value removes a setting.
    """
    changes = _changes(options, assignments)
    if new_name is not None:
        changes["name"] = new_name
    if enabled is not None:
        changes["enabled"] = enabled
    if not changes:
        raise UsageError("nothing to change", "see lictui servers edit --help")
    settings = load_settings(context.paths)  # raises ConfigError before anything is written
    server = edit_server(context.paths, name, changes)
    if server.name != name and history_path(context.paths, settings).exists():
        with open_history(context.paths, settings, SystemClock()) as history:
            history.rename_server(name, server.name)
    click.echo(f"Changed {server.name}.", err=True)
    _print_warnings(server, context.paths)


@click.command(epilog="Example: lictui servers remove lic-01")
@click.argument("name")
@option("--yes", "Skip confirmation.", envvar=())
@click.pass_obj
def remove(context: CommandContext, /, *, name: str, yes: bool) -> int:
    """Remove a server (its history is kept).

    Exit code 1: not confirmed.
    """
    require_server(context.paths, name)  # before asking
    if not yes and not click.confirm(f"Remove {name}?", err=True):
        return 1
    remove_server(context.paths, name)
    click.echo(f"Removed {name}.", err=True)
    return 0


def _print_warnings(server: Server, paths: Paths | None = None) -> None:
    """Print the warnings about a server to stderr; with `paths`, also an unknown `same_as`."""
    warnings = [*server_warnings(server), secret_warning(server.secret)]
    lines = [f"{server.name}: {warning}" for warning in warnings if warning]
    if paths is not None:
        unknown = same_as_warnings(read_servers(paths)[0])
        lines += [line for line in unknown if line.startswith(f"{server.name}: same_as")]
    for line in lines:
        click.echo(f"warning: {line}", err=True)


def _changes(options: Mapping[str, str | None], assignments: Iterable[str]) -> dict[str, Any]:
    """Return the keys that were given; relative paths are relative to the current directory."""
    texts = {key: text for key, text in options.items() if text is not None}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip() or key.strip() in ("name", "enabled"):
            raise UsageError(f"--set requires KEY=VALUE, not {key!r}")
        texts[key.strip()] = text.strip()
    values = {key: value_from_text(key, text) for key, text in texts.items()}
    if isinstance(words := values.get("command"), list) and not texts["command"].startswith("["):
        note = f"command is executed without a shell ({len(words)} arguments)"
        click.echo(f"note: {note}", err=True)
    return with_absolute_paths(values, current_folder())
