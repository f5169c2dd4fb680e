from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_site import inventory_row, license_overview, site_details

from lictui.model import Activation, ActivationStatus, Level, Model, Pool, Reading
from lictui.sources.cvad_pools import (
    is_reachable,
    pools_from_overview,
    pools_from_site,
    site_activation,
    site_notices,
)

XEN_APP = {"LicenseProductName": "XenApp"}
FREE = {"LicensesAvailable": 286, "LicenseOverdraft": 0}  # 500 licenses, 214 in use
LAS = {"UseLicenseActivationService": True}


def pools_of(*rows: dict[str, Any], **changes: Any) -> tuple[Pool, ...]:
    """Return the pools of rows with changes, of an overview without contradictions."""
    pools, notices = pools_from_overview(
        license_overview(*(inventory_row(**row) for row in rows), **changes)
    )
    assert not notices
    return pools


def test_row_becomes_a_pool() -> None:
    (pool,) = pools_of({})
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
    ("rows", "normal", "installed"),
    [
        ([{}], 500, [500]),
        ([{}, XEN_APP], 1000, [500, 500]),
        ([FREE | {"LicensesInUse": None}], 500, [500]),
        ([FREE, XEN_APP | FREE | {"LicensesAvailable": 90}], 804, [500, 304]),
        ([FREE, XEN_APP | {"LicensesAvailable": None}], 500, [286, None]),
        ([{"LicensesAvailable": None}], 500, [500]),
    ],
)
def test_totals_decide_what_available_means(
    rows: list[dict[str, Any]], normal: int, installed: list[int | None]
) -> None:
    pools = pools_of(*rows, NormalLicenses=normal, LicensesUsage=214)
    assert [pool.reading.installed for pool in pools] == installed
    assert all(("NormalLicenses", str(normal)) in pool.raw_fields for pool in pools)
    assert pools[0].reading.in_use == 214


@given(
    licenses=st.lists(st.tuples(*[st.integers(0, 500)] * 3), min_size=1, max_size=5),
    is_free=st.booleans(),
)
def test_figures_of_a_row_do_not_depend_on_other_rows(
    licenses: list[tuple[int, int, int]], *, is_free: bool
) -> None:
    """With totals that agree; each row is (installed, in use, overdraft)."""
    rows = [
        inventory_row(
            LicenseProductName=f"P{number}",
            LicensesInUse=in_use,
            LicensesAvailable=installed if is_free else installed + in_use + overdraft,
            LicenseOverdraft=overdraft,
        )
        for number, (installed, in_use, overdraft) in enumerate(licenses)
    ]
    normal = sum(installed + in_use for installed, in_use, _ in licenses)
    pools, notices = pools_from_overview(license_overview(*rows, NormalLicenses=normal))
    assert not notices
    assert [pool.reading for pool in pools] == [
        Reading(in_use, installed + in_use, overdraft) for installed, in_use, overdraft in licenses
    ]


@pytest.mark.parametrize("neighbors", [(), (XEN_APP,)])
def test_contradicting_totals_are_a_notice(neighbors: tuple[dict[str, Any], ...]) -> None:
    rows = [inventory_row(**row) for row in ({}, *neighbors)]
    pools, (notice,) = pools_from_overview(license_overview(*rows, NormalLicenses=7))
    assert [pool.reading.installed for pool in pools] == [500] * len(rows)
    assert notice.level is Level.WARN
    assert "NormalLicenses is 7" in notice.detail


def test_totals_complete_the_only_row() -> None:
    lacking = dict.fromkeys(("LicensesInUse", "LicensesAvailable", "LicenseOverdraft"))
    totals = {"NormalLicenses": 550, "OverdraftLicenses": 55, "LicensesUsage": 9}
    start_up = {"LicenseProductName": "Unknown", "LicenseType": "SYS", "LicensesAvailable": 10}
    single, _ = pools_of(lacking, start_up, **totals)
    assert single.reading == Reading(in_use=9, installed=550, overdraft=55)
    assert dict(single.formulas)["installed"] == "NormalLicenses"
    pools = pools_of(lacking, lacking | XEN_APP, **totals)
    assert [pool.reading for pool in pools] == [Reading(), Reading()]


