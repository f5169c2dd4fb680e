"""A board of six servers in most of the possible states."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

from tests.support.clock import START

from lictui.analysis.series import Bucket, Series, SeriesQuery
from lictui.engine.board import Board, ServerStatus
from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Mode,
    Pool,
    Reading,
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
    product = describe(code)
    return Pool(
        code,
        product.name,
        product.model,
        Reading(in_use, installed, overdraft),
        "Retail",
        subscription,
        expires,
        permanent=expires is None,
        counted=product.counted,
    )


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
    told = replace(Snapshot(pools, "LIC01", "11.17.2.54100", Mode.FILE), **snapshot)  # type: ignore[arg-type]
    at = START - ago
    return ServerStatus(
        server, State.UP, at - 86400, None, told, at, at, 0.181, at + server.effective_interval
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


def workday_series(question: SeriesQuery) -> Series:
    """A series that rises in working hours, with a gap of three hours."""
    step = question.width or 300
    buckets = []
    for start in range(question.start // step * step, question.end, step):
        hour = start % 86400 / 3600
        if 1 <= hour < 4:
            continue
        high = round(40 + 160 * max(0.0, math.sin((hour - 6) / 12 * math.pi)))
        buckets.append(
            Bucket(start, start + step, high - 5, high - 2, high, start, high, 250, 25, 5)
        )
    return Series(tuple(buckets), step)
