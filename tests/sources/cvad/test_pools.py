from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.support.fake_site import inventory_row, license_overview, site_details

from lictui.model import Activation, ActivationStatus, Level, Model, Reading
from lictui.sources.cvad.pools import (
    pools_from_overview,
    pools_from_site,
    site_activation,
    site_notices,
)


def test_row_becomes_a_pool() -> None:
    (pool,) = pools_from_overview(license_overview(inventory_row()))
    assert pool.product == "XDT_PLT_CCS"
    assert pool.name == "Citrix Virtual Apps and Desktops Premium"
    assert pool.model is Model.CONCURRENT
    assert pool.license_type == "Retail"
    assert pool.subscription_date == date(2027, 6, 30)
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)
    assert pool.counted
    assert ("inventory", "LicenseInventories") in pool.raw_fields
    assert ("LicensesAvailable", "550") in pool.raw_fields


@pytest.mark.parametrize(
    ("available", "overdraft", "installed"),
    [
        (550, 50, 500),
        ("550", "50", 500),
        (50, 50, 0),
        (30, 50, None),
        (550, None, 550),
        (None, 50, None),
        (None, None, None),
        (-1, 0, None),
        (True, 0, None),
    ],
)
def test_installed_is_available_without_overdraft(
    available: object, overdraft: object, installed: int | None
) -> None:
    (pool,) = pools_from_overview(
        license_overview(inventory_row(LicensesAvailable=available, LicenseOverdraft=overdraft))
    )
    assert pool.reading.installed == installed


def test_totals_are_used_for_a_single_row_only() -> None:
    totals: dict[str, Any] = {"NormalLicenses": 550, "OverdraftLicenses": 55, "LicensesUsage": 9}
    (alone,) = pools_from_overview(license_overview(inventory_row(), **totals))
    assert alone.reading == Reading(in_use=214, installed=550, overdraft=55)
    assert ("NormalLicenses", "550") in alone.raw_fields
    (las,) = pools_from_overview(
        license_overview(las=(inventory_row(LicensesInUse=None),), **totals)
    )
    assert las.reading == Reading(in_use=9, installed=550, overdraft=55)
    both = pools_from_overview(
        license_overview(inventory_row(), inventory_row(ProductEdition="Enterprise"), **totals)
    )
    assert [pool.reading.installed for pool in both] == [500, 500]


def test_rows_of_one_key_are_summed_over_both_inventories() -> None:
    later = inventory_row(LicensesInUse=6, LicensesAvailable=110, LicenseOverdraft=10)
    earlier = inventory_row(LicenseExpirationDate="2026-12-31")
    (pool,) = pools_from_overview(
        license_overview(inventory_row(), earlier, las=(later,), NormalLicenses=7)
    )
    assert pool.reading == Reading(in_use=434, installed=1100, overdraft=110)
    assert pool.expires == date(2026, 12, 31)
    assert [value for key, value in pool.raw_fields if key == "inventory"] == [
        "LicenseInventories",
        "LicenseInventories",
        "LicenseLasInventories",
    ]


def test_figure_that_one_row_lacks_is_unknown_in_the_sum() -> None:
    (pool,) = pools_from_overview(
        license_overview(inventory_row(), inventory_row(LicensesInUse=None, LicenseOverdraft=None))
    )
    assert pool.reading == Reading(in_use=None, installed=1050, overdraft=None)


def test_subscription_dates_keep_pools_apart() -> None:
    pools = pools_from_overview(
        license_overview(inventory_row(), inventory_row(LicenseSubscriptionAdvantageDate=None))
    )
    assert [pool.key.subscription_date for pool in pools] == ["2027-06-30", ""]


@pytest.mark.parametrize(
    ("enums", "code", "model"),
    [
        (("XenDesktopXdt", "Enterprise", "UserDevice"), "XDT_ENT_UD", Model.USER_DEVICE),
        (("XenDesktopXds", "Vdi", "Concurrent"), "XDS_STD_CCS", Model.CONCURRENT),
        (("XenApp", "Advanced", "Concurrent"), "MPS_ADV_CCU", Model.CONCURRENT),
        (("CVAP", "PRE", "Unknown"), "CVAP_PRE_Unknown", Model.OTHER),
        ((None, None, None), "Citrix Virtual Apps and Desktops Premium", Model.OTHER),
    ],
)
def test_product_code_is_built_from_the_enums(
    enums: tuple[str, str, str], code: str, model: Model
) -> None:
    keys = ("LicenseProductName", "ProductEdition", "LicenseModel")
    (pool,) = pools_from_overview(
        license_overview(inventory_row(**dict(zip(keys, enums, strict=True))))
    )
    assert (pool.product, pool.model) == (code, model)


def test_missing_name_is_looked_up_and_never_invented() -> None:
    changes = {"LocalizedLicenseProductName": None}
    known, unknown = pools_from_overview(
        license_overview(
            inventory_row(**changes), inventory_row(LicenseProductName="XenFuture", **changes)
        )
    )
    assert known.name == "Citrix Virtual Apps and Desktops Premium"
    assert unknown.name == unknown.product == "XenFuture_PLT_CCS"


