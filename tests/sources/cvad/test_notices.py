from __future__ import annotations

from datetime import date

import pytest
from tests.support.fake_site import license_overview, site_details

from lictui.model import Activation, ActivationStatus, Level
from lictui.sources.cvad.pools import site_activation, site_notices


def test_a_healthy_site_says_nothing() -> None:
    for status in ("Compatible", "LasCompatible", "UnknownStatus", None):
        information = {"LicenseServerStatus": status}
        assert site_notices(site_details(), license_overview(LicenseInformation=information)) == ()
    assert site_notices(site_details(), None) == ()


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("Incompatible", Level.CRITICAL),
        ("LSVersionIncompatible", Level.CRITICAL),
        ("Inaccessible", Level.CRITICAL),
        ("InternalError", Level.CRITICAL),
        ("CloudNotRegistered", Level.WARN),
        ("LasNotOnboarded", Level.WARN),
        ("InternetNotConnected", Level.WARN),
        ("NoInventory", Level.WARN),
        ("SomethingNew", Level.WARN),
    ],
)
def test_every_state_of_the_license_server(status: str, level: Level) -> None:
    information = {"LicenseServerStatus": status}
    (notice,) = site_notices(site_details(), license_overview(LicenseInformation=information))
    assert (notice.kind, notice.level) == ("server", level)
    assert status in notice.detail


def test_a_certificate_that_the_site_does_not_trust() -> None:
    (notice,) = site_notices(site_details(), license_overview(CertAccepted=False))
    assert "certificate" in notice.title


@pytest.mark.parametrize(
    ("hours", "level"), [(40, Level.WARN), (0, Level.CRITICAL), (None, Level.WARN)]
)
def test_grace(hours: int | None, level: Level) -> None:
    site = site_details(
        LicensingGracePeriodActive=True,
        LicensingGraceHoursLeft=hours,
        LicenseGraceSessionsRemaining=12,
    )
    (notice,) = site_notices(site, None)
    assert (notice.kind, notice.level) == ("grace", level)
    assert (f"{hours} hours left" in notice.detail) is (hours is not None)
    assert "12 sessions left" in notice.detail


def test_the_trial_period_is_told_once_by_either_answer() -> None:
    information = {"OutOfBoxGracePeriodActive": True, "OutOfBoxGracePeriodHoursLeft": 90}
    told = license_overview(LicenseInformation=information)
    (notice,) = site_notices(site_details(), told)
    assert (notice.kind, notice.detail) == ("grace", "90 hours left")
    site = site_details(LicensingOutOfBoxGracePeriodActive=True)
    assert site_notices(site, told) == (notice,)
    assert len(site_notices(site, None)) == 1


def test_alerts_of_the_site() -> None:
    levels = ("Info", "Alert", "Alarm", "Unknown")
    alerts: list[object] = [
        {"AlertLevel": level, "Title": f"{level}\x07 title", "Detail": "why\n", "Action": "what"}
        for level in levels
    ]
    told = site_notices(site_details(LicensingAlerts=[*alerts, {"Title": None}, "junk"]), None)
    assert [notice.level for notice in told] == [Level.OK, Level.WARN, Level.CRITICAL, Level.OK]
    assert (told[0].title, told[0].detail, told[0].action) == ("Info title", "why", "what")


def test_alerts_without_end_are_cut() -> None:
    assert len(site_notices(site_details(LicensingAlerts=[{"Title": "x"}] * 9999), None)) == 50


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (["Activated", "Activated"], ActivationStatus.ACTIVATED),
        (["Activated", "Unknown"], ActivationStatus.UNKNOWN),
        (["NotActivated", "Unknown"], ActivationStatus.NOT_ACTIVATED),
        (["Activated", "Expired", "NotActivated"], ActivationStatus.EXPIRED),
    ],
)
def test_a_site_is_activated_as_its_worst_controller(
    statuses: list[str], worst: ActivationStatus
) -> None:
    controllers = [
        {"LasActivationStatus": status, "LasActivationExpiry": f"2026-12-0{index + 3}"}
        for index, status in enumerate(statuses)
    ]
    assert site_activation(controllers) == Activation(worst, date(2026, 12, 3))


@pytest.mark.parametrize(
    "controllers",
    [
        None,
        [],
        {"Items": None},
        [{"LasActivationStatus": None}],
        [{"LasActivationStatus": "NotActivated", "IsLasAware": False}],
    ],
)
def test_nothing_is_told_of_activation(controllers: object) -> None:
    assert site_activation(controllers) is None
