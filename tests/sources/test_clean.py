from __future__ import annotations

import json
import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.sanitize import MOST, day, json_value, text, whole


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Premium", "Premium"),
        ("  two \t words\r\n", "two words"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("one\u2028two\u0085three", "one two three"),
        ("ab\u202etxt.exe\u202c", "abtxt.exe"),
        ("zero\u200bwidth\ufeff\u2066", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Größe 日本", "Größe 日本"),
        ("[/x] [bold]", "[/x] [bold]"),
        (None, ""),
        (["list"], ""),
        (True, ""),
        (47, "47"),
    ],
)
def test_text_is_one_visible_line(said: object, shown: str) -> None:
    assert text(said) == shown


def test_text_is_cut_and_says_so() -> None:
    assert text("x" * 300) == "x" * 199 + "…"
    assert text("x" * 200) == "x" * 200


@given(st.text(), st.integers(1, 50))
def test_text_never_holds_what_moves_or_hides(said: str, limit: int) -> None:
    shown = text(said, limit)
    assert len(shown) <= limit
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert shown == " ".join(shown.split())


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (0, 0),
        (500, 500),
        ("500", 500),
        (" 12 ", 12),
        ("12.00", 12),
        (12.0, 12),
        (MOST, MOST),
        (True, None),
        (12.5, None),
        ("12.5", None),
        (-1, None),
        ("-1", None),
        (MOST + 1, None),
        ("99999999999", None),
        (float("inf"), None),
        (float("nan"), None),
        ("", None),
        ("٣", None),
        (None, None),
        ({}, None),
    ],
)
def test_whole_is_a_count_or_unknown(said: object, count: int | None) -> None:
    assert whole(said) == count


@pytest.mark.parametrize(
    "said",
    [
        "2027-03-31",
        "2027-03-31T00:00:00",
        "2027-03-31T22:00:00Z",
        "2027-03-31T00:00:00.0215469Z",
        "2027-03-31T00:00:00.00+00:00",
        "2027-03-31 06:00:00-11:00",
        "20270331",
        "20270331000000.000000+000",
        "20270331000000.******+***",
        "2027.0331",
        "31-mar-2027",
        "31-MAR-2027",
        "/Date(1806451200000)/",
        "/Date(1806451200000+0200)/",
        " 2027-03-31 ",
    ],
)
def test_a_day_in_any_known_form(said: str) -> None:
    assert day(said) == date(2027, 3, 31)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "permanent",
        "0001-01-01T00:00:00",
        "2027-02-30",
        "20271331",
        "31-foo-2027",
        "03/31/2027",
        "2027-03-31 or so",
        "/Date(999999999999999)/",
        "1" * 100,
        None,
        5,
    ],
)
def test_no_day(said: object) -> None:
    assert day(said) is None


@given(st.text() | st.integers() | st.floats() | st.none() | st.binary())
def test_nothing_makes_the_readers_raise(said: object) -> None:
    day(said)
    whole(said)
    text(said)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe\x00", b'{"a": NaN}', b"[Infinity]", b"[" * 100_000, b'{"a":' * 50_000],
    ids=lambda body: repr(body[:10]),
)
def test_json_that_is_none_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        json_value(body)


def test_json_with_a_mark_of_order_and_a_monstrous_number() -> None:
    body = b'\xef\xbb\xbf{"a": ' + b"9" * 10_000 + b', "b": 1e999, "c": 3}'
    value = json_value(body)
    assert isinstance(value, dict)
    assert (value["a"], whole(value["b"]), value["c"]) == (None, None, 3)


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists))
def test_json_comes_back_as_it_was(value: object) -> None:
    assert json_value(json.dumps(value).encode()) == value
