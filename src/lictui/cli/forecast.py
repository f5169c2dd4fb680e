"""`lictui forecast` and `lictui history peaks`: the future and the past peaks of each license type.

Both read the history and poll nothing. JSON: `lictui.forecast/1` and `lictui.peaks/1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from msgspec.structs import replace

from lictui.analysis.forecast import METHOD, Forecast, Reach, describe_forecast
from lictui.analysis.series import day_of
from lictui.cli.context import (
    load_configuration,
    open_history,
    require_recorded,
    resolve_timezone,
    select_servers,
)
from lictui.cli.options import CommandContext, scope_options, working
from lictui.cli.output import (
    Column,
    Kind,
    Row,
    emit,
    fields,
    number_text,
    record,
    rounded,
)
from lictui.clock import SystemClock
from lictui.engine.outlook import ForecastScope, forecast_scopes, peak_query
from lictui.engine.queries import load_board
from lictui.history.peaks import find_peaks
from lictui.model import Model

if TYPE_CHECKING:
    from datetime import date

    from lictui.engine.board import MergedBoard

_NO_READINGS: Final = "No readings yet."


_FORECAST_COLUMNS: Final = (
    Column("product", "PRODUCT"),
    Column("model", "MODEL", Kind.MODEL, detail=2),
    Column("scope", "SCOPE"),
    Column("status"),
    Column("per_week"),
    Column("installed", "INSTALLED", Kind.NUMBER, detail=1),
    # Tables show dates that are certain enough, as screens do; CSV has all of the contract.
    Column("warn", "WARN", text=lambda row: date_text(row["of"].warn)),
    Column("critical", "CRITICAL", text=lambda row: date_text(row["of"].critical)),
    Column("runs_out", "RUNS OUT", text=lambda row: _runs_out_text(row["of"])),
    Column("forecast", "FORECAST", detail=3),
    Column("rests_on"),
    Column("based_on_days"),
)


@click.command(epilog="Example: lictui forecast --group emea")
@scope_options
@click.pass_obj
def forecast(
    context: CommandContext,
    /,
    *,
    output_format: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    group: str,
    tz: str,
) -> None:
    """Forecast when each license type reaches its thresholds or runs out.

    Based on the daily peaks of up to 800 days of history (for user/device licenses, the assigned
    licenses at the end of each day); the horizon is half of the recorded period, at most 182 days.
    A date is given where reaching the threshold within the horizon is more likely than not.
    "estate" is the total of the selected servers.
    """
    settings, registered = load_configuration(context)
    selected = {server.name for server in select_servers(registered, servers, group)}
    now = SystemClock().now()
    today = day_of(now, resolve_timezone(context, tz))
    with open_history(context, past=True) as history, working("computing forecasts"):
        require_recorded(history, products=products)
        board = load_board(registered, history, settings.alerts)
        board = replace(
            board,
            servers=tuple(
                server for server in board.servers if selected.intersection(server.member_names)
            ),
        )
        scopes = [
            scope
            for scope in forecast_scopes(board, history.pools(), settings.alerts)
            if not products or scope.product in products
        ]
        series = history.series_batch(scope.history_query(now) for scope in scopes)
        forecasts = [
            scope.forecast(past, now, today) for scope, past in zip(scopes, series, strict=True)
        ]
    emit(
        [_forecast_row(*pair, today) for pair in zip(scopes, forecasts, strict=True)],
        _FORECAST_COLUMNS,
        output_format,
        document={"schema": "lictui.forecast/1", "forecasts": list(map(_forecast_json, forecasts))},
        records="forecasts",
        empty=_NO_READINGS,
    )


def _forecast_json(forecast: Forecast) -> dict[str, Any]:
    reaches = fields(forecast, "warn critical installed")
    bands = {key: reach and reach.band for key, reach in reaches.items()}
    return {
        **fields(forecast, "scope product model status"),
        "per_week": rounded(forecast.per_week, 2),
        "reaches": {key: reach and reach.day for key, reach in reaches.items()},
        "band": bands["installed"],
        "bands": bands,
        "probability": {
            key: reach and rounded(reach.probability, 3) for key, reach in reaches.items()
        },
        "method": METHOD,
        "rests_on": forecast.basis or None,
        "shortfalls": [
            fields(shortfall, "date installed expected short_by")
            for shortfall in forecast.shortfalls
        ],
        "based_on_days": forecast.based_on_days,
    }


def _forecast_row(scope: ForecastScope, forecast: Forecast, today: date) -> Row:
    json = _forecast_json(forecast)
    return {
        **json,
        **json["reaches"],
        "runs_out": json["reaches"]["installed"],
        "installed": scope.installed,
        "of": forecast,
        "forecast": describe_forecast(forecast, today),
    }


def date_text(reach: Reach | None) -> str:
    """Return when a threshold is reached, where the date is certain enough."""
    if reach is not None and reach.is_uncertain:
        return "uncertain"
    return str(reach.firm_day) if reach and reach.firm_day else "-"


def _runs_out_text(forecast: Forecast) -> str:
    return str(forecast.runs_out or date_text(forecast.installed))


# `lictui history peaks`


def _peak_text(row: Row) -> str:
    if row["peak"] is None:
        return "?"
    bound = "at most " * row["is_upper_bound"]
    return f"{bound}{number_text(row['peak'])} {Model(row['model']).verb}"


_PEAK_COLUMNS: Final = (
    Column("product", "PRODUCT"),
    Column("model", "MODEL", Kind.MODEL, detail=2),
    Column("scope", "SCOPE"),
    Column("window", "WINDOW", source="peak.window"),
    Column("peak", "PEAK", Kind.NUMBER, _peak_text, source="peak.peak"),
    Column("installed_then", "INSTALLED", Kind.NUMBER, source="peak.installed_at_peak", detail=1),
    Column("at", "AT", Kind.TIME, source="peak.peak_at"),
    Column("average", "AVERAGE", Kind.NUMBER, source="peak.average", detail=3),
    Column("coverage", "COVERAGE", Kind.RATIO, source="peak.coverage", detail=4),
    Column("aligned_by", source="peak.alignment"),
    Column("upper_bound", "SUM OF SERVER PEAKS", Kind.NUMBER, missing="-", detail=5),
    Column("is_upper_bound", source="peak.bound"),
)


@click.command(epilog="Example: lictui history peaks --product XDT_PLT_UD --json")
@scope_options
@click.pass_obj
def peaks(
    context: CommandContext,
    /,
    *,
    output_format: str,
    servers: tuple[str, ...],
    products: tuple[str, ...],
    group: str,
    tz: str,
) -> None:
    """Show peak usage of the last 24 hours, this month and all time.

    The estate peak is the highest simultaneous total of the selected servers (5-minute resolution,
    hours or days where finer data has expired). For user/device licenses, it is the highest number
    of assigned licenses. The sum of the server peaks is an upper bound of the estate peak.
    """
    zone = resolve_timezone(context, tz)
    settings, registered = load_configuration(context)
    selected = set(servers) or None
    if group:
        members = {server.name for server in select_servers(registered, group=group)}
        selected = members & (selected or members)
    with open_history(context, past=True) as history, working("reading the history"):
        require_recorded(history, servers, products)
        board = load_board(registered, history, settings.alerts)
        every = peak_query(history, board, SystemClock().now(), zone)
        query = replace(every, servers=selected, products=products)
        records = [
            record(peak, _PEAK_COLUMNS) | {"scope": _scope_name(peak.scope, board)}
            for peak in find_peaks(history, query)
        ]
    emit(
        records,
        _PEAK_COLUMNS,
        output_format,
        document={"schema": "lictui.peaks/1", "peaks": records},
        records="peaks",
        zone=zone,
        empty=_NO_READINGS,
    )


def _scope_name(scope: str, board: MergedBoard) -> str:
    """Return the name under which a server is shown."""
    status = board.find(scope)
    return status.server.name if status else scope
