"""What looking back at the estate of the tests finds."""

from __future__ import annotations

from datetime import date

from tests.support.clock import START

from lictui.analysis.forecast import Forecast, Reaches, Status
from lictui.analysis.peaks import Found, Peak
from lictui.analysis.usage import Key, Month, Retrospect
from lictui.model import Model

DAY = 86400


def found(high: int, days_ago: float, installed: int, bound: int | None = None) -> Found:
    peak = Peak("all", high, int(START - days_ago * DAY), installed, high * 0.7, 0.97, 300)
    return Found("estate", "", "", peak, bound)


def looked_back() -> dict[Key, Retrospect]:
    """A product that runs out in 37 days, one that is flat, one whose licenses are assigned."""

    def ahead(
        product: str, model: Model, status: Status, installed: date | None = None
    ) -> Forecast:
        return Forecast(
            "estate", product, model, status, 180, 0.8, 0.9, reaches=Reaches(installed=installed)
        )

    ud, ccs = Model.USER_DEVICE, Model.CONCURRENT
    return {
        ("", "XDT_PLT_CCS", ccs): Retrospect(
            found(1390, 0.2, 3000, 1420),
            found(1455, 12, 3000, 1500),
            found(2120, 200, 2500, 2300),
            None,
            ahead("XDT_PLT_CCS", ccs, Status.GROWING, date(2026, 12, 31)),
        ),
        ("", "MPS_ADV_CCU", ccs): Retrospect(
            found(91, 0.2, 290), found(120, 3, 290), found(288, 300, 290),
            None, ahead("MPS_ADV_CCU", ccs, Status.FLAT),
        ),
        ("", "XDT_PLT_UD", ud): Retrospect(
            found(612, 0.2, 700, 640),
            found(612, 0.2, 700, 640),
            found(644, 90, 700, 700),
            Month(598, 31, 17),
            ahead("XDT_PLT_UD", ud, Status.NOT_ENOUGH_DATA),
        ),
    }  # fmt: skip
