"""The filter behind `/`: a regex over names, turned around by a leading `!`.

Owns its syntax. Pure: must not know what is filtered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST = 200  # characters; nobody types more, and a longer one may take for ever


@dataclass(frozen=True, slots=True)
class Filter:
    """What to show. Empty shows all."""

    pattern: re.Pattern[str] | None = None
    inverted: bool = False

    def matches(self, *words: str) -> bool:
        """Whether any of these words has the pattern in it; without a pattern all have."""
        return self.pattern is None or any(self.pattern.search(word) for word in words)


NOTHING: Final = Filter()


def parse(text: str) -> Filter:
    """The filter that `text` spells. Raises ValueError with a sentence if it spells none."""
    inverted = text.startswith("!")
    text = text.removeprefix("!")
    if not text:
        return NOTHING
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    try:
        return Filter(re.compile(text, re.IGNORECASE), inverted)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None


def parse_or_none(text: str) -> Filter:
    """The filter that `text` spells; nothing is filtered if it spells none."""
    try:
        return parse(text)
    except ValueError:
        return NOTHING
