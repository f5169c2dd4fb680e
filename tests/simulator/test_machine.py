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


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        (
            PowerShell(),
            [
                "{",
                '    "Name":  "A\\u0026B\\u0027s",',
                '    "Count":  5,',
                '    "Date":  "\\/Date(1796083200000)\\/",',
                '    "None":  null',
                "}",
            ],
        ),
        (
            PowerShell(is_windows_powershell=False),
            [
                "{",
                '  "Name": "A&B\'s",',
                '  "Count": 5,',
                '  "Date": "2026-12-01T00:00:00Z",',
                '  "None": null',
                "}",
            ],
        ),
    ],
    ids=["5.1", "7"],
)
def test_powershell_json_is_exact_without_an_array_around_one_row(
    shell: PowerShell, lines: list[str]
) -> None:
    text = shell.convert([_ROW]).decode()
    assert text.split("\r\n") == [*lines, ""]
    assert json.loads(shell.convert([{"A": 1}] * 2)) == [{"A": 1}, {"A": 1}]
    assert shell.convert([]) == b""
