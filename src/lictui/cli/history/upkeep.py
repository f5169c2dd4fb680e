"""`lictui history stats` and `compact`: how much there is, and less of it on disk.

Owns the figures as they are printed. Must not know how they come about.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from lictui.cli.history.opened import opened, place

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.history.store import History, Stats


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def stats(context: Context, /, *, as_json: bool) -> None:
    """Say how much there is, of what, and since when."""
    with opened(context) as store:
        facts = _facts(store, store.stats())
    if as_json:
        click.echo(json.dumps({"schema": "lictui.history/1", **facts}, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int | float) else value or "-"
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {shown}")


@click.command()
@click.pass_obj
def compact(context: Context, /) -> None:
    """Roll up, forget what is older than agreed, and give the disk back what is free."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.history.database import mend  # noqa: PLC0415 - as above

    path = place(context)
    if aside := mend(path, SystemClock().now()):
        click.echo(f"lictui: {path} was damaged and is now {aside}", err=True)
    with opened(context, begin=True) as store:
        before = store.stats().size
        store.shrink()
        click.echo(f"{path}: {before:,} bytes, now {store.stats().size:,}")


def _facts(store: History, found: Stats) -> dict[str, str | int | float | None]:
    from lictui.clock import iso  # noqa: PLC0415 - `--help` opens no history

    cost = found.bytes_per_reading
    return {
        "path": str(store.path),
        "journal_mode": store.journal_mode,
        "schema_version": found.schema,
        "servers": found.servers,
        "pools": found.pools,
        "readings": found.readings,
        "events": found.events,
        "first": None if found.first is None else iso(found.first),
        "last": None if found.last is None else iso(found.last),
        "bytes": found.size,
        "bytes_per_reading": None if cost is None else round(cost, 2),
    }
