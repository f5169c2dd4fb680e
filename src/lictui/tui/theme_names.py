"""The names of the themes: which there are, which comes next, and what is wrong with one.

Must not know colours. Needs Textual, whose own themes can be worn too, for a name that is none of
ours alone, so that `config check` can tell without a screen.
"""

from __future__ import annotations

from typing import Final

from lictui.config.toml_document import nearest, shown

NAMES: Final = ("lictui-dark", "lictui-light", "lictui-ansi", "lictui-colour-blind")


def problem(name: str) -> str:
    """What is wrong with the name of a theme; "" if nothing is."""
    if name in NAMES:
        return ""
    from textual.theme import BUILTIN_THEMES  # noqa: PLC0415 - the usual name needs none of it

    if name in BUILTIN_THEMES:
        return ""
    hint = nearest(name, (*NAMES, *BUILTIN_THEMES)) or f"there are {', '.join(NAMES)}"
    return f"no theme is called {shown(name)} ({hint})"


def first(configured: str, last: str) -> str:
    """The theme to begin with.

    What was chosen with a key the last time counts unless config.toml names another than the
    default.
    """
    if configured != NAMES[0] and not problem(configured):
        return configured
    return last if last and not problem(last) else NAMES[0]


def after(name: str) -> str:
    """The theme that follows; the first after one of another maker."""
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)] if name in NAMES else NAMES[0]
