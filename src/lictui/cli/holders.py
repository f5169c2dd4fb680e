"""`lictui servers holders`: who holds the licenses of one server now, for scripts and eyes.

Asks the server itself; keeps nothing. Names are shown as `[privacy] users` says. Exit 0 if somebody
told, 1 if nobody could.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.selection import load, select

if TYPE_CHECKING:
    from lictui.cli.context import Context
    from lictui.engine.holders import Holders, Holding

_COLUMNS: Final = ("PRODUCT", "USER", "HOST", "SINCE", "COUNT", "")


@click.command()
@click.argument("name")
@click.option("--product", default="", metavar="CODE", help="One product alone, as XDT_PLT_UD.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with times in UTC.")
@click.pass_obj
def holders(context: Context, /, *, name: str, product: str, as_json: bool) -> int:
    """Ask who holds the licenses of the server called NAME.

    lmstat tells it, and a command that prints lmstat or udadmin; of any other server, what is
    registered with same_as = NAME is asked. User and host names are replaced unless config.toml
    says users = "hash" or "show" in [privacy]. Nothing is kept, and nothing is released.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` asks nobody
    from lictui.engine.queries import ask_holders  # noqa: PLC0415 - as above
    from lictui.sources.resolver import run  # noqa: PLC0415 - as above

    settings, servers = load(context)
    select(servers, (name,))
    answer = run(
        ask_holders(
            servers, name, product, settings=settings, paths=context.paths, clock=SystemClock()
        )
    )
    if as_json:
        click.echo(json.dumps(_as_json(answer), indent=2, ensure_ascii=False))
    elif answer.told_by:
        _print(answer, settings.timezone)
    for server, failure in answer.failures:
        hint = f" ({failure.hint})" if failure.hint else ""
        click.echo(f"lictui: {server}: {failure.message}{hint}", err=True)
    return 0 if answer.told_by else 1


def _print(answer: Holders, timezone: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only for a table

    from lictui.cli.tables import aligned  # noqa: PLC0415 - as above

    zone = ZoneInfo(timezone) if timezone else None
    if not answer.holdings:
        click.echo(f"Nobody holds a license of {answer.server}.", err=True)
        return
    rows = [_row(each, zone) for each in answer.holdings]
    click.echo("\n".join(aligned([_COLUMNS, *rows], right={4})))
    if answer.users != "show":
        said = f'names are replaced: [privacy] users = "{answer.users}" in config.toml'
        click.echo(f"note: {said}", err=True)


def _row(holding: Holding, zone: Any) -> tuple[str, ...]:
    holder = holding.holder
    since = datetime.fromtimestamp(holder.since, UTC).astimezone(zone) if holder.since else None
    marks = [holding.release or "idle"] if holding.idle else []
    return (
        holder.product,
        holder.user or "-",
        holder.device or "-",
        f"{since:%Y-%m-%d %H:%M}" if since else "?",
        str(holder.count),
        *(marks or [""]),
    )


def _as_json(answer: Holders) -> dict[str, Any]:
    return {
        "schema": "lictui.holders/1",
        "at": _utc(answer.at),
        "server": answer.server,
        "told_by": answer.told_by,
        "users": answer.users,
        "holders": [
            {
                "product": it.holder.product,
                "user": it.holder.user or None,
                "host": it.holder.device or None,
                "since": _utc(it.holder.since),
                "count": it.holder.count,
                "assigned": it.holder.assigned,
                "subscription_date": _day(it),
                "idle": it.idle,
                "release": it.release or None,
            }
            for it in answer.holdings
        ],
        "failures": [
            {"server": server, "kind": it.kind, "message": it.message, "hint": it.hint}
            for server, it in answer.failures
        ],
    }


def _day(holding: Holding) -> str | None:
    day = holding.holder.subscription_date
    return day.isoformat() if day else None


def _utc(at: float | None) -> str | None:
    if at is None:
        return None
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"