def test_expiry_in_year_9999_is_permanent() -> None:
    (forever,) = pools_from_overview(
        license_overview(inventory_row(LicenseExpirationDate="9999-12-31T23:59:59"))
    )
    assert (forever.expires, forever.permanent) == (None, True)
    (untold,) = pools_from_overview(license_overview(inventory_row(LicenseExpirationDate=None)))
    assert (untold.expires, untold.permanent) == (None, None)


def test_hostile_text_is_sanitized() -> None:
    hostile = inventory_row(
        LocalizedLicenseProductName="Pre\x1b[2Jmium\u202e [/x]\n" + "y" * 500,
        LicenseProductName="X\x07\n" * 100,
        LicenseType="Re\x00tail",
    )
    (pool,) = pools_from_overview(license_overview(hostile))
    said = [pool.product, pool.name, pool.license_type, *(value for _, value in pool.raw_fields)]
    assert all(word.isprintable() for word in said)
    assert all(len(word) <= 200 for word in said)


@pytest.mark.parametrize(
    ("model", "suffix", "in_use"),
    [("Concurrent", "CCS", 214), ("UserDevice", "UD", 902), ("Unknown", "Unknown", None)],
)
def test_site_details_have_usage_without_installed(
    model: str, suffix: str, in_use: int | None
) -> None:
    (pool,) = pools_from_site(
        site_details(LicensingModel=model, LicenseExpirationDate="2027-03-31")
    )
    assert pool.product == f"XDT_PLT_{suffix}"
    assert pool.reading == Reading(in_use=in_use)
    assert pool.expires == date(2027, 3, 31)
    assert ("TotalUniqueLicenseUsers", "902") in pool.raw_fields


def test_usage_of_all_zeros_is_unknown() -> None:
    zeros = {"PeakConcurrentLicenseUsers": 0, "TotalUniqueLicenseUsers": 0}
    (unknown,) = pools_from_site(site_details(LicensedSessionsActive=0, **zeros))
    assert unknown.reading.in_use is None
    (night,) = pools_from_site(site_details(LicensedSessionsActive=0))
    assert night.reading.in_use == 0


def test_site_without_license_has_no_pool() -> None:
    assert pools_from_site({"Name": "PROD", "LicensingModel": "None"}) == ()


# Notices and activation


def test_healthy_site_has_no_notices() -> None:
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
def test_license_server_status_is_a_notice(status: str, level: Level) -> None:
    information = {"LicenseServerStatus": status}
    (notice,) = site_notices(site_details(), license_overview(LicenseInformation=information))
    assert (notice.kind, notice.level) == ("server", level)
    assert status in notice.detail


def test_untrusted_certificate_is_a_notice() -> None:
    (notice,) = site_notices(site_details(), license_overview(CertAccepted=False))
    assert "certificate" in notice.title


@pytest.mark.parametrize(
    ("hours", "level"), [(40, Level.WARN), (0, Level.CRITICAL), (None, Level.WARN)]
)
def test_grace_period_is_a_notice(hours: int | None, level: Level) -> None:
    site = site_details(
        LicensingGracePeriodActive=True,
        LicensingGraceHoursLeft=hours,
        LicenseGraceSessionsRemaining=12,
    )
    (notice,) = site_notices(site, None)
    assert (notice.kind, notice.level) == ("grace", level)
    assert (f"{hours} hours left" in notice.detail) is (hours is not None)
    assert "12 sessions left" in notice.detail


def test_trial_period_is_one_notice_from_either_answer() -> None:
    information = {"OutOfBoxGracePeriodActive": True, "OutOfBoxGracePeriodHoursLeft": 90}
    told = license_overview(LicenseInformation=information)
    (notice,) = site_notices(site_details(), told)
    assert (notice.kind, notice.detail) == ("grace", "90 hours left")
    site = site_details(LicensingOutOfBoxGracePeriodActive=True)
    assert site_notices(site, told) == (notice,)
    assert len(site_notices(site, None)) == 1


def test_site_alerts_are_notices() -> None:
    levels = ("Info", "Alert", "Alarm", "Unknown")
    alerts: list[object] = [
        {"AlertLevel": level, "Title": f"{level}\x07 title", "Detail": "why\n", "Action": "what"}
        for level in levels
    ]
    told = site_notices(site_details(LicensingAlerts=[*alerts, {"Title": None}, "junk"]), None)
    assert [notice.level for notice in told] == [Level.OK, Level.WARN, Level.CRITICAL, Level.OK]
    assert (told[0].title, told[0].detail, told[0].action) == ("Info title", "why", "what")


def test_site_alerts_are_limited() -> None:
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
def test_activation_is_that_of_the_worst_controller(
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
def test_activation_is_unknown_without_controllers(controllers: object) -> None:
    assert site_activation(controllers) is None
