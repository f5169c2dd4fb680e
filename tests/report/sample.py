"""A report that shows every kind of section; some names are hostile."""

from datetime import date

from tests.report.report_fixture import CCS, HOURS, START, UD, ReportFixture, timestamp
from tests.support.values import failure, poll, server

from lictui.analysis.forecast import Forecast, ForecastStatus, Reach, Shortfall, Trend
from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.model import ESTATE, Event, EventKind, Level, Model
from lictui.report.model import MonthlyReport

HOSTILE = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
PIPES = "| a | $x^2$ `b` [c](http://evil.example)"


def sample_report(fixture: ReportFixture) -> MonthlyReport:
    """Three products on three servers in two groups; one server is silent."""
    wave = [20 + hour % 24 * 4 for hour in range(HOURS)]
    at, before = timestamp, "before the month"
    events = (
        Event(at("2026-10-05T10:00"), EventKind.LICENSES, "a", "30 licenses gone", CCS, Level.WARN),
        Event(at("2026-10-06T10:00"), EventKind.SERVER, "b", HOSTILE, "", Level.CRITICAL),
        Event(at("2026-10-07T10:00"), EventKind.LEVEL, "b", "warn -> ok", CCS, Level.OK),
        Event(at("2026-09-07T10:00"), EventKind.SERVER, "b", before, "", Level.CRITICAL),
    )
    expiry = date(2026, 12, 14)
    fixture.record_hourly("a", wave, group="emea", events=events, expires=expiry, permanent=False)
    fixture.record_hourly("b", [50] * HOURS, group="emea", overdraft=10)
    fixture.record_hourly(
        FORMULA, [105] * HOURS, group="us", product=UD, subscription=date(2027, 4, 1)
    )
    fixture.record_hourly(
        "weird", [7] * HOURS, group="us", product=PIPES, name=HOSTILE, installed=None
    )
    fixture.servers["gone"] = server("gone", group="us")
    fixture.history.append(fixture.servers["gone"], poll(failure(message=PIPES), "gone", START))
    entitlements = (
        Entitlement(UD, 90, 30.0, "EUR", date(2027, 1, 31)),
        Entitlement(CCS, 500, 42.5, "EUR", group="emea"),
        Entitlement("NOBODY_HAS_IT", 10),
    )

    trend = Trend(180, 90.0, 150.0, 4 / 7, 1.0, 1.0)

    forecast = Forecast(
        ESTATE,
        CCS,
        Model.CONCURRENT,
        ForecastStatus.GROWING,
        180,
        trend,
        date(2027, 2, 20),
        installed=Reach(1.0, 0.9, date(2027, 1, 20), band=(date(2027, 1, 9), date(2027, 2, 9))),
        shortfalls=(Shortfall(expiry, 100, 150),),
    )
    forecasts = {(CCS, Model.CONCURRENT): forecast}
    return fixture.report(settings=Settings(entitlements=entitlements), forecasts=forecasts)
