from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.command.powershell import date_parser

THAT = date(2027, 3, 31)
HOUR = 3_600_000
MIDNIGHT = 1_806_451_200_000  # 2027-03-31T00:00Z in milliseconds


@pytest.mark.parametrize(
    "said",
    [
        "2027-03-31",
        "2027-03-31T00:00:00",
        "2027-03-31T00:00:00.0000000-05:00",
        "2027-03-31T23:59:59Z",
        "2027-03-30T19:00:00.0000000-05:00",  # WMI's midnight in UTC, seen from New York
        "2027-03-31T02:00:00+02:00",
        "3/31/2027 7:00:00 PM",
        "03/31/2027",
        "31.03.2027 00:00:00",
        "31/03/2027 00:00",
        "20270331000000.000000+000",
        "31-mar-2027",
        "2027.0331",
        *(f"/Date({MIDNIGHT - zone * HOUR})/" for zone in (-11, -5, 0, 2, 12)),
    ],
)
def test_every_writing_is_the_day_that_was_meant(said: str) -> None:
    assert date_parser([said])(said) == THAT


def test_a_document_is_day_first_only_if_it_must_be() -> None:
    assert date_parser(["03/04/2027"])("03/04/2027") == date(2027, 3, 4)
    assert date_parser(["03/04/2027", "31/12/2027"])("03/04/2027") == date(2027, 4, 3)
    assert date_parser(["3/4/2027", "31/12/2027", "12/31/2027"])("3/4/2027") == date(2027, 3, 4)


@pytest.mark.parametrize(
    "said", ["", None, 5, "13/32/2027", "/Date(-62135596800000)/", "0001-01-01T00:00:00", "soon"]
)
def test_what_is_no_day_is_none(said: object) -> None:
    assert date_parser([said])(said) is None


@given(st.text(alphabet=st.sampled_from("0123456789/-.: TZ+Date()PM"), max_size=60))
def test_any_text_is_a_day_or_none(said: str) -> None:
    found = date_parser([said])(said)
    assert found is None or found.year >= 1980
