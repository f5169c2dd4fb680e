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
from lictui.cli.context import Context, opened
from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, tzinfo

    from lictui.analysis.usage import Holding
    from lictui.config.contract import Purchase
    from lictui.engine.contract import Ending, Sheet
    from lictui.report.model import Report


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
@output.OPTION
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Only these servers; repeatable."
)
@click.option("--tz", default="", metavar="ZONE", help="Whose days and month (IANA).")
@click.pass_obj
def report(
    context: Context,
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
    from lictui.cli.history_import import zone_of  # noqa: PLC0415 - `--help` reads no file

    _check_installed(form)
    if form in _BINARY and to is None and sys.stdout.isatty():
        raise UsageError(f"{form} is nothing for a terminal", "name a file with -o, or redirect")
    found = _built(context, month, groups, zone_of(context, tz))
    if not found.products:
        click.echo(f"lictui: nothing was recorded in {found.month.first:%Y-%m}", err=True)
        return 1
    if to is None and form == "html" and sys.stdout.isatty():
        to = f"lictui-report-{found.month.first:%Y-%m}.html"
        click.echo(f"lictui: written to {to}", err=True)
    data = _written(found, form)
    with output.binary(to) as out:
        out.write(data)
    return 0


def _built(context: Context, month: str, groups: tuple[str, ...], zone: tzinfo | None) -> Report:
    from dataclasses import replace  # noqa: PLC0415 - `--help` reads no file

    from lictui.cli.context import load, select  # noqa: PLC0415 - as above
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.config.contract import load_contract  # noqa: PLC0415 - as above
    from lictui.report.build import Wanted, build  # noqa: PLC0415 - as above

    settings, servers = load(context)
    settings = replace(settings, contract=load_contract(context.paths))
    for group in groups:
        select(servers, group=group)
    now = SystemClock().now()
    first = _first(month, now, zone)
    with opened(context) as store:
        return build(store, Wanted(first, now, zone, servers, settings, groups))


def _first(month: str, now: float, zone: tzinfo | None) -> date:
    from datetime import date  # noqa: PLC0415 - `--help` needs no date

    from lictui.report.model import bounds, last_complete  # noqa: PLC0415 - as above

    if not month:
        return last_complete(now, zone)
    match = _MONTH.fullmatch(month)
    try:
        first = date(int(match[1]), int(match[2]), 1) if match else None
        begins = bounds(first, now, zone).start if first else 0
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


def _written(found: Report, form: str) -> bytes:
    # Each writer is imported when it is asked for: matplotlib alone takes half a second.
    match form:
        case "xlsx":
            from lictui.report.xlsx import book  # noqa: PLC0415

            return book(found)
        case "png":
            from lictui.report.png import picture  # noqa: PLC0415

            return picture(found)
        case "md":
            from lictui.report.markdown import markdown  # noqa: PLC0415

            return markdown(found).encode()
        case "csv":
            from lictui.report.markdown import csv_text  # noqa: PLC0415

            return csv_text(found).encode()
        case _:
            from lictui.report.html import page  # noqa: PLC0415

            return page(found).encode()


# `lictui contract`: what was bought against what is needed, for people and as JSON. Polls nobody


SCHEMA: Final = "lictui.contract/1"
_HEAD: Final = ("PRODUCT", "FOR", "BOUGHT", "INSTALLED", "PEAK", "IDLE", "IDLE A YEAR", "IN WORDS")
_ENDS: Final = ("ON", "LEFT", "WHAT", "LICENSES", "PRODUCT", "OF")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--tz", default="", metavar="ZONE", help="Whose calendar day is today (IANA).")
@click.pass_obj
def contract(context: Context, /, *, as_json: bool, tz: str) -> None:
    """Compare contract.toml with what is installed and was needed, and say what ends when.

    Idle is what was bought and not needed at the highest peak that is known; of user/device
    licenses, at the most that were ever assigned. The calendar is of the next 12 months.
    """
    from lictui.config.contract import load_contract  # noqa: PLC0415 - `--help` reads no file

    purchases = load_contract(context.paths)
    found, today = _sheet(context, purchases, tz)
    if as_json:
        said = {
            "schema": SCHEMA,
            "products": list(map(_product, found.holdings)),
            "endings": [_ending(each, today) for each in found.endings],
        }
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found, today):
            click.echo(line)


