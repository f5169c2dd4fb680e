"""`lictui servers snippet`: what to run, or set up, where a server is.

Owns what goes to stdout (the lines, nothing else) and what to stderr (everything there is to know).
Must not know the lines: `recipes` does.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final

import click

from lictui.cli.selection import load, select
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.cli.context import Context
    from lictui.cli.recipes import Recipe
    from lictui.model import Server

_HOST: Final = re.compile(r"(?!-)[\w.@:\[\]\\-]{1,255}")
_HASH: Final = re.compile(r"[0-9A-Za-z+/=:-]{1,200}")
_ACCOUNT: Final = re.compile(r"[^'\"`$\u2018-\u201f]*")  # PowerShell takes typographic quotes, too


@click.command()
@click.argument("name")
@click.option(
    "--as",
    "form",
    type=click.Choice(["all", "powershell", "ssh", "toml"]),
    default="all",
    envvar=(),
    help="powershell: the script alone; ssh: the line that runs it from here; toml: the same as"
    " `command` of servers.toml.",
)
@click.option("--host", metavar="[USER@]HOST", envvar=(), help="Where ssh goes.")
@click.option(
    "--cert-hash",
    metavar="HASH",
    default="",
    envvar=(),
    help="Of the license server's certificate, as Get-LicCertificate shows it.",
)
@click.pass_obj
def snippet(context: Context, /, *, name: str, form: str, host: str | None, cert_hash: str) -> None:
    """Print the line that reads a server, ready to be copied.

    For source command, the PowerShell or ssh line of its format: lictui never makes ssh trust a
    host. For the other sources, what an administrator sets up there, once.
    """
    from lictui.cli.recipes import PLACEHOLDER, recipe  # noqa: PLC0415 - `--help` prints no line

    _, servers = load(context)
    (server,) = select(servers, (name,))
    target = _host(server, host) or PLACEHOLDER
    if cert_hash and not _HASH.fullmatch(cert_hash):
        raise UsageError("--cert-hash is no hash", "as Get-LicCertificate shows it: CertHash")
    if not _ACCOUNT.fullmatch(server.username):
        raise UsageError(f"the username of {name} holds quotes, which no line can carry safely")
    found = recipe(server, target, cert_hash)
    if form == "powershell" and not found.script:
        raise UsageError(f"no PowerShell is needed for {name}", "leave --as out")
    if form in ("ssh", "toml") and not found.words:
        raise UsageError(f"no command is run for {name}", "leave --as out")
    for remark in _remarks(found):
        click.echo(f"# {remark}", err=True)
    _print(found, form)


def _remarks(found: Recipe) -> Iterator[str]:
    from lictui.cli.recipes import PLACEHOLDER  # noqa: PLC0415 - `--help` prints no line

    yield from found.remarks
    if any(PLACEHOLDER in word for word in found.words):
        yield f"Put the host where {PLACEHOLDER} stands, or give --host."


def _print(found: Recipe, form: str) -> None:
    for line in found.lines:
        click.echo(line)
    if found.script and form in ("all", "powershell"):
        click.echo("# The PowerShell that runs there:", err=True)
        click.echo(found.script)
    if found.words and form in ("all", "ssh"):
        click.echo("# From here:", err=True)
        click.echo(shlex.join(found.words))
    if form == "toml":
        click.echo(f"command = {json.dumps(found.words, ensure_ascii=False)}")


def _host(server: Server, given: str | None) -> str:
    """Where ssh goes: as given, or where the registered command goes already; "" if nowhere."""
    from lictui.sources.command.source import ssh_host  # noqa: PLC0415 - `--help` reads no command

    if given is not None and not _HOST.fullmatch(given):
        raise UsageError(f"--host is no host: {given!r}", "write HOST or USER@HOST")
    host = given or ssh_host(server.command)
    return host if _HOST.fullmatch(host) else ""
