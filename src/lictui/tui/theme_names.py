"""The names of the themes: which there are, which comes next, and what is wrong with one.

Must not know colours. Needs Textual, whose own themes can be worn too, for a name that is none of
ours alone, so that `config check` can tell without a screen.
"""

from __future__ import annotations

from typing import Final

from lictui.config.toml_document import did_you_mean, quoted

THEME_NAMES: Final = ("lictui-dark", "lictui-light", "lictui-ansi", "lictui-colour-blind")


def theme_problem(name: str) -> str:
    """What is wrong with the name of a theme; "" if nothing is."""
    if name in THEME_NAMES:
        return ""
    from textual.theme import BUILTIN_THEMES  # noqa: PLC0415 - the usual name needs none of it

    if name in BUILTIN_THEMES:
        return ""
    hint = (
        did_you_mean(name, (*THEME_NAMES, *BUILTIN_THEMES)) or f"there are {', '.join(THEME_NAMES)}"
    )
    return f"no theme is called {quoted(name)} ({hint})"


def initial_theme(configured: str, last: str) -> str:
    """The theme to begin with.

    What was chosen with a key the last time counts unless config.toml names another than the
    default.
    """
    if configured != THEME_NAMES[0] and not theme_problem(configured):
        return configured
    return last if last and not theme_problem(last) else THEME_NAMES[0]


def next_theme(name: str) -> str:
    """The theme that follows; the first after one of another maker."""
    return (
        THEME_NAMES[(THEME_NAMES.index(name) + 1) % len(THEME_NAMES)]
        if name in THEME_NAMES
        else THEME_NAMES[0]
    )