def _sheet(context: Context, purchases: tuple[Purchase, ...], tz: str) -> tuple[Sheet, date]:
    import asyncio  # noqa: PLC0415 - `--help` compares nothing

    from lictui.cli.context import load  # noqa: PLC0415 - as above
    from lictui.cli.history_import import zone_of  # noqa: PLC0415 - as above
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.engine.board import Board, register  # noqa: PLC0415 - as above
    from lictui.engine.contract import sheet, wanted  # noqa: PLC0415 - as above
    from lictui.engine.engine import restored  # noqa: PLC0415 - as above
    from lictui.engine.merge import Together  # noqa: PLC0415 - as above
    from lictui.engine.outlook import Look, retrospects  # noqa: PLC0415 - as above
    from lictui.history.peaks import Memory  # noqa: PLC0415 - as above

    settings, registered = load(context)
    clock = SystemClock()
    look = Look(clock.now(), zone_of(context, tz), settings.alerts)
    with opened(context) as store:
        board = Together().of(restored(register(Board(), registered), store.latest()))
        memory = Memory()
        pasts = {
            by: asyncio.run(retrospects(store, memory, board, by, look, clock))
            for by in wanted(purchases)
        }
    return sheet(board, purchases, pasts, settings.alerts, look.today), look.today


def _product(holding: Holding) -> dict[str, Any]:
    from lictui.engine.contract import gap  # noqa: PLC0415 - as above

    bought = holding.purchase
    return {
        "scope": holding.scope,
        "product": bought.product,
        "name": holding.name,
        "purchased": bought.purchased,
        "installed": holding.installed,
        "peak_month": holding.peak,
        "peak_all": holding.needed,
        "over_used": holding.beyond,
        "installed_beyond": holding.installed_beyond,
        "idle": holding.idle,
        "cost": holding.cost,
        "idle_cost": holding.idle_cost,
        "currency": bought.currency or None,
        "renewal": None if bought.renewal is None else bought.renewal.isoformat(),
        "words": gap(holding),
    }


def _ending(ending: Ending, today: date) -> dict[str, Any]:
    return {
        "date": ending.day.isoformat(),
        "days_left": (ending.day - today).days,
        "kind": ending.what,
        "scope": ending.scope,
        "product": ending.product or None,
        "licenses": ending.count,
    }


def _lines(found: Sheet, today: date) -> Iterator[str]:
    from lictui.cli.output import aligned  # noqa: PLC0415 - `--help` prints no table
    from lictui.engine.contract import gap, money  # noqa: PLC0415 - as above

    if found.holdings:
        rows = [
            (
                *(each.purchase.product, each.scope, f"{each.purchase.purchased:,}"),
                *map(_figure, (each.installed, each.needed, each.idle)),
                money(each.idle_cost, each.purchase.currency) or "-",
                gap(each),
            )
            for each in found.holdings
        ]
        yield from aligned([_HEAD, *rows], right={2, 3, 4, 5, 6})
    else:
        yield "Nothing is known of what was bought: write contract.toml, as the README shows."
    yield ""
    if not found.endings:
        yield "Nothing ends in the next 12 months."
        return
    ends = [
        (
            *(each.day.isoformat(), f"{(each.day - today).days} d", each.what),
            *(_figure(each.count) if each.product else "-", each.product or "-", each.scope),
        )
        for each in found.endings
    ]
    yield from aligned([_ENDS, *ends], right={1, 3})


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
