"""Which servers and products a filter lets through. Pure; the same for `status` and the screens.

Owns the pattern's syntax and what it is looked for in. Must not know where it was typed.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from lictui.errors import UsageError
from lictui.products import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lictui.model import Model
    from lictui.monitor.board import Board, ServerStatus

Part = TypeVar("Part")
LONGEST: Final = 200  # characters; nobody types more, and a longer one may take for ever


@dataclass(frozen=True, slots=True)
class Filter:
    """A regular expression over names, groups and products. Without one it lets all through."""

    pattern: re.Pattern[str] | None = None
    inverted: bool = False

    @classmethod
    def parse(cls, text: str) -> Filter:
        """`text` as typed: case does not count, a leading `!` inverts, nothing matches all.

        Raises UsageError that says where the expression breaks.
        """
        inverted = text.startswith("!")
        text = text.removeprefix("!").strip()
        if not text:
            return ALL
        if len(text) > LONGEST:
            raise UsageError(f"a filter has at most {LONGEST} characters, not {len(text)}")
        try:
            with warnings.catch_warnings():
                # `[[` may mean something else one day: no reason to write over the screen.
                warnings.simplefilter("ignore", FutureWarning)
                return cls(re.compile(text, re.IGNORECASE), inverted)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"not a regex: {error}", "write \\ before ( ) [ ] * + ? .") from None

    def __call__(self, words: Iterable[str]) -> bool:
        """Whether a thing known by these words is let through."""
        if self.pattern is None:
            return True
        found = any(self.pattern.search(word) for word in words)
        return found is not self.inverted

    def parts(
        self,
        names: Iterable[str],
        parts: tuple[Part, ...],
        words: Callable[[Part], Iterable[str]],
    ) -> tuple[Part, ...] | None:
        """The parts of a whole that are let through; None if nothing of it is.

        A whole is found by its names with everything in it, and hidden by them with everything in
        it; where they do not decide, each part is judged by its own words.
        """
        named = self(names)
        if self.pattern is None or named is not self.inverted:
            return parts if named else None
        kept = tuple(part for part in parts if self(words(part)))
        return kept if kept or (named and not parts) else None


ALL: Final = Filter()


@lru_cache(maxsize=4096)
def product_words(code: str, name: str, model: Model) -> tuple[str, ...]:
    """What a product is known by: its code, its name, and the name as the screen shortens it."""
    return code, name, Product(code, name, model).short_name


def matching(board: Board, wanted: Filter) -> Board:
    """The board of what is let through: whole servers by name or group, else single products."""
    if wanted.pattern is None:
        return board
    kept = (_matching(status, wanted) for status in board.servers)
    return replace(board, servers=tuple(status for status in kept if status is not None))


def _matching(status: ServerStatus, wanted: Filter) -> ServerStatus | None:
    server, snapshot = status.server, status.snapshot
    pools = wanted.parts(
        (server.name, server.group),
        snapshot.pools if snapshot else (),
        lambda pool: product_words(pool.product, pool.name, pool.model),
    )
    if pools is None or snapshot is None:
        return None if pools is None else status
    return replace(status, snapshot=replace(snapshot, pools=pools))
