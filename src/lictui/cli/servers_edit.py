"""`lictui servers add`, `edit` and `remove`: change servers.toml from the command line."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lictui.clock import SystemClock
from lictui.config.loader import load_settings
from lictui.config.registry import (
    add_server,
    edit_server,
    read_servers,
    remove_server,
    server_table,
)
from lictui.config.secrets import secret_warning
from lictui.config.server_schema import (
    BOOLEAN_KEYS,
    LIST_KEYS,
    NUMBER_KEYS,
    keys_for,
    server_warnings,
    validate_server,
    with_absolute_paths,
)
from lictui.engine.merge import same_as_warnings
from lictui.engine.queries import history_path, open_history
from lictui.errors import UsageError

if TYPE_CHECKING:
    from lictui.cli.options import CommandContext
    from lictui.config.settings import Settings
    from lictui.model import Server
    from lictui.paths import Paths

_EXAMPLES: Final = """\b
Examples by source:
  lictui servers add lic01 --source winrm --url https://lic01:5986/wsman \\
      --username 'CORP\\svc' --secret env:LIC01
  lictui servers add site --source cvad --url https://ddc01 \\
      --username 'CORP\\svc' --secret file:/etc/lictui/site
  lictui servers add daas --source citrix-cloud --set customer_id=acme \\
      --username CLIENT_ID --secret env:CLOUD      (--set experimental=true)
  lictui servers add csp --source partner --set customer_id=acme \\
      --username CLIENT_ID --secret env:CLOUD      (--url, --set trust_url=URL)
  lictui servers add lic01 --source lmstat --set address=27000@lic01 \\
      --set lmutil=/opt/citrix/lmutil
  lictui servers add lic02 --source command --set format=get-licinventory \\
      --set 'command=["ssh", "lic02", "Get-LicInventory | ConvertTo-Json"]'

\b
Settings of every source: same_as=NAME (a second data source of that
server), quantity_divisor=2 (the server reports every license twice).
"""
_Command = TypeVar("_Command", bound=Callable[..., Any])

# key -> metavar and help of its option; `--set` is for all other keys
_KEY_OPTIONS: Final = {
    "source": ("SOURCE", "Data source: winrm, cvad, citrix-cloud, partner, lmstat or command."),
    "url": (
        "URL",
        "URL: https://host:5986/wsman for winrm, https://host for cvad, citrix-cloud and partner.",
    ),
    "username": (
        "USER",
        r"User name: DOMAIN\user, a local account, or a client ID of Citrix Cloud.",
    ),
    "secret": (
        "REF",
        "Reference to the password: env:NAME, file:PATH, command:CMD or keyring:SERVICE/USER.",
    ),
    "auth": (
        "METHOD",
        "Authentication of winrm: negotiate, kerberos, ntlm, basic or certificate.",
    ),
    "verify": (
        "POLICY",
        "TLS verification: true, the path of a CA bundle, sha256:HEX (pinned) or false.",
    ),
    "group": ("GROUP", "Group name."),
    "interval": ("SECONDS", "Polling interval in seconds (default: that of the source)."),
}


def _key_options(command: _Command) -> _Command:
    """Add the options of `add` and `edit`.

    They have no environment variables: LICTUI_INTERVAL is that of the monitor, and must not get
    into servers.toml.
    """
    command = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        envvar=(),
        help='Additional settings, e.g. site=PROD or overview_paths=["/a", "/b"] (lists as TOML).',
    )(command)
    for key, (metavar, text) in reversed(_KEY_OPTIONS.items()):
        command = click.option(f"--{key}", metavar=metavar, envvar=(), help=text)(command)
    return command


@click.command(epilog=_EXAMPLES)
@click.argument("name")
@_key_options
@click.pass_obj
def add(
    context: CommandContext, /, *, name: str, assignments: tuple[str, ...], **options: str | None
) -> None:
    """Add a server."""
    server = _validated({"name": name, **_changes(options, assignments)}, context.paths)
    add_server(context.paths, server)
    click.echo(f"Added {name}. Test it with: lictui servers test {shlex.quote(name)}", err=True)
    print_warnings(server)
    _print_same_as_warnings(context.paths, server)


@click.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", envvar=(), help="New name; the history is kept.")
@click.option(
    "--enable/--disable", "enabled", default=None, envvar=(), help="Enable or disable polling."
)
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
    table = server_table(context.paths, name) | changes
    if changes.get("source"):  # drop the keys of the previous source
        table = {key: table[key] for key in table if key in (*keys_for(table["source"]), *changes)}
    server = _validated(table, context.paths)
    settings = load_settings(context.paths)  # raises ConfigError before anything is written
    edit_server(context.paths, name, server)
    if server.name != name:
        _rename_in_history(context.paths, settings, name, server.name)
    click.echo(f"Changed {server.name}.", err=True)
    print_warnings(server)
    _print_same_as_warnings(context.paths, server)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, envvar=(), help="Skip confirmation.")
@click.pass_obj
def remove(context: CommandContext, /, *, name: str, yes: bool) -> int:
    """Remove a server (its history is kept).

    Exit code 1: not confirmed.
    """
    server_table(context.paths, name)  # raises for an unknown server before asking
    if not yes and not click.confirm(f"Remove {name}?", err=True):
        return 1
    remove_server(context.paths, name)
    click.echo(f"Removed {name}.", err=True)
    return 0


def print_warnings(server: Server) -> None:
    """Print the warnings about a server to stderr."""
    for warning in (*server_warnings(server), secret_warning(server.secret)):
        if warning:
            click.echo(f"warning: {server.name}: {warning}", err=True)


def _print_same_as_warnings(paths: Paths, server: Server) -> None:
    """Warn if `same_as` names an unknown server; it may be added later."""
    if server.same_as:
        for warning in same_as_warnings(read_servers(paths)[0]):
            if warning.startswith(f"{server.name}: same_as"):
                click.echo(f"warning: {warning}", err=True)


def _validated(table: dict[str, Any], paths: Paths) -> Server:
    server, errors = validate_server(table, paths.config_dir)
    if server is None:
        raise UsageError("\n  ".join(map(str, errors)))
    return server


def _changes(options: Mapping[str, str | None], assignments: Iterable[str]) -> dict[str, Any]:
    """Return the keys that were given; relative paths are relative to the current directory."""
    texts = {key: text for key, text in options.items() if text is not None}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip() or key.strip() in ("name", "enabled"):
            raise UsageError(f"--set requires KEY=VALUE, not {key!r}")
        texts[key.strip()] = text.strip()
    return with_absolute_paths({key: _value(key, text) for key, text in texts.items()}, Path.cwd())


def _value(key: str, text: str) -> Any:
    """Parse `text` by the type of `key`; text that does not parse is returned for validation."""
    if key in BOOLEAN_KEYS and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if key in (*LIST_KEYS, *NUMBER_KEYS):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return _split_command(text) if key == "command" else text
    return text


def _split_command(text: str) -> list[str] | str:
    """Split a command like a shell; text that cannot be split is returned for validation."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    if words:
        note = f"command is executed without a shell ({len(words)} arguments)"
        click.echo(f"note: {note}", err=True)
    return words or text


def _rename_in_history(paths: Paths, settings: Settings, old_name: str, new_name: str) -> None:
    if history_path(paths, settings).exists():
        with open_history(paths, settings, SystemClock()) as history:
            history.rename_server(old_name, new_name)
