"""`lictui status`: poll every server once, record, print. Its JSON is `lictui.status/1`.

Exit code 0 if every selected enabled server is up, else 1; the output lists all servers either way.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.alerts import alert_json
from lictui.cli.context import load_configuration, select_servers
from lictui.cli.options import (
    FORMATS,
    MONITORING_FORMATS,
    NO_SERVERS,
    CommandContext,
    cached_option,
    filter_option,
    format_options,
    group_option,
    option,
    servers_option,
    timeout_option,
    working,
)
from lictui.cli.output import (
    Column,
    Kind,
    Row,
    data_output,
    emit,
    fields,
    number_text,
    optional_time,
    rounded,
)
from lictui.clock import SystemClock, iso, local_date
from lictui.engine.alerts import current_alerts
from lictui.engine.board import (
    Filter,
    GroupBy,
    MergedBoard,
    ServerStatus,
    Total,
    filter_board,
    is_reporting,
)
from lictui.engine.merge import duplicate_pools, merge_board, same_as_warnings
from lictui.engine.queries import poll_once
from lictui.engine.thread import run
from lictui.model import Pool, PoolKey, Snapshot, State, count_text, percent_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds

SCHEMA: Final = "lictui.status/1"
_FOR_PEOPLE: Final = ("table", "markdown")  # list each license server once, however it is read


def _product_text(row: Row) -> str:
    date_text = f" ({row['subscription_date']})" if row["subscription_date"] else ""
    return f"{row['name']}{date_text}"


def _code_text(row: Row) -> str:
    return f"{row['product']} {row['subscription_date'] or ''}".strip()


def _total_text(row: Row, key: str = "name") -> str:
    group = f"{row['group'] or 'no group'}: " if "group" in row else ""
    return f"{group}{row[key]}"


def _sum_text(row: Row, figure: str) -> str:
    """Return a sum; one that lacks a server or a figure is a lower bound."""
    count = row[figure]
    is_partial = count is not None and row["total"].is_partial(figure)
    return "at least " * is_partial + number_text(count)


def _servers_text(row: Row) -> str:
    return f"{row['servers_reporting']}/{row['servers_expected']}"


def _ratio_text(row: Row) -> str:
    """Return the percentage, which does not contradict the level."""
    ratio = row["ratio"]
    if ratio is not None and row["installed"]:
        ratio = row["in_use"] / row["installed"]  # without the rounding of JSON
    return percent_text(ratio, row["limits"].ratios)


_FIGURES: Final = (
    Column("in_use", "IN USE", Kind.NUMBER),
    Column("installed", "INSTALLED", Kind.NUMBER),
    Column("overdraft"),
    Column("free", "FREE", Kind.NUMBER, detail=4),
    Column("ratio", "%", Kind.RATIO, _ratio_text),
    Column("level", "LEVEL"),
)
_COLUMNS: Final = (
    Column("server", "SERVER"),
    Column("source"),
    Column("group"),
    Column("state", "STATE", detail=1),
    Column("product"),
    Column("name", "PRODUCT", text=_product_text, detail=3, narrow=_code_text),
    Column("model", "MODEL", Kind.MODEL, detail=2),
    Column("subscription_date"),
    Column("expires"),
    *_FIGURES,
    Column("reason"),
    Column("counted"),
    Column("same_as"),
)
_TOTAL_COLUMNS: Final = (
    Column("name", "TOTAL", text=_total_text, detail=3, narrow=partial(_total_text, key="product")),
    Column("model", "MODEL", Kind.MODEL, detail=2),
    Column("servers_expected", "SERVERS", Kind.NUMBER, _servers_text),
    Column("in_use", "IN USE", Kind.NUMBER, partial(_sum_text, figure="in_use")),
    Column("installed", "INSTALLED", Kind.NUMBER, partial(_sum_text, figure="installed")),
    *_FIGURES[2:],
)


@click.command(epilog="Example: lictui status --group emea --format csv")
@partial(format_options, formats=(*FORMATS, *MONITORING_FORMATS))
@servers_option
@group_option
@filter_option
@option(
    "--by",
    "Group the totals of the table by product or by group.",
    type=click.Choice(["product", "group"]),
    default="product",
)
@cached_option
@timeout_option
@click.pass_obj
def status(
    context: CommandContext,
    /,
    *,
    output_format: str,
    servers: tuple[str, ...],
    group: str,
    pattern: str,
    by: str,
    cached: bool,
    timeout: float | None,
) -> int:
    """Poll all servers once, record and print the result.

    Exit code 1: at least one enabled server is not up, or nothing matches the filter.
    """
    matching = Filter.parse(pattern)
    settings, registered = load_configuration(context)
    selected = select_servers(registered, servers, group)
    clock = SystemClock()
    with working(f"reading {count_text(len(selected), 'server')}"):
        polled = run(
            poll_once(selected, settings, context.paths, clock, timeout=timeout, contact=not cached)
        )
    for notice in (*polled.notices, *same_as_warnings(registered)):
        click.echo(f"lictui: {notice}", err=True)
    board = merge_board(filter_board(polled, matching), settings.alerts)
    today = local_date(clock.now(), settings.timezone)
    if output_format in MONITORING_FORMATS:
        from lictui.export.formats import WRITERS

        data_output().write(WRITERS[output_format](board, clock.now(), today))
    else:
        empty = "No matching servers." if registered else NO_SERVERS
        print_status(board, clock.now(), today, output_format, GroupBy(by), empty)
    if not registered:
        return 2
    shown = board.registered.servers
    is_fine = all(server.state in (State.UP, State.DISABLED) for server in shown)
    return 0 if shown and is_fine else 1


def print_status(
    board: MergedBoard,
    now: float,
    today: date,
    output_format: str,
    by: GroupBy = GroupBy.PRODUCT,
    empty: str = "",
) -> None:
    """Print the status; a table is followed by the totals, and by what failed and why."""
    document = status_json(board, now, today, merged=output_format in _FOR_PEOPLE)
    alerts = board.alert_settings
    emit(
        _pool_rows(document, alerts),
        _COLUMNS,
        output_format,
        document=document,
        records="servers",
        empty=empty,
    )
    if output_format != "table":
        return
    if totals := board.totals(by):
        click.echo()
        rows = [
            row | {"total": total, "limits": total.limits}
            for row, total in zip(
                document["groups" if by is GroupBy.GROUP else "totals"], totals, strict=True
            )
        ]
        emit(rows, _TOTAL_COLUMNS, "table", document=document)
    for server in document["servers"]:
        for member in server.get("parts") or (server,):
            if reason := member["reason"]:
                click.echo(f"\n{member['name']}: {reason.message}")
                if reason.hint:
                    click.echo(f"  {reason.hint}")


def _pool_rows(document: Mapping[str, Any], alerts: AlertSettings) -> Iterator[Row]:
    """Return one row per pool, and one for each server without pools."""
    for server in document["servers"]:
        reason = server["reason"]
        row = {
            "server": server["name"],
            **{key: server[key] for key in ("source", "group", "state")},
            "reason": f"{reason.kind}: {reason.message}" if reason else "",
        }
        for pool in server["pools"]:
            limits = alerts.thresholds_for(
                group=server["group"], server=server["name"], product=pool["product"]
            )
            yield row | pool | {"limits": limits}
        if not server["pools"]:
            yield row


# The document lictui.status/1: every key is always present


def status_json(
    board: MergedBoard, now: float, today: date, *, merged: bool = False
) -> dict[str, Any]:
    """Return the document; `now` in UTC epoch seconds, `today` in the user's time zone.

    It lists every registered server; a pool that several servers report is counted at one of them.
    With `merged`, servers of one license server are listed as one, with its members in `parts`.
    """
    duplicates, alerts = {} if merged else duplicate_pools(board), board.alert_settings
    raised = {state.key: state for state in board.alert_states or ()}
    return {
        "schema": SCHEMA,
        "at": iso(now),
        "servers": [
            _server_json(server, alerts, duplicates)
            for server in (board if merged else board.registered).servers
        ],
        "totals": [_total_json(total) for total in board.totals()],
        "groups": [
            {"group": total.scope or None, **_total_json(total)}
            for total in board.totals(GroupBy.GROUP)
        ],
        # A condition that holds now, and whether the polling lictui has raised it
        "alerts": [
            alert_json(alert, raised.get(alert.key), board.acknowledgements.get(alert.key), now)
            for alert in current_alerts(board, today)
        ],
    }


def _server_json(
    status: ServerStatus, alerts: AlertSettings, duplicates: Mapping[tuple[str, PoolKey], str]
) -> dict[str, Any]:
    """Return one server: pools only if its last poll succeeded, everything else as last known.

    `duplicates` maps a pool to the server at which it is counted instead.
    """
    server, snapshot = status.server, status.snapshot or Snapshot(())
    parts = [
        {**fields(member.server, "name source"), "state": member.state, "reason": member.failure}
        for member in status.members
    ]
    return {
        **fields(server, "name source group url same_as?"),
        "state": status.state,
        "reason": status.failure,
        "polled_at": optional_time(status.polled_at),
        "latency_ms": None if status.latency is None else round(status.latency * 1000),
        **fields(snapshot, "reported_name? version? mode activation"),
        "license_servers": [
            {
                **fields(listed, "host_id fqdn? status expires days_to_expire"),
                "last_reported": optional_time(listed.last_reported),
            }
            for listed in snapshot.license_servers
        ],
        "pools": [
            _pool_json(
                pool,
                alerts.thresholds_of(server, pool.product),
                duplicates.get((server.name, pool.key), ""),
            )
            for pool in snapshot.pools
            if is_reporting(status, pool)
        ],
        **({"parts": parts} if parts else {}),
    }


def _pool_json(pool: Pool, thresholds: Thresholds, same_as: str) -> dict[str, Any]:
    reading = pool.reading
    return {
        **fields(pool, "product name model license_type? vendor? queued"),
        **fields(pool, "subscription_date expires permanent"),
        **fields(reading, "installed overdraft in_use free"),
        "ratio": rounded(reading.ratio, limits=(*thresholds.ratios, 1.0)),
        "level": reading.level(thresholds.warn, thresholds.critical),
        "counted": pool.counted and not same_as,
        "same_as": same_as or None,
    }


def _total_json(total: Total) -> dict[str, Any]:
    return {
        **fields(total, "product name model"),
        **fields(total.reading, "installed overdraft in_use"),
        "free": total.free,
        "ratio": rounded(total.ratio, limits=(*total.limits.ratios, 1.0)),
        "level": total.level,
        "unknown": total.unknown_pools,
        "servers_reporting": len(total.servers_reporting),
        "servers_expected": len(total.servers_expected),
    }
