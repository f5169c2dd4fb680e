"""`lictui info`: versions and places, for a person or a bug report."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import click

from lictui import __version__
from lictui.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.cli.context import Context
    from lictui.paths import Paths

_PACKAGES: Final = ("textual", "httpx", "plotext", "pyspnego", "keyring", "gssapi")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def info(context: Context, /, *, as_json: bool) -> None:
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


def _facts(context: Context) -> dict[str, dict[str, Any]]:
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
