"""`lictui serve`: the read-only monitor as a web page."""

from __future__ import annotations

import ipaddress
import sys
from typing import Final
from urllib.parse import urlsplit

import click

from lictui.cli.context import parse_address
from lictui.cli.options import CommandContext, filter_option, group_option, option
from lictui.config.secrets import secret_reference
from lictui.config.toml_document import InvalidValue
from lictui.engine.thread import run
from lictui.errors import LictuiError, UsageError
from lictui.installation import extra_command
from lictui.sources.network import is_loopback
from lictui.sources.secrets import SecretError, resolve_secret
from lictui.tui.theme_names import theme_problem

_MIN_TOKEN: Final = 16  # characters
_HOW_TO_CREATE: Final = "create one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


@click.command(epilog="Example: lictui serve --listen 0.0.0.0:8000 --token file:/etc/lictui/token")
@option("--listen", "Address of the web page.", "HOST:PORT", default="127.0.0.1:8000")
@option("--token", "Reference to the token that the page asks for: env:NAME, file:PATH, ….", "REF")
@option(
    "--user-header", "Header in which a reverse proxy passes the user it has authenticated.", "NAME"
)
@option(
    "--proxy proxies",
    "Address or network of that reverse proxy (repeatable).",
    "ADDRESS",
    multiple=True,
)
@option("--public-url", "URL of the page behind a proxy.", "URL")
@option(
    "--sessions",
    "Pages that may be open at the same time; each is a process.",
    "N",
    type=click.IntRange(1, 1000),
    default=10,
)
@option("--theme", "Color theme.", "NAME")
@group_option
@filter_option
@click.pass_obj
def serve(
    context: CommandContext,
    /,
    *,
    listen: str,
    token: str,
    user_header: str,
    proxies: tuple[str, ...],
    public_url: str,
    sessions: int,
    **shown: str,
) -> None:
    """Serve the read-only monitor as a web page.

    Each page shows what another lictui records; it polls and changes nothing. Beyond this machine,
    a token or the header of a reverse proxy is required. There is no TLS: use a reverse proxy.
    """
    if not listen.rpartition(":")[0]:  # a port alone might be taken for every address
        raise UsageError(f"invalid address {listen!r}", "example: 127.0.0.1:8000")
    host, port = parse_address(listen)
    if bool(user_header) != bool(proxies):
        raise UsageError("--user-header and --proxy belong together")
    if not (is_loopback(host) or token or user_header):
        raise UsageError(
            f"{host} is not this machine only: a token or a reverse proxy is required",
            "use --token REF, or --user-header NAME with --proxy ADDRESS",
        )
    if shown["theme"] and (problem := theme_problem(shown["theme"])):
        raise UsageError(problem)
    if public_url and urlsplit(public_url).scheme not in ("http", "https"):
        raise UsageError(f"invalid URL {public_url!r}", "example: https://licenses.example")
    try:
        from lictui.cli.web import Access, WebServer  # noqa: PLC0415 - needs an extra
    except ImportError:
        raise UsageError("serve requires textual-serve", f"run: {extra_command('web')}") from None
    access = Access(run(_token(token)), user_header, tuple(map(_network, proxies)))
    command = [sys.executable, "-m", "lictui", "--read-only"]
    command += ["--config-dir", str(context.paths.config_dir)]
    command += ["--data-dir", str(context.paths.data_dir)]
    for flag, name in (("--theme", "theme"), ("--group", "group"), ("--filter", "pattern")):
        command += [flag, shown[name]] if shown[name] else []
    server = WebServer(command, host, port, public_url, access, sessions)
    try:
        run(server.serve_until_signal())
    except OSError as error:
        reason = error.strerror or str(error)
        raise LictuiError(f"cannot listen on {listen}: {reason}", "choose another port") from None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise UsageError(f"invalid address {text!r}", "example: 10.0.0.5 or 10.0.0.0/24") from None


async def _token(reference: str) -> str:
    if not reference:
        return ""
    try:
        token = await resolve_secret(secret_reference(reference))
    except (SecretError, InvalidValue) as error:
        raise UsageError(f"--token: {error}", "use env:NAME, file:PATH or keyring:…") from None
    if len(token) < _MIN_TOKEN:
        raise UsageError(f"the token has fewer than {_MIN_TOKEN} characters", _HOW_TO_CREATE)
    return token
