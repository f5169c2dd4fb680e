"""`lictui status`: polls every server once, records, prints, exits.

Exit 0 if every selected enabled server is up, 1 if not; the output lists all of them either way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from lictui.cli import tables
from lictui.cli.selection import load, select
from lictui.cli.status_json import status_json
from lictui.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.cli.context import Context
    from lictui.engine.board import Board

_FORMATS: Final[dict[str, Callable[[dict[str, object]], str]]] = {
    "table": tables.as_table,
    "json": lambda answer: json.dumps(answer, indent=2, ensure_ascii=False) + "\n",
    "jsonl": tables.as_jsonl,
    "csv": tables.as_csv,
    "markdown": tables.as_markdown,
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
    context: Context,
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
    from lictui.clock import SystemClock, local_day  # noqa: PLC0415 - `--help` does not need it
    from lictui.engine.board import Filter, matching  # noqa: PLC0415 - `--help` neither
    from lictui.engine.engine import once  # noqa: PLC0415 - `--help` neither
    from lictui.engine.merge import doubts  # noqa: PLC0415 - `--help` neither
    from lictui.sources.resolver import run  # noqa: PLC0415 - `--help` neither

    wanted = Filter.parse(pattern)
    settings, registry = load(context)
    servers = select(registry, names, group)
    clock = SystemClock()
    result = run(once(servers, settings, context.paths, clock, timeout=timeout, contact=not cached))
    for notice in (*result.notices, *doubts(registry)):
        click.echo(f"lictui: {notice}", err=True)
    shown = matching(result, wanted)
    today = local_day(clock.now(), settings.timezone)
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
