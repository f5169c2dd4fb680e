"""`lictui status`: polls every server once, records, prints, exits.

Exit 0 if every selected enabled server is up, 1 if not; the output lists all of them either way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import output
from lictui.cli.context import CommandContext, load_configuration, select_servers
from lictui.clock import iso
from lictui.engine.alerts import Alert, current_alerts
from lictui.engine.board import Board, GroupBy, ServerStatus, Total, is_reporting, totals
from lictui.engine.merge import BoardMerger, duplicate_pools
from lictui.model import (
    Acknowledgement,
    Activation,
    AlertState,
    Failure,
    LicenseServer,
    Mode,
    Pool,
    PoolKey,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from lictui.config.settings import AlertSettings, Thresholds


# `status` as the contract's JSON: every key always there, times UTC, numbers numbers


SCHEMA: Final = "lictui.status/1"


def status_json(
    board: Board, alerts: AlertSettings, now: float, today: date, *, each_once: bool = False
) -> dict[str, Any]:
    """The whole answer; `now` in UTC epoch seconds, `today` where the user is.

    Every registered server is in it, and of pools that several read all but one are not counted.
    With `each_once` a license server is there once, with the other ways to read it in `parts`.
    """
    merged = BoardMerger().merge(board)
    shown = merged if each_once else board
    others = {} if each_once else duplicate_pools(merged)
    return {
        "schema": SCHEMA,
        "at": iso(now),
        "servers": [server_json(status, alerts, others) for status in shown.servers],
        "totals": [_total(total) for total in totals(merged, alerts)],
        "groups": [
            {"group": total.scope or None, **_total(total)}
            for total in totals(merged, alerts, GroupBy.GROUP)
        ],
        "alerts": [_alert(alert, board, now) for alert in current_alerts(merged, alerts, today)],
    }


def server_json(
    status: ServerStatus, alerts: AlertSettings, others: Mapping[tuple[str, PoolKey], str]
) -> dict[str, Any]:
    """One server; figures only if its last poll succeeded, the rest as last known.

    `others` says of a pool here which server's reading of it is counted instead.
    """
    server, snapshot = status.server, status.snapshot
    pools = snapshot.pools if snapshot else ()
    pools = tuple(pool for pool in pools if is_reporting(status, pool))
    return {
        "name": server.name,
        "source": server.source.value,
        "group": server.group,
        "url": server.url,
        "state": status.state.value,
        "reason": _reason(status.failure),
        "polled_at": iso_or_none(status.polled_at),
        "latency_ms": None if status.latency is None else round(status.latency * 1000),
        "reported_name": (snapshot and snapshot.reported_name) or None,
        "version": (snapshot and snapshot.version) or None,
        "mode": snapshot.mode.value if snapshot and isinstance(snapshot.mode, Mode) else None,
        "activation": _activation(snapshot.activation if snapshot else None),
        "same_as": server.same_as or None,
        "license_servers": [
            _license_server(each) for each in (snapshot.license_servers if snapshot else ())
        ],
        "pools": [
            _pool(
                pool,
                alerts.thresholds_for(group=server.group, server=server.name, product=pool.product),
                others.get((server.name, pool.key), ""),
            )
            for pool in pools
        ],
        **({"parts": [_part(part) for part in status.members]} if status.members else {}),
    }


def _part(status: ServerStatus) -> dict[str, Any]:
    return {
        "name": status.server.name,
        "source": status.server.source.value,
        "state": status.state.value,
        "reason": _reason(status.failure),
    }


def _pool(pool: Pool, limits: Thresholds, same_as: str) -> dict[str, Any]:
    reading = pool.reading
    return {
        "product": pool.product,
        "name": pool.name,
        "model": pool.model.value,
        "license_type": pool.license_type or None,
        "subscription_date": _day(pool.subscription_date),
        "expires": _day(pool.expires),
        "permanent": pool.permanent,
        "installed": reading.installed,
        "overdraft": reading.overdraft,
        "in_use": reading.in_use,
        "free": reading.free,
        "ratio": _ratio(reading.ratio),
        "level": reading.level(limits.warn, limits.critical).value,
        "counted": pool.counted and not same_as,
        "same_as": same_as or None,
        "queued": pool.queued,
        "vendor": pool.vendor or None,
    }


def _license_server(server: LicenseServer) -> dict[str, Any]:
    return {
        "host_id": server.host_id,
        "fqdn": server.fqdn or None,
        "status": server.status.value,
        "last_reported": iso_or_none(server.last_reported),
        "expires": _day(server.expires),
        "days_to_expire": server.days_to_expire,
    }


def _total(total: Total) -> dict[str, Any]:
    return {
        "product": total.product,
        "name": total.name,
        "model": total.model.value,
        "installed": total.reading.installed,
        "overdraft": total.reading.overdraft,
        "in_use": total.reading.in_use,
        "free": total.free,
        "ratio": _ratio(total.ratio),
        "level": total.level.value,
        "unknown": total.unknown_pools,
        "servers_reporting": len(total.servers_reporting),
        "servers_expected": len(total.servers_expected),
    }


def _alert(alert: Alert, board: Board, now: float) -> dict[str, Any]:
    """What is true now, and whether the lictui that keeps polling has raised it."""
    stands = next((each for each in board.alert_states or () if each.key == alert.key), None)
    return {
        "kind": alert.kind.value,
        "level": alert.level.value,
        "server": alert.server,
        "product": alert.product or None,
        "since": iso_or_none(alert.since),
        "message": alert.message,
        **acknowledgement_json(stands, board.acknowledgements.get(alert.key), now),
    }


def acknowledgement_json(
    standing: AlertState | None, answer: Acknowledgement | None, now: float
) -> dict[str, Any]:
    """Since when an alert is raised, and what somebody has said to it that still holds."""
    held = answer if answer and standing and answer.is_active(now) else None
    known = held if held and held.until is None else None
    return {
        "raised": iso_or_none(standing.raised_at) if standing else None,
        "acknowledged": {"by": known.by, "at": iso(known.time)} if known else None,
        "snoozed_until": iso_or_none(held.until) if held else None,
    }


def _reason(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {
        "kind": failure.kind.value,
        "step": failure.step.value if failure.step else None,
        "message": failure.message,
        "hint": failure.hint,
    }


def _activation(activation: Activation | None) -> dict[str, Any] | None:
    if activation is None:
        return None
    return {"status": activation.status.value, "expires": _day(activation.expires)}


def _ratio(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 4)


def iso_or_none(at: float | None) -> str | None:
    """A moment as the contract has it."""
    return None if at is None else iso(at)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


_FORMATS: Final[dict[str, Callable[[dict[str, object]], str]]] = {
    "table": output.as_table,
    "json": lambda answer: json.dumps(answer, indent=2, ensure_ascii=False) + "\n",
    "jsonl": output.as_jsonl,
    "csv": output.as_csv,
    "markdown": output.as_markdown,
}
_FOR_PEOPLE: Final = ("table", "markdown")  # each license server once, however it is read


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FORMATS)),
    default="table",
    show_default=True,
    help="How to print.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--server", "names", multiple=True, metavar="NAME", help="Only this one; repeatable.")
@click.option("--group", default="", help="Only the servers of this group.")
@click.option(
    "--filter",
    "pattern",
    default="",
    metavar="REGEX",
    help="Only servers and products that match; a leading ! inverts.",
)
@click.option(
    "--by",
    type=click.Choice(["product", "group"]),
    default="product",
    show_default=True,
    help="Of what the table's totals are.",
)
@click.option("--cached", is_flag=True, help="What was recorded last; contacts nobody.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="How long each server may take.",
)
@click.pass_obj
def status(  # noqa: PLR0913 - click hands over each option by its name
    context: CommandContext,
    /,
    *,
    form: str,
    as_json: bool,
    names: tuple[str, ...],
    group: str,
    pattern: str,
    by: str,
    cached: bool,
    timeout: float | None,
) -> int:
    """Poll every server once, record it, print it."""
    from lictui.clock import SystemClock, local_date  # noqa: PLC0415 - `--help` does not need it
    from lictui.engine.board import Filter, filter_board  # noqa: PLC0415 - `--help` neither
    from lictui.engine.engine import poll_once  # noqa: PLC0415 - `--help` neither
    from lictui.engine.merge import same_as_warnings  # noqa: PLC0415 - `--help` neither
    from lictui.sources.resolver import run  # noqa: PLC0415 - `--help` neither

    wanted = Filter.parse(pattern)
    settings, registry = load_configuration(context)
    servers = select_servers(registry, names, group)
    clock = SystemClock()
    result = run(
        poll_once(servers, settings, context.paths, clock, timeout=timeout, contact=not cached)
    )
    for notice in (*result.notices, *same_as_warnings(registry)):
        click.echo(f"lictui: {notice}", err=True)
    shown = filter_board(result, wanted)
    today = local_date(clock.now(), settings.timezone)
    form = "json" if as_json else form
    once_each = form in _FOR_PEOPLE
    answer = status_json(shown, settings.alerts, clock.now(), today, each_once=once_each)
    if by == "group" and once_each:
        answer["totals"] = answer["groups"]
    click.echo(_FORMATS[form](answer), nl=False)
    return 0 if _all_up(shown) else 1


def _all_up(board: Board) -> bool:
    return all(
        status.state is State.UP for status in board.servers if status.state is not State.DISABLED
    )
