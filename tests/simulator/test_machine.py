"""Output of each program of a simulated machine, and JSON as the two PowerShells write it."""

import json
from datetime import date

import pytest
from tests.support.clock import START

from lictui.simulator import License
from lictui.simulator.commands import Machine, PowerShell
from lictui.simulator.flexnet import FlexServer

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
_MACHINE = Machine(FlexServer("lic01"))
_SHELL = ("powershell.exe", "-NoProfile", "-Command")


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