@pytest.mark.parametrize(
    ("setting", "files", "las", "inventory"),
    [
        (True, 1, 1, "LicenseLasInventories"),
        (True, 1, 0, None),
        (False, 1, 1, "LicenseInventories"),
        (False, 0, 1, None),
        (None, 1, 0, "LicenseInventories"),
        (None, 0, 1, "LicenseLasInventories"),
        (None, 1, 1, "LicenseLasInventories"),
    ],
)
def test_inventories_are_never_added(
    setting: object, files: int, las: int, inventory: str | None
) -> None:
    row = inventory_row()
    pools, notices = pools_from_overview(
        license_overview(
            *[row] * files,
            las=(row,) * las,
            LicenseInformation={"UseLicenseActivationService": setting},
            NormalLicenses=500,
        )
    )
    assert [dict(pool.raw_fields)["inventory"] for pool in pools] == [inventory] * bool(inventory)
    assert [pool.reading.installed for pool in pools] == [500] * bool(inventory)
    assert bool(notices) is (setting is None and bool(files and las))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("3/31/2027 12:00:00 AM", (date(2027, 3, 31), False)),
        ("31.03.2027", (date(2027, 3, 31), False)),
        ("1999-12-31T00:00:00", (None, True)),
        ("2037-12-31", (None, None)),
    ],
)
def test_expiry_is_read_in_the_forms_of_get_licinventory(
    text: str, term: tuple[date | None, bool | None]
) -> None:
    (pool,) = pools_of({"LicenseExpirationDate": text})
    assert (pool.expires, pool.permanent) == term


def test_rows_of_one_key_are_summed() -> None:
    (pool,) = pools_of({}, {"LicenseExpirationDate": "2026-12-31", "LicensesInUse": 6})
    assert pool.reading == Reading(in_use=220, installed=1000, overdraft=100)
    assert (pool.expires, pool.expiring_count) == (date(2026, 12, 31), 500)
    (unknown,) = pools_of({}, {"LicensesInUse": None, "LicenseOverdraft": None})
    assert unknown.reading == Reading(in_use=None, installed=1050, overdraft=None)


@pytest.mark.parametrize(
    ("product", "code"), [("Unknown", "CITRIX"), (None, "CITRIX"), ("XenDesktopXdt", "XDT_PLT_CCS")]
)
def test_start_up_licenses_are_listed_and_not_counted(product: object, code: str) -> None:
    (pool,) = pools_of({"LicenseProductName": product, "LicenseType": "SYS"})
    assert (pool.product, pool.counted) == (code, code != "CITRIX")


@pytest.mark.parametrize(
    ("enums", "code", "model"),
    [
        (("XenDesktopXdt", "Enterprise", "UserDevice"), "XDT_ENT_UD", Model.USER_DEVICE),
        (("XenDesktopXds", "Vdi", "Concurrent"), "XDS_STD_CCS", Model.CONCURRENT),
        (("CVAP", "PRE", "Unknown"), "CVAP_PRE_Unknown", Model.OTHER),
        ((None, None, None), "Citrix Virtual Apps and Desktops Premium", Model.OTHER),
    ],
)
def test_product_code_is_built_from_the_enums(
    enums: tuple[str, str, str], code: str, model: Model
) -> None:
    keys = ("LicenseProductName", "ProductEdition", "LicenseModel")
    (pool,) = pools_of(dict(zip(keys, enums, strict=True)))
    assert (pool.product, pool.model) == (code, model)


def test_missing_name_or_expiry_is_never_invented() -> None:
    changes = {"LocalizedLicenseProductName": None}
    published, unknown = pools_of(changes, changes | {"LicenseProductName": "XenFuture"})
    assert published.name == "Citrix Virtual Apps and Desktops Premium"
    assert unknown.name == unknown.product == "XenFuture_PLT_CCS"
    for day, permanent in (("9999-12-31T23:59:59", True), (None, None)):
        (pool,) = pools_of({"LicenseExpirationDate": day})
        assert (pool.expires, pool.permanent) == (None, permanent)


@pytest.mark.parametrize(
    ("model", "suffix", "in_use"), [("Concurrent", "CCS", 214), ("UserDevice", "UD", 902)]
)
def test_site_details_have_usage_without_installed(model: str, suffix: str, in_use: int) -> None:
    (pool,) = pools_from_site(
        site_details(LicensingModel=model, LicenseExpirationDate="2027-03-31")
    )
    assert pool.product == f"XDT_PLT_{suffix}"
    assert pool.reading == Reading(in_use=in_use)
    assert pool.expires == date(2027, 3, 31)
    assert ("TotalUniqueLicenseUsers", "902") in pool.raw_fields


