"""`lictui history export`, `journal`, `stats`, `push` and `compact`.

JSON: `lictui.journal/1`, `lictui.history/1` and `lictui.push/1`. `import` is in
`history_import`, `peaks` in `forecast`.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.analysis.series import Resolution
from lictui.cli.context import (
    existing_history,
    load_configuration,
    open_history,
    require_recorded,
)
from lictui.cli.options import (
    FORMATS,
    CommandContext,
    format_option,
    format_options,
    option,
    output_option,
    products_option,
    servers_option,
    working,
)
from lictui.cli.output import Column, Kind, Row, emit, emit_values, fields, open_text, optional_time
from lictui.clock import SystemClock, iso
from lictui.csvfile import csv_lines
from lictui.date_input import parse_moment
from lictui.engine.board import Filter
from lictui.engine.long_term import push_history
from lictui.engine.thread import run
from lictui.history.csv_export import ExportQuery
from lictui.history.database import check_and_set_aside
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.history.store import History
    from lictui.model import Event

_RESOLUTIONS: Final = {
    "raw": Resolution.RAW,
    "5m": Resolution.FIVE_MINUTES,
    "hour": Resolution.HOUR,
    "day": Resolution.DAY,
}
_MONTH: Final = "month"
_since_option: Final = option(
    "--since", "Start (UTC), such as 2026-11-25, yesterday, 'last tuesday 14:00' or 7d.", "TIME"
)


@click.command(epilog="Example: lictui history export --resolution day --since 90d -o usage.csv")
@format_option(["csv"], "csv")
@option(
    "--resolution",
    "Raw values, or minimum, average and maximum per interval.",
    type=click.Choice([*_RESOLUTIONS, _MONTH]),
    default="raw",
)
@servers_option
@products_option
@_since_option
@option("--until", "End (UTC), such as 2026-11-25T14:00, or as --since.", "TIME")
@output_option
@click.pass_obj
def export(
    context: CommandContext,
    /,
    *,
    output_format: str,
    resolution: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    since: str,
    until: str,
    output: str | None,
) -> None:
    """Export the history as CSV, one series after another; times are UTC.

    --resolution month exports the monthly values that sources report themselves, one row per month;
    raw includes the months before the first reading of a pool, as one row each.
    """
    del output_format  # CSV is the only one
    with open_history(context) as history:
        require_recorded(history, servers, products)
        query = ExportQuery(
            _RESOLUTIONS.get(resolution, Resolution.DAY),
            servers,
            products,
            since=_moment(since) or 0,
            until=_moment(until),
            months=resolution == _MONTH,
        )
        with open_text(output) as out:
            out.writelines(csv_lines(history.export_rows(query)))


# `lictui history journal`

_EVENT_COLUMNS: Final = (
    Column("at", "TIME"),
    Column("kind", "KIND", detail=2),
    Column("level", "LEVEL", detail=1),
    Column("server", "SERVER"),
    Column("product", "PRODUCT"),
    Column("message", "MESSAGE", Kind.PROSE),
)


@click.command(epilog="Example: lictui history journal --since 7d --format table")
@_since_option
@servers_option
@option(
    "--filter pattern",
    "Filter servers, products and messages by a regular expression (prefix ! to invert).",
    "REGEX",
)
@format_option(FORMATS, "csv")
@output_option
@click.pass_obj
def journal(
    context: CommandContext,
    /,
    *,
    since: str,
    servers: tuple[str, ...],
    pattern: str,
    output_format: str,
    output: str | None,
) -> None:
    """Print the event log, newest first: changes of servers and pools, and alerts."""
    matches = Filter.parse(pattern)
    with open_history(context) as history, open_text(output) as out:
        records: Iterator[Row] = (
            {"at": iso(event.time), **fields(event, "kind level server product message")}
            for event in _events(history, _moment(since))
            if (not servers or event.server in servers)
            and matches((event.server, event.product, event.message))
        )
        emit(
            records,
            _EVENT_COLUMNS,
            output_format,
            document={"schema": "lictui.journal/1", "events": records},
            records="events",
            empty="No events.",
            out=out,
        )


def _moment(text: str) -> int | None:
    """Return the time of an option in UTC; None if it is not given."""
    return parse_moment(text, SystemClock().now(), UTC) if text else None


def _events(history: History, since: float | None) -> Iterator[Event]:
    for page in history.event_pages():
        for event in page:
            if since is not None and event.time < since:
                return
            yield event


# `lictui history stats`, `push` and `compact`


@click.command(epilog="Example: lictui history stats")
@format_options
@click.pass_obj
def stats(context: CommandContext, /, *, output_format: str) -> None:
    """Show database statistics."""
    with open_history(context) as history:
        statistics = _statistics(history)
    emit_values(statistics, output_format, {"schema": "lictui.history/1", **statistics})


def _statistics(history: History) -> dict[str, Any]:
    stats = history.stats()
    per_reading = stats.bytes_per_reading
    return {
        "path": str(history.path),
        "journal_mode": history.journal_mode,
        "schema_version": stats.schema,
        **fields(stats, "servers pools readings events"),
        "first": optional_time(stats.first_reading),
        "last": optional_time(stats.last_reading),
        "bytes": stats.size_bytes,
        "bytes_per_reading": None if per_reading is None else round(per_reading, 2),
    }


@click.command(epilog="Example: lictui history push --backfill --verify")
@option("--backfill", "Push everything that the engine does not have.")
@option("--verify", "Read everything back and compare it.")
@format_options
@click.pass_obj
def push(context: CommandContext, /, *, backfill: bool, verify: bool, output_format: str) -> int:
    """Show what was pushed to the long-term engine, and verify it.

    Exit code 1: the engine failed, or --verify found a difference.
    """
    existing_history(context)
    settings, servers = load_configuration(context)
    task = push_history(
        context.paths, settings, servers, SystemClock(), backfill=backfill, verify=verify
    )
    try:
        with working("comparing with the engine"):
            report = run(task)
    except SourceError as error:
        failure = error.failure
        click.echo(f"lictui: {failure.message}. {failure.hint}", err=True)
        return 1
    if report.left_to_other:
        click.echo("lictui: another lictui is polling, and will push it", err=True)
    since = min(report.waiting.values(), default=None)
    compared = report.comparison
    checksums = compared.checksums if compared else (None, None)
    result = {
        **fields(report, "target servers sent"),
        "servers_waiting": len(report.waiting),
        "waiting_since": optional_time(since or None),
        "samples": compared and compared.local,
        "samples_in_engine": compared and compared.stored,
        "missing": compared and compared.missing,
        "different": compared and compared.different,
        "doubled": compared and compared.doubled,
        "checksum": checksums[0],
        "checksum_in_engine": checksums[1],
    }
    emit_values(result, output_format, {"schema": "lictui.push/1", **result})
    return int(bool(compared and compared.incomplete))


@click.command(epilog="Example: lictui history compact")
@click.pass_obj
def compact(context: CommandContext, /) -> None:
    """Aggregate, apply retention and compact the database."""
    path = existing_history(context)
    if moved_to := check_and_set_aside(path, SystemClock().now()):
        click.echo(f"lictui: database {path} was corrupt; moved to {moved_to}", err=True)
    with open_history(context, create=True) as history, working("compacting"):
        before = history.stats().size_bytes
        history.compact_all()
        after = history.stats().size_bytes
    click.echo(f"{path}: {before:,} bytes before, {after:,} bytes now")
