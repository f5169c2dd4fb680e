"""A board of six servers in most of the possible states, and histories of their products."""

import math
from datetime import date
from functools import lru_cache

from msgspec.structs import replace
from tests.support import values
from tests.support.clock import START

from lictui.analysis.assignments import MonthAssignments
from lictui.analysis.columns import Series
from lictui.analysis.forecast import Forecast, ForecastStatus, Reach
from lictui.analysis.peaks import Peak, ScopedPeak
from lictui.analysis.series import Bucket, SeriesQuery
from lictui.analysis.usage import PastSummary, TotalKey
from lictui.engine.board import Board, ServerStatus
from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Mode,
    Model,
    Pool,
    Server,
    Snapshot,
    SourceName,
    State,
    Step,
)
from lictui.products import describe


def pool(
    code: str,
    in_use: int | None,
    installed: int | None,
    overdraft: int | None = None,
    *,
    subscription: date | None = None,
    expires: date | None = None,
) -> Pool:
    """A pool as a license server describes its product."""
    product = describe(code)
    fields = {"name": product.name, "model": product.model, "counted": product.counted}
    fields |= {"license_type": "Retail", "expires": expires, "permanent": expires is None}
    return values.pool(code, in_use, installed, overdraft, subscription, **fields)


def up_status(
    name: str,
    *pools: Pool,
    group: str = "",
    source: SourceName = SourceName.WINRM,
    ago: float = 12,
    **snapshot: object,
) -> ServerStatus:
    """A server that was polled successfully `ago` seconds before `START`."""
    server = Server(name, source, f"https://{name}.corp.example", group=group)
    result = replace(Snapshot(pools, "LIC01", "11.17.2.54100", Mode.FILE), **snapshot)
    at = START - ago
    return ServerStatus(
        server, State.UP, at - 86400, None, result, at, at, 0.181, at + server.effective_interval
    )


def down_status(
    status: ServerStatus, failure: Failure, *, ago: float = 200, known: bool = True
) -> ServerStatus:
    """The same server after a failed poll."""
    return replace(
        status,
        state=failure.state,
        since=START - ago,
        failure=failure,
        snapshot=status.snapshot if known else None,
        last_success_at=START - ago - 60 if known else None,
    )


TIMEOUT_FAILURE = Failure(
    FailureKind.TIMEOUT,
    "no connection to 10.2.0.9:5986 in 10 s",
    "Check that the server runs and that port 5986 is open to this machine.",
    Step.CONNECT,
)
NO_DATA_FAILURE = Failure(
    FailureKind.NO_DATA,
    "the license server answers, but its WMI inventory is empty",
    "A server in LAS mode keeps no inventory in WMI: register its site with the cvad source.",
    Step.INVENTORY,
)
SA = date(2026, 12, 31)
_DAY = 86400


def example_board() -> Board:
    emea = up_status(
        "lic-emea-01",
        pool("XDT_PLT_UD", 412, 500, 50, subscription=SA),
        pool("MPS_ADV_CCU", 88, 290, 29, subscription=SA),
        pool("PVS_STD_CCS", 90, 80, 20),
        pool("CITRIX", 0, 10),
        group="emea",
    )
    us = up_status(
        "ddc-us-01",
        pool("XDT_PLT_CCS", 1204, 3000, 300),
        pool("XDT_PLT_UD", 200, 200),
        group="us",
        source=SourceName.CVAD,
        mode=Mode.LAS,
        reported_name="site-us",
        version="",
        activation=Activation(ActivationStatus.ACTIVATED, date(2026, 12, 3)),
    )
    apac = up_status("lic-apac-02", pool("XDT_PLT_UD", 214, 300, 30), group="apac")
    lab = up_status("lic-lab", pool("XDT_ENT_UD", None, 40), pool("ACME_X", 7, 9), ago=70)
    las = up_status("lic-las", group="emea")
    new = ServerStatus(Server("lic-new", SourceName.WINRM, group="us"))
    return Board(
        (
            emea,
            us,
            down_status(apac, TIMEOUT_FAILURE),
            lab,
            down_status(las, NO_DATA_FAILURE, known=False),
            new,
        )
    )


def workday_series(query: SeriesQuery) -> Series:
    """A series that rises in working hours, with a gap of three hours."""
    return _workdays(query.start, query.end, query.width or 300)


@lru_cache(maxsize=64)  # many tests ask for the same year
def _workdays(begin: int, end: int, step: int) -> Series:
    buckets = []
    for start in range(begin // step * step, end, step):
        hour = start % _DAY // 3600
        if 1 <= hour < 4:
            continue
        high = round(40 + 160 * max(0.0, math.sin((hour - 6) / 12 * math.pi)))
        buckets.append(
            Bucket(start, start + step, high - 5, high - 2, high, start, high, 250, 25, 5)
        )
    return Series.of(tuple(buckets), step)


def growing_series(query: SeriesQuery) -> Series:
    """Office hours of working days; some licenses more every day, 2,600 of 3,000 today."""
    return _growth(query.start, query.end, query.width or 300)


@lru_cache(maxsize=64)
def _growth(begin: int, end: int, step: int) -> Series:
    buckets = []
    for start in range(begin // step * step, min(end, int(START) + 1), step):
        day, hour = start // _DAY, start % _DAY // 3600
        busy = (day + 3) % 7 < 5 and (step >= _DAY or 7 <= hour < 18)  # day 0 was a Thursday
        level = 2600 - (int(START) // _DAY - day) * 4 + day * 7 % 5 * 10
        high = round(level if busy else level / 4)
        buckets.append(Bucket(start, start + step, high, high, high, start, high, 3000, 300, 4))
    return Series.of(tuple(buckets), step)


def past_summaries() -> dict[TotalKey, PastSummary]:
    """A product that runs out in 37 days, one that is flat, one whose licenses are assigned."""

    def scoped_peak(
        high: int, days_ago: float, installed: int, bound: int | None = None
    ) -> ScopedPeak:
        at = int(START - days_ago * _DAY)
        return ScopedPeak(
            "estate", "", "", Peak("all", high, at, installed, high * 0.7, 0.97, 300), bound
        )

    def forecast(product: str, model: Model, status: ForecastStatus) -> Forecast:
        ends = date(2026, 12, 31) if status is ForecastStatus.GROWING else None
        installed = Reach(1.0, 0.9 if ends else 0.1, ends)
        return Forecast("estate", product, model, status, 180, installed=installed)

    ud, ccs = Model.USER_DEVICE, Model.CONCURRENT
    return {
        ("", "XDT_PLT_CCS", ccs): PastSummary(
            scoped_peak(1390, 0.2, 3000, 1420),
            scoped_peak(1455, 12, 3000, 1500),
            scoped_peak(2120, 200, 2500, 2300),
            None,
            forecast("XDT_PLT_CCS", ccs, ForecastStatus.GROWING),
        ),
        ("", "MPS_ADV_CCU", ccs): PastSummary(
            scoped_peak(91, 0.2, 290),
            scoped_peak(120, 3, 290),
            scoped_peak(288, 300, 290),
            None,
            forecast("MPS_ADV_CCU", ccs, ForecastStatus.FLAT),
        ),
        ("", "XDT_PLT_UD", ud): PastSummary(
            scoped_peak(612, 0.2, 700, 640),
            scoped_peak(612, 0.2, 700, 640),
            scoped_peak(644, 90, 700, 700),
            MonthAssignments(598, 31, 17),
            forecast("XDT_PLT_UD", ud, ForecastStatus.NOT_ENOUGH_DATA),
        ),
    }
