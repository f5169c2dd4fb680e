from __future__ import annotations

import subprocess
import sys

import pytest

from lictui.config.settings import Settings
from lictui.tui import theme as themes
from lictui.tui import theme_names
from lictui.tui.theme_names import NAMES, after, first, problem


def test_every_name_has_its_colours_and_the_default_is_the_first() -> None:
    assert tuple(theme.name for theme in themes.THEMES) == NAMES
    assert Settings().theme == NAMES[0]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lictui-lihgt", "did you mean lictui-light?"), ("NORD", "nord"), ("?", "there are lictui-")],
)
def test_a_name_of_nobody_is_said_with_the_nearest(name: str, hint: str) -> None:
    assert hint in problem(name)


@pytest.mark.parametrize("name", [*NAMES, "nord"])
def test_ours_and_textuals_own_can_be_worn(name: str) -> None:
    assert problem(name) == ""


def test_our_own_names_are_known_without_a_screen() -> None:
    asked = (
        f"import sys; from {theme_names.__name__} import problem; problem('lictui-ansi');"
        "sys.exit('textual' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


@pytest.mark.parametrize(
    ("configured", "last", "begins"),
    [
        (NAMES[0], "", NAMES[0]),
        (NAMES[0], "nord", "nord"),
        (NAMES[0], "gone", NAMES[0]),
        ("lictui-ansi", "nord", "lictui-ansi"),
        ("unheard-of", "nord", "nord"),
        ("unheard-of", "", NAMES[0]),
    ],
)
def test_the_file_counts_before_the_key_unless_it_says_the_default(
    configured: str, last: str, begins: str
) -> None:
    assert first(configured, last) == begins


def test_they_go_round() -> None:
    assert [after(name) for name in NAMES] == [*NAMES[1:], NAMES[0]]
    assert after("nord") == NAMES[0]
