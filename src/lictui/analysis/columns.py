"""Usage over time as columns, and the sum of several series at the same moments.

This module loads numpy, which start-up does not need: it is imported where series are computed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lictui.analysis.series import ALIGNMENT, Bucket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


def constant(column: NDArray[Any]) -> Any:
    """Return the value of a column that was made by `repeated`; None for any other."""
    return column[0] if column.strides == (0,) and len(column) else None


def repeated(value: float, count: int) -> NDArray[Any]:
    """Return a column of one value, which takes no memory and no time to add."""
    single = np.asarray(value)
    single.flags.writeable = False
    return np.ndarray((count,), single.dtype, single, 0, (0,))


def stacked(parts: Sequence[Sequence[NDArray[Any]]]) -> list[Any]:
    """Return the columns of successive parts as one; constant or the same object if all are."""
    if len(parts) == 1:
        return list(parts[0])
    done: dict[tuple[int, ...], NDArray[Any]] = {}
    result = []
    for columns in zip(*parts, strict=True):
        same = tuple(map(id, columns))
        if same not in done:
            values = {constant(column) for column in columns}
            done[same] = (
                np.concatenate(columns)
                if len(values) > 1 or None in values
                else repeated(columns[0][0], sum(map(len, columns)))
            )
        result.append(done[same])
    return result


def groups(keys: IntArray) -> tuple[IntArray, IntArray]:
    """Return where each run of equal keys starts, and how long it is."""
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return first, np.diff(first, append=len(keys))


def highest(values: IntArray, first: IntArray, count: IntArray) -> IntArray:
    """Return the index of the first of the highest values of each group."""
    at = np.flatnonzero(values == np.repeat(np.maximum.reduceat(values, first), count))
    return at[np.searchsorted(at, first)]


@dataclass(frozen=True, eq=False)
class TimeColumns:
    """Equally long columns; the first has times in order."""

    @cached_property
    def _names(self) -> list[str]:
        return [each.name for each in fields(self) if not each.kw_only]

    @cached_property
    def columns(self) -> list[Any]:
        """All columns, in the order of the fields."""
        return [getattr(self, name) for name in self._names]

    def __len__(self) -> int:
        return len(self.columns[0])

    def select(self, chosen: BoolArray | IntArray | slice) -> Self:
        """Return some of the entries; columns that are the same object stay one."""
        parts = {id(column): column[chosen] for column in self.columns}
        picked = (parts[id(column)] for column in self.columns)
        return replace(self, **dict(zip(self._names, picked, strict=True)))

    def between(self, start: int, stop: int) -> Self:
        """Return the entries that start in [start, stop)."""
        first, last = np.searchsorted(self.columns[0], (start, stop)).tolist()
        return self if (first, last) == (0, len(self)) else self.select(slice(first, last))


@dataclass(frozen=True, eq=False)
class Series(TimeColumns):
    """Usage over time: equally long columns in order of time; a gap has no entry.

    Widths may differ: where five minutes are not stored any more, there are hours or days.
    """

    start: IntArray  # UTC epoch seconds
    seconds: IntArray  # the length of each entry; 0: a single reading
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
        rows = [(row.start, row.end - row.start, *row[2:]) for row in buckets]
        columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(_TYPES)
        return cls(*map(np.array, columns, _TYPES), width=width)

    @classmethod
    def empty(cls, width: int) -> Series:
        """Return a series without entries."""
        return cls.of((), width)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Series)
            and self.width == other.width
            and self.buckets == other.buckets
        )

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def end(self) -> IntArray:
        """The end of each entry, exclusive."""
        return self.start + self.seconds

    @property
    def exact(self) -> bool:
        """Whether no maximum is an upper bound."""
        return not self.bound.any()

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """The same as rows."""
        start, _, *figures, installed, overdraft, samples, bound = self.columns
        counts = (_or_none(column) for column in (installed, overdraft))
        whole = (column.tolist() for column in (start, self.end, *figures))
        columns = (*whole, *counts, samples.tolist(), bound.tolist())
        return tuple(map(Bucket._make, zip(*columns, strict=True)))

    def capped(self, time: int) -> Series:
        """Return what is before `time`; an entry that it cuts ends there."""
        before = self.select(self.start < time)
        return replace(before, seconds=np.minimum(before.seconds, time - before.start))

    def shifted(self, seconds: Sequence[int]) -> Series:
        """Return each entry so many seconds later."""
        shift = np.asarray(seconds, np.int64)
        moved = replace(self, start=self.start + shift, high_at=self.high_at + shift)
        return moved.select(np.argsort(moved.start, kind="stable"))

    def joined(self, bounds: Sequence[int]) -> Series:
        """Return one entry between each two bounds, such as local midnights.

        An entry belongs where its middle is, so that a UTC day is the local day in most zones;
        entries outside all bounds are left out.
        """
        edges = np.asarray(bounds, np.int64)
        place = np.searchsorted(edges, self.start + self.seconds // 2, side="right")
        inside = (place > 0) & (place < len(edges))
        place = place[inside]
        return self.select(inside).merged(edges[place - 1], edges[place])

    def widened(self, width: int) -> Series:
        """Return entries of `width` seconds; those that are wider stay as they are."""
        if (self.seconds >= width).all():
            return replace(self, width=width)
        start = self.start // width * width
        return replace(self.merged(start, np.maximum(self.end, start + width)), width=width)

    def merged(self, start: IntArray, end: IntArray) -> Series:
        """Return successive entries that get the same start as one."""
        if not len(self):
            return self
        first, size = groups(start)
        if len(first) == len(self):
            return replace(self, start=start, seconds=end - start)
        high = np.maximum.reduceat(self.high, first)
        bound = np.maximum.reduceat(np.where(self.bound, _LOWEST, self.high), first) < high
        # Of equal maxima the first exact one.
        at = highest(2 * self.high - self.bound, first, size)
        seconds = np.maximum(self.seconds, 1)
        average = np.add.reduceat(self.average * seconds, first) / np.add.reduceat(seconds, first)
        last = first + size - 1
        return Series(
            start[first],
            end[last] - start[first],
            np.minimum.reduceat(self.low, first),
            average,
            high,
            self.high_at[at],
            self.last[last],
            self.installed[at],
            self.overdraft[at],
            np.add.reduceat(self.samples, first),
            bound,
            width=self.width,
        )


_INT: Final = np.int64
_LOWEST: Final = np.iinfo(_INT).min
_TYPES: Final = (_INT, _INT, _INT, float, _INT, _INT, _INT, float, float, _INT, np.bool_)


def _or_none(column: FloatArray) -> list[int | None]:
    return [None if isnan(value) else int(value) for value in column.tolist()]


def concatenate(parts: Sequence[Series], width: int) -> Series:
    """Return successive series as one."""
    parts = [part for part in parts if len(part)]
    columns = stacked([part.columns for part in parts])
    return Series(*columns, width=width) if parts else Series.empty(width)


# A series, from when until when it is expected (None: still), and its entitlement if it has one:
# of all series with the same one the licenses count once, the highest number.
SumPart = tuple[Series, int, int | None, str]


class SumBuilder:
    """Adds series one after the other, so that they need not be in memory together.

    What is stored in wider entries is laid over five minutes. The maximum is then an upper bound,
    because it need not be of the same moment as the maxima of the others.
    """

    def __init__(self, start: int, end: int) -> None:
        self.start = start // ALIGNMENT * ALIGNMENT
        self._size = size = max(0, -(-(end - self.start) // ALIGNMENT))
        # Sums by five minutes are those of columns, and those of constants up to each moment.
        self._sums: dict[str, Any] = defaultdict(lambda: np.zeros(size))
        self._steps: dict[str, Any] = defaultdict(lambda: np.zeros(size + 1))
        # By five minutes, the highest of what each series has.
        self._most: dict[str, IntArray] = defaultdict(lambda: np.zeros(size, _INT))
        # Installed and overdraft by entitlement: the same licenses on several servers count once.
        self._shared: dict[str, tuple[FloatArray, FloatArray]] = {}
        self._waiting: list[SumPart] = []  # the first, until there is a second
        self._is_sum = False

    def add(self, series: Series, since: int, until: int | None, entitlement: str = "") -> None:
        """Add a SumPart. The sum of a single one is its series."""
        self._waiting.append((series, since, until, entitlement))
        self._is_sum = self._is_sum or len(self._waiting) > 1
        while self._is_sum and self._waiting:
            self._add(*self._waiting.pop(0))

    def _add(self, series: Series, since: int, until: int | None, entitlement: str) -> None:
        first = min(max(0, (since - self.start) // ALIGNMENT), self._size)
        stop = self._size if until is None else (until - self.start) // ALIGNMENT
        stop = max(first, min(stop, self._size))
        self._plus("expected", slice(first, stop), 1)
        if constant(series.seconds) != ALIGNMENT:
            series = _laid_out(series)
        series = series.between(self.start + first * ALIGNMENT, self.start + stop * ALIGNMENT)
        if not len(series):
            return
        begin, last = ((int(series.start[at]) - self.start) // ALIGNMENT for at in (0, -1))
        where: IntArray | slice = slice(begin, last + 1)
        if last - begin != len(series) - 1:
            where = (series.start - self.start) // ALIGNMENT
        self._plus("present", where, 1)
        self._plus("samples", where, series.samples)
        self._plus("low", where, series.low)
        # The others add nothing where they are the lowest figure, as with one reading of each.
        for name, column in (("high", series.high), ("last", series.last)):
            if column is not series.low:
                self._plus(name, where, column - series.low)
        self._sums["average"][where] += series.average
        if series.high_at is not series.start:
            self._raise("late", where, series.high_at - series.start)
        if constant(series.seconds) != ALIGNMENT:
            self._raise("width", where, series.seconds)
        if constant(series.bound) != 0:
            self._raise("bound", where, series.bound)
        self._add_licenses(series, where, entitlement)

    def _add_licenses(self, series: Series, where: IntArray | slice, entitlement: str) -> None:
        if entitlement:
            none = np.zeros(self._size), np.full(self._size, np.nan)
            installed, overdraft = self._shared.setdefault(entitlement, none)
            installed[where] = np.maximum(installed[where], series.installed)
            overdraft[where] = np.fmax(overdraft[where], series.overdraft)
            self._plus("shared", where, 1)
            return
        for name, column in (("installed", series.installed), ("overdraft", series.overdraft)):
            part = column if constant(column) is None else column[0]
            unknown = np.isnan(part)
            self._plus(name, where, np.where(unknown, 0, part))
            self._plus(f"unknown {name}", where, unknown)

    def _plus(self, name: str, where: IntArray | slice, column: Any) -> None:
        value = constant(column) if np.ndim(column) else column
        if value is None or not isinstance(where, slice):
            self._sums[name][where] += column
        elif value:
            self._steps[name][where.start] += value
            self._steps[name][where.stop] -= value

    def _raise(self, name: str, where: IntArray | slice, column: Any) -> None:
        most = self._most[name]
        most[where] = np.maximum(most[where], column)

    def _total(self, name: str) -> FloatArray:
        total: FloatArray = self._sums[name] + np.cumsum(self._steps[name])[: self._size]
        return total

    def series(self) -> Series:
        """Return the sum where every expected series had a figure."""
        if self._waiting:
            return self._waiting[0][0]
        names = ("low", "average", "high", "last", "samples", "installed", "overdraft")
        low, average, high, last, samples, installed, overdraft = map(self._total, names)
        present = self._total("present")
        installed[self._total("unknown installed") > 0] = np.nan
        has_overdraft = self._total("unknown overdraft") < present - self._total("shared")
        for all_installed, all_overdraft in self._shared.values():
            installed += all_installed
            overdraft += np.nan_to_num(all_overdraft)
            has_overdraft |= ~np.isnan(all_overdraft)
        overdraft[~has_overdraft] = np.nan
        complete = np.flatnonzero((present > 0) & (present == self._total("expected")))
        start = self.start + complete * ALIGNMENT
        total = Series(
            start,
            repeated(ALIGNMENT, len(start)),
            low[complete].astype(_INT),
            average[complete],
            (low + high)[complete].astype(_INT),
            start + self._most["late"][complete],
            (low + last)[complete].astype(_INT),
            installed[complete],
            overdraft[complete],
            samples[complete].astype(_INT),
            self._most["bound"][complete] > 0,
            width=int(ALIGNMENT),
        )
        width = np.maximum(self._most["width"][complete], ALIGNMENT)
        start = start // width * width
        return total if (width == ALIGNMENT).all() else total.merged(start, start + width)


def _laid_out(series: Series) -> Series:
    """Return a series with its wide entries repeated every five minutes, as long as they were.

    At the start of a wide entry, the last figure of the one before is valid, which may be higher.
    """
    high = series.high.copy()
    follows = (series.start[1:] == series.end[:-1]) & (series.seconds[1:] > ALIGNMENT)
    high[1:] = np.where(follows, np.maximum(high[1:], series.last[:-1]), high[1:])
    series = replace(series, high=high)
    repeats = np.maximum(series.seconds // ALIGNMENT, 1)
    index = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    part = series.select(np.repeat(np.arange(len(series)), repeats))
    wide = (part.seconds > ALIGNMENT) & (part.high != part.low)
    return replace(part, start=part.start + index * ALIGNMENT, bound=part.bound | wide)
