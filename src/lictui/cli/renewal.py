"""`lictui renewal`: the renewal pack as files, with a manifest of their checksums."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec.structs import replace

from lictui.analysis.series import day_of, day_start
from lictui.cli.context import load_configuration, open_history, resolve_timezone, select_servers
from lictui.cli.options import CommandContext, group_option, option, timezone_option, working
from lictui.cli.output import open_binary
from lictui.cli.report import render, require_package
from lictui.clock import SystemClock
from lictui.config.entitlements import load_entitlements
from lictui.engine.queries import load_board
from lictui.engine.renewal import Basis, RenewalQuery, renewal_positions
from lictui.engine.thread import run
from lictui.errors import UsageError
from lictui.paths import make_folder
from lictui.report.model import months_before
from lictui.report.renewal import build_renewal

if TYPE_CHECKING:
    from lictui.report.sections import ReportTree

_WRITERS: Final = {
    "html": "lictui.report.html:render_html",
    "xlsx": "lictui.report.xlsx:render_renewal",
}
_MANIFEST: Final = "SHA256SUMS"


@click.command(epilog="Example: lictui renewal --months 12 --headroom 10 -o renewal")
@option(
    "--months",
    "Months of usage to evaluate, including the current one.",
    "N",
    type=click.IntRange(1, 120),
    default=12,
)
@option(
    "--headroom",
    "Licenses to propose above the usage, in percent of it.",
    "PERCENT",
    type=click.FloatRange(0, 200),
    default=10,
)
@option(
    "--basis",
    "Usage of concurrent licenses on which the proposed quantity is based.",
    type=click.Choice(list(map(str, Basis))),
    default="peak",
)
@option(
    "--format formats",
    "Output format (repeatable).",
    type=click.Choice(list(_WRITERS)),
    multiple=True,
    default=tuple(_WRITERS),
)
@option(
    "-o --output",
    "Folder for the files; it is created if it does not exist.",
    "DIR",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="lictui-renewal-DATE",
)
@group_option
@timezone_option
@click.pass_obj
def renewal(
    context: CommandContext,
    /,
    *,
    months: int,
    headroom: float,
    basis: str,
    formats: tuple[str, ...],
    output: Path | None,
    group: str,
    tz: str,
) -> int:
    """Write the renewal pack: position, proposed quantities, costs and evidence.

    The folder gets renewal.html, renewal.xlsx and SHA256SUMS, which `sha256sum -c` checks. Prices
    and purchased quantities come from contract.toml. Exit code 1: no data was recorded.
    """
    if str(output) == "-":
        raise UsageError("the renewal pack is several files", "name a folder with -o")
    for name in formats:
        require_package(name)
    clock, zone = SystemClock(), resolve_timezone(context, tz)
    now, (settings, servers) = clock.now(), load_configuration(context)
    today = day_of(now, zone)
    servers = select_servers(servers, group=group)
    names = {server.name for server in servers}
    entitlements = tuple(
        entitlement
        for entitlement in load_entitlements(context.paths)
        if not group or entitlement.group == group or entitlement.server in names
    )
    settings = replace(settings, entitlements=entitlements)
    start = day_start(months_before(today, months - 1), zone)
    query = RenewalQuery(start, now, zone, settings, Basis(basis), headroom / 100)
    with open_history(context) as history, working("building the renewal pack"):
        board = load_board(servers, history, settings.alerts)
        positions = run(renewal_positions(history, board, query, clock))
    if not any(position.stats for position in positions):
        click.echo(f"lictui: no data was recorded in the last {months} months", err=True)
        return 1
    tree = build_renewal(positions, board, query, group)
    _write(output or Path(f"lictui-renewal-{today}"), tree, formats)
    if any(position.unit_cost is None for position in positions):
        click.echo(f"lictui: enter missing quantities in {context.paths.entitlements}", err=True)
    return 0


def _write(folder: Path, tree: ReportTree, formats: tuple[str, ...]) -> None:
    """Write the files into a folder, the manifest last."""
    with working("writing the renewal pack"):
        files = {f"renewal.{name}": render(_WRITERS[name], tree) for name in formats}
    sums = (f"{sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    files[_MANIFEST] = "".join(sums).encode()
    try:
        make_folder(folder.expanduser())
    except OSError as error:
        raise UsageError(f"cannot create {folder}: {error.strerror or error}") from error
    for name, data in files.items():
        with open_binary(str(folder / name)) as out:
            out.write(data)
