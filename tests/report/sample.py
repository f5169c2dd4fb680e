"""A report with something of everything in it, some of it hostile."""

from __future__ import annotations

from datetime import date

from tests.report.report_fixture import CCS, HOURS, START, UD, ReportFixture, timestamp
from tests.support.values import failure, poll, server

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.model import Event, EventKind, Level, Model
from lictui.report.model import MonthlyReport, Outlook, ScopeKind, Short

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
PIPES = "| a | $x^2$ `b` [c](http://evil.example)"


def sample_report(desk: ReportFixture) -> MonthlyReport:
    """Three products on three servers in two groups; one server is silent."""
    wave = [20 + turn % 24 * 4 for turn in range(HOURS)]
    events = (
        Event(
            timestamp("2026-10-05T10:00"),
            EventKind.LICENSES,
            "a",
            "30 licenses gone",
            CCS,
            Level.WARN,
        ),
        Event(timestamp("2026-10-06T10:00"), EventKind.SERVER, "b", HOSTILE, "", Level.CRITICAL),
        Event(timestamp("2026-10-07T10:00"), EventKind.LEVEL, "b", "warn -> ok", CCS, Level.OK),
        Event(timestamp("2026-09-07T10:00"), EventKind.SERVER, "b", "long ago", "", Level.CRITICAL),
    )
    ends = date(2026, 12, 14)
    desk.hourly("a", wave, group="emea", events=events, expires=ends, permanent=False)
    desk.hourly("b", [50] * HOURS, group="emea", overdraft=10)
    desk.hourly(
        FORMULA,
        [105] * HOURS,
        group="us",
        product=UD,
        subscription=date(2027, 4, 1),
    )
    desk.hourly("weird", [7] * HOURS, group="us", product=PIPES, name=HOSTILE, installed=None)
    desk.servers["gone"] = server("gone", group="us")
    desk.history.append(desk.servers["gone"], poll(failure(message=PIPES), "gone", START))
    contract = (
        Entitlement(UD, 90, 30.0, "EUR", date(2027, 1, 31)),
        Entitlement(CCS, 500, 42.5, "EUR", group="emea"),
        Entitlement("NOBODY_HAS_IT", 10),
    )

    def foresee(kind: ScopeKind, name: str, product: str, model: Model) -> Outlook | None:
        del name, model
        if kind is not ScopeKind.ESTATE or product != CCS:
            return None
        short = Short(ends, 100, 150)
        return Outlook("grows by 4 a week", full=date(2027, 1, 20), shortfalls=(short,))

    return desk.report(settings=Settings(entitlements=contract), foresee=foresee)
