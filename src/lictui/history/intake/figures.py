"""Whole numbers as spreadsheets and scripts write them.

Owns that a figure that cannot be read is no figure, and never 0. Pure.
"""

from __future__ import annotations

import re
from typing import Final

from lictui.history.intake.given import Unreadable

_MOST: Final = 2**31
_GROUPED: Final = re.compile(r"\d{1,3}([.,' \u00a0\u202f])\d{3}(?:\1\d{3})*", re.ASCII)
_WHOLE: Final = re.compile(r"(\d{1,10})(?:[.,]0+)?", re.ASCII)
_NONE: Final = frozenset({"", "-", "n/a", "na", "null", "none", "unlimited", "uncounted", "?"})


def whole(cell: str, what: str) -> int:
    """The number in a cell; raises Unreadable when there is none, or part of one."""
    text = cell.strip()
    if not text:
        raise Unreadable(f"{what} is empty")
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\D", "", text)
    found = _WHOLE.fullmatch(text)
    if not found or int(found[1]) >= _MOST:
        raise Unreadable(f"{what} is no whole number: {text[:40]!r}")
    return int(found[1])


def known(cell: str, what: str) -> int | None:
    """The same, but None where a cell says that nothing is known, or that there is no limit."""
    return None if cell.strip().lower() in _NONE else whole(cell, what)
