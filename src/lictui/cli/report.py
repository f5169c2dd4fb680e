"""`lictui report` and `lictui contract`: one month for management, and the entitlements.

Both read the history and poll nothing. The JSON of `contract` is `lictui.contract/1`.
"""

from __future__ import annotations

import sys
from datetime import date
from importlib.util import find_spec
from pathlib import PurePath
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec.structs import replace

from lictui.analysis.series import day_of
from lictui.cli.context import load_configuration, open_history, resolve_timezone, select_servers
from lictui.cli.options import (
    CommandContext,
    format_option,
    format_options,
    option,
    output_option,
    timezone_option,
    working,
)
from lictui.cli.output import Column, Kind, Row, emit, number_text, open_binary, record
from lictui.clock import SystemClock
from lictui.config.entitlements import Entitlement, load_entitlements
from lictui.engine.entitlements import (
    EntitlementOverview,
    compare_entitlements,
    format_money,
    groupings,
    summary,
)
from lictui.engine.outlook import PastQuery, past_summaries
from lictui.engine.queries import load_board
from lictui.engine.thread import run
from lictui.errors import UsageError
from lictui.installation import extra_command
from lictui.report.build import ReportQuery, build_report
from lictui.report.model import MonthlyReport, last_complete
from lictui.report.sections import build_tree

if TYPE_CHECKING:
    from datetime import tzinfo

    from lictui.engine.entitlements import Expiry
    from lictui.report.sections import ReportTree

# format -> its writer, imported when it is used: matplotlib takes half a second
_WRITERS: Final = {
    "html": "lictui.report.html:render_html",
    "xlsx": "lictui.report.xlsx:render_xlsx",
    "markdown": "lictui.report.markdown:render_markdown",
    "csv": "lictui.report.csv:render_csv",
    "png": "lictui.report.png:render_png",
}
_PACKAGES: Final = {"xlsx": ("xlsxwriter", "XlsxWriter"), "png": ("matplotlib", "matplotlib")}
_FIRST_YEAR: Final = 1971


@click.command(epilog="Example: lictui report --month 2026-10 -o report.html")
@option("--month", "Month to report.", "YYYY-MM", show_default="the last complete month")
@format_option(list(_WRITERS), None, shown="by the name of FILE, else html")
@output_option
@option("--group groups", "Limit to this group (repeatable).", "NAME", multiple=True)
@timezone_option
@click.pass_obj
def report(
    context: CommandContext,
    /,
    *,
    month: str,
    output_format: str | None,
    output: str | None,
    groups: tuple[str, ...],
    tz: str,
) -> int:
    """Write a monthly report: peaks, trends, bottlenecks, expirations and costs.

    On a terminal, HTML goes to a file in the current directory. Exit code 1: no data was recorded
    in that month.
    """
    output_format = output_format or _format_of(output or "")
    require_package(output_format)
    if output_format in _PACKAGES and output in (None, "-") and sys.stdout.isatty():
        raise UsageError(
            f"refusing to write {output_format} to a terminal", "use -o FILE, or redirect stdout"
        )
    monthly = _build_report(context, month, groups, resolve_timezone(context, tz))
    name = f"{monthly.month.first_day:%Y-%m}"
    if not monthly.products:
        click.echo(f"lictui: no data was recorded in {name}", err=True)
        return 1
    if output is None and output_format == "html" and sys.stdout.isatty():
        output = f"lictui-report-{name}.html"
    with working(f"writing {output_format}"):
        rendered = render(_WRITERS[output_format], build_tree(monthly))
    with open_binary(output) as out:
        out.write(rendered)
    return 0


def render(writer: str, tree: ReportTree) -> bytes:
    """Return a document as its writer `module:function` makes it."""
    rendered: str | bytes = resolve_name(writer)(tree)
    return rendered.encode() if isinstance(rendered, str) else rendered


def _format_of(file: str) -> str:
    """Return the format that a file of this name has."""
    suffix = PurePath(file).suffix[1:].lower().replace("md", "markdown")
    return suffix if suffix in _WRITERS else "html"


def require_package(output_format: str) -> None:
    """Raise UsageError if a format requires a package that is not installed."""
    if output_format in _PACKAGES:
        module, package = _PACKAGES[output_format]
        if find_spec(module) is None:
            raise UsageError(
                f"--format {output_format} requires {package}, which is not installed",
                f"run: {extra_command('report')}",
            )


def _build_report(
    context: CommandContext, month: str, groups: tuple[str, ...], zone: tzinfo | None
) -> MonthlyReport:
    settings, servers = load_configuration(context)
    settings = replace(settings, entitlements=load_entitlements(context.paths))
    for group in groups:
        select_servers(servers, group=group)
    now = SystemClock().now()
    first_day = _first_day(month, now, zone)
    with open_history(context, past=True) as history, working("building the report"):
        return build_report(history, ReportQuery(first_day, now, zone, servers, settings, groups))


