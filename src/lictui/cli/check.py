"""`lictui check`: a monitoring plugin. Exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

`cli.main` prints every error of this command as one UNKNOWN line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lictui.cli.context import load_configuration, select_servers
from lictui.cli.options import (
    NO_SERVERS,
    CommandContext,
    cached_option,
    group_option,
    option,
    products_option,
    servers_option,
    timeout_option,
)
from lictui.clock import SystemClock, local_date
from lictui.engine.merge import merge_board
from lictui.engine.queries import poll_once
from lictui.engine.thread import run
from lictui.errors import UsageError
from lictui.export.nagios import (
    CheckOptions,
    PluginState,
    ThresholdRange,
    judge,
    plain_text,
    plugin_output,
    worst_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class _PluginCommand(click.Command):
    """A command whose help and version are UNKNOWN (3), as the guidelines require."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.exceptions.Exit:
            raise click.exceptions.Exit(PluginState.UNKNOWN) from None


def _range_option(short: str, name: str, source: str) -> Callable[[Any], Any]:
    def parse(_ctx: click.Context, _option: click.Parameter, value: str) -> ThresholdRange | None:
        return ThresholdRange.parse(value) if value else None

    return option(
        f"{short} --{name}",
        f"Usage in percent of installed; outside of this range, such as 80, the result is {name}.",
        "RANGE",
        show_default=f"{source} of [alerts]",
        callback=parse,
    )


@click.command(cls=_PluginCommand, epilog="Example: lictui check --product XDT_PLT_UD -w 80 -c 90")
@_range_option("-w", "warning", "warn")
@_range_option("-c", "critical", "critical")
@servers_option
@products_option
@group_option
@option(
    "--max-age",
    "Maximum age of the data in seconds; older data is critical.",
    "SECONDS",
    type=click.FloatRange(min=0.0),
)
@cached_option
@timeout_option
@option(
    "-v --verbose",
    "Print every problem in the line; twice: also one line for each server and product.",
    count=True,
)
@click.pass_obj
def check(
    context: CommandContext,
    /,
    *,
    servers: tuple[str, ...],
    group: str,
    cached: bool,
    timeout: float | None,
    verbose: int,
    **judged: Any,
) -> int:
    """Check usage, expirations and servers as a plugin for Nagios and Icinga.

    Prints one line with performance data. Exit code: 0 OK, 1 warning, 2 critical, 3 unknown.
    """
    settings, registered = load_configuration(context)
    if not registered:
        raise UsageError(NO_SERVERS)
    selected = select_servers(registered, servers, group)
    clock = SystemClock()
    polled = run(
        poll_once(selected, settings, context.paths, clock, timeout=timeout, contact=not cached)
    )
    board, now = merge_board(polled, settings.alerts), clock.now()
    today = local_date(now, settings.timezone)
    options = CheckOptions(**judged)
    findings = judge(board, options, now, today)
    click.echo(plugin_output(board, findings, options, now, today, verbose))
    if verbose > 1:  # on stderr they would be an error to check_by_ssh
        for notice in board.notices:
            click.echo(plain_text(notice))
    return int(worst_state(findings))
