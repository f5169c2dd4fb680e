"""What the history is asked: a month of every server that holds a product, in buckets of one width.

Owns the width, and who is silent. Must not know what is made of the buckets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.analysis.peaks import ALIGNED, Part
from lictui.analysis.series import Question, Resolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lictui.analysis.series import Bucket
    from lictui.history.store import History
    from lictui.report.shares import Share
    from lictui.report.values import Month

_MANY: Final = 150  # servers; five minutes of more than these for a month fill the memory


@dataclass(frozen=True, slots=True)
class Answer:
    """A month of one product."""

    month: Month
    width: int  # seconds of every bucket
    parts: Mapping[str, Part]  # by server; those that told something
    silent: frozenset[str]  # expected, and told nothing


def ask(history: History, shares: Sequence[Share], month: Month) -> Answer:
    """The buckets that begin in the month, of the finest width that all have of all of it.

    That is five minutes, as long as they are kept; an hour where very many servers are summed.
    """
    asked = [
        share
        for share in shares
        if share.since < month.end and (share.until is None or share.until > month.start)
    ]
    width = int(ALIGNED if len(asked) <= _MANY else Resolution.HOUR)
    while asked and month.start < month.end:
        found = history.many(
            Question(share.pools, month.start, month.end, width) for share in asked
        )
        widest = max(series.bucket for series in found)
        if all(series.bucket == widest for series in found):
            return _answer(month, asked, widest, [series.buckets for series in found])
        width = widest
    return Answer(month, width, {}, frozenset())


def _answer(
    month: Month, asked: Sequence[Share], width: int, buckets: Sequence[Sequence[Bucket]]
) -> Answer:
    parts: dict[str, Part] = {}
    for share, found in zip(asked, buckets, strict=True):
        within = [each for each in found if month.start <= each.start < month.end]
        if within:
            parts[share.server] = Part(share.since, share.until, within)
    silent = frozenset(share.server for share in asked if share.server not in parts)
    return Answer(month, width, parts, silent)
