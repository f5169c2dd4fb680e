"""The months a source tells of its own past, beside what was read: summed, and in words.

Pure: must not know Textual, nor who keeps the months. They are no readings, and are said apart.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lictui.model import PoolKey, Told
from lictui.tui.ink import Tone
from lictui.tui.text import figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.tui.ink import Run


def together(product: str, pools: Iterable[tuple[Told, ...]]) -> tuple[Told, ...]:
    """The months of several pools as one; a figure that one of them lacks is not known."""
    found: dict[float, list[Told]] = defaultdict(list)
    for months in pools:
        for month in months:
            found[month.at].append(month)
    return tuple(_sum(PoolKey(product), at, found[at]) for at in sorted(found))


def _sum(key: PoolKey, at: float, some: list[Told]) -> Told:
    return Told(
        key,
        at,
        _known(month.in_use for month in some),
        _known(month.installed for month in some),
        _known(month.newly for month in some),
        _known(month.released for month in some),
    )


def _known(figures: Iterable[int | None]) -> int | None:
    found = list(figures)
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) else None


def facts(months: tuple[Told, ...], now: float) -> Iterator[tuple[str, list[Run]]]:
    """How many licenses were assigned and released this month and last."""
    today = datetime.fromtimestamp(now, UTC)
    this = today.year * 12 + today.month
    for word, number in (("month", this), ("before", this - 1)):
        month = next((each for each in months if _number(each) == number), None)
        if month is not None and (month.newly, month.released) != (None, None):
            said = f"{figure(month.newly)} newly assigned, {figure(month.released)} released"
            yield word, [(said, Tone.TEXT)]
    if months:
        first = datetime.fromtimestamp(months[0].at, UTC)
        yield "told", [(f"monthly, as the source tells, since {first:%b %Y}", Tone.QUIET)]


def _number(month: Told) -> int:
    at = datetime.fromtimestamp(month.at, UTC)
    return at.year * 12 + at.month
