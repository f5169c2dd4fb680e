from __future__ import annotations

import subprocess
import sys

import pytest

from lictui.config.settings import Settings
from lictui.tui import theme as themes
from lictui.tui import theme_names
from lictui.tui.theme_names import THEME_NAMES, initial_theme, next_theme, theme_problem


def test_every_name_has_its_colours_and_the_default_is_the_first() -> None:
    assert tuple(theme.name for theme in themes.THEMES) == THEME_NAMES
    assert Settings().theme == THEME_NAMES[0]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lictui-lihgt", "did you mean lictui-light?"), ("NORD", "nord"), ("?", "there are lictui-")],
)
def test_a_name_of_nobody_is_said_with_the_nearest(name: str, hint: str) -> None:
    assert hint in theme_problem(name)


@pytest.mark.parametrize("name", [*THEME_NAMES, "nord"])
def test_ours_and_textuals_own_can_be_worn(name: str) -> None:
    assert theme_problem(name) == ""


def test_our_own_names_are_known_without_a_screen() -> None:
    asked = (
        f"import sys; from {theme_names.__name__} import theme_problem;"
        " theme_problem('lictui-ansi');"
        "sys.exit('textual' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


@pytest.mark.parametrize(
    ("configured", "last", "begins"),
    [
        (THEME_NAMES[0], "", THEME_NAMES[0]),
        (THEME_NAMES[0], "nord", "nord"),
        (THEME_NAMES[0], "gone", THEME_NAMES[0]),
        ("lictui-ansi", "nord", "lictui-ansi"),
        ("unheard-of", "nord", "nord"),
        ("unheard-of", "", THEME_NAMES[0]),
    ],
)
def test_the_file_counts_before_the_key_unless_it_says_the_default(
    configured: str, last: str, begins: str
) -> None:
    assert initial_theme(configured, last) == begins


def test_they_go_round() -> None:
    assert [next_theme(name) for name in THEME_NAMES] == [*THEME_NAMES[1:], THEME_NAMES[0]]
    assert next_theme("nord") == THEME_NAMES[0]
