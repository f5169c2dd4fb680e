from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.support.fake_site import inventory_row, license_overview, site_details

from lictui.model import Model, Reading
from lictui.sources.cvad.pools import pools_from_overview, pools_from_site


def test_one_row_with_everything() -> None:
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
def test_installed_is_what_is_available_less_the_overdraft(
    available: object, overdraft: object, installed: int | None
) -> None:
    (pool,) = pools_from_overview(
        license_overview(inventory_row(LicensesAvailable=available, LicenseOverdraft=overdraft))
    )
    assert pool.reading.installed == installed


def test_the_totals_count_for_a_single_row_alone() -> None:
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


def test_rows_of_one_key_are_added_up_over_both_inventories() -> None:
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


def test_a_figure_that_one_of_the_rows_lacks_is_unknown() -> None:
    (pool,) = pools_from_overview(
        license_overview(inventory_row(), inventory_row(LicensesInUse=None, LicenseOverdraft=None))
    )
    assert pool.reading == Reading(in_use=None, installed=1050, overdraft=None)


def test_another_subscription_date_is_another_pool() -> None:
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
def test_the_product_code_is_built_from_the_enums(
    enums: tuple[str, str, str], code: str, model: Model
) -> None:
    keys = ("LicenseProductName", "ProductEdition", "LicenseModel")
    (pool,) = pools_from_overview(
        license_overview(inventory_row(**dict(zip(keys, enums, strict=True))))
    )
    assert (pool.product, pool.model) == (code, model)


def test_a_name_that_is_not_given_is_looked_up_and_never_invented() -> None:
    changes = {"LocalizedLicenseProductName": None}
    known, unknown = pools_from_overview(
        license_overview(
            inventory_row(**changes), inventory_row(LicenseProductName="XenFuture", **changes)
        )
    )
    assert known.name == "Citrix Virtual Apps and Desktops Premium"
    assert unknown.name == unknown.product == "XenFuture_PLT_CCS"


def test_a_license_without_end() -> None:
    (forever,) = pools_from_overview(
        license_overview(inventory_row(LicenseExpirationDate="9999-12-31T23:59:59"))
    )
    assert (forever.expires, forever.permanent) == (None, True)
    (untold,) = pools_from_overview(license_overview(inventory_row(LicenseExpirationDate=None)))
    assert (untold.expires, untold.permanent) == (None, None)


def test_what_is_said_is_made_harmless() -> None:
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
def test_the_site_alone_knows_what_is_in_use(model: str, suffix: str, in_use: int | None) -> None:
    (pool,) = pools_from_site(
        site_details(LicensingModel=model, LicenseExpirationDate="2027-03-31")
    )
    assert pool.product == f"XDT_PLT_{suffix}"
    assert pool.reading == Reading(in_use=in_use)
    assert pool.expires == date(2027, 3, 31)
    assert ("TotalUniqueLicenseUsers", "902") in pool.raw_fields


def test_zeros_everywhere_are_no_figure_but_one_zero_is() -> None:
    zeros = {"PeakConcurrentLicenseUsers": 0, "TotalUniqueLicenseUsers": 0}
    (unknown,) = pools_from_site(site_details(LicensedSessionsActive=0, **zeros))
    assert unknown.reading.in_use is None
    (night,) = pools_from_site(site_details(LicensedSessionsActive=0))
    assert night.reading.in_use == 0


def test_a_site_without_license() -> None:
    assert pools_from_site({"Name": "PROD", "LicensingModel": "None"}) == ()
