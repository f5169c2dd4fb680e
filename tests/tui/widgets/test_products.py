"""The products view without a screen: when licenses run out, and peaks that are upper bounds."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from tests.support.example_board import example_board, past_summaries
from tests.support.values import only_pool, pool, status_up

from lictui.analysis.forecast import Forecast, ForecastStatus, Reach, Shortfall
from lictui.analysis.peaks import Peak, ScopedPeak
from lictui.analysis.usage import PastSummary
from lictui.config.settings import AlertSettings
from lictui.engine.merge import merge_board
from lictui.model import Level, Model
from lictui.tui.text import FIGURE_TONES, Line, Tone, line_width
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.products import (
    COLUMNS,
    ProductRow,
    describe_row,
    product_cells,
    server_lines,
)
from lictui.tui.widgets.table import Rows, draw_cell, fit_columns

TODAY = date(2026, 11, 24)
(TOTAL,) = (t for t in merge_board(example_board()).totals() if t.product == "MPS_ADV_CCU")
DAY, LATER = date(2026, 12, 31), date(2027, 3, 1)


def lines(rows: Sequence[ProductRow], width: int) -> list[Line]:
    """The rows of the table in this width, without trends."""
    cells: Rows[str] = {
        str(index): product_cells(row, UNICODE_SYMBOLS) for index, row in enumerate(rows)
    }
    columns = fit_columns(COLUMNS, cells, width)
    fitted = [entry for entry in columns if not entry.column.is_drawn]
    return [
        tuple(part for entry in fitted for part in draw_cell(row, entry, UNICODE_SYMBOLS))
        for row in cells.values()
    ]


def test_server_line_has_the_thresholds_of_its_server() -> None:
    statuses = [status_up(name, pool(in_use=60, installed=100)) for name in ("lic-01", "lic-02")]
    alerts = AlertSettings(server={"lic-02": {"warn": 0.5}})
    pools = [(status, only_pool(status)) for status in statuses]
    _, first, second = server_lines(pools, alerts, UNICODE_SYMBOLS)
    assert [line[1][1] for line in (first, second)] == [
        FIGURE_TONES[Level.OK], FIGURE_TONES[Level.WARN],
    ]  # fmt: skip


GROWING, FLAT = ForecastStatus.GROWING, ForecastStatus.FLAT


@pytest.mark.parametrize(
    ("status", "reach", "text"),
    [
        (GROWING, Reach(1.0, 0.9, DAY), "31 Dec"),
        (GROWING, Reach(1.0, 0.9, date(2027, 11, 30)), "30 Nov 2027"),
        (GROWING, Reach(1.0, 0.6, DAY, (DAY, DAY)), "31 Dec"),
        (GROWING, Reach(1.0, 0.6, DAY, (TODAY, LATER)), "uncertain"),
        (FLAT, Reach(1.0, 0.3), "uncertain"),
        (FLAT, Reach(1.0, 0.1), "stable"),
        (GROWING, Reach(1.0, 0.1), "> 6 months"),
        (FLAT, None, "stable"),
        (GROWING, None, "growing"),
    ],
)
def test_runs_out_has_a_day_only_where_the_forecast_is_certain(
    status: ForecastStatus, reach: Reach | None, text: str
) -> None:
    horizon = TODAY + timedelta(days=182)
    forecast = Forecast(
        "estate", "MPS_ADV_CCU", Model.CONCURRENT, status, 365, horizon=horizon, installed=reach
    )
    summary = replace(PastSummary(), forecast=forecast)
    row = ProductRow(TOTAL, "XenApp Advanced", summary, TODAY, None)
    assert row.runs_out[0] == text
    line = "".join(part for part, _ in lines([row], 120)[0])
    assert f" {text}" in line


@pytest.mark.parametrize(
    ("more", "cell"),
    [
        ({"warn": Reach(0.8, 0.9, DAY)}, ("31 Dec (80 %)", Tone.WARN)),
        ({"warn": Reach(0.8, 0.9, DAY, last_reached=TODAY)}, ("stable", Tone.QUIET)),
        ({"critical": Reach(0.9, 0.9, LATER), "installed": Reach(1, 0.9, DAY)},
         ("31 Dec", Tone.WARN)),
        ({"warn": Reach(0.8, 0.9, DAY), "shortfalls": (Shortfall(date(2026, 12, 20), 5, 9),)},
         ("20 Dec (exp.)", Tone.CRITICAL)),
        ({"installed": Reach(1, 0.9, TODAY)}, ("today", Tone.CRITICAL)),
        ({"installed": Reach(1, 0.9, date(2026, 12, 24))}, ("24 Dec", Tone.CRITICAL)),
        ({"installed": Reach(1, 0.9, date(2026, 12, 25))}, ("25 Dec", Tone.WARN)),
        ({"installed": Reach(1, 0.9, date(2027, 2, 22))}, ("22 Feb", Tone.WARN)),
        ({"installed": Reach(1, 0.9, date(2027, 2, 23))}, ("23 Feb", Tone.TEXT)),
    ],
)  # fmt: skip
def test_runs_out_is_the_nearest_threshold_or_expiration(
    more: dict[str, Any], cell: tuple[str, Tone]
) -> None:
    forecast = Forecast("estate", "MPS_ADV_CCU", Model.CONCURRENT, FLAT, 365, **more)
    summary = PastSummary(forecast=forecast)
    row = ProductRow(TOTAL, "XenApp", summary, TODAY, None)
    assert row.runs_out == cell
    assert row.is_problem is (cell[1] is Tone.CRITICAL)  # what runs out within 30 days


@pytest.mark.parametrize(
    ("peak", "bound", "cell", "count"),
    [
        (1869, False, "1,869", "1,869"),
        (1869, True, "<= 1,869", "at most 1,869"),
        (80, True, "88", "at most 80"),  # the history is older than what is in use now
    ],
)
def test_peaks_are_marked_as_upper_bounds_and_never_below_the_present(
    peak: int, *, bound: bool, cell: str, count: str
) -> None:
    at = int(datetime(2026, 6, 9, tzinfo=UTC).timestamp())
    peak_of_all = Peak("all", peak, at, 20000, 9.0, 1.0, 300, bound=bound)
    scoped = ScopedPeak("estate", "MPS_ADV_CCU", Model.CONCURRENT, peak_of_all)
    summary = PastSummary(last_24h=scoped, month=scoped, all_time=scoped)
    row = ProductRow(TOTAL, "XenApp Advanced", summary, TODAY, None)
    line = "".join(part for part, _ in lines([row], 170)[0])
    day = "24 Nov" if peak == 80 else "9 Jun"
    assert len(re.findall(rf"(?<= ){cell}(?= )", line)) == 3 + (
        peak == 80
    )  # "In use" shows it, too
    assert f"{cell} {day:>9}" in line
    _, ((sentence, _),) = describe_row(row, UNICODE_SYMBOLS)
    assert sentence.startswith(f"All-time peak: {count} of 20,000 (")


def test_description_has_what_is_known_of_now_and_before() -> None:
    shown = {}
    for total in merge_board(example_board()).totals():
        summary = past_summaries().get(total.key, PastSummary())
        row = ProductRow(total, total.product, summary, TODAY, ZoneInfo("UTC"))
        shown[total.product] = [text for ((text, _),) in describe_row(row, UNICODE_SYMBOLS)]
    now, before, forecast = shown["XDT_PLT_UD"]
    assert "at least 612 of 700 assigned (87 %), 88 free on 3 servers, 1 of them missing." in now
    changes = "; net change this month +14, 31 assigned, 17 released."
    assert before == f"All-time maximum: 644 assigned (26 Aug 2026 06:00){changes}"
    assert forecast == "Forecast: insufficient history."
    unknown = "XDT_ENT_UD (user/device): ? assigned (some figures unknown) on 1 server."
    assert shown["XDT_ENT_UD"] == [unknown, "Loading history …"]


def test_names_in_narrow_tables_are_cut_where_they_differ() -> None:
    names = [f"Virtual {name}" for name in ("Apps Standard", "Desktops Standard", "Apps Advanced")]
    rows = [ProductRow(TOTAL, name, PastSummary(), TODAY, None) for name in names]
    for cells in (40, 48, 55, 60, 80):
        drawn = lines(rows, cells)
        assert len({line[0] for line in drawn}) == len(names)
        assert {line_width(line) for line in drawn} <= set(range(cells + 1))
