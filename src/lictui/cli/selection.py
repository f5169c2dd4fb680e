"""The configuration a command works with, and the servers it was asked about.

Owns the order option, environment, file, default for what a command shares with the monitor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.cli.options import nearest
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from lictui.cli.context import Context
    from lictui.config.settings import Settings
    from lictui.model import Server


def load(context: Context) -> tuple[Settings, tuple[Server, ...]]:
    """config.toml and servers.toml; raises ConfigError with every problem of both."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` does not read files
    from lictui.config.registry import load_servers  # noqa: PLC0415 - `--help` neither

    return load_settings(context.paths), load_servers(context.paths)


def select(
    servers: tuple[Server, ...], names: Collection[str] = (), group: str = ""
) -> tuple[Server, ...]:
    """The servers of these names and this group; raises UsageError for one that is not there."""
    known = {server.name for server in servers}
    for name in names:
        if name not in known:
            raise UsageError(
                f"no server is named {name!r}.{nearest(name, known)}",
                "`lictui servers list` shows them all",
            )
    groups = {server.group for server in servers}
    if group and group not in groups:
        raise UsageError(f"no server is in a group {group!r}.{nearest(group, groups)}")
    return tuple(
        server
        for server in servers
        if (not names or server.name in names) and group in ("", server.group)
    )
