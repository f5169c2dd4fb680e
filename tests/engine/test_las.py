"""Health of a LAS activation: last contact, missed renewals, and the alert about them."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from tests.support.example_board import pool, up_status

from lictui.config.settings import AlertSettings, Thresholds
from lictui.engine.alerts import server_alerts
from lictui.engine.las import las_health
from lictui.model import Activation, ActivationStatus, Level

TODAY = date(2026, 11, 24)


def activation(days: int) -> Activation:
    return Activation(ActivationStatus.ACTIVATED, TODAY + timedelta(days))


@pytest.mark.parametrize(
    ("days", "contact", "missed", "level"),
    [
        (30, "last contact today", "no renewal missed", None),
        (23, "last contact ~7 d ago", "no renewal missed", None),
        (22, "last contact ~8 d ago", "1 renewal missed", None),
        (9, "last contact ~21 d ago", "2 renewals missed", None),
        (8, "last contact ~22 d ago", "3 renewals missed", Level.WARN),
        (3, "last contact ~27 d ago", "3 renewals missed", Level.CRITICAL),
        (31, "", "", None),  # not the period of an online activation
    ],
)
def test_third_missed_renewal_is_an_alert_before_the_end_is_near(
    days: int, contact: str, missed: str, level: Level | None
) -> None:
    status = up_status("a", activation=activation(days), license_server_reachable=True)
    parts = list(las_health(status, TODAY))
    assert parts[0].endswith(f"({days} d left)")
    assert parts[1:-1] == [part for part in (contact, missed) if part]
    assert parts[-1] == "license server reachable"
    settings = AlertSettings(replace(Thresholds(), las_warn=5))
    found = list(server_alerts(status, settings, TODAY))
    assert [alert.level for alert in found] == ([level] if level else [])
    assert all(missed in alert.message for alert in found)


def test_activation_that_ends_with_its_licenses_shows_no_renewal() -> None:
    ends = activation(12)
    status = up_status("a", pool("XDT_PLT_CCS", 1, 9, expires=ends.expires), activation=ends)
    assert list(las_health(status, TODAY)) == ["LAS activated until 6 Dec 2026 (12 d left)"]
    unknown = Activation(ActivationStatus.NOT_ACTIVATED)
    assert list(las_health(up_status("a", activation=unknown), TODAY)) == ["LAS not activated"]
    assert list(las_health(up_status("a"), TODAY)) == []
