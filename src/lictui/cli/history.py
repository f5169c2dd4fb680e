"""`lictui history export`: the local history as CSV.

Owns the options. Must not know where it is written.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import output
from lictui.cli.context import CommandContext, history_path, open_history, require_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.history.store import History, HistoryStats
    from lictui.model import Event


_RESOLUTIONS: Final = {"raw": "RAW", "5m": "FIVE_MINUTES", "hour": "HOUR", "day": "DAY"}
_MONTH: Final = "month"
_MOMENT: Final = click.DateTime(
    ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
)


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv"]),
    default="csv",
    show_default=True,
    help="As what.",
)
@click.option(
    "--resolution",
    type=click.Choice([*_RESOLUTIONS, _MONTH]),
    default="raw",
    show_default=True,
    help="Every reading, or its minimum, average and maximum over a stretch of time.",
)
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--product", "products", multiple=True, metavar="CODE", help="Only this; repeatable.")
@click.option("--since", type=_MOMENT, metavar="TIME", help="From this day or moment (UTC) on.")
@click.option("--until", type=_MOMENT, metavar="TIME", help="Before this day or moment (UTC).")
@output.OUTPUT_OPTION
@click.pass_obj
def export(
    context: CommandContext,
    /,
    *,
    form: str,
    resolution: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    to: str | None,
) -> None:
    """Write the history as CSV, all series one after another; times are UTC.

    `--resolution month` writes what sources tell of their own past, a row a month. Of the months
    before a pool's first reading, `raw` writes one row each, at its first moment.
    """
    from lictui.analysis.series import Resolution  # noqa: PLC0415 - as above
    from lictui.history.csv_export import ExportQuery, csv_lines  # noqa: PLC0415 - `--help` opens no history

    del form  # there is one so far
    with open_history(context) as store:
        known = store.pools()
        require_known("server", servers, {pool.server for pool in known})
        require_known("product", products, {pool.product for pool in known})
        wanted = ExportQuery(
            Resolution[_RESOLUTIONS.get(resolution, "DAY")],
            servers,
            products,
            since=_utc(since) if since else 0,
            until=_utc(until) if until else None,
            months=resolution == _MONTH,
        )
        with output.open_text(to) as out:
            out.writelines(csv_lines(store.export_rows(wanted)))


def _utc(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


# `lictui history journal`: the whole journal, or what of it is asked for, as CSV or JSON


SCHEMA: Final = "lictui.journal/1"
_HEAD: Final = ("at", "kind", "level", "server", "product", "message")
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
@output.OUTPUT_OPTION
@click.pass_obj
def journal(
    context: CommandContext,
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
    with open_history(context) as store, output.open_text(to) as out:
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
    for page in store.event_pages():
        for each in page:
            if since is not None and each.time < since:
                return
            yield each


def _row(event: Event) -> tuple[object, ...]:
    from lictui.history.csv_export import guarded  # noqa: PLC0415 - `--help` opens no history

    said = (event.server, event.product, event.message)
    return (*list(_json(event).values())[:3], *map(guarded, said))


def _json(event: Event) -> dict[str, Any]:
    from lictui.clock import iso  # noqa: PLC0415 - as above

    return {
        "at": iso(event.time),
        "kind": event.kind.value,
        "level": event.level.value,
        "server": event.server,
        "product": event.product,
        "message": event.message,
    }


# `lictui history stats` and `compact`: how much there is, and less of it on disk


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def stats(context: CommandContext, /, *, as_json: bool) -> None:
    """Say how much there is, of what, and since when."""
    with open_history(context) as store:
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
def compact(context: CommandContext, /) -> None:
    """Roll up, forget what is older than agreed, and give the disk back what is free."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` opens no history
    from lictui.history.database import check_and_set_aside  # noqa: PLC0415 - as above

    path = history_path(context)
    if aside := check_and_set_aside(path, SystemClock().now()):
        click.echo(f"lictui: {path} was damaged and is now {aside}", err=True)
    with open_history(context, begin=True) as store:
        before = store.stats().size_bytes
        store.compact_all()
        click.echo(f"{path}: {before:,} bytes, now {store.stats().size_bytes:,}")


def _facts(store: History, found: HistoryStats) -> dict[str, str | int | float | None]:
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
        "first": None if found.first_reading is None else iso(found.first_reading),
        "last": None if found.last_reading is None else iso(found.last_reading),
        "bytes": found.size_bytes,
        "bytes_per_reading": None if cost is None else round(cost, 2),
    }
