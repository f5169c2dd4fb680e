"""`lictui config` and `lictui info`: the configuration, its problems, and where everything is."""

from __future__ import annotations

import json
import locale
import os
import platform
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import click
from msgspec.structs import replace

from lictui import __version__
from lictui.cli.context import open_history
from lictui.cli.options import CommandContext, format_options, option
from lictui.cli.output import emit_values
from lictui.config.entitlements import load_entitlements
from lictui.config.json_schema import config_schema, servers_schema
from lictui.config.loader import (
    collect_problems,
    config_template,
    effective_settings,
    format_settings,
    load_settings,
)
from lictui.config.registry import read_servers
from lictui.config.secrets import secret_warning
from lictui.config.server_schema import server_warnings
from lictui.config.settings import Settings
from lictui.config.toml_document import did_you_mean, dotted_key, read_toml
from lictui.engine.merge import same_as_warnings
from lictui.engine.queries import describe_poller, history_path
from lictui.errors import ConfigError, LictuiError, Problem, UsageError
from lictui.model import count_text
from lictui.paths import FILE_MODE, make_folder, writable_by_others
from lictui.tui import commands, theme_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lictui.model import Server
    from lictui.paths import Paths

# option of the monitor -> the setting that it overrides
_OVERRIDES: Final = {
    "theme": "theme",
    "ascii": "ascii",
    "read_only": "read_only",
    "interval": "polling.interval",
}


@click.command(epilog="Example: lictui config path")
@click.pass_obj
def path(context: CommandContext, /) -> None:
    """Print the path of config.toml."""
    click.echo(context.paths.config)


@click.command(epilog="Example: lictui config init")
@click.pass_obj
def init(context: CommandContext, /) -> None:
    """Create a commented config.toml (never overwrites)."""
    file, is_new = context.paths.config, False
    try:
        make_folder(file.parent)
        # O_EXCL: an existing file is never replaced.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        is_new = True
        with os.fdopen(handle, "wb") as out:
            out.write(config_template().encode())
    except FileExistsError:
        raise UsageError(f"{file} already exists", "lictui never overwrites it") from None
    except OSError as error:
        if is_new:
            file.unlink(missing_ok=True)
        raise LictuiError(f"cannot write {file}: {error.strerror or error}") from None
    click.echo(file)


@click.command(epilog="Example: lictui config show --origin")
@option("--origin", "Show the origin of each value.")
@click.pass_context
def show(ctx: click.Context, /, *, origin: bool) -> None:
    """Print the effective settings as TOML."""
    settings = effective_settings(ctx.obj.paths, _overrides(ctx.find_root()))
    click.echo(format_settings(settings, origins=origin), nl=False)


def _overrides(root: click.Context) -> dict[str, tuple[object, str]]:
    """Return the settings that options before `config`, or environment variables, override."""
    overrides = {}
    for parameter, setting in _OVERRIDES.items():
        origins = {
            click.core.ParameterSource.COMMANDLINE: f"option --{parameter.replace('_', '-')}",
            click.core.ParameterSource.ENVIRONMENT: f"environment LICTUI_{parameter.upper()}",
        }
        source = root.get_parameter_source(parameter)
        if source in origins:
            overrides[setting] = root.params[parameter], origins[source]
    return overrides


_SCHEMAS: Final = {"config": config_schema, "servers": servers_schema, "status": None}


@click.command(epilog="Example: lictui config schema servers")
@click.argument("name", type=click.Choice(list(_SCHEMAS)))
def schema(*, name: str) -> None:
    """Print the JSON Schema of config.toml, servers.toml or status --json."""
    create = _SCHEMAS[name]
    if create is None:
        click.echo(files("lictui.cli").joinpath("status.schema.json").read_text(), nl=False)
    else:
        click.echo(json.dumps(create(), indent=2, ensure_ascii=False))


# `lictui config check`