def _first_day(month: str, now: float, zone: tzinfo | None) -> date:
    """Return the first day of the month YYYY-MM, by default of the last complete one."""
    last = last_complete(now, zone)
    try:
        first_day = date.fromisoformat(f"{month}-01") if month else last
    except ValueError:
        first_day = date.min
    if first_day.year < _FIRST_YEAR:
        raise UsageError(f"invalid month {month!r}", "use YYYY-MM, such as 2026-10")
    if first_day > day_of(now, zone):
        hint = f"the last complete month is {last:%Y-%m}"
        raise UsageError(f"{month} is in the future", hint)
    return first_day


# `lictui contract`


def _peak_text(row: Row) -> str:
    return f"{'at most ' * row['is_upper_bound']}{number_text(row['peak_all'])}"


def _unused_cost_text(row: Row) -> str:
    return format_money(row["idle_cost"], row["currency"] or "") or "-"


def _deadline_licenses_text(row: Row) -> str:
    return number_text(row["licenses"]) if row["product"] else "-"


_ENTITLEMENT_COLUMNS: Final = (
    Column("product", "PRODUCT", source="entitlement.product"),
    Column("name"),
    Column("scope", "SCOPE"),
    Column("purchased", "PURCHASED", Kind.NUMBER, source="entitlement.purchased"),
    Column("installed", "INSTALLED", Kind.NUMBER, detail=1),
    Column("peak_month", source="peak"),
    Column("peak_all", "PEAK", Kind.NUMBER, _peak_text, source="highest_peak"),
    Column("over_used", source="shortfall"),
    Column("installed_beyond", source="installed_surplus"),
    Column("idle", "UNUSED", Kind.NUMBER, source="unused"),
    Column("cost"),
    Column(
        "idle_cost",
        "UNUSED COST/YEAR",
        Kind.NUMBER,
        _unused_cost_text,
        source="unused_cost",
        detail=2,
    ),
    Column("currency", missing="-", source="entitlement.currency"),
    Column("renewal", source="entitlement.renewal"),
    Column("words", "SUMMARY", Kind.PROSE, source=summary),
    Column("is_upper_bound", source="is_bound"),
    Column("part_of", missing="-", source="container"),
    Column("peak_month_is_upper_bound", source="peak_is_bound"),
)
_EXPIRY_COLUMNS: Final = (
    Column("date", "DATE"),
    Column("days_left", "DAYS LEFT", Kind.NUMBER),
    Column("kind", "EVENT"),
    Column("licenses", "LICENSES", Kind.NUMBER, _deadline_licenses_text),
    Column("product", "PRODUCT", missing="-"),
    Column("scope", "SCOPE"),
)


@click.command(epilog="Example: lictui contract --format csv")
@format_options
@timezone_option
@click.pass_obj
def contract(context: CommandContext, /, *, output_format: str, tz: str) -> None:
    """Compare entitlements with installed and used licenses, and list expirations.

    Entitlements (purchased licenses) are read from contract.toml. Unused licenses are those above
    the highest known peak (for user/device licenses, above the highest number of assigned ones).
    Tables also list the expirations of the next 12 months.
    """
    overview, today = _overview(context, load_entitlements(context.paths), tz)
    products = [record(line, _ENTITLEMENT_COLUMNS) for line in overview.lines]
    expiries = [_expiry_json(expiry, today) for expiry in overview.expiries]
    emit(
        products,
        _ENTITLEMENT_COLUMNS,
        output_format,
        document={"schema": "lictui.contract/1", "products": products, "endings": expiries},
        records="products",
        empty="No entitlements configured. Create contract.toml (see docs/reports.md).",
    )
    if output_format in ("table", "markdown"):
        if products:
            click.echo()
        emit(
            expiries,
            _EXPIRY_COLUMNS,
            output_format,
            document={},
            empty="No expirations in the next 12 months.",
        )


def _overview(
    context: CommandContext, entitlements: tuple[Entitlement, ...], tz: str
) -> tuple[EntitlementOverview, date]:
    settings, registered = load_configuration(context)
    clock = SystemClock()
    query = PastQuery(clock.now(), resolve_timezone(context, tz), settings.alerts)
    with open_history(context, past=True) as history, working("reading the history"):
        board = load_board(registered, history, settings.alerts)
        summaries = {
            grouping: run(past_summaries(history, board, grouping, query, clock))
            for grouping in groupings(entitlements)
        }
    overview = compare_entitlements(board, entitlements, summaries, query.today)
    return overview, query.today


def _expiry_json(expiry: Expiry, today: date) -> dict[str, Any]:
    return {
        "date": expiry.day,
        "days_left": (expiry.day - today).days,
        "kind": expiry.kind,
        "scope": expiry.server,
        "product": expiry.product or None,
        "licenses": expiry.count,
    }
