"""PowerShell's JSON: its objects, Get-LicInventory and WMI."""

import json
from datetime import date
from functools import partial
from typing import Any

import pytest
from tests.support.polls import failure_in

from lictui.model import FailureKind, Mode, Model, Reading, Snapshot
from lictui.sources.command.powershell import (
    MAX_OBJECTS,
    licinventory_snapshot,
    parse_objects,
    wmi_snapshot,
)

TODAY = date(2026, 11, 24)


# Objects

ONE = {"a": 1}


@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("", []),
        ("[]", []),
        ('{"A":1}', [ONE]),
        ('[{"A":1},{"a":"2"}]', [ONE, {"a": "2"}]),
        ('{"value":[{"A":1},{"A":1}],"Count":2}', [ONE, ONE]),
        ('{"A":1}\n{"A":1}\n', [ONE, ONE]),
        ('WARNING: [x] is {old}\nVERBOSE: System.Object[]\n[{"A":1}]\nbye', [ONE]),
        ('\x1b[2J\x1b[H{"A":1}', [ONE]),
        ('#< CLIXML\n<Objs>[{"no":1}]</Objs>[{"A":1}]', [ONE]),
        ('{"A":{"value":1,"DisplayHint":2}}', [ONE]),
        ('{"A":99999999999999999999}', [{"a": None}]),
    ],
)
def test_objects_are_read_whatever_surrounds_them(
    text: str, objects: list[dict[str, object]]
) -> None:
    assert parse_objects(text, "ps") == objects


@pytest.mark.parametrize("text", ['[\n{"a":1},\n{"a":', "Add-PSSnapin : no [Object[]]"])
def test_objects_that_are_incomplete_are_refused(text: str) -> None:
    failure = failure_in(partial(parse_objects, text, "ps"))
    assert failure.kind is FailureKind.PARSE
    assert failure.hint


def test_objects_are_bounded_in_depth_and_number() -> None:
    assert parse_objects("#< CLIXML " * 200_000 + '</Objs>{"a":1}', "ps") == [ONE]
    endless = failure_in(partial(parse_objects, "[]\n" * 1_000_000, "ps"))
    assert endless.kind is FailureKind.TOO_LARGE
    assert parse_objects('{"value":[' * 99 + '{"a":1}' + '],"Count":1}' * 99, "ps") == []
    deep = failure_in(partial(parse_objects, '[{"a":' * 100_000, "ps"))
    assert deep.kind is FailureKind.PARSE
    many = failure_in(partial(parse_objects, json.dumps([ONE] * (MAX_OBJECTS + 1)), "ps"))
    assert many.kind is FailureKind.TOO_LARGE


# Get-LicInventory and Get-LicLasInventory

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


def read_inventory(*rows: dict[str, Any], mode: Mode = Mode.FILE, available: str = "") -> Snapshot:
    return licinventory_snapshot(json.dumps(rows), "ssh lic01", mode, available=available)


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def test_inventory_row_is_a_pool() -> None:
    result = read_inventory(ROW)
    (pool,) = result.pools
    assert (result.mode, result.notices) == (Mode.FILE, ())
    assert (pool.product, pool.model) == ("XDT_PLT_UD", Model.USER_DEVICE)
    assert pool.name == "Citrix Virtual Apps and Desktops Premium"
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)
    assert pool.subscription_date == date(2026, 12, 1)
    assert pool.license_type == "Retail"
    assert ("LicensesAvailable", "550") in pool.raw_fields
    assert dict(pool.formulas)["installed"] == "LicensesAvailable - LicenseOverdraft"


NEVER = ("12/31/1999 7:00:00 PM", "/Date(946684800000)/", "9999-12-31")
UNKNOWN = ("12/31/2037", "2038-01-01T00:00:00Z", None)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"LicenseProductName": "XenDesktopXdt"}, {"product": "XDT_PLT_UD"}),
        ({"LicenseEdition": "Platinum", "LicenseModel": "UserDevice"}, {"product": "XDT_PLT_UD"}),
        # A product without a published name keeps its localized name
        (
            {"LicenseProductName": "CVAP", "LocalizedLicenseProductName": "New"},
            {"product": "CVAP_PLT_UD", "name": "New"},
        ),
        *(({"LicenseExpirationDate": day}, {"expires": None, "permanent": True}) for day in NEVER),
        *(
            (
                {"LicenseExpirationDate": day, "LicenseCustomerSuccessServicesDate": day},
                {"expires": None, "permanent": None, "subscription_date": None},
            )
            for day in UNKNOWN
        ),
        # The older name of the subscription date
        (
            {
                "LicenseCustomerSuccessServicesDate": None,
                "LicenseSubscriptionAdvantageDate": "12/1/2026",
            },
            {"subscription_date": date(2026, 12, 1)},
        ),
        ({"LicenseOverdraft": None}, {"reading": Reading(412, 550, None)}),
        ({"LicenseOverdraft": 551}, {"reading": Reading(412, None, 551)}),
        (
            {"LicensesInUse": "412", "LicensesAvailable": "550.0"},
            {"reading": Reading(412, 500, 50)},
        ),
    ],
)
def test_inventory_columns_are_read_in_every_form(
    changes: dict[str, Any], fields: dict[str, Any]
) -> None:
    for columns in (row(**changes), {key.upper(): value for key, value in row(**changes).items()}):
        result = read_inventory(columns)
        (pool,) = result.pools
        assert {name: getattr(pool, name) for name in fields} == fields
        is_unreadable = "LicenseOverdraft" in changes and changes["LicenseOverdraft"] is not None
        assert [notice.title for notice in result.notices] == ["Unreadable figures"] * is_unreadable


