import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.sanitize import (
    MAX_COUNT,
    date_parser,
    parse_count,
    parse_date,
    parse_json,
    parse_time,
    sanitize,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("  two \t words\r\n", "two words"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("one\u2028two\u0085three", "one two three"),
        ("zero\u200bwidth\ufeff\u2066", "zerowidth"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("[/x] [bold]", "[/x] [bold]"),
        (None, ""),
        ("x" * 300, "x" * 199 + "…"),
        (47, "47"),
    ],
)
def test_text_is_one_visible_line(value: object, shown: str) -> None:
    assert sanitize(value) == shown


@given(st.text(), st.integers(1, 50))
def test_text_has_no_hidden_characters(value: str, limit: int) -> None:
    shown = sanitize(value, limit)
    assert len(shown) <= limit
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert shown == " ".join(shown.split())


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), ("500", 500), (" 12 ", 12), ("12.00", 12), (12.0, 12), (MAX_COUNT, MAX_COUNT)],
)
def test_count_is_read(value: object, count: int) -> None:
    assert parse_count(value) == count


@pytest.mark.parametrize(
    "value",
    [True, None, {}, "", "٣", 12.5, "12.5", -1, "-1", MAX_COUNT + 1, float("inf"), float("nan")],
)
def test_invalid_count_is_unknown(value: object) -> None:
    assert parse_count(value) is None


@pytest.mark.parametrize(
    "texts",
    [
        ("2027-03-31", " 2027-03-31 ", "20270331", "2027.0331", "31-mar-2027", "31-MAR-2027"),
        ("2027-03-31T00:00:00", "2027-03-31T22:00:00Z", "2027-03-31 06:00:00-11:00"),
        ("2027-03-31T00:00:00.0215469Z", "2027-03-31T00:00:00.00-05:00"),
        ("2027-03-30T19:00:00.0000000-05:00",),
        ("20270331000000.000000+000", "20270331000000.******+***"),
        ("/Date(1806451200000)/", "/Date(1806451200000+0200)/"),
        tuple(f"/Date({1_806_451_200_000 - zone * 3_600_000})/" for zone in (-11, 2)),
    ],
    ids=["days", "times", ".NET", "UTC seen from New York", "CIM", "PowerShell", "local midnight"],
)
def test_date_is_read_in_every_form(texts: tuple[str, ...]) -> None:
    assert {parse_date(text) for text in texts} == {date(2027, 3, 31)}


@pytest.mark.parametrize(
    ("texts", "day"),
    [
        (["3/31/2027 7:00:00 PM"], date(2027, 3, 31)),
        (["31.03.2027 00:00:00"], date(2027, 3, 31)),
        (["31/03/2027 00:00"], date(2027, 3, 31)),
        # Day first only if a date of the document must be, and none must not be
        (["03/04/2027"], date(2027, 3, 4)),
        (["03/04/2027", "31/12/2027"], date(2027, 4, 3)),
        (["3/4/2027", "31/12/2027", "12/31/2027"], date(2027, 3, 4)),
    ],
)
def test_numeric_date_is_read_as_the_document_writes_it(texts: list[str], day: date) -> None:
    assert date_parser(texts)(texts[0]) == day


@pytest.mark.parametrize(
    "values",
    [
        ("", "permanent", "1" * 100, None, 5),
        ("0001-01-01T00:00:00", "2027-02-30", "20271331", "31-foo-2027"),
        ("03/31/2027", "2027-03-31 or so", "/Date(999999999999999)/"),
    ],
    ids=["not a date", "no day", "ambiguous"],
)
def test_invalid_date_is_none(values: tuple[object, ...]) -> None:
    assert {parse_date(value) for value in values} == {None}


@given(st.text() | st.integers() | st.floats() | st.none() | st.binary())
def test_parsers_never_raise(value: object) -> None:
    parse_date(value)
    parse_count(value)
    sanitize(value)


def test_json_may_have_a_byte_order_mark_and_huge_numbers() -> None:
    body = b'\xef\xbb\xbf{"a": ' + b"9" * 10_000 + b', "b": 1e999, "c": 3}'
    value = parse_json(body)
    assert isinstance(value, dict)
    assert (value["a"], parse_count(value["b"]), value["c"]) == (None, None, 3)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-11-23T11:12:04.00+00:00", datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC)),
        ("2026-11-23T01:12:04.1234567-05:00", datetime(2026, 11, 23, 6, 12, 4, 123456, UTC)),
        ("2026-11-23T11:12:04", datetime(2026, 11, 23, 11, 12, 4, tzinfo=UTC)),
        ("12/30/2015 12:21:15", datetime(2015, 12, 30, 12, 21, 15, tzinfo=UTC)),
    ],
)
def test_time_is_read_in_every_form(value: str, time: datetime) -> None:
    assert parse_time(value) == time.timestamp()


@pytest.mark.parametrize(
    "values",
    [
        ("", "soon", "x" * 10_000, "\u0663/\u0663/\u0662\u0660\u0662\u0666", 5, None),
        ("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00"),
        ("13/40/2015 1:00:00", "2026-11-23T25:00:00"),
    ],
    ids=["not a time", "never", "no such time"],
)
def test_invalid_time_is_none(values: tuple[object, ...]) -> None:
    assert {parse_time(value) for value in values} == {None}
