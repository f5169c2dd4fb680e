"""Elements, with every text in them escaped.

Owns the rule that only what was made here is markup: any other text comes out as text. Must not
know reports.
"""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Node = str | float | None


def tag(name: str, *children: Node, **attributes: Node) -> Markup:
    """An element; `class_` is class, `aria_label` is aria-label. None leaves out.

    Whatever is not Markup is escaped.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{named}>{join(*children)}</{name}>")


def join(*children: Node) -> Markup:
    """Elements and texts one after another."""
    return Markup("".join(map(_shown, children)))


def _shown(child: Node) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else escape(str(child))
