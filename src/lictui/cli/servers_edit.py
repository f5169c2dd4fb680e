"""`lictui servers add`, `edit` and `remove`: the registry changed from the command line.

Owns what the options are called. Must not know what makes a server valid: `config.entry` does.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lictui.errors import UsageError

if TYPE_CHECKING:
    from lictui.cli.context import CommandContext
    from lictui.config.server_schema import FieldError
    from lictui.config.settings import Settings
    from lictui.model import Server
    from lictui.paths import Paths

_EXAMPLES: Final = """\b
Every source needs keys of its own:
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
Keys of every source: same_as=NAME (another way to read that server),
quantity_divisor=2 (where a server doubles what is installed).
"""
_F = TypeVar("_F", bound=Callable[..., Any])

# key -> metavar and help of its option; `--set` is for every other key
_OPTIONS: Final = {
    "source": ("SOURCE", "winrm, cvad, citrix-cloud, partner, lmstat or command."),
    "url": (
        "URL",
        "https://host:5986/wsman for winrm, https://host for cvad, citrix-cloud and partner.",
    ),
    "username": ("USER", r"DOMAIN\user, a local account, or a client id of Citrix Cloud."),
    "secret": (
        "REF",
        "Where the password or client secret is: env:NAME, file:PATH, command:CMD, keyring:S/U.",
    ),
    "auth": ("HOW", "winrm: negotiate, kerberos, ntlm, basic or certificate."),
    "verify": ("HOW", "true, a CA bundle's path, sha256:HEX to pin, or false."),
    "group": ("GROUP", "Servers of one group stand together."),
    "interval": ("SECONDS", "Seconds between two polls."),
}


def _fields(command: _F) -> _F:
    """The options of `add` and `edit`.

    None has a variable of the environment: LICTUI_INTERVAL is the monitor's, and must not slip
    into the registry.
    """
    setting = click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        envvar=(),
        help='Any other key, as site=PROD or overview_paths=["/a", "/b"]; lists as TOML.',
    )
    command = setting(command)
    for key, (metavar, says) in reversed(_OPTIONS.items()):
        command = click.option(f"--{key}", metavar=metavar, envvar=(), help=says)(command)
    return command


@click.command(epilog=_EXAMPLES)
@click.argument("name")
@_fields
@click.pass_obj
def add(
    context: CommandContext, /, *, name: str, sets: tuple[str, ...], **options: str | None
) -> None:
    """Register a server called NAME."""
    from lictui.config.registry import add_server  # noqa: PLC0415 - as above
    from lictui.config.server_schema import validate_server  # noqa: PLC0415 - `--help` writes nothing

    table = {"name": name, **_changes(options, sets)}
    server, refusals = validate_server(table, context.paths.config_dir)
    if server is None:
        raise _refused(refusals)
    add_server(context.paths, server)
    click.echo(f"Added {name}. Try it: lictui servers test {shlex.quote(name)}", err=True)
    warn(server)
    _warn_of_parts(context, server)


@click.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", envvar=(), help="Rename; the history stays.")
@click.option("--enable/--disable", "enabled", default=None, envvar=(), help="Poll it, or not.")
@_fields
@click.pass_obj
def edit(
    context: CommandContext,
    /,
    *,
    name: str,
    new_name: str | None,
    enabled: bool | None,
    sets: tuple[str, ...],
    **options: str | None,
) -> None:
    """Change the server called NAME; an empty value takes a key out."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - as above
    from lictui.config.registry import edit_server, server_table  # noqa: PLC0415 - as above
    from lictui.config.server_schema import keys_for, validate_server  # noqa: PLC0415 - `--help` writes nothing

    changes = _changes(options, sets)
    if new_name is not None:
        changes["name"] = new_name
    if enabled is not None:
        changes["enabled"] = enabled
    if not changes:
        raise UsageError("nothing to change", "say what: lictui servers edit --help")
    table = server_table(context.paths, name) | changes
    if changes.get("source"):  # what belongs to the old source goes with it
        table = {key: table[key] for key in table if key in (*keys_for(table["source"]), *changes)}
    server, refusals = validate_server(table, context.paths.config_dir)
    if server is None:
        raise _refused(refusals)
    settings = load_settings(context.paths)  # before anything is written: it may have problems
    edit_server(context.paths, name, server)
    if server.name != name:
        _rename_history(context.paths, settings, name, server.name)
    click.echo(f"Changed {server.name}.", err=True)
    warn(server)
    _warn_of_parts(context, server)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, envvar=(), help="Do not ask.")