@pytest.mark.parametrize(
    "changes",
    [
        dict.fromkeys(
            ("LicensedSessionsActive", "PeakConcurrentLicenseUsers", "TotalUniqueLicenseUsers"), 0
        ),
        {"LicensedSessionsActive": None},
        {"LicensingModel": "Unknown"},
    ],
)
def test_site_details_without_usage_have_no_pool(changes: dict[str, object]) -> None:
    """Some releases return zeros for all usage."""
    assert pools_from_site(site_details(**changes)) == ()
    (pool,) = pools_from_site(site_details(LicensedSessionsActive=0))  # the others are not zero
    assert pool.reading.in_use == 0


# Notices and activation


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("Incompatible", Level.CRITICAL),
        ("Inaccessible", Level.CRITICAL),
        ("LasNotOnboarded", Level.WARN),
        ("NoInventory", Level.WARN),
        ("SomethingNew", Level.WARN),
    ],
)
def test_license_server_status_is_a_notice(status: str, level: Level) -> None:
    information = {"LicenseServerStatus": status}
    (notice,) = site_notices(site_details(), license_overview(LicenseInformation=information))
    assert (notice.kind, notice.level) == ("server", level)
    assert status in notice.detail
    for healthy in ("LasCompatible", "UnknownStatus", None):
        overview = license_overview(LicenseInformation={"LicenseServerStatus": healthy})
        assert site_notices(site_details(), overview) == ()
    (notice,) = site_notices(site_details(), license_overview(CertAccepted=False))
    assert "certificate" in notice.title


@pytest.mark.parametrize(
    ("hours", "level", "left"),
    [
        (700, Level.WARN, "700 hours left (29 days 4 h), "),
        (40, Level.WARN, "40 hours left, "),
        (0, Level.CRITICAL, "0 hours left, "),
        (None, Level.WARN, ""),
    ],
)
def test_grace_period_is_a_notice(hours: int | None, level: Level, left: str) -> None:
    grace = {"LicensingGraceHoursLeft": hours, "LicenseGraceSessionsRemaining": 12}
    (notice,) = site_notices(site_details(LicensingGracePeriodActive=True, **grace), None)
    assert (notice.kind, notice.level) == ("grace", level)
    assert notice.detail == f"{left}12 sessions left"
    assert "caching mode" in notice.title


@pytest.mark.parametrize(
    ("status", "reachable"),
    [("LasCompatible", True), ("Inaccessible", False), ("UnknownStatus", None), (None, None)],
)
def test_site_tells_whether_it_reaches_its_license_server(
    status: str | None, *, reachable: bool | None
) -> None:
    overview = license_overview(LicenseInformation={"LicenseServerStatus": status})
    assert is_reachable(overview) is reachable
    assert is_reachable(None) is None


@pytest.mark.parametrize(("hours", "level"), [(90, Level.WARN), (0, Level.CRITICAL)])
def test_trial_period_is_one_notice_from_either_answer(hours: int, level: Level) -> None:
    information = {"OutOfBoxGracePeriodActive": True, "OutOfBoxGracePeriodHoursLeft": hours}
    overview = license_overview(LicenseInformation=information)
    (notice,) = site_notices(site_details(), overview)
    assert (notice.kind, notice.level) == ("grace", level)
    assert notice.detail == f"{hours} hours left"
    site = site_details(LicensingOutOfBoxGracePeriodActive=True)
    assert site_notices(site, overview) == (notice,)
    assert len(site_notices(site, None)) == 1


@pytest.mark.parametrize("key", ["AlertLevel", "LicensingAlertLevel"])
def test_site_alerts_are_notices(key: str) -> None:
    alerts: list[object] = [
        {key: level, "Title": f"{level}\x07 title", "Detail": "why\n", "Action": "what"}
        for level in ("Info", "Alert", "Alarm", "Unknown")
    ]
    site = site_details(LicensingAlerts=[*alerts, {"Title": None}, "junk", *[{"Title": "x"}] * 999])
    notices = site_notices(site, None)
    levels = [notice.level for notice in notices[:4]]
    assert levels == [Level.OK, Level.WARN, Level.CRITICAL, Level.OK]
    assert notices[0].title == "Info title"
    assert (notices[0].detail, notices[0].action) == ("why", "what")
    assert len(notices) < 50


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (["Activated", "Unknown"], ActivationStatus.UNKNOWN),
        (["Activated", "a state of a later release"], ActivationStatus.UNKNOWN),
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
        [{"LasActivationStatus": None}],
        [{"LasActivationStatus": "NotActivated", "IsLasAware": False}],
    ],
)
def test_activation_is_unknown_without_controllers(controllers: object) -> None:
    assert site_activation(controllers) is None
