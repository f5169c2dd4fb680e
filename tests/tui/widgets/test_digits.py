from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.tui.screens.watch import big_digits, digits_height

FIGURES = st.text("0123456789,?-", min_size=1, max_size=8)


@given(FIGURES, st.booleans(), st.sampled_from([1, 2]))
def test_rows_are_of_one_width_and_as_many_as_was_said(
    text: str,
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
    scale: int,
) -> None:
    rows = big_digits(text, ascii_only=ascii_only, scale=scale)
    assert len(rows) == digits_height(ascii_only=ascii_only, scale=scale)
    assert len({len(row) for row in rows}) == 1
    assert not ascii_only or "".join(rows).isascii()


def test_digits_look_like_digits() -> None:
    assert big_digits("20") == ("▄▄▄ ▄▄▄", "▄▄█ █ █", "█▄▄ █▄█")


@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_two_characters_look_the_same(ascii_only: bool) -> None:  # noqa: FBT001 - a case
    assert len({big_digits(char, ascii_only=ascii_only) for char in "0123456789,?-"}) == 13


def test_what_has_no_shape_is_a_question_mark() -> None:
    assert big_digits("x") == big_digits("?")
