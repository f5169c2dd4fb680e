"""Names of the themes, without their colors.

Textual is imported only to check a name that is not lictui's, so that `lictui config check` does
not need a screen.
"""

from __future__ import annotations

from typing import Final

from lictui.config.toml_document import did_you_mean, quoted

THEME_NAMES: Final = ("lictui-dark", "lictui-light", "lictui-ansi", "lictui-colour-blind")


def theme_problem(name: str) -> str:
    """Return what is wrong with a theme name; "" if it is valid."""
    if name in THEME_NAMES:
        return ""
    from textual.theme import BUILTIN_THEMES  # noqa: PLC0415 - the usual name needs none of it

    if name in BUILTIN_THEMES:
        return ""
    known = f"there are {', '.join(THEME_NAMES)}"
    hint = did_you_mean(name, (*THEME_NAMES, *BUILTIN_THEMES)) or known
    return f"no theme is called {quoted(name)} ({hint})"


def initial_theme(configured: str, last: str) -> str:
    """Return the theme to start with.

    The last one chosen with a key counts, unless config.toml names another than the default.
    """
    if configured != THEME_NAMES[0] and not theme_problem(configured):
        return configured
    return last if last and not theme_problem(last) else THEME_NAMES[0]


def next_theme(name: str) -> str:
    """Return the theme that follows; after a theme that is not lictui's, the first."""
    at = THEME_NAMES.index(name) + 1 if name in THEME_NAMES else 0
    return THEME_NAMES[at % len(THEME_NAMES)]
