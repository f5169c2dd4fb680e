"""`lictui alerts`: the active alerts, and acknowledging or snoozing them. JSON: `lictui.alerts/1`.

Shows what the polling lictui has raised and recorded; polls nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.context import open_history, resolve_timezone
from lictui.cli.options import CommandContext, format_options, option
from lictui.cli.output import Column, Kind, Row, emit, optional_time
from lictui.clock import SystemClock, iso
from lictui.config.toml_document import InvalidValue, duration
from lictui.engine.alert_state import acknowledgement_event
from lictui.engine.alerts import severity_rank
from lictui.errors import UsageError
from lictui.model import Acknowledgement, AlertKind, AlertState
from lictui.paths import current_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.history.store import History

_COLUMNS: Final = (
    Column("level", "LEVEL"),
    Column("kind", "KIND", detail=1),
    Column("server", "SERVER"),
    Column("product", "PRODUCT", missing="-"),
    Column("since", "SINCE", Kind.TIME, detail=2),
    Column("raised"),
    Column("status", "STATUS"),
    Column("message", "MESSAGE", Kind.PROSE),
)


@click.group(invoke_without_command=True, epilog="Example: lictui alerts --format markdown")
@format_options
@click.pass_context
def alerts(ctx: click.Context, /, *, output_format: str) -> None:
    """Show active alerts."""
    if ctx.invoked_subcommand is not None:
        return
    with open_history(ctx.obj) as history:
        active = list(_active_alerts(history))
    now = SystemClock().now()
    records = [
        {**alert_json(alert, alert, answer, now), "about": alert.key.detail or None}
        for alert, answer in active
    ]
    emit(
        map(_row, records),
        _COLUMNS,
        output_format,
        document={"schema": "lictui.alerts/1", "alerts": records},
        records="alerts",
        zone=resolve_timezone(ctx.obj),
        empty="No active alerts.",
    )


@alerts.command(
    short_help="Acknowledge or snooze alerts.",
    epilog="Example: lictui alerts ack --server lic-01 --kind usage --for 4h",
)
@option("--server", "Server of the alerts.", "NAME", required=True)
@option("--product", "Limit to this product code.", "CODE")
@option(
    "--kind",
    "Limit to this kind of alert, e.g. usage or expiry.",
    "KIND",
    type=click.Choice([kind.value for kind in AlertKind]),
)
@option("--for snooze_for", "Snooze for a duration, e.g. 4h or 1d.", "SPAN")
@option("--take-back", "Remove the acknowledgement.")
@click.pass_obj
def ack(
    context: CommandContext,
    /,
    *,
    server: str,
    product: str,
    kind: str | None,
    snooze_for: str,
    take_back: bool,
) -> int:
    """Acknowledge alerts until they clear or get worse, or snooze them with --for.

    Exit code 1: no matching active alert.
    """
    now, user = SystemClock().now(), current_user()
    try:
        until = now + duration(snooze_for) if snooze_for else None
    except InvalidValue as error:
        raise UsageError(f"--for {error.message}", error.hint) from None
    acknowledgement = None if take_back else Acknowledgement(user, now, until)
    count = 0
    with open_history(context, write=True) as history:
        for alert, _ in _active_alerts(history):
            key = alert.key
            if key.server == server and product in ("", key.product) and kind in (None, key.kind):
                event = acknowledgement_event(alert, acknowledgement, user, now)
                history.set_acknowledgement(key, acknowledgement, (event,))
                click.echo(f"{key.kind} {alert.message}")
                count += 1
    if not count:
        click.echo("lictui: no matching active alert", err=True)
    return 0 if count else 1


def _active_alerts(history: History) -> Iterator[tuple[AlertState, Acknowledgement | None]]:
    """Return the alerts that were raised and have not cleared, the most severe first."""
    acknowledgements = history.acknowledgements()
    active = [state for state in history.alert_states() if state.raised_at is not None]
    for alert in sorted(active, key=lambda alert: severity_rank(alert.level)):
        yield alert, acknowledgements.get(alert.key)


def alert_json(
    alert: AlertState,
    raised: AlertState | None,
    acknowledgement: Acknowledgement | None,
    now: float,
) -> dict[str, Any]:
    """Return an alert, when it was raised, and the acknowledgement or snooze in effect."""
    is_active = raised and acknowledgement and acknowledgement.is_active(now)
    active = acknowledgement if is_active else None
    until = active.until if active else None
    return {
        "kind": alert.key.kind,
        "level": alert.level,
        "server": alert.key.server,
        "product": alert.key.product or None,
        "since": optional_time(alert.since),
        "message": alert.message,
        "raised": raised and optional_time(raised.raised_at),
        "acknowledged": {"by": active.by, "at": iso(active.time)} if active and not until else None,
        "snoozed_until": optional_time(until),
    }


def _row(record: Row) -> Row:
    if record["acknowledged"]:
        status = f"acknowledged by {record['acknowledged']['by']}"
    elif record["snoozed_until"]:
        status = f"snoozed until {record['snoozed_until']}"
    else:
        status = "active"
    return {**record, "status": status}
