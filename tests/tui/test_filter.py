from __future__ import annotations

import pytest

from lictui.tui import filter as filters


def test_a_regex_is_found_anywhere_in_any_word_and_any_case() -> None:
    wanted = filters.parse("EMEA|us-.1")
    assert wanted.matches("lic-emea-01", "x")
    assert wanted.matches("x", "ddc-us-01")
    assert not wanted.matches("lic-apac")
    assert not wanted.inverted


def test_an_exclamation_mark_inverts() -> None:
    assert filters.parse("!emea").inverted
    assert filters.parse("!") == filters.NOTHING


def test_nothing_matches_everything() -> None:
    assert filters.parse("").matches("anything")


@pytest.mark.parametrize("spelled", ["[", "(", "*", "a" * 500])
def test_what_is_no_regex_is_said_in_a_sentence(spelled: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        filters.parse(spelled)
    assert filters.parse_or_none(spelled) == filters.NOTHING
