"""`lictui report`: one month for people who never open a terminal. Polls nobody.

Owns where the report goes, and what is said when a format needs what is not installed.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli import output
from lictui.cli.context import CommandContext, open_history
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, tzinfo

    from lictui.analysis.usage import ContractLine
    from lictui.config.entitlements import Entitlement
    from lictui.engine.entitlements import Deadline, EntitlementOverview
    from lictui.report.model import MonthlyReport


_FORMATS: Final = ("html", "xlsx", "md", "csv", "png")
_BINARY: Final = ("xlsx", "png")
_NEEDS: Final = {"xlsx": ("xlsxwriter", "XlsxWriter"), "png": ("matplotlib", "matplotlib")}
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


@click.command()
@click.option("--month", default="", metavar="YYYY-MM", help="Which.  [default: the last one]")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="html",
    show_default=True,
    help="As what.",
)
@output.OUTPUT_OPTION
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Only these servers; repeatable."
)
@click.option("--tz", default="", metavar="ZONE", help="Whose days and month (IANA).")
@click.pass_obj
def report(
    context: CommandContext,
    /,
    *,
    month: str,
    form: str,
    to: str | None,
    groups: tuple[str, ...],
    tz: str,
) -> int:
    """Write the report of a month: peaks, trends, what is tight, what ends, what it costs.

    Without --month it is the last month that is over. On a terminal, HTML goes to a file in the
    folder you are in. Exit code 1: nothing was recorded in that month.
    """
    from lictui.cli.history_import import resolve_timezone  # noqa: PLC0415 - `--help` reads no file

    _check_installed(form)
    if form in _BINARY and to is None and sys.stdout.isatty():
        raise UsageError(f"{form} is nothing for a terminal", "name a file with -o, or redirect")
    found = _built(context, month, groups, resolve_timezone(context, tz))
    if not found.products:
        click.echo(f"lictui: nothing was recorded in {found.month.first_day:%Y-%m}", err=True)
        return 1
    if to is None and form == "html" and sys.stdout.isatty():
        to = f"lictui-report-{found.month.first_day:%Y-%m}.html"
        click.echo(f"lictui: written to {to}", err=True)
    data = _written(found, form)
    with output.open_binary(to) as out:
        out.write(data)
    return 0


def _built(
    context: CommandContext, month: str, groups: tuple[str, ...], zone: tzinfo | None
) -> MonthlyReport:
    from dataclasses import replace  # noqa: PLC0415 - `--help` reads no file

    from lictui.cli.context import load_configuration, select_servers  # noqa: PLC0415 - as above
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.config.entitlements import load_entitlements  # noqa: PLC0415 - as above
    from lictui.report.build import ReportQuery, build_report  # noqa: PLC0415 - as above

    settings, servers = load_configuration(context)
    settings = replace(settings, entitlements=load_entitlements(context.paths))
    for group in groups:
        select_servers(servers, group=group)
    now = SystemClock().now()
    first = _first(month, now, zone)
    with open_history(context) as store:
        return build_report(store, ReportQuery(first, now, zone, servers, settings, groups))


def _first(month: str, now: float, zone: tzinfo | None) -> date:
    from datetime import date  # noqa: PLC0415 - `--help` needs no date

    from lictui.report.model import last_complete, month_span  # noqa: PLC0415 - as above

    if not month:
        return last_complete(now, zone)
    match = _MONTH.fullmatch(month)
    try:
        first = date(int(match[1]), int(match[2]), 1) if match else None
        begins = month_span(first, now, zone).start if first else 0
    except (ValueError, OverflowError):
        first, begins = None, 0
    if first is None or first.year < 1971:  # noqa: PLR2004 - nothing was ever recorded before
        raise UsageError(f"--month {month!r} is no month", "write 2026-10")
    if begins > now:
        raise UsageError(
            f"{month} has not begun yet", f"the last is {last_complete(now, zone):%Y-%m}"
        )
    return first


def _check_installed(form: str) -> None:
    from importlib.util import find_spec  # noqa: PLC0415 - `--help` needs nothing installed

    if form in _NEEDS and find_spec(_NEEDS[form][0]) is None:
        raise UsageError(
            f"--format {form} needs {_NEEDS[form][1]}, which is not installed",
            "pip install 'lictui[report]'",
        )


def _written(found: MonthlyReport, form: str) -> bytes:
    # Each writer is imported when it is asked for: matplotlib alone takes half a second.
    match form:
        case "xlsx":
            from lictui.report.xlsx import render_xlsx  # noqa: PLC0415

            return render_xlsx(found)
        case "png":
            from lictui.report.png import render_png  # noqa: PLC0415

            return render_png(found)
        case "md":
            from lictui.report.markdown import render_markdown  # noqa: PLC0415

            return render_markdown(found).encode()
        case "csv":
            from lictui.report.markdown import render_csv  # noqa: PLC0415

            return render_csv(found).encode()
        case _:
            from lictui.report.html import render_html  # noqa: PLC0415

            return render_html(found).encode()


# `lictui contract`: what was bought against what is needed, for people and as JSON. Polls nobody


SCHEMA: Final = "lictui.contract/1"
_HEAD: Final = ("PRODUCT", "FOR", "BOUGHT", "INSTALLED", "PEAK", "IDLE", "IDLE A YEAR", "IN WORDS")
_ENDS: Final = ("ON", "LEFT", "WHAT", "LICENSES", "PRODUCT", "OF")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--tz", default="", metavar="ZONE", help="Whose calendar day is today (IANA).")
@click.pass_obj
def contract(context: CommandContext, /, *, as_json: bool, tz: str) -> None:
    """Compare contract.toml with what is installed and was needed, and say what ends when.

    Idle is what was bought and not needed at the highest peak that is known; of user/device
    licenses, at the most that were ever assigned. The calendar is of the next 12 months.
    """
    from lictui.config.entitlements import load_entitlements  # noqa: PLC0415 - `--help` reads no file

    purchases = load_entitlements(context.paths)
    found, today = _sheet(context, purchases, tz)
    if as_json:
        said = {
            "schema": SCHEMA,
            "products": list(map(_product, found.lines)),
            "endings": [_ending(each, today) for each in found.deadlines],
        }
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found, today):
            click.echo(line)


def _sheet(
    context: CommandContext, purchases: tuple[Entitlement, ...], tz: str
) -> tuple[EntitlementOverview, date]:
    import asyncio  # noqa: PLC0415 - `--help` compares nothing

    from lictui.cli.context import load_configuration  # noqa: PLC0415 - as above
    from lictui.cli.history_import import resolve_timezone  # noqa: PLC0415 - as above
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.engine.board import Board, with_servers  # noqa: PLC0415 - as above
    from lictui.engine.engine import with_last_polls  # noqa: PLC0415 - as above
    from lictui.engine.entitlements import compare_entitlements, groupings  # noqa: PLC0415 - as above
    from lictui.engine.merge import BoardMerger  # noqa: PLC0415 - as above
    from lictui.engine.outlook import PastQuery, past_summaries  # noqa: PLC0415 - as above
    from lictui.history.peaks import PeakCache  # noqa: PLC0415 - as above

    settings, registered = load_configuration(context)
    clock = SystemClock()
    look = PastQuery(clock.now(), resolve_timezone(context, tz), settings.alerts)
    with open_history(context) as store:
        board = BoardMerger().merge(
            with_last_polls(with_servers(Board(), registered), store.last_polls())
        )
        memory = PeakCache()
        pasts = {
            by: asyncio.run(past_summaries(store, memory, board, by, look, clock))
            for by in groupings(purchases)
        }
    return compare_entitlements(board, purchases, pasts, settings.alerts, look.today), look.today


def _product(holding: ContractLine) -> dict[str, Any]:
    from lictui.engine.entitlements import summary  # noqa: PLC0415 - as above

    bought = holding.entitlement
    return {
        "scope": holding.scope,
        "product": bought.product,
        "name": holding.name,
        "purchased": bought.purchased,
        "installed": holding.installed,
        "peak_month": holding.peak,
        "peak_all": holding.highest_peak,
        "over_used": holding.shortfall,
        "installed_beyond": holding.installed_surplus,
        "idle": holding.unused,
        "cost": holding.cost,
        "idle_cost": holding.unused_cost,
        "currency": bought.currency or None,
        "renewal": None if bought.renewal is None else bought.renewal.isoformat(),
        "words": summary(holding),
    }


def _ending(ending: Deadline, today: date) -> dict[str, Any]:
    return {
        "date": ending.day.isoformat(),
        "days_left": (ending.day - today).days,
        "kind": ending.kind,
        "scope": ending.scope,
        "product": ending.product or None,
        "licenses": ending.count,
    }


def _lines(found: EntitlementOverview, today: date) -> Iterator[str]:
    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table
    from lictui.engine.entitlements import format_money, summary  # noqa: PLC0415 - as above

    if found.lines:
        rows = [
            (
                *(each.entitlement.product, each.scope, f"{each.entitlement.purchased:,}"),
                *map(_figure, (each.installed, each.highest_peak, each.unused)),
                format_money(each.unused_cost, each.entitlement.currency) or "-",
                summary(each),
            )
            for each in found.lines
        ]
        yield from aligned_lines([_HEAD, *rows], right={2, 3, 4, 5, 6})
    else:
        yield "Nothing is known of what was bought: write contract.toml, as the README shows."
    yield ""
    if not found.deadlines:
        yield "Nothing ends in the next 12 months."
        return
    ends = [
        (
            *(each.day.isoformat(), f"{(each.day - today).days} d", each.kind),
            *(_figure(each.count) if each.product else "-", each.product or "-", each.scope),
        )
        for each in found.deadlines
    ]
    yield from aligned_lines([_ENDS, *ends], right={1, 3})


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
