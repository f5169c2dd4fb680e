"""`lictui forecast`: when licenses run short, for people and as JSON. Polls nobody.

Owns the table and the schema `lictui.forecast/1`. Must not know how a forecast is made.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from lictui.cli.context import CommandContext, open_history, require_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, tzinfo

    from lictui.analysis.forecast import Forecast
    from lictui.analysis.peaks import ScopedPeak
    from lictui.config.settings import Settings
    from lictui.engine.board import Board
    from lictui.engine.outlook import ForecastScope
    from lictui.history.journal import LastPoll
    from lictui.model import Server


SCHEMA: Final = "lictui.forecast/1"
_HEAD: Final = (
    *("PRODUCT", "MODEL", "SCOPE", "INSTALLED", "WARN", "CRITICAL", "FULL", "FORECAST"),
)
_RIGHT: Final = frozenset({3, 4, 5, 6})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--server", "names", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--product", "products", multiple=True, metavar="CODE", help="Only this; repeatable.")
@click.option("--group", default="", metavar="NAME", help="Only the servers of this group.")
@click.option("--tz", default="", metavar="ZONE", help="Whose calendar day is today (IANA).")
@click.pass_obj
def forecast(
    context: CommandContext,
    /,
    *,
    as_json: bool,
    names: tuple[str, ...],
    products: tuple[str, ...],
    group: str,
    tz: str,
) -> None:
    """Say when each license type reaches its thresholds, is used up or runs short.

    It rests on what was recorded of the last year: the peak of each day; of user/device licenses,
    what was assigned at its end. No date lies further ahead than half of that. The estate is that
    of the servers chosen.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` tells no time

    from lictui.cli.context import load_configuration, select_servers  # noqa: PLC0415 - as above
    from lictui.cli.history_import import resolve_timezone  # noqa: PLC0415 - `--help` reads no file
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above

    zone = resolve_timezone(context, tz)
    settings, registered = load_configuration(context)
    chosen = {server.name for server in select_servers(registered, names, group)}
    now = SystemClock().now()
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    found = _forecasts(context, (settings, registered), chosen, products, (now, today))
    if as_json:
        said = {"schema": SCHEMA, "forecasts": [_json(each) for _, each in found]}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _print(found, today)


_Found = tuple["ForecastScope", "Forecast"]


def _forecasts(
    context: CommandContext,
    configured: tuple[Settings, tuple[Server, ...]],
    chosen: set[str],
    products: tuple[str, ...],
    moment: tuple[float, date],
) -> list[_Found]:
    from lictui.engine.outlook import forecast_scopes  # noqa: PLC0415 - `--help` forecasts nothing

    settings, registered = configured
    now, today = moment
    with open_history(context) as store:
        known = store.pools()
        require_known("product", products, {pool.product for pool in known})
        board = _board(registered, chosen, store.last_polls())
        asked = [
            scope
            for scope in forecast_scopes(board, known, settings.alerts)
            if not products or scope.product in products
        ]
        pasts = store.series_batch(scope.history_query(now) for scope in asked)
    return [
        (scope, scope.forecast(past, now, today)) for scope, past in zip(asked, pasts, strict=True)
    ]


def _board(
    registered: tuple[Server, ...], chosen: set[str], latest: Mapping[str, LastPoll]
) -> Board:
    """The servers as last recorded, each license server once; those of a `chosen` name."""
    from dataclasses import replace  # noqa: PLC0415 - `--help` knows no board

    from lictui.engine.board import Board, with_servers  # noqa: PLC0415 - as above
    from lictui.engine.engine import with_last_polls  # noqa: PLC0415 - as above
    from lictui.engine.merge import BoardMerger  # noqa: PLC0415 - as above

    board = BoardMerger().merge(with_last_polls(with_servers(Board(), registered), latest))
    return replace(
        board,
        servers=tuple(each for each in board.servers if chosen.intersection(each.member_names)),
    )


def _json(found: Forecast) -> dict[str, Any]:
    reaches = found.reaches
    return {
        "scope": found.scope,
        "product": found.product,
        "model": found.model.value,
        "status": found.status.value,
        "per_week": None if found.per_week is None else round(found.per_week, 2),
        "reaches": {
            "warn": _iso(reaches.warn),
            "critical": _iso(reaches.critical),
            "installed": _iso(reaches.installed),
        },
        "band": found.band and [day.isoformat() for day in found.band],
        "shortfalls": [
            {
                "date": each.date.isoformat(),
                "installed": each.installed,
                "expected": each.expected,
                "short_by": each.short_by,
            }
            for each in found.shortfalls
        ],
        "based_on_days": found.based_on_days,
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _print(found: Sequence[_Found], today: date) -> None:
    from lictui.analysis.forecast import describe_forecast  # noqa: PLC0415 - as above
    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table

    if not found:
        click.echo("No readings yet.")
        return
    rows = [
        (
            each.product,
            each.model.replace("_", "/"),
            each.scope,
            "?" if scope.installed is None else f"{scope.installed:,}",
            *(
                _days(day, today)
                for day in (each.reaches.warn, each.reaches.critical, each.reaches.installed)
            ),
            describe_forecast(each, today),
        )
        for scope, each in found
    ]
    for line in aligned_lines([_HEAD, *rows], right=set(_RIGHT)):
        click.echo(line)


def _days(day: date | None, today: date) -> str:
    if day is None:
        return "-"
    return "now" if day == today else f"{(day - today).days} days"


# `lictui history peaks`: the most that was in use at one moment, for people and as JSON


_HEAD_PEAKS: Final = (
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
_RIGHT_PEAKS: Final = frozenset({4, 5, 7, 8})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--product", "products", multiple=True, metavar="CODE", help="Only this; repeatable.")
@click.option("--group", default="", metavar="NAME", help="Only the servers of this group.")
@click.option("--tz", default="", metavar="ZONE", help="Whose calendar month (IANA).")
@click.pass_obj
def peaks(
    context: CommandContext,
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
    from lictui.cli.context import load_configuration, select_servers  # noqa: PLC0415 - as above
    from lictui.cli.history_import import resolve_timezone  # noqa: PLC0415 - `--help` reads no file
    from lictui.clock import SystemClock  # noqa: PLC0415 - as above
    from lictui.engine.board import Board, with_servers  # noqa: PLC0415 - as above
    from lictui.engine.engine import with_last_polls  # noqa: PLC0415 - as above
    from lictui.engine.merge import BoardMerger, duplicate_pools  # noqa: PLC0415 - as above
    from lictui.history.peaks import PeakQuery  # noqa: PLC0415 - as above
    from lictui.history.peaks import find_peaks as found_in  # noqa: PLC0415 - as above

    zone = resolve_timezone(context, tz)
    _, registered = load_configuration(context)
    grouped = {server.name for server in select_servers(registered, group=group)} if group else None
    now = SystemClock().now()
    with open_history(context) as store:
        known = store.pools()
        require_known("server", servers, {pool.server for pool in known})
        require_known("product", products, {pool.product for pool in known})
        chosen = set(servers) or None if grouped is None else grouped & (set(servers) or grouped)
        expected = {server.name for server in registered if server.enabled}
        board = BoardMerger().merge(
            with_last_polls(with_servers(Board(), registered), store.last_polls())
        )
        without = duplicate_pools(board).keys()  # a pool that is read in several ways counts once
        wanted = PeakQuery(now, zone, expected, chosen, products, excluded=without)
        found = list(found_in(store, wanted))
    if as_json:
        said = {"schema": "lictui.peaks/1", "peaks": list(map(_json_peaks, found))}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    _print_peaks(found, zone)


def _json_peaks(found: ScopedPeak) -> dict[str, Any]:
    from lictui.clock import iso  # noqa: PLC0415 - `--help` tells no time

    peak = found.peak
    return {
        "scope": found.scope,
        "product": found.product,
        "model": found.model,
        "window": peak.window,
        "peak": peak.peak,
        "at": None if peak.peak_at is None else iso(peak.peak_at),
        "installed_then": peak.installed_at_peak,
        "average": None if peak.average is None else round(peak.average, 3),
        "coverage": round(peak.coverage, 4),
        "aligned_by": peak.alignment,
        "upper_bound": found.upper_bound,
    }


def _print_peaks(found: Sequence[ScopedPeak], zone: tzinfo | None) -> None:
    from lictui.cli.output import aligned_lines  # noqa: PLC0415 - `--help` prints no table

    rows = list(_rows(found, zone))
    if not rows:
        click.echo("No readings yet.")
        return
    for line in aligned_lines([_HEAD_PEAKS, *rows], right=set(_RIGHT_PEAKS)):
        click.echo(line)


def _rows(found: Sequence[ScopedPeak], zone: tzinfo | None) -> Iterator[tuple[str, ...]]:
    from datetime import UTC, datetime  # noqa: PLC0415 - as above

    for each in found:
        peak = each.peak
        local = (
            None
            if peak.peak_at is None
            else datetime.fromtimestamp(peak.peak_at, UTC).astimezone(zone)
        )
        yield (
            each.product,
            each.model.replace("_", "/"),
            each.scope,
            peak.window,
            "?" if peak.peak is None else f"{peak.peak:,} {_verb(each.model)}",
            _figure(peak.installed_at_peak),
            "-" if local is None else f"{local:%Y-%m-%d %H:%M}",
            "-" if peak.average is None else f"{peak.average:,.1f}",
            f"{peak.coverage:.0%}",
            "" if each.upper_bound is None else f"at most {each.upper_bound:,}",
        )


def _verb(model: str) -> str:
    return "assigned" if model in ("user_device", "named_user") else "in use"


def _figure(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
