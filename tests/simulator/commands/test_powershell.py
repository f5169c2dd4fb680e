"""JSON as the two PowerShells write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lictui.simulator.commands import PowerShell

_DAY = datetime(2026, 12, 1, tzinfo=UTC)
_ROW = {"Name": "A&B's", "Count": 5, "Date": _DAY, "None": None}


def test_windows_powershell_letter_by_letter() -> None:
    assert PowerShell().convert([_ROW]).decode().split("\r\n") == [
        "{",
        '    "Name":  "A\\u0026B\\u0027s",',
        '    "Count":  5,',
        '    "Date":  "\\/Date(1796083200000)\\/",',
        '    "None":  null',
        "}",
        "",
    ]


def test_powershell_7_letter_by_letter() -> None:
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
def test_one_row_is_an_object_two_are_an_array_and_none_is_nothing(
    desktop: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    shell = PowerShell(is_windows_powershell=desktop)
    one, two = (json.loads(shell.convert([{"A": 1}] * many)) for many in (1, 2))
    assert (one, two) == ({"A": 1}, [{"A": 1}, {"A": 1}])
    assert shell.convert([]) == b""


def test_local_time_has_its_offset() -> None:
    text = PowerShell(is_windows_powershell=False, hours=-5).convert([{"Date": _DAY}]).decode()
    assert '"2026-11-30T19:00:00-05:00"' in text


@pytest.mark.parametrize(
    ("encoding", "mark", "decoder"),
    [("utf-8-sig", b"\xef\xbb\xbf", "utf-8-sig"), ("utf-16-le", b"\xff\xfe", "utf-16")],
)
def test_marks_of_files_come_first_and_once(encoding: str, mark: bytes, decoder: str) -> None:
    said = PowerShell(encoding=encoding).convert([{"A": "ü"}])
    assert said.startswith(mark)
    assert not said[len(mark) :].startswith(mark)
    assert json.loads(said.decode(decoder)) == {"A": "ü"}


def test_what_is_no_value_of_powershells_is_refused() -> None:
    with pytest.raises(TypeError):
        PowerShell().convert([{"A": object()}])