@click.command(epilog="Example: lictui config check")
@click.pass_obj
def check(context: CommandContext, /) -> int:
    """Check config.toml, servers.toml and contract.toml.

    Exit code 2: there are problems; warnings do not count.
    """
    paths = context.paths
    problems: list[Problem] = []
    settings = Settings()
    with collect_problems(problems):
        settings = load_settings(paths)
        if message := theme_names.theme_problem(settings.theme):
            problems.append(read_toml(paths.config).problem(("theme",), message))
        keymap_problems = commands.keymap_problems(settings.keymap)
        problems += [Problem(paths.config, "", message) for message in keymap_problems]
    servers, server_problems = read_servers(paths)
    problems += server_problems
    with collect_problems(problems):
        settings = replace(settings, entitlements=load_entitlements(paths))
    for problem in problems:
        click.echo(problem)
    warnings = tuple(_warnings(settings, servers, paths))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}")
    return 2 if problems else 0


def _count(items: Sequence[object], noun: str) -> str:
    return count_text(len(items), noun) if items else f"no {noun}s"


def _warnings(settings: Settings, servers: tuple[Server, ...], paths: Paths) -> Iterator[str]:
    for server in servers:
        yield from (f"{server.name}: {warning}" for warning in server_warnings(server))
        if server.enabled and (warning := secret_warning(server.secret)):
            yield f"{server.name}: {warning}"
    yield from same_as_warnings(servers)
    yield from writable_by_others(paths)
    existing = {
        "server": {server.name for server in servers},
        "group": {server.group for server in servers},
    }
    for place, scope, name in _scopes(settings):
        if name not in existing[scope]:
            hint = did_you_mean(name, existing[scope])
            yield f"{place}{f' ({hint})' if hint else ''}"


def _scopes(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the warning if it is unknown, scope and name of each server or group of a setting."""
    for scope in ("server", "group"):
        for entitlement in settings.entitlements:
            if name := getattr(entitlement, scope):
                yield f"contract.toml: {entitlement.product}: unknown {scope} {name}", scope, name
    for scope, table in (("group", settings.alerts.group), ("server", settings.alerts.server)):
        for name in table:
            yield f"[{dotted_key(('alerts', scope, name))}]: unknown {scope}", scope, name


# `lictui info`

_PACKAGES: Final = ("textual", "httpx", "plotext", "pyspnego", "keyring", "gssapi")


@click.command(epilog="Example: lictui info --format markdown")
@format_options
@click.pass_obj
def info(context: CommandContext, /, *, output_format: str) -> None:
    """Show versions, surroundings and file locations, without names or secrets."""
    paths = context.paths
    versions = {
        "lictui": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        **{package: _version(package) for package in _PACKAGES},
    }
    multiplexer = ["in tmux"] if "TMUX" in os.environ else ["in screen"] * ("STY" in os.environ)
    environment = {
        "terminal": " ".join(
            [os.environ.get("TERM", ""), os.environ.get("COLORTERM", ""), *multiplexer]
        ).strip(),
        "locale": f"{'.'.join(filter(None, locale.getlocale()))}, {sys.stdout.encoding}",
        "servers": _servers_text(paths),
        "polled by": _poller_text(context),
    }
    locations = {
        "config.toml": _location(paths.config),
        "servers.toml": _location(paths.servers),
        "state.toml": _location(paths.state),
        "history.db": _location(_history_path(paths)),
        "lictui.log": _location(paths.log),
    }
    document = {
        "schema": "lictui.info/1",
        "versions": versions,
        "environment": environment,
        "files": locations,
    }
    emit_values(versions | environment | locations, output_format, document)


def _servers_text(paths: Paths) -> str:
    """Return how many servers of each source are registered: `3 (2 winrm, 1 cvad)`."""
    servers, problems = read_servers(paths)
    sources = Counter(server.source.value for server in servers)
    text = ", ".join(f"{count} {source}" for source, count in sources.most_common())
    errors = f", {len(problems)} with errors" if problems else ""
    return f"{len(servers)} ({text}){errors}" if servers else f"none{errors}"


def _poller_text(context: CommandContext) -> str:
    try:
        with open_history(context) as history:
            return describe_poller(history)
    except LictuiError as error:
        return f"unknown: {error.message}"


def _history_path(paths: Paths) -> Path:
    try:
        return history_path(paths, load_settings(paths))
    except ConfigError:  # `config check` reports it; a bug report needs the locations anyway
        return paths.history


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _location(file: Path) -> str:
    try:
        size = file.stat().st_size
    except OSError as error:
        exists = not isinstance(error, FileNotFoundError)
        return f"{file} ({error.strerror if exists else 'does not exist'})"
    return f"{file} ({size:,} bytes)"
