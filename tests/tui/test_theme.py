"""Themes and their names, and the conversion of everything drawn to ASCII."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from lictui.config.settings import Settings
from lictui.tui.theme import THEMES, AsciiFilter, to_ascii
from lictui.tui.theme_names import THEME_NAMES, initial_theme, next_theme, theme_problem


def test_theme_names_are_those_of_the_themes() -> None:
    assert tuple(theme.name for theme in THEMES) == THEME_NAMES
    assert Settings().theme == THEME_NAMES[0]
    assert not any(map(theme_problem, [*THEME_NAMES, "nord"]))


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lictui-lihgt", "did you mean lictui-light?"), ("NORD", "nord"), ("?", "there are lictui-")],
)
def test_theme_that_is_unknown_is_reported_with_the_nearest_name(name: str, hint: str) -> None:
    assert hint in theme_problem(name)


def test_config_check_needs_no_textual() -> None:
    code = (
        "import sys; from lictui.tui import commands, theme_names; commands.keymap_problems({});"
        "theme_names.theme_problem('lictui-ansi'); sys.exit('textual' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("configured", "last", "first"),
    [
        (THEME_NAMES[0], "", THEME_NAMES[0]),
        (THEME_NAMES[0], "nord", "nord"),
        (THEME_NAMES[0], "gone", THEME_NAMES[0]),
        ("lictui-ansi", "nord", "lictui-ansi"),
        ("unheard-of", "nord", "nord"),
        ("unheard-of", "", THEME_NAMES[0]),
    ],
)
def test_initial_theme_is_the_configured_one_unless_that_is_the_default(
    configured: str, last: str, first: str
) -> None:
    assert initial_theme(configured, last) == first


def test_next_theme_starts_again_after_the_last() -> None:
    assert [next_theme(name) for name in THEME_NAMES] == [*THEME_NAMES[1:], THEME_NAMES[0]]
    assert next_theme("nord") == THEME_NAMES[0]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf"])))
def test_ascii_text_keeps_the_width(text: str) -> None:
    assert to_ascii(text).isascii()
    assert len(to_ascii(text)) == sum(map(cell_len, text))


def test_ascii_text_uses_similar_characters() -> None:
    assert to_ascii("│ 10 → 20 · Zürich…") == "| 10 > 20 . Zurich~"


def test_ascii_filter_keeps_ascii_segments() -> None:
    segments = [Segment("plain"), Segment("─")]
    first, second = AsciiFilter().apply(segments, Color(0, 0, 0))
    assert first is segments[0]
    assert second.text == "-"