@click.pass_obj
def remove(context: CommandContext, /, *, name: str, yes: bool) -> int:
    """Take the server called NAME out of the registry; its history stays."""
    from lictui.config.registry import remove_server, server_table  # noqa: PLC0415 - `--help` neither

    server_table(context.paths, name)  # no question about a server that is not there
    if not yes and not click.confirm(f"Remove {name}?", err=True):
        return 1
    remove_server(context.paths, name)
    click.echo(f"Removed {name}.", err=True)
    return 0


def warn(server: Server) -> None:
    """Say on stderr what of `server` had better be otherwise."""
    from lictui.config.registry import warnings  # noqa: PLC0415 - `--help` warns of nothing
    from lictui.config.secrets import secret_warning  # noqa: PLC0415 - as above

    for warning in (*warnings(server), secret_warning(server.secret)):
        if warning:
            click.echo(f"warning: {server.name}: {warning}", err=True)


def _warn_of_parts(context: CommandContext, server: Server) -> None:
    """Say on stderr if `same_as` leads nowhere; the other may be registered later."""
    from lictui.config.registry import read_servers  # noqa: PLC0415 - `--help` reads nothing
    from lictui.engine.merge import same_as_warnings  # noqa: PLC0415 - as above

    if server.same_as:
        for said in same_as_warnings(read_servers(context.paths)[0]):
            if said.startswith(f"{server.name}: same_as"):
                click.echo(f"warning: {said}", err=True)


def _changes(options: dict[str, str | None], sets: Iterable[str]) -> dict[str, Any]:
    """The keys that the command line gives, relative paths taken from where it was typed."""
    from lictui.config.server_schema import with_absolute_paths  # noqa: PLC0415 - `--help` reads nothing

    texts = {key: text for key, text in options.items() if text is not None}
    for said in sets:
        key, equals, text = said.partition("=")
        if not equals or not key.strip() or key.strip() in ("name", "enabled"):
            raise UsageError(f"--set takes KEY=VALUE, not {key!r}")
        texts[key.strip()] = text.strip()
    return with_absolute_paths({key: _value(key, text) for key, text in texts.items()}, Path.cwd())


def _value(key: str, text: str) -> Any:
    """What `text` means for `key`; what it cannot mean stays text, and is refused as such."""
    from lictui.config.server_schema import BOOLEAN_KEYS, LIST_KEYS, NUMBER_KEYS  # noqa: PLC0415 - as above

    if key in BOOLEAN_KEYS and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if key in (*LIST_KEYS, *NUMBER_KEYS):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return _words(text) if key == "command" else text
    return text


def _words(text: str) -> list[str] | str:
    """A command that was given as one text, split as a shell would; what it is stays unsaid."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    if words:
        said = f"note: command is split into {len(words)} words, and no shell will run it"
        click.echo(said, err=True)
    return words or text


def _refused(refusals: Iterable[FieldError]) -> UsageError:
    return UsageError("\n  ".join(map(str, refusals)))


def _rename_history(paths: Paths, settings: Settings, old: str, new: str) -> None:
    """Let what was recorded under the old name go on under the new one."""
    if not (settings.retention.path or paths.history).exists():
        return
    from lictui.clock import SystemClock  # noqa: PLC0415 - only a new name needs the history
    from lictui.engine.engine import open_history  # noqa: PLC0415 - as above

    with open_history(paths, settings, SystemClock()) as history:
        history.rename_server(old, new)
