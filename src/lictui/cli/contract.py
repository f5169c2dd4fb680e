"""`lictui contract`: what was bought against what is needed, for people and as JSON. Polls nobody.

Owns the tables and the schema `lictui.contract/1`. Must not know how the two are compared.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.history.opened import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lictui.analysis.usage import Holding
    from lictui.cli.context import Context
    from lictui.config.contract import Purchase
    from lictui.engine.contract import Ending, Sheet

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

    from lictui.cli.history.take import zone_of  # noqa: PLC0415 - as above
    from lictui.cli.selection import load  # noqa: PLC0415 - as above
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
    from lictui.cli.tables import aligned  # noqa: PLC0415 - `--help` prints no table
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
