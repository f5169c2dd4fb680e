"""`lictui history journal`: the whole journal, or what of it is asked for, as CSV or JSON.

Owns the options and the two forms. Must not know what is worth a line.
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import output
from lictui.cli.history.opened import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lictui.cli.context import Context
    from lictui.history.store import History
    from lictui.model import Event

SCHEMA: Final = "lictui.journal/1"
_HEAD: Final = ("at", "kind", "level", "server", "product", "message")
_MOMENT: Final = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)
_AGO: Final = re.compile(r"(\d+)([smhd])")


def _since(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """A day or moment (UTC), or how long ago, as UTC epoch seconds."""
    if value is None:
        return None
    if ago := _AGO.fullmatch(value):
        from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` tells no time

        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[ago[2]]
        return SystemClock().now() - int(ago[1]) * seconds
    moment: datetime = _MOMENT.convert(value, None, None)
    return moment.replace(tzinfo=UTC).timestamp()


@click.command()
@click.option(
    "--since", callback=_since, metavar="TIME", help="From this time (UTC), or 7d ago, on."
)
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--filter", "pattern", default="", metavar="REGEX", help="Only lines that match.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="As what.",
)
@output.OPTION
@click.pass_obj
def journal(
    context: Context,
    /,
    *,
    since: float | None,
    servers: tuple[str, ...],
    pattern: str,
    form: str,
    to: str | None,
) -> None:
    """Write the journal, newest first: everything that changed, and what became of alerts."""
    from lictui.engine.board import Filter  # noqa: PLC0415 - as above
    from lictui.history.csv_export import csv_lines  # noqa: PLC0415 - `--help` opens no history

    wanted = Filter.parse(pattern)
    with opened(context) as store, output.text(to) as out:
        found = (
            each
            for each in _lines(store, since)
            if (not servers or each.server in servers)
            and wanted((each.server, each.product, each.message))
        )
        if form == "json":
            said = {"schema": SCHEMA, "events": list(map(_json, found))}
            out.write(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
        else:
            out.writelines(csv_lines([_HEAD]))
            out.writelines(csv_lines(map(_row, found)))


def _lines(store: History, since: float | None) -> Iterator[Event]:
    for page in store.journal():
        for each in page:
            if since is not None and each.at < since:
                return
            yield each


def _row(event: Event) -> tuple[object, ...]:
    from lictui.history.csv_export import guarded  # noqa: PLC0415 - `--help` opens no history

    said = (event.server, event.product, event.message)
    return (*list(_json(event).values())[:3], *map(guarded, said))


def _json(event: Event) -> dict[str, Any]:
    from lictui.clock import iso  # noqa: PLC0415 - as above

    return {
        "at": iso(event.at),
        "kind": event.kind.value,
        "level": event.level.value,
        "server": event.server,
        "product": event.product,
        "message": event.message,
    }
