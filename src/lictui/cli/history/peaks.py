"""`lictui history peaks`: the most that was in use at one moment, for people and as JSON.

Owns the table and the JSON. Must not know how a peak is found.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.history.opened import check, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from lictui.analysis.peaks import Found
    from lictui.cli.context import Context

_HEAD: Final = (
    *(
        "PRODUCT",
        "MODEL",
        "SCOPE",
        "WINDOW",
        "MOST",
        "INSTALLED",
        "AT",
        "AVERAGE",
        "COVERAGE",
        "SUM OF PEAKS",
    ),
)
_RIGHT: Final = frozenset({4, 5, 7, 8})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--product", "products", multiple=True, metavar="CODE", help="Only this; repeatable.")
@click.option("--group", default="", metavar="NAME", help="Only the servers of this group.")
@click.option("--tz", default="", metavar="ZONE", help="Whose calendar month (IANA).")
@click.pass_obj
def peaks(
    context: Context,
    /,
    *,
    as_json: bool,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    group: str,
    tz: str,
) -> None:
    """Show the peaks of the last 24 hours, of this month and of all time.

    The estate's peak is the highest sum at one moment, by buckets of five minutes in which every
    server has a reading; where those are no longer kept, by hours or days. Of user/device licenses
    it is the most that were assigned. The estate is that of the servers chosen.
    """
    from lictui.cli.history.take import zone_of  # noqa: PLC0415 - `--help` reads no file
    from lictui.cli.selection import load, select  # noqa: PLC0415 - as above
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.engine.board import Board, register  # noqa: PLC0415 - as above
    from lictui.engine.engine import restored  # noqa: PLC0415 - as above
    from lictui.engine.merge import Together, stand_ins  # noqa: PLC0415 - as above
    from lictui.history.peaks import Wanted  # noqa: PLC0415 - as above
    from lictui.history.peaks import peaks as found_in  # noqa: PLC0415 - as above

    zone = zone_of(context, tz)
    _, registered = load(context)
    grouped = {server.name for server in select(registered, group=group)} if group else None
    now = SystemClock().now()
    with opened(context) as store:
        known = store.pools()
        check("server", servers, {pool.server for pool in known})
        check("product", products, {pool.product for pool in known})
        chosen = set(servers) or None if grouped is None else grouped & (set(servers) or grouped)
        expected = {server.name for server in registered if server.enabled}
        board = Together().of(restored(register(Board(), registered), store.latest()))
        without = stand_ins(board).keys()  # a pool that is read in several ways counts once
        wanted = Wanted(now, zone, expected, chosen, products, without=without)
        found = list(found_in(store, wanted))
    if as_json:
        said = {"schema": "lictui.peaks/1", "peaks": list(map(_json, found))}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    _print(found, zone)


def _json(found: Found) -> dict[str, Any]:
    from lictui.clock import iso  # noqa: PLC0415 - `--help` tells no time

    peak = found.peak
    return {
        "scope": found.scope,
        "product": found.product,
        "model": found.model,
        "window": peak.window,
        "peak": peak.peak,
        "at": None if peak.at is None else iso(peak.at),
        "installed_then": peak.installed_then,
        "average": None if peak.average is None else round(peak.average, 3),
        "coverage": round(peak.coverage, 4),
        "aligned_by": peak.aligned_by,
        "upper_bound": found.upper_bound,
    }


def _print(found: Sequence[Found], zone: tzinfo | None) -> None:
    from lictui.cli.tables import aligned  # noqa: PLC0415 - `--help` prints no table

    rows = list(_rows(found, zone))
    if not rows:
        click.echo("No readings yet.")
        return
    for line in aligned([_HEAD, *rows], right=set(_RIGHT)):
        click.echo(line)


def _rows(found: Sequence[Found], zone: tzinfo | None) -> Iterator[tuple[str, ...]]:
    from datetime import UTC, datetime  # noqa: PLC0415 - as above

    for each in found:
        peak = each.peak
        local = None if peak.at is None else datetime.fromtimestamp(peak.at, UTC).astimezone(zone)
        yield (
            each.product,
            each.model.replace("_", "/"),
            each.scope,
            peak.window,
            "?" if peak.peak is None else f"{peak.peak:,} {_verb(each.model)}",
            _figure(peak.installed_then),
            "-" if local is None else f"{local:%Y-%m-%d %H:%M}",
            "-" if peak.average is None else f"{peak.average:,.1f}",
            f"{peak.coverage:.0%}",
            "" if each.upper_bound is None else f"at most {each.upper_bound:,}",
        )


def _verb(model: str) -> str:
    return "assigned" if model in ("user_device", "named_user") else "in use"


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
