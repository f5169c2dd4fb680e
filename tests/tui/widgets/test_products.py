"""The products view without a screen: when licenses run out, and peaks that are upper bounds."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.support.example_board import example_board

from lictui.analysis.forecast import Forecast, ForecastStatus, Reach
from lictui.analysis.peaks import Peak, ScopedPeak
from lictui.analysis.usage import PastSummary
from lictui.config.settings import Thresholds
from lictui.engine.merge import merge_board
from lictui.model import Model
from lictui.tui.theme import UNICODE_SYMBOLS
from lictui.tui.widgets.gauge import TrendData
from lictui.tui.widgets.products import ProductRow, describe_row, fit_columns, row_line

TODAY = date(2026, 11, 24)
(TOTAL,) = (t for t in merge_board(example_board()).totals() if t.product == "MPS_ADV_CCU")
DAY, LATER = date(2026, 12, 31), date(2027, 3, 1)
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
        (GROWING, Reach(1.0, 0.1), "> 182 d"),
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
    row = ProductRow(TOTAL, "XenApp Advanced", Thresholds(), summary, TODAY, None)
    assert row.runs_out == text
    layout = fit_columns(120, [row])
    line = "".join(part for part, _ in row_line(row, TrendData(), layout, UNICODE_SYMBOLS))
    assert f" {text}" in line


@pytest.mark.parametrize(
    ("peak", "bound", "cells", "count"),
    [
        (1869, False, "        1,869    1,869        1,869", "1,869"),
        (1869, True, "     <= 1,869 <= 1,869     <= 1,869", "at most 1,869"),
        (12869, True, "     <=12,869 <=12,869     <=12,869", "at most 12,869"),
    ],
)
def test_peaks_that_are_upper_bounds_are_marked(
    peak: int, *, bound: bool, cells: str, count: str
) -> None:
    scoped = ScopedPeak(
        "estate",
        "MPS_ADV_CCU",
        Model.CONCURRENT,
        Peak("all", peak, 0, 20000, 9.0, 1.0, 300, bound=bound),
    )
    summary = PastSummary(last_24h=scoped, month=scoped, all_time=scoped)
    row = ProductRow(TOTAL, "XenApp Advanced", Thresholds(), summary, TODAY, None)
    layout = fit_columns(120, [row])
    line = "".join(part for part, _ in row_line(row, TrendData(), layout, UNICODE_SYMBOLS))
    assert cells in line
    ((sentence, _),), _ = describe_row(row, UNICODE_SYMBOLS)
    assert sentence.startswith(f"all-time peak: {count} of 20,000 (")