def test_inventory_available_may_be_the_free_licenses() -> None:
    (pool,) = read_inventory(row(LicensesAvailable=138), available="free").pools
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (
        dict(pool.formulas)["installed"] == "LicensesAvailable + LicensesInUse - LicenseOverdraft"
    )
    (pool,) = read_inventory(row(LicensesInUse=None), available="free").pools
    assert pool.reading == Reading(None, None, 50)


def test_inventory_startup_licenses_are_not_counted() -> None:
    start_up = row(LicenseProductName="CITRIX", LicenseEdition="", LicenseModel="Server")
    result = read_inventory(start_up, ROW, mode=Mode.LAS)
    assert [(pool.product, pool.counted) for pool in result.pools] == [
        ("CITRIX", False),
        ("XDT_PLT_UD", True),
    ]
    assert result.mode is Mode.LAS
    unnamed = row(LicenseProductName="Unknown", LicenseType="SYS", LicenseModel="Unknown")
    assert [pool.counted for pool in read_inventory(unnamed).pools] == [False]
    alone = read_inventory(start_up)
    assert alone.mode is None
    assert "Get-LicLasInventory" in alone.notices[0].action


def test_inventory_object_without_a_product_is_a_notice() -> None:
    (notice,) = read_inventory(ROW, {"LicensesInUse": 5}).notices
    assert notice.detail == "1 without LicenseProductName ignored"


def test_inventory_without_rows_is_no_data() -> None:
    failure = failure_in(read_inventory)
    assert failure.kind is FailureKind.NO_DATA
    assert "get-liclasinventory" in failure.hint


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({"PLD": "X"}, "wmi-json"),
        ({"schema": "x"}, "lictui"),
        ({}, "Get-Lic"),
        (row(LicenseEdition=2), "lictui servers snippet"),  # an enum as a number
    ],
)
def test_inventory_names_the_format_of_other_objects(columns: dict[str, str], hint: str) -> None:
    failure = failure_in(partial(read_inventory, columns))
    assert failure.kind is FailureKind.PARSE
    assert hint in failure.hint


# WMI

POOL = {
    "PLD": "XDT_PLT_UD",
    "Count": 550,
    "InUseCount": "412",
    "Overdraft": 50,
    "HOSTID": None,
    "SubscriptionDate": "/Date(1796079600000)/",  # midnight in Berlin
    "VendorString": ";LT=Retail;",
    "CimClass": {"CimSuperClassName": "x"},
}
LICENSE = {"SerialNumber": "LA-1", "ExpirationDate": "2027-03-31T00:00:00"}


def read_wmi(value: Any) -> Snapshot:
    return wmi_snapshot(json.dumps(value), "ssh lic01", TODAY)


def test_wmi_pools_alone_are_a_snapshot() -> None:
    result = read_wmi([POOL])
    (pool,) = result.pools
    assert pool.reading == Reading(412, 500, 50)
    assert (pool.subscription_date, pool.expires, pool.permanent) == (date(2026, 12, 1), None, None)
    assert ("VendorString", ";LT=Retail;") in pool.raw_fields
    assert dict(pool.formulas)["installed"] == "Count - Overdraft"
    assert result.mode is Mode.FILE


@pytest.mark.parametrize(
    "value",
    [
        {"Citrix_GT_License_Pool": [POOL], "Citrix_GT_License": [LICENSE]},
        {"Citrix_GT_License_Pool": {"value": [POOL], "Count": 1}, "Citrix_GT_License": LICENSE},
        [POOL, LICENSE],
    ],
)
def test_wmi_licenses_add_their_expiry(value: object) -> None:
    (pool,) = read_wmi(value).pools
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)


def test_wmi_without_pools_names_the_format_of_other_objects() -> None:
    for text in ("[]", '{"Citrix_GT_License_Pool": null}'):
        empty = failure_in(partial(wmi_snapshot, text, "ssh lic01", TODAY))
        assert empty.kind is FailureKind.NO_DATA
    failure = failure_in(partial(read_wmi, {"LicenseProductName": "XDT"}))
    assert failure.kind is FailureKind.PARSE
    assert "get-licinventory" in failure.hint
