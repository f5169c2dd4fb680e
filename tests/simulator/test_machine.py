"""Output of each program of a simulated machine, and JSON as the two PowerShells write it."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from tests.support.clock import START

from lictui.simulator import License
from lictui.simulator.commands import Machine, PowerShell

POOLS = (
    License(
        "XDT_ENT_CCS",
        "Citrix XenDesktop Enterprise|Concurrent",
        "RetailS",
        date(2026, 12, 1),
        date(2027, 3, 31),
        100,
        10,
        42,
    ),
    License("CITRIX", "Citrix Start-up License|Server", "SYS", date(2030, 1, 1), None, 10, 0, 1),
)
_MACHINE = Machine("lic01")
_SHELL = ("powershell.exe", "-NoProfile", "-Command")


def _text(*argv: str, machine: Machine = _MACHINE) -> str:
    printed = machine.run(argv, POOLS, START)
    assert (printed.status, printed.stderr) == (0, "")
    return printed.stdout.decode()


def _rows(script: str, machine: Machine = _MACHINE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_text(*_SHELL, script, machine=machine))
    return found


def test_snap_in_counts_the_overdraft() -> None:
    first, start_up = _rows("Get-LicInventory -AdminAddress x | ConvertTo-Json")
    assert first["LicenseProductName"] == "XDT"
    assert (first["LicenseEdition"], first["LicenseModel"]) == ("ENT", "CCS")
    assert (first["LicensesAvailable"], first["LicenseOverdraft"]) == (110, 10)
    assert first["LicensesInUse"] == 42
    assert first["LicenseCustomerSuccessServicesDate"] == "/Date(1796083200000)/"
    assert first["LocalizedLicenseModel"] == "Concurrent"
    assert start_up["LicenseProductName"] == "CITRIX"


def test_snap_in_has_a_date_in_place_of_none() -> None:
    _, start_up = _rows("Get-LicInventory")
    assert start_up["LicenseExpirationDate"] == "/Date(946684800000)/"
    assert start_up["LicenseCustomerSuccessServicesDate"] == "/Date(2145916800000)/"
    new_york = Machine("lic01", powershell=PowerShell(is_windows_powershell=False, hours=-5))
    _, start_up = _rows("Get-LicInventory", new_york)
    assert start_up["LicenseExpirationDate"] == "1999-12-31T19:00:00-05:00"
    assert start_up["LicenseCustomerSuccessServicesDate"] == "2037-12-31T19:00:00-05:00"


def test_las_inventory_has_free_licenses_and_the_older_date_name() -> None:
    first, _ = _rows("Get-LicLasInventory | ConvertTo-Json")
    assert (first["LicensesAvailable"], first["LicensesInUse"]) == (68, 42)
    assert first["LicenseSubscriptionAdvantageDate"] == "/Date(1796083200000)/"
    assert "LicenseCustomerSuccessServicesDate" not in first


@pytest.mark.parametrize(
    ("cmdlet", "date"),
    [
        ("Get-CimInstance -ClassName", "/Date(1796083200000)/"),
        ("Get-WmiObject -Class", "20261201000000.000000+000"),
    ],
)
def test_wmi_rows_have_the_properties_of_the_class(cmdlet: str, date: str) -> None:
    first, _ = _rows(f"{cmdlet} Citrix_GT_License_Pool | ConvertTo-Json")
    assert (first["PLD"], first["Count"], first["Overdraft"]) == ("XDT_ENT_CCS", 110, 10)
    assert (first["InUseCount"], first["PooledAvailable"]) == (42, 68)
    assert first["SubscriptionDate"] == date


def test_checkmk_section_has_tabs_and_other_sections_around() -> None:
    lines = _text("check_mk_agent").split("\r\n")
    at = lines.index("<<<citrix_licenses>>>")
    assert lines[at + 1 : at + 3] == ["XDT_ENT_CCS\t110\t42", "CITRIX\t10\t1"]
    assert lines[at + 3].startswith("<<<")


def test_license_file_has_an_increment_for_each_pool() -> None:
    text = _text("cat", "/opt/licenses/a.lic").replace("\\\n", "")
    assert "SERVER this_host HOSTNAME=LIC01" in text
    assert re.findall(r"^INCREMENT (\S+) CITRIX (\S+) (\S+) (\d+) ", text, re.MULTILINE) == [
        ("XDT_ENT_CCS", "2026.1201", "31-mar-2027", "100"),
        ("CITRIX", "2030.0101", "permanent", "10"),
    ]
    assert text.count("VENDOR_STRING=;LT=RetailS;GP=720;") == 1


@pytest.mark.parametrize(
    "argv",
    [
        ("udadmin", "-delete", "-user", "x"),
        ("udadmin", "-list", "-delete"),
        (*_SHELL, "Get-LicUsage"),
        ("lmstat", "-x"),
        ("lmutil",),
        ("elsewhere",),
    ],
)
def test_machine_fails_for_what_is_not_simulated(argv: tuple[str, ...]) -> None:
    printed = _MACHINE.run(argv, POOLS, START)
    assert printed.status > 0
    assert b"XDT" not in printed.stdout


# JSON


_DAY = date(2026, 12, 1)
_ROW = {"Name": "A&B's", "Count": 5, "Date": _DAY, "None": None}


def test_windows_powershell_json_is_exact() -> None:
    assert PowerShell().convert([_ROW]).decode().split("\r\n") == [
        "{",
        '    "Name":  "A\\u0026B\\u0027s",',
        '    "Count":  5,',
        '    "Date":  "\\/Date(1796083200000)\\/",',
        '    "None":  null',
        "}",
        "",
    ]


def test_powershell_7_json_is_exact() -> None:
    assert PowerShell(is_windows_powershell=False).convert([_ROW]).decode().split("\r\n") == [
        "{",
        '  "Name": "A&B\'s",',
        '  "Count": 5,',
        '  "Date": "2026-12-01T00:00:00Z",',
        '  "None": null',
        "}",
        "",
    ]


@pytest.mark.parametrize("desktop", [True, False])
def test_powershell_writes_one_row_as_an_object(
    desktop: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    shell = PowerShell(is_windows_powershell=desktop)
    one, two = (json.loads(shell.convert([{"A": 1}] * many)) for many in (1, 2))
    assert (one, two) == ({"A": 1}, [{"A": 1}, {"A": 1}])
    assert shell.convert([]) == b""
