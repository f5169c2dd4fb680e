"""WQL, taken apart."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.simulator.wql import InvalidWqlError, SelectStatement, Value, parse_wql

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
CONSTANTS = st.text(max_size=20) | st.integers(-(10**9), 10**9)


def written(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def test_all_columns() -> None:
    assert parse_wql("SELECT * FROM Citrix_GT_License") == SelectStatement("Citrix_GT_License")


def test_some_columns() -> None:
    assert parse_wql(" select SerialNumber ,ExpirationDate\n from X ") == SelectStatement(
        "X", ("SerialNumber", "ExpirationDate")
    )


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Name='Citrix Licensing'", True),
        ('NAME = "citrix licensing"', True),
        ("Name='x' OR Name='Citrix Licensing'", True),
        ("Name='x' OR State='Running' AND Started=TRUE", True),
        ("Name='x' OR State='Running' AND Started=FALSE", False),
        ("Name<>'x' AND Exit != 1", True),
        ("Exit=0", True),
        ("Exit=-1", False),
        ("Path=NULL", True),
        ("Name='O\\'Brien'", False),
    ],
)
def test_where(where: str, expected: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    row: dict[str, Value] = {
        "name": "Citrix Licensing",
        "state": "Running",
        "started": True,
        "exit": 0,
        "path": None,
    }
    query = parse_wql(f"SELECT * FROM Win32_Service WHERE {where}")  # noqa: S608 - it is the subject
    assert query.matches(row) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT * FROM",
        "SELECT FROM X",
        "SELECT a, FROM X",
        "SELECT * FROM X Y",
        "SELECT * FROM X WHERE",
        "SELECT * FROM X WHERE a",
        "SELECT * FROM X WHERE a >= 1",
        "SELECT * FROM X WHERE a LIKE 'b%'",
        "SELECT * FROM X WHERE a = b",
        "SELECT * FROM X WHERE a = 'b",
        "SELECT * FROM X WHERE a = 1 AND",
        "SELECT * FROM X WHERE a = 1 OR",
        "SELECT * FROM X; DROP TABLE Y",
    ],
)
def test_what_is_no_query(text: str) -> None:
    with pytest.raises(InvalidWqlError):
        parse_wql(text)


@given(st.text(max_size=200))
def test_nothing_else_is_ever_raised(text: str) -> None:
    with contextlib.suppress(InvalidWqlError):
        parse_wql(text)


@given(st.lists(NAMES, min_size=1, max_size=5), NAMES, NAMES, CONSTANTS)
def test_what_is_written_is_read(
    columns: list[str], class_name: str, name: str, value: str | int
) -> None:
    asked = ", ".join(columns)
    condition = f"{name}={written(value)}"
    query = parse_wql(f"SELECT {asked} FROM {class_name} WHERE {condition}")  # noqa: S608 - as above
    assert (query.properties, query.class_name) == (tuple(columns), class_name)
    assert query.where[0][0].value == value
    assert query.matches({name.lower(): value})
