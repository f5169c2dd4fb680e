from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import failure_of, outcome

from lictui.model import Failure, FailureKind, Mode, Model, Reading, Snapshot
from lictui.sources.command.powershell import licinventory_snapshot

ROW = {
    "LicenseProductName": "XDT",
    "LocalizedLicenseProductName": "Citrix XenDesktop",
    "LicenseEdition": "PLT",
    "LicenseModel": "UD",
    "LicenseType": "Retail",
    "LicensesInUse": 412,
    "LicensesAvailable": 550,
    "LicenseOverdraft": 50,
    "LicenseExpirationDate": "2027-03-31T00:00:00",
    "LicenseCustomerSuccessServicesDate": "/Date(1796083200000)/",
}


def read(*rows: dict[str, Any], mode: Mode = Mode.FILE, available: str = "") -> Snapshot:
    return licinventory_snapshot(json.dumps(rows), "ssh lic01", mode, available=available)


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def test_a_row_is_a_pool() -> None:
    found = read(ROW)
    (pool,) = found.pools
    assert (found.mode, found.notices) == (Mode.FILE, ())
    assert (pool.product, pool.model) == ("XDT_PLT_UD", Model.USER_DEVICE)
    assert pool.name == "Citrix Virtual Apps and Desktops Premium"
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)
    assert pool.subscription_date == date(2026, 12, 1)
    assert pool.license_type == "Retail"
    assert ("LicensesAvailable", "550") in pool.raw_fields
    assert dict(pool.formulas)["installed"] == "LicensesAvailable - LicenseOverdraft"


def test_available_may_be_what_is_free() -> None:
    (pool,) = read(row(LicensesAvailable=138), available="free").pools
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (
        dict(pool.formulas)["installed"] == "LicensesAvailable + LicensesInUse - LicenseOverdraft"
    )
    (pool,) = read(row(LicensesInUse=None), available="free").pools
    assert pool.reading == Reading(None, None, 50)


def test_enums_of_the_api_are_the_same_product() -> None:
    enums = {
        "LicenseProductName": "XenDesktopXdt",
        "LicenseEdition": "Platinum",
        "LicenseModel": "UserDevice",
    }
    (pool,) = read(row(**enums)).pools
    assert pool.product == "XDT_PLT_UD"


@pytest.mark.parametrize("key", ["LicenseProductName", "LicenseEdition", "LicenseModel"])
def test_an_enum_as_a_number_is_refused(key: str) -> None:
    failure = failure_of(partial(read, row(**{key: 2})))
    assert failure.kind is FailureKind.PARSE
    assert "lictui servers snippet" in failure.hint


def test_an_unknown_product_keeps_the_name_it_came_with() -> None:
    (pool,) = read(row(LicenseProductName="CVAP", LocalizedLicenseProductName="New")).pools
    assert (pool.product, pool.name) == ("CVAP_PLT_UD", "New")
    (pool,) = read(row(LicenseProductName="CVAP", LocalizedLicenseProductName=None)).pools
    assert pool.name == "CVAP_PLT_UD"


@pytest.mark.parametrize(
    "never", ["12/31/1999 7:00:00 PM", "/Date(946684800000)/", "1999-12-31", "9999-12-31"]
)
def test_no_expiry_is_permanent(never: str) -> None:
    (pool,) = read(row(LicenseExpirationDate=never)).pools
    assert (pool.expires, pool.permanent) == (None, True)


@pytest.mark.parametrize("never", ["12/31/2037", "2038-01-01T00:00:00Z", "2037-12-30", None, ""])
def test_no_date_is_none(never: str | None) -> None:
    (pool,) = read(row(LicenseExpirationDate=never, LicenseCustomerSuccessServicesDate=never)).pools
    assert (pool.expires, pool.permanent, pool.subscription_date) == (None, None, None)


def test_the_older_name_of_the_subscription_date_counts() -> None:
    older = {"LicenseCustomerSuccessServicesDate": None}
    (pool,) = read(row(**older, LicenseSubscriptionAdvantageDate="12/1/2026")).pools
    assert pool.subscription_date == date(2026, 12, 1)


def test_numbers_may_be_text_and_names_in_any_case() -> None:
    said = {key.upper(): str(value) for key, value in ROW.items()}
    (pool,) = read(said).pools
    assert pool.reading == Reading(412, 500, 50)


def test_rows_of_one_pool_add_up_and_a_missing_figure_is_missing_in_the_sum() -> None:
    later = row(LicenseExpirationDate="2028-01-31", LicenseType="Eval")
    (pool,) = read(ROW, later).pools
    assert pool.reading == Reading(824, 1000, 100)
    assert (pool.expires, pool.license_type) == (date(2027, 3, 31), "Eval, Retail")
    found = read(ROW, row(LicensesInUse=None))
    assert found.pools[0].reading == Reading(None, 1000, 100)
    assert found.notices[0].detail == "XDT: LicensesInUse is missing"


@pytest.mark.parametrize("overdraft", [551, "many"])
def test_an_overdraft_that_makes_no_sense_costs_the_installed(overdraft: object) -> None:
    found = read(row(LicenseOverdraft=overdraft))
    assert found.pools[0].reading.installed is None
    assert found.notices[0].title == "Unreadable figures"


def test_no_overdraft_is_none_not_zero() -> None:
    (pool,) = read(row(LicenseOverdraft=None)).pools
    assert pool.reading == Reading(412, 550, None)


def test_start_up_licenses_are_listed_not_counted() -> None:
    start_up = row(LicenseProductName="CITRIX", LicenseEdition="", LicenseModel="Server")
    found = read(start_up, ROW, mode=Mode.LAS)
    assert [(pool.product, pool.counted) for pool in found.pools] == [
        ("CITRIX", False),
        ("XDT_PLT_UD", True),
    ]
    assert found.mode is Mode.LAS
    alone = read(start_up)
    assert alone.mode is None
    assert "Get-LicLasInventory" in alone.notices[0].action


def test_an_empty_inventory_is_no_data() -> None:
    failure = failure_of(read)
    assert failure.kind is FailureKind.NO_DATA
    assert "get-liclasinventory" in failure.hint


@pytest.mark.parametrize(
    ("other", "hint"), [({"PLD": "X"}, "wmi-json"), ({"schema": "x"}, "lictui"), ({}, "Get-Lic")]
)
def test_another_format_is_named(other: dict[str, str], hint: str) -> None:
    failure = failure_of(partial(read, other))
    assert failure.kind is FailureKind.PARSE
    assert hint in failure.hint


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
VALUES |= st.sampled_from(["XDT", "12/31/2027", "/Date(1)/", "550"])


@given(st.lists(st.dictionaries(st.sampled_from([*ROW, "x"]), VALUES | st.lists(VALUES))))
def test_any_json_is_a_snapshot_or_a_failure(rows: list[dict[str, Any]]) -> None:
    for available in ("total", "free"):
        found = outcome(partial(read, *rows, available=available))
        if isinstance(found, Failure):
            assert found.message
        else:
            assert len({pool.key for pool in found.pools}) == len(found.pools) > 0
