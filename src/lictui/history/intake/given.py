"""What a file gave: readings and buckets by pool, and what of it could not be read.

Owns the values between reading a file and writing them down. Pure: must not know files or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from lictui.analysis.series import Resolution
    from lictui.history.rollup import Tally
    from lictui.model import Model, PoolKey, Told

_REASONS: Final = 5  # that are told; a file of nothing but rubbish has as many as rows


class Point(NamedTuple):
    """One reading as a file has it."""

    at: int  # UTC epoch seconds
    in_use: int | None  # None: lictui's own file says it could not be read
    installed: int | None = None
    overdraft: int | None = None


class Stretch(NamedTuple):
    """One bucket as a file has it."""

    tally: Tally
    installed: int | None = None
    overdraft: int | None = None


@dataclass(slots=True)
class Given:
    """Everything that a file tells of one pool, in the order of its rows."""

    server: str
    key: PoolKey
    model: Model
    points: list[Point] = field(default_factory=list)
    stretches: dict[Resolution, list[Stretch]] = field(default_factory=dict)
    months: list[Told] = field(default_factory=list)  # as the source told of its own past


@dataclass(slots=True)
class Account:
    """How many rows a file had, and what became of those that were no use."""

    read: int = 0
    skipped: int = 0
    left_out: int = 0  # of servers and products that were not asked for
    reasons: list[tuple[int, str]] = field(default_factory=list)  # line, why; the first ones
    pools: list[Given] = field(default_factory=list)

    def skip(self, line: int, why: str) -> None:
        """Note a row that could not be taken, and why."""
        self.skipped += 1
        if len(self.reasons) < _REASONS:
            self.reasons.append((line, why))


class Unreadable(ValueError):  # noqa: N818 - a state of one row, told with its line
    """A row that cannot be taken; its text says why."""
