"""The history that a command works with: where it is, and that it is closed again.

Owns what is said when there is none, or nothing by a name. Must not know what is asked of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lictui.cli.options import nearest
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from lictui.cli.context import Context
    from lictui.history.store import History


@contextmanager
def opened(context: Context, *, begin: bool = False) -> Iterator[History]:
    """The history; with `begin` one is begun where there is none."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.config.loader import load_settings  # noqa: PLC0415 - as above
    from lictui.history.store import History  # noqa: PLC0415 - as above

    retention = load_settings(context.paths).retention
    with History.open(place(context, begin=begin), retention, SystemClock()) as store:
        for notice in store.notices:
            click.echo(f"lictui: {notice}", err=True)
        yield store


def place(context: Context, *, begin: bool = False) -> Path:
    """The file; raises UsageError when there is none and none is to `begin`."""
    from lictui.config.loader import load_settings  # noqa: PLC0415 - `--help` reads no file

    path = load_settings(context.paths).retention.path or context.paths.history
    if not begin and not path.exists():
        raise UsageError(
            f"there is no history at {path} yet",
            "the monitor, `lictui collect` and `lictui status` begin one",
        )
    return path


def check(what: str, named: Collection[str], known: Collection[str]) -> None:
    """Raise UsageError for a name that is not `known`."""
    for name in named:
        if name not in known:
            raise UsageError(f"the history knows no {what} {name!r}.{nearest(name, known)}")
