import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lictui.tui import text


@pytest.mark.parametrize(
    ("name", "width", "short"),
    [
        ("Virtual Apps Advanced", 30, "Virtual Apps Advanced"),
        ("Virtual Apps Advanced", 13, "Virtua…vanced"),
        ("ライセンスサーバー", 9, "ライ…バー"),
        ("abc", 1, "a"),
        ("abc", 0, ""),
    ],
)
def test_shorten_cuts_in_the_middle(name: str, width: int, short: str) -> None:
    assert text.shorten(name, width) == short


@pytest.mark.parametrize(
    ("sentence", "lines"),
    [
        ("register its site  instead", ["> register its", "  site  instead"]),
        ("https://lic01.corp.example", ["> https://lic01", "  .corp.example"]),
        ("ライセンスサーバー", ["> ライセンスサ", "  ーバー"]),
        ("", ["> "]),
        ("until day 30 Nov", ["> until day", "  30 Nov"]),
    ],
)
def test_hang_breaks_between_words_and_indents(sentence: str, lines: list[str]) -> None:
    hung = text.hang((("> ", text.Tone.ACCENT),), ((sentence, text.Tone.TEXT),), 15)
    assert ["".join(part for part, _ in line) for line in hung] == lines


def test_hang_keeps_the_tone_of_each_word() -> None:
    words = (("peak ", text.Tone.QUIET), ("1,234 of", text.Tone.STRONG), (" 2,000", text.Tone.TEXT))
    first, second = text.hang((), words, 12)
    assert first == (("peak ", text.Tone.QUIET), ("1,234", text.Tone.STRONG))
    assert second[1:] == (("of", text.Tone.STRONG), (" 2,000", text.Tone.TEXT))


@given(st.text(), st.integers(10, 40))
def test_text_never_exceeds_its_width(anything: str, width: int) -> None:
    assert cell_len(text.shorten(anything, width - 4)) <= width - 4
    assert cell_len(text.pad(anything, width)) == width
    assert cell_len(text.shorten(anything, width, tail=0)) <= width
    lines = text.hang((), ((anything, text.Tone.TEXT),), width)
    assert all(text.line_width(line) <= width for line in lines)


@given(st.text())
def test_strip_controls_leaves_nothing_that_moves_the_cursor(anything: str) -> None:
    assert not set(text.strip_controls(anything)) & set(
        "\x00\x07\x08\t\n\r\x1b\x7f\x9b\u202e\u200f\u2066\u2028"
    )


@pytest.mark.parametrize(
    ("seconds", "age", "coarse"),
    [
        (0, "0 s", "now"),
        (59.9, "59 s", "now"),
        (60, "1 min", "1 min"),
        (3599, "59 min", "59 min"),
        (7200, "2 h", "2 h"),
        (86400, "24 h", "24 h"),
        (172800, "2 d", "2 d"),
        (-5, "0 s", "now"),
    ],
)
def test_age_is_in_its_largest_unit(seconds: float, age: str, coarse: str) -> None:
    assert text.format_age(seconds) == age
    assert text.format_coarse_age(seconds) == coarse


def test_figures_and_days_are_formatted_for_people() -> None:
    assert text.format_count(None) == "?"
    assert text.format_count(-12345) == "-12,345"
    today = date(2026, 11, 24)
    assert text.format_date(date(2026, 12, 3), today) == "3 Dec"
    assert text.format_date(date(2027, 3, 1), today) == "1 Mar 2027"
    assert [text.format_days_until(d) for d in (0, 37, -5)] == ["today", "in 37 d", "5 d ago"]


def test_export_writes_a_private_csv_file_named_after_view_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = (("name", "free", "ratio"), ("=1+1\r", -3, 412 / 500), ("c", None, 1 / 3))
    file = text.export_csv(rows, "wall", 1795500000.0)
    assert file == tmp_path / "lictui-wall-20261124T060000Z.csv"
    assert file.read_text() == "name,free,ratio\n'=1+1 ,-3,0.824\nc,,0.3333\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
