"""Usage over time as columns, and the sum of several series at the same moments.

This module loads numpy, which start-up does not need: it is imported where series are computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lictui.analysis.series import ALIGNMENT, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Series:
    """Usage over time: equally long columns in order of time; a gap has no entry.

    Widths may differ: where five minutes are not stored any more, there are hours or days.
    """

    start: IntArray  # UTC epoch seconds
    end: IntArray  # exclusive; of single readings the last time that the figure was read
    low: IntArray  # in use: minimum
    average: FloatArray  # over time
    high: IntArray  # in use: maximum
    high_at: IntArray  # when the maximum was read first
    last: IntArray
    installed: FloatArray  # at the moment of the maximum; NaN: unknown
    overdraft: FloatArray  # likewise
    samples: IntArray  # readings; 0: filled from the previous reading
    bound: BoolArray  # `high` is an upper bound only: maxima of different moments were added
    width: int = field(kw_only=True)  # seconds of an entry, as queried

    @classmethod
    def of(cls, buckets: Iterable[Bucket], width: int) -> Series:
        """Return buckets in order of time as a series."""
        rows = list(buckets)
        columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(_TYPES)
        return cls(*map(np.array, columns, _TYPES), width=width)

    @classmethod
    def empty(cls, width: int) -> Series:
        """Return a series without entries."""
        return cls.of((), width)

    def __len__(self) -> int:
        return len(self.start)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Series)
            and self.width == other.width
            and self.buckets == other.buckets
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def columns(self) -> tuple[Any, ...]:
        """All columns, in the order of the fields of `Bucket`."""
        return tuple(getattr(self, name) for name in Bucket._fields)

    @property
    def seconds(self) -> IntArray:
        """The length of each entry."""
        return self.end - self.start

    @property
    def exact(self) -> bool:
        """Whether no maximum is an upper bound."""
        return not self.bound.any()

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """The same as rows."""
        optional = [_or_none(column) for column in (self.installed, self.overdraft)]
        columns = [column.tolist() for column in self.columns]
        columns[_INSTALLED : _INSTALLED + 2] = optional
        return tuple(map(Bucket._make, zip(*columns, strict=True)))

    def select(self, chosen: BoolArray | IntArray | slice) -> Series:
        """Return some of the entries."""
        return Series(*[column[chosen] for column in self.columns], width=self.width)

    def between(self, start: int, stop: int) -> Series:
        """Return the entries that start in [start, stop)."""
        first, last = np.searchsorted(self.start, (start, stop))
        return self.select(slice(int(first), int(last)))

    def capped(self, time: int) -> Series:
        """Return what is before `time`; an entry that it cuts ends there."""
        before = self.select(self.start < time)
        return replace(before, end=np.minimum(before.end, time))

    def shifted(self, seconds: Sequence[int]) -> Series:
        """Return each entry so many seconds later."""
        shift = np.asarray(seconds, np.int64)
        start, end, high_at = self.start + shift, self.end + shift, self.high_at + shift
        moved = replace(self, start=start, end=end, high_at=high_at)
        return moved.select(np.argsort(start, kind="stable"))

    def joined(self, bounds: Sequence[int]) -> Series:
        """Return one entry between each two bounds, such as local midnights.

        An entry belongs where its middle is, so that a UTC day is the local day in most zones;
        entries outside all bounds are left out.
        """
        edges = np.asarray(bounds, np.int64)
        place = np.searchsorted(edges, (self.start + self.end) // 2, side="right")
        inside = (place > 0) & (place < len(edges))
        place = place[inside]
        part = self if inside.all() else self.select(inside)
        return part.merged(edges[place - 1], edges[place])

    def widened(self, width: int) -> Series:
        """Return entries of `width` seconds; those that are wider stay as they are."""
        if (self.seconds >= width).all():
            return replace(self, width=width)
        start = self.start // width * width
        end = np.where(self.end > start + width, self.end, start + width)
        return replace(self.merged(start, end), width=width)

    def merged(self, start: IntArray, end: IntArray) -> Series:
        """Return successive entries that get the same start as one."""
        if not len(self):
            return self
        first = np.flatnonzero(np.diff(start, prepend=start[0] - 1))
        if len(first) == len(self):
            return replace(self, start=start, end=end)
        size = np.diff(first, append=len(self))
        high = np.maximum.reduceat(self.high, first)
        exact_high = np.maximum.reduceat(np.where(self.bound, _LOWEST, self.high), first)
        bound = exact_high < high
        highest = (self.high == np.repeat(high, size)) & (~self.bound | np.repeat(bound, size))
        at = np.flatnonzero(highest)
        at = at[np.searchsorted(at, first)]
        seconds = np.maximum(self.seconds, 1)
        average = np.add.reduceat(self.average * seconds, first) / np.add.reduceat(seconds, first)
        return Series(
            start[first],
            end[first + size - 1],
            np.minimum.reduceat(self.low, first),
            average,
            high,
            self.high_at[at],
            self.last[first + size - 1],
            self.installed[at],
            self.overdraft[at],
            np.add.reduceat(self.samples, first),
            bound,
            width=self.width,
        )


_INT: Final = np.int64
_LOWEST: Final = np.iinfo(_INT).min
_TYPES: Final = (_INT, _INT, _INT, float, _INT, _INT, _INT, float, float, _INT, np.bool_)
_INSTALLED: Final = Bucket._fields.index("installed")


def _or_none(column: FloatArray) -> list[int | None]:
    return [None if isnan(value) else int(value) for value in column.tolist()]


def concatenate(parts: Sequence[Series], width: int) -> Series:
    """Return successive series as one."""
    if len(parts) == 1:
        return replace(parts[0], width=width)
    if not parts:
        return Series.empty(width)
    columns = zip(*(part.columns for part in parts), strict=True)
    return Series(*map(np.concatenate, columns), width=width)


# The sum of several series


@dataclass
class SumBuilder:
    """Adds series one after the other, so that they need not be in memory together.

    What is stored in wider entries is laid over five minutes. The maximum is then an upper bound,
    because it need not be of the same moment as the maxima of the others.
    """

    start: int
    end: int
    _count: int = 0
    _only: Series | None = None
    _figures: dict[str, Any] = field(default_factory=dict)  # columns of sums by five minutes
    # Installed and overdraft by entitlement: the same licenses on several servers count once.
    _shared: dict[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = self.start // ALIGNMENT * ALIGNMENT
        self._size = max(0, -(-(self.end - self.start) // ALIGNMENT))
        kinds: dict[str, Any] = dict.fromkeys(("average", "installed", "overdraft"), np.float64)
        whole = ("missing", "low", "high", "last", "samples", "high_at", "width")
        kinds |= dict.fromkeys(whole, np.int64)
        kinds |= dict.fromkeys(("has", "has_overdraft", "is_bound"), np.bool_)
        self._figures = {name: np.zeros(self._size, kind) for name, kind in kinds.items()}

    def add(self, series: Series, since: int, until: int | None, entitlement: str = "") -> None:
        """Add a series that is expected from `since` to `until` (None: still).

        Of all series with one `entitlement` the licenses count once: the highest number.
        """
        first = min(max(0, (since - self.start) // ALIGNMENT), self._size)
        stop = self._size if until is None else (until - self.start) // ALIGNMENT
        stop = max(first, min(stop, self._size))
        self._figures["missing"][first:stop] += 1
        self._count += 1
        self._only = series if self._count == 1 else None
        wide = series.seconds > ALIGNMENT
        if wide.any():
            series = _laid_out(series, wide)
        place = (series.start - self.start) // ALIGNMENT
        left, right = np.searchsorted(place, (first, stop))
        if left == right:
            return
        if left or right < len(series):
            series, place = series.select(slice(int(left), int(right))), place[left:right]
        where: IntArray | slice = place
        if place[-1] - place[0] == len(place) - 1:
            where = slice(int(place[0]), int(place[-1]) + 1)
        if entitlement:
            size = self._size
            shared = self._shared.setdefault(entitlement, (np.zeros(size), np.full(size, np.nan)))
            shared[0][where] = np.maximum(shared[0][where], series.installed)
            shared[1][where] = np.fmax(shared[1][where], series.overdraft)
            zero = np.zeros_like(series.installed)
            series = replace(series, installed=zero, overdraft=zero + np.nan)
        self._add(series, where)

    def _add(self, series: Series, where: IntArray | slice) -> None:
        figures = self._figures
        figures["missing"][where] -= 1
        figures["has"][where] = True
        for name in ("low", "average", "high", "last", "installed", "samples"):
            figures[name][where] += getattr(series, name)
        known = ~np.isnan(series.overdraft)
        figures["overdraft"][where] += np.where(known, series.overdraft, 0)
        figures["has_overdraft"][where] |= known
        figures["is_bound"][where] |= series.bound
        for name, column in (("high_at", series.high_at), ("width", series.seconds)):
            figures[name][where] = np.maximum(figures[name][where], column)

    def series(self) -> Series:
        """Return the sum where every expected series had a figure."""
        if self._only is not None:
            return self._only
        figures = self._figures
        for installed, overdraft in self._shared.values():
            figures["installed"] += installed
            figures["overdraft"] += np.nan_to_num(overdraft)
            figures["has_overdraft"] |= ~np.isnan(overdraft)
        self._shared = {}
        complete = np.flatnonzero(figures["has"] & (figures["missing"] == 0))
        of = {name: figure[complete] for name, figure in figures.items()}
        start = self.start + complete * ALIGNMENT
        total = Series(
            start,
            start + ALIGNMENT,
            of["low"],
            of["average"],
            of["high"],
            np.maximum(start, of["high_at"]),
            of["last"],
            of["installed"],
            np.where(of["has_overdraft"], of["overdraft"], np.nan),
            of["samples"],
            of["is_bound"],
            width=int(ALIGNMENT),
        )
        width = of["width"]
        if (width <= ALIGNMENT).all():
            return total
        start = start // width * width
        return total.merged(start, start + width)


def _laid_out(series: Series, wide: BoolArray) -> Series:
    """Return a series with its wide entries repeated every five minutes, as long as they were."""
    repeats = np.where(wide, series.seconds // ALIGNMENT, 1)
    chosen = np.repeat(np.arange(len(series)), repeats)
    index = np.arange(len(chosen)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    part = series.select(chosen)
    return replace(
        part,
        start=part.start + index * ALIGNMENT,
        end=part.end + index * ALIGNMENT,
        bound=part.bound | ((part.seconds > ALIGNMENT) & (part.high != part.low)),
    )
