"""Past summaries of the example board."""

from __future__ import annotations

from datetime import date

from tests.support.clock import START

from lictui.analysis.assignments import MonthAssignments
from lictui.analysis.forecast import Forecast, ForecastStatus, ThresholdDates
from lictui.analysis.peaks import Peak, ScopedPeak
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.model import Model

DAY = 86400


def scoped_peak(high: int, days_ago: float, installed: int, bound: int | None = None) -> ScopedPeak:
    peak = Peak("all", high, int(START - days_ago * DAY), installed, high * 0.7, 0.97, 300)
    return ScopedPeak("estate", "", "", peak, bound)


def past_summaries() -> dict[TotalKey, PastSummary]:
    """A product that runs out in 37 days, one that is flat, one whose licenses are assigned."""

    def ahead(
        product: str, model: Model, status: ForecastStatus, installed: date | None = None
    ) -> Forecast:
        return Forecast(
            "estate",
            product,
            model,
            status,
            180,
            0.8,
            0.9,
            reaches=ThresholdDates(installed=installed),
        )

    ud, ccs = Model.USER_DEVICE, Model.CONCURRENT
    return {
        ("", "XDT_PLT_CCS", ccs): PastSummary(
            scoped_peak(1390, 0.2, 3000, 1420),
            scoped_peak(1455, 12, 3000, 1500),
            scoped_peak(2120, 200, 2500, 2300),
            None,
            ahead("XDT_PLT_CCS", ccs, ForecastStatus.GROWING, date(2026, 12, 31)),
        ),
        ("", "MPS_ADV_CCU", ccs): PastSummary(
            scoped_peak(91, 0.2, 290), scoped_peak(120, 3, 290), scoped_peak(288, 300, 290),
            None, ahead("MPS_ADV_CCU", ccs, ForecastStatus.FLAT),
        ),
        ("", "XDT_PLT_UD", ud): PastSummary(
            scoped_peak(612, 0.2, 700, 640),
            scoped_peak(612, 0.2, 700, 640),
            scoped_peak(644, 90, 700, 700),
            MonthAssignments(598, 31, 17),
            ahead("XDT_PLT_UD", ud, ForecastStatus.NOT_ENOUGH_DATA),
        ),
    }  # fmt: skip
