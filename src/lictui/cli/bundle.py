"""`lictui bundle`, and opening one: a span of the history in a file, to look at it anywhere."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click
import tomli_w

from lictui import __version__
from lictui.cli.context import load_configuration, open_history, resolve_timezone
from lictui.cli.options import option
from lictui.cli.output import open_binary
from lictui.clock import SystemClock, iso
from lictui.config.registry import save_servers
from lictui.config.server_schema import checked_server, keys_for
from lictui.config.toml_document import read_toml
from lictui.date_input import parse_moment
from lictui.errors import UsageError
from lictui.history.bundle import copy_span
from lictui.paths import Paths
from lictui.sources.sanitize import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.cli.options import CommandContext
    from lictui.model import Server

SCHEMA: Final = "lictui.bundle/1"
_FILES: Final = ("bundle.json", "config.toml", "servers.toml", "history.db")
_MAX_HISTORY: Final = 4 * 1024**3  # bytes
_MAX_TEXT: Final = 16 * 1024**2  # bytes of each other file in a bundle
# What a server keeps in a bundle: nothing that leads to it
_KEPT: Final = ("name", "source", "group", "interval", "enabled", "quantity_divisor")
_KEPT_NAMES: Final = ("same_as", "entitlement", "continues")
_PLACEHOLDERS: Final[dict[str, Any]] = {
    "url": "https://bundle.invalid",
    "username": "removed",
    "secret": "env:LICTUI_BUNDLE",
    "customer_id": "removed",
    "address": "27000@bundle.invalid",
    "command": ["false"],
    "format": "lictui",
}


@click.command(epilog="Example: lictui bundle --from 6h --scrub -o incident.lictui")
@option("--from start", "Start of the span.", "TIME", required=True)
@option("--to end", "End of the span.", "TIME", show_default="now")
@option("--scrub", "Replace the names of servers, groups and users.")
@option(
    "-o --output",
    "File to write, e.g. incident.lictui; - is stdout.",
    "FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    required=True,
)
@click.pass_obj
def bundle(context: CommandContext, /, *, start: str, end: str, scrub: bool, output: str) -> None:
    """Pack a span of the history into a file that lictui opens anywhere.

    It contains readings, events and thresholds, but no addresses, user names, secrets or prices.
    TIME is like 2026-11-25T14:00, yesterday, 'last tuesday 14:00', or 6h for 6 hours ago. Open the
    file with lictui --replay FILE.
    """
    settings, servers = load_configuration(context)
    zone = resolve_timezone(context)
    now = SystemClock().now()
    first, last = parse_moment(start, now, zone), parse_moment(end or "now", now, zone)
    if last <= first:
        raise UsageError("--to must be later than --from")
    with tempfile.TemporaryDirectory(prefix="lictui-bundle-") as folder:
        paths = Paths(Path(folder), Path(folder))
        with open_history(context) as history:
            recorded = {pool.server for pool in history.pools()}
            names = _new_names(servers, recorded) if scrub else None
            copy_span(history, paths.history, first, last, names)
        save_servers(paths, [_stripped(server, names or {}, paths) for server in servers])
        config = _config(context.paths, names or {})
        config["timezone"] = settings.timezone or _system_zone()
        paths.config.write_text(tomli_w.dumps(config), encoding="utf-8")
        about = {
            "schema": SCHEMA,
            "from": iso(first),
            "to": iso(last),
            "scrubbed": scrub,
            "lictui": __version__,
        }
        (paths.config_dir / _FILES[0]).write_text(json.dumps(about, indent=2), encoding="utf-8")
        with (
            open_binary(output) as out,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in _FILES:
                archive.write(paths.config_dir / name, name)
    if sys.stderr.isatty():
        click.echo(f"Open it with: lictui --replay {shlex.quote(output)}", err=True)


@contextmanager
def opened_bundle(file: Path) -> Iterator[tuple[Paths, int, int]]:
    """Yield the folder of a bundle that was unpacked, and its span; the folder is deleted after it.

    Raises UsageError for any other file: it may come from anywhere.
    """
    with tempfile.TemporaryDirectory(prefix="lictui-replay-") as folder:
        paths = Paths(Path(folder), Path(folder))
        try:
            with zipfile.ZipFile(file) as archive:
                for name in _FILES:
                    limit = _MAX_HISTORY if name == _FILES[-1] else _MAX_TEXT
                    if archive.getinfo(name).file_size > limit:
                        raise UsageError(f"{file} is too large")
                    with archive.open(name) as packed, (Path(folder) / name).open("xb") as out:
                        shutil.copyfileobj(packed, out)
            about: Any = parse_json((Path(folder) / _FILES[0]).read_bytes())
            if about["schema"] != SCHEMA:
                raise UsageError(f"{file} was written by another version of lictui")
            times = [datetime.fromisoformat(about[key]).timestamp() for key in ("from", "to")]
        except (OSError, zipfile.BadZipFile, LookupError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a bundle of lictui"
            hint = "create one with lictui bundle"
            raise UsageError(f"cannot open {file}: {reason}", hint) from None
        (Path(folder) / "config.toml").chmod(0o600)
        yield paths, int(times[0]), int(times[1])


def _new_names(servers: Iterable[Server], recorded: Iterable[str]) -> dict[str, str]:
    """Return a neutral name for every server, group and entitlement, and for hosts and users."""
    names: dict[str, str] = {}

    def rename(kind: str, found: Iterable[str]) -> None:
        new = [name for name in dict.fromkeys(found) if name and name not in names]
        names.update({name: f"{kind}-{number:02}" for number, name in enumerate(new, 1)})

    servers = list(servers)
    rename("server", [*(server.name for server in servers), *sorted(recorded)])
    rename("group", (server.group for server in servers))
    rename("entitlement", (server.entitlement for server in servers))
    rename("host", (urlsplit(server.url).hostname or "" for server in servers))
    users = [server.username for server in servers]
    rename("user", [*users, *(user.rpartition("\\")[2].partition("@")[0] for user in users)])
    return names


def _stripped(server: Server, names: dict[str, str], paths: Paths) -> Server:
    """Return a server without addresses and secrets, with its new name."""
    table: dict[str, Any] = {
        key: names.get(value, value) if isinstance(value, str) and key != "source" else value
        for key in (*_KEPT, *_KEPT_NAMES)
        if (value := getattr(server, key)) not in (None, "")
    }
    known = keys_for(server.source)
    table |= {key: value for key, value in _PLACEHOLDERS.items() if key in known}
    return checked_server(table, paths.config_dir)


def _config(paths: Paths, names: dict[str, str]) -> dict[str, Any]:
    """Return the thresholds of config.toml: levels and alerts of the bundle depend on them."""
    if not paths.config.exists():
        return {}
    alerts = read_toml(paths.config).data.get("alerts", {})
    for scope in ("group", "server"):
        if scope in alerts:
            alerts[scope] = {names.get(name, name): keys for name, keys in alerts[scope].items()}
    return {"alerts": alerts}


def _system_zone() -> str:
    """Return the IANA name of the system's time zone, or "" if it has none."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").rpartition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, LookupError):
        return ""
