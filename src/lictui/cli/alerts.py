"""`lictui alerts`: what stands, without the screen; and the same two answers as there.

Exit 0, or 1 where there was nothing to answer. Owns the table and the JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.context import CommandContext, open_history
from lictui.errors import UsageError
from lictui.model import Acknowledgement, AlertKind, AlertState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.history.store import History

SCHEMA: Final = "lictui.alerts/1"
_HEAD: Final = ("LEVEL", "KIND", "SERVER", "PRODUCT", "RAISED", "ANSWER", "WHAT")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def alerts(ctx: click.Context, /, *, as_json: bool) -> None:
    """Show the alerts that stand, as the lictui that polls has raised them."""
    if ctx.invoked_subcommand is not None:
        return
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` tells no time

    with open_history(ctx.obj) as store:
        found = list(_raised(store))
    now = SystemClock().now()
    if as_json:
        said = {"schema": SCHEMA, "alerts": [_json(*each, now) for each in found]}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("No alerts.")
    else:
        from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table

        for line in aligned_lines([_HEAD, *(_row(*each, now) for each in found)], right=set()):
            click.echo(line)


@alerts.command()
@click.option("--server", required=True, metavar="NAME", help="The server it is about.")
@click.option("--product", default="", metavar="CODE", help="Only what is about this product.")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in AlertKind]),
    metavar="KIND",
    help="Only this kind: usage, expiry, …",
)
@click.option("--for", "lasts", default="", metavar="SPAN", help="Snooze for so long: 4h, 1d.")
@click.option("--take-back", is_flag=True, help="Hear of it again.")
@click.pass_obj
def ack(
    context: CommandContext,
    /,
    *,
    server: str,
    product: str,
    kind: str | None,
    lasts: str,
    take_back: bool,
) -> int:
    """Acknowledge alerts until they clear or get worse; with --for, snooze them."""
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` tells no time
    from lictui.config.toml_document import InvalidValue, duration  # noqa: PLC0415 - as above
    from lictui.engine.alert_state import acknowledgement_event  # noqa: PLC0415 - as above
    from lictui.model import Acknowledgement  # noqa: PLC0415 - as above
    from lictui.paths import current_user  # noqa: PLC0415 - as above

    now, by = SystemClock().now(), current_user()
    try:
        until = now + duration(lasts) if lasts else None
    except InvalidValue as wrong:
        raise UsageError(f"--for {wrong.message}", wrong.hint) from None
    answer = None if take_back else Acknowledgement(by, now, until)
    count = 0
    with open_history(context) as store:
        for standing, _ in _raised(store):
            who = standing.key
            if who.server == server and product in ("", who.product) and kind in (None, who.kind):
                store.set_acknowledgement(
                    who, answer, (acknowledgement_event(standing, answer, by, now),)
                )
                click.echo(f"{who.kind} {standing.message}")
                count += 1
    if not count:
        click.echo("lictui: no such alert stands", err=True)
    return 0 if count else 1


def _raised(store: History) -> Iterator[tuple[AlertState, Acknowledgement | None]]:
    from lictui.engine.alerts import severity_rank  # noqa: PLC0415 - `--help` needs no monitor

    answers = store.acknowledgements()
    raised = [each for each in store.alert_states() if each.raised_at is not None]
    for each in sorted(raised, key=lambda it: severity_rank(it.level)):
        yield each, answers.get(each.key)


def _json(standing: AlertState, answer: Acknowledgement | None, now: float) -> dict[str, Any]:
    from lictui.cli.status import acknowledgement_json, iso_or_none  # noqa: PLC0415 - `--help` needs neither

    who = standing.key
    return {
        "kind": who.kind.value,
        "level": standing.level.value,
        "server": who.server,
        "product": who.product or None,
        "since": iso_or_none(standing.since),
        "message": standing.message,
        "about": who.detail or None,
        **acknowledgement_json(standing, answer, now),
    }


def _row(standing: AlertState, answer: Acknowledgement | None, now: float) -> tuple[str, ...]:
    from lictui.clock import iso  # noqa: PLC0415 - `--help` tells no time

    who, said = standing.key, "-"
    if answer is not None and answer.is_active(now):
        said = f"known: {answer.by}" if answer.until is None else f"until {iso(answer.until)}"
    raised = "-" if standing.raised_at is None else iso(standing.raised_at)
    return (standing.level.value, who.kind.value, who.server, who.product or "-", raised, said,
            standing.message)  # fmt: skip
