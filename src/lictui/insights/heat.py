"""The week as a map: how much was in use at each hour of each weekday.

Owns the folding of a series into 7 x 24 cells of local time. Pure: must not know colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from lictui.insights.series import Bucket

_CELLS: Final = 7 * 24


@dataclass(frozen=True, slots=True)
class Heat:
    """Rows are weekdays from Monday, columns hours from 0; None where nothing was read."""

    average: tuple[tuple[float | None, ...], ...]  # of the hours' maxima
    peak: tuple[tuple[float | None, ...], ...]
    weeks: int  # of the cell that has the most


def heat(buckets: Iterable[Bucket], zone: tzinfo | None) -> Heat:
    """The map of buckets of an hour or less, in `zone`; None for the system's."""
    highs: list[dict[int, float]] = [{} for _ in range(_CELLS)]  # by local hour since year 1
    for bucket in buckets:
        local = datetime.fromtimestamp(bucket.start, UTC).astimezone(zone)
        hours = highs[local.weekday() * 24 + local.hour]
        hour = local.toordinal()
        hours[hour] = max(hours.get(hour, bucket.high), bucket.high)
    average = [sum(cell.values()) / len(cell) if cell else None for cell in highs]
    peak = [max(cell.values(), default=None) for cell in highs]
    return Heat(_rows(average), _rows(peak), max(map(len, highs)))


def _rows(cells: list[float | None]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(cells[at : at + 24]) for at in range(0, _CELLS, 24))
