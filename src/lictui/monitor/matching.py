"""Which servers and products a filter lets through. Pure; the same for `status` and the screen.

Must not know where the pattern was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lictui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.monitor.board import Board, ServerStatus


@dataclass(frozen=True, slots=True)
class Filter:
    """A regular expression over server names, groups, product codes and names."""

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
            return cls()
        try:
            return cls(re.compile(text, re.IGNORECASE), inverted)
        except re.error as error:
            raise UsageError(
                f"{text!r} is no regular expression: {error}", "write \\ before ( ) [ ] * + ? ."
            ) from None

    def __call__(self, words: Iterable[str]) -> bool:
        """Whether a thing known by these words is let through."""
        if self.pattern is None:
            return True
        found = any(self.pattern.search(word) for word in words)
        return found is not self.inverted


def matching(board: Board, wanted: Filter) -> Board:
    """The board of what is let through: whole servers by name or group, else single products."""
    if wanted.pattern is None:
        return board
    kept = (_matching(status, wanted) for status in board.servers)
    return replace(board, servers=tuple(status for status in kept if status is not None))


def _matching(status: ServerStatus, wanted: Filter) -> ServerStatus | None:
    by_name = wanted((status.server.name, status.server.group))
    if by_name and not wanted.inverted:
        return status
    if status.snapshot is None or (wanted.inverted and not by_name):
        return status if by_name else None
    pools = tuple(pool for pool in status.snapshot.pools if wanted((pool.product, pool.name)))
    if not pools:
        return None
    return replace(status, snapshot=replace(status.snapshot, pools=pools))
