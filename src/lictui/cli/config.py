"""`lictui config`: where config.toml is, a first one, what holds, and what is wrong.

Exit 2 if `check` finds a problem; warnings alone leave it at 0.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import click

from lictui import __version__
from lictui.errors import ConfigError, LictuiError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lictui.cli.context import CommandContext
    from lictui.config.loader import Override
    from lictui.config.settings import Settings
    from lictui.model import Server
    from lictui.paths import Paths


# parameter of the monitor -> the setting it stands above
_SETTING_OF: Final = {
    "theme": "theme",
    "ascii": "ascii",
    "read_only": "read_only",
    "interval": "polling.interval",
}


@click.group()
def config() -> None:
    """Show and check the configuration."""


@config.command()
@click.pass_obj
def path(context: CommandContext, /) -> None:
    """Print where config.toml is, or would be."""
    click.echo(context.paths.config)


@config.command()
@click.pass_obj
def init(context: CommandContext, /) -> None:
    """Write a config.toml that explains every setting; never over an existing one."""
    from lictui.config.loader import config_template  # noqa: PLC0415 - `--help` writes nothing
    from lictui.paths import FILE_MODE, make_folder  # noqa: PLC0415 - as above

    file = context.paths.config
    try:
        make_folder(file.parent)
        # Created, or not at all: nothing of the user's is ever replaced.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as out:
            out.write(config_template().encode())
    except FileExistsError:
        raise UsageError(f"{file} is there already", "lictui never writes over it") from None
    except OSError as error:
        raise LictuiError(f"{file} cannot be written: {error.strerror or error}") from None
    click.echo(file)


@config.command()
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@click.pass_context
def show(ctx: click.Context, /, *, origin: bool) -> None:
    """Print the settings that hold, as TOML."""
    from lictui.config.loader import effective_settings, format_settings  # noqa: PLC0415 - `--help` reads nothing

    settings = effective_settings(ctx.obj.paths, _overrides(ctx.find_root()))
    click.echo(format_settings(settings, origins=origin), nl=False)


@config.command()
@click.pass_obj
def check(context: CommandContext, /) -> int:
    """Print every problem and every warning of config.toml, servers.toml and contract.toml."""
    problems = tuple(_problems(context.paths))
    for problem in problems:
        click.echo(problem)
    warnings = tuple(_warnings(context.paths))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{_counted(len(problems), 'problem')}, {_counted(len(warnings), 'warning')}")
    return 2 if problems else 0


def _overrides(root: click.Context) -> dict[str, Override]:
    """What stands before `config` on the command line, or in the environment, of settings."""
    from lictui.config.loader import Override, SettingOrigin  # noqa: PLC0415 - `--help` reads nothing

    origins = {
        click.core.ParameterSource.COMMANDLINE: SettingOrigin.OPTION,
        click.core.ParameterSource.ENVIRONMENT: SettingOrigin.ENVIRONMENT,
    }
    found = {}
    for parameter, setting in _SETTING_OF.items():
        source = root.get_parameter_source(parameter)
        origin = origins.get(source) if source else None
        if origin:
            option, variable = f"--{parameter.replace('_', '-')}", f"LICTUI_{parameter.upper()}"
            where = option if origin is SettingOrigin.OPTION else variable
            found[setting] = Override(root.params[parameter], origin, where)
    return found


def _problems(paths: Paths) -> Iterator[str]:
    from lictui.config.entitlements import load_entitlements  # noqa: PLC0415 - `--help` reads nothing
    from lictui.config.loader import load_settings  # noqa: PLC0415 - as above
    from lictui.config.registry import read_servers  # noqa: PLC0415 - as above
    from lictui.config.toml_document import read_toml  # noqa: PLC0415 - as above
    from lictui.tui import commands, theme_names  # noqa: PLC0415 - as above

    try:
        settings = load_settings(paths)
    except ConfigError as error:
        yield from map(str, error.problems)
    else:
        if wrong := theme_names.theme_problem(settings.theme):
            yield str(read_toml(paths.config).problem(("theme",), wrong))
        for wrong in commands.keymap_problems(settings.keymap):
            yield f"{paths.config}: {wrong}"
    yield from map(str, read_servers(paths)[1])
    try:
        load_entitlements(paths)
    except ConfigError as error:
        yield from map(str, error.problems)


def _warnings(paths: Paths) -> Iterator[str]:
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads nothing
    from lictui.config.registry import read_servers, warnings  # noqa: PLC0415 - as above
    from lictui.config.secrets import secret_warning  # noqa: PLC0415 - as above
    from lictui.engine.merge import same_as_warnings  # noqa: PLC0415 - as above

    servers, _ = read_servers(paths)
    for server in servers:
        yield from (f"{server.name}: {warning}" for warning in warnings(server))
        if server.enabled and (doubted := secret_warning(server.secret)):
            yield f"{server.name}: {doubted}"
    yield from same_as_warnings(servers)
    yield from _idle_contract(paths, servers)
    try:
        yield from _idle_thresholds(load_settings(paths), servers)
    except ConfigError:
        return  # said as problems


def _idle_thresholds(settings: Settings, servers: tuple[Server, ...]) -> Iterator[str]:
    """Thresholds that are for nobody, most likely by a slip of the pen."""
    from lictui.config.toml_document import did_you_mean, dotted_key  # noqa: PLC0415 - `--help` reads nothing

    for scope, given, known in (
        ("group", settings.alerts.group, {server.group for server in servers}),
        ("server", settings.alerts.server, {server.name for server in servers}),
    ):
        for name in given:
            if name not in known:
                hint = did_you_mean(name, known)
                table = dotted_key(("alerts", scope, name))
                yield f"[{table}]: no such {scope}" + (f" ({hint})" if hint else "")


def _idle_contract(paths: Paths, servers: tuple[Server, ...]) -> Iterator[str]:
    """Purchases for a server or group that nobody registered."""
    from lictui.config.entitlements import load_entitlements  # noqa: PLC0415 - `--help` reads nothing
    from lictui.config.toml_document import did_you_mean  # noqa: PLC0415 - as above

    try:
        contract = load_entitlements(paths)
    except ConfigError:
        return  # said as problems
    for scope, known in (
        ("server", {server.name for server in servers}),
        ("group", {server.group for server in servers}),
    ):
        for bought in contract:
            name = getattr(bought, scope)
            if name and name not in known:
                hint = did_you_mean(name, known)
                said = f"{paths.entitlements.name}: {bought.product}: no {scope} is named {name}"
                yield said + (f" ({hint})" if hint else "")


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}" + ("" if count == 1 else "s")


# `lictui info`: versions and places, for a person or a bug report


_PACKAGES: Final = ("textual", "httpx", "plotext", "pyspnego", "keyring", "gssapi")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def info(context: CommandContext, /, *, as_json: bool) -> None:
    """Show versions, and where everything is."""
    facts = _facts(context)
    if as_json:
        click.echo(json.dumps({"schema": "lictui.info/1", **facts}, indent=2))
        return
    width = max(len(name) for part in facts.values() for name in part)
    for heading, part in facts.items():
        click.echo(heading)
        for name, value in part.items():
            click.echo(f"  {name.ljust(width)}  {value}")


def _facts(context: CommandContext) -> dict[str, dict[str, Any]]:
    paths = context.paths
    return {
        "versions": {
            "lictui": __version__,
            "python": f"{platform.python_version()} ({sys.executable})",
            "platform": platform.platform(),
            **{package: _version(package) for package in _PACKAGES},
        },
        "files": {
            "config.toml": _place(paths.config),
            "servers.toml": _place(paths.servers),
            "state.toml": _place(paths.state),
            "history.db": _place(_history(paths)),
            "lictui.log": _place(paths.log),
        },
    }


def _history(paths: Paths) -> Path:
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads nothing

    try:
        return load_settings(paths).retention.path or paths.history
    except ConfigError:  # what is wrong is for `config check` to say; a bug report is wanted here
        return paths.history


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _place(file: Path) -> str:
    return str(file) if file.exists() else f"{file} (not there yet)"
