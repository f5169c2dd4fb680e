"""Peaks: the most that was in use at one moment, of a server alone and of all servers together.

Owns the arithmetic: the estate's peak is the maximum over time of the time-aligned sum, and only
stretches in which every expected server has a figure count for it; the sum of the servers' own
peaks is its upper bound. Pure: must not know where series come from. Times are UTC epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.series import Bucket, Resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence


ALIGNMENT: Final = Resolution.FIVE_MINUTES
_average = itemgetter(Bucket._fields.index("average"))
_high = itemgetter(Bucket._fields.index("high"))
_start = itemgetter(0)
_SUMMED: Final = [
    Bucket._fields.index(name) for name in ("average", "high", "high_at", "installed")
]


class Window(NamedTuple):
    """A stretch of time that ends now."""

    name: str  # "24h" · "month" · "all"
    start: int


@dataclass(frozen=True, slots=True)
class Peak:
    """What the readings of one scope come to in one window; None where there is none."""

    window: str
    peak: int | None
    peak_at: int | None
    installed_at_peak: int | None
    average: float | None
    coverage: float  # 0 to 1, of the time between the first reading and now
    alignment: int | None  # seconds of the buckets that the peak was found in


@dataclass(frozen=True, slots=True)
class ScopedPeak:
    """The peak of one scope, product and model in one window."""

    scope: str  # ESTATE, a server's name, or whatever was asked for
    product: str
    model: str
    peak: Peak
    upper_bound: int | None = None  # of several servers together: the sum of their own peaks


@dataclass(frozen=True, slots=True)
class ServerSeries:
    """One server's share: from when until when it is expected, and its buckets."""

    since: int
    until: int | None  # None: still
    buckets: Sequence[Bucket]


def peak_windows(now: float, first: int, zone: tzinfo | None) -> tuple[Window, ...]:
    """The last 24 hours, the calendar month in `zone` or the system's, and all since `first`."""
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    begin = local.replace(tzinfo=None, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    month = (begin.replace(tzinfo=zone) if zone else begin).timestamp()
    return Window("24h", int(now) - 86400), Window("month", int(month)), Window("all", first)


def split_by_age(first: int, now: float) -> Iterator[tuple[int, int]]:
    """The time from `first` to now in parts, whole days of UTC, shorter ones towards the end.

    Of each part the finest figures can be had that there are of all of it.
    """
    day = int(Resolution.DAY)
    end = int(now) // day + 1
    found: list[tuple[int, int]] = []
    length = 2
    while end * day > first:
        begin = max(end - length, first // day)
        found.append((begin * day, end * day))
        end = begin
        length = 7 if len(found) < _WEEKS else 4 * 7
    yield from reversed(found)


_WEEKS: Final = 6


def aligned_sum(parts: Sequence[ServerSeries], width: int) -> list[Bucket]:
    """The sum in buckets of `width`, where every server that is expected then has one."""
    if len(parts) == 1:
        return list(parts[0].buckets)
    began = sorted(part.since for part in parts)
    ended = sorted(part.until for part in parts if part.until is not None)
    if _even(parts, began, ended):
        return _columns([part.buckets for part in parts])
    found: dict[int, list[Bucket]] = defaultdict(list)
    for part in parts:
        last = None if part.until is None else part.until - width
        for bucket in part.buckets:
            if last is None or bucket.start <= last:
                found[bucket.start].append(bucket)
    sums = []
    for start in sorted(found):
        some, end = found[start], start + width
        if len(some) == bisect_left(began, end) - bisect_left(ended, end):
            sums.append(_sum(some))
    return sums


def _even(parts: Sequence[ServerSeries], began: Sequence[int], ended: Sequence[int]) -> bool:
    """Whether all of them have the same buckets, and are expected in each."""
    first = parts[0].buckets
    if not first or any(len(part.buckets) != len(first) for part in parts):
        return False
    if began[-1] > first[0].start or (ended and ended[0] < first[-1].end):
        return False
    starts = list(map(_start, first))
    return all(list(map(_start, part.buckets)) == starts for part in parts)


def _columns(parts: Sequence[Sequence[Bucket]]) -> list[Bucket]:
    """The same as summing bucket by bucket, a column at a time: millions come through here."""
    average, high, high_at, installed = (
        zip(*[list(map(itemgetter(place), part)) for part in parts], strict=True)
        for place in _SUMMED
    )
    rows = zip(
        parts[0],
        map(sum, average),
        map(sum, high),
        map(max, high_at),
        (None if None in each else sum(each) for each in installed),
        strict=True,
    )
    return [
        first._replace(average=mean, high=top, high_at=at, installed=owned)
        for first, mean, top, at, owned in rows
    ]


def _sum(some: Sequence[Bucket]) -> Bucket:
    if len(some) == 1:
        return some[0]
    first = some[0]
    installed = [bucket.installed for bucket in some if bucket.installed is not None]
    return first._replace(
        average=sum(map(_average, some)),
        high=sum(map(_high, some)),
        high_at=max(bucket.high_at for bucket in some),
        installed=sum(installed) if len(installed) == len(some) else None,
    )


@dataclass(slots=True)
class PeakAccumulator:
    """Takes the buckets of one scope, in order of time, and knows the peaks of every window."""

    windows: Sequence[Window]
    first: int  # the scope's first reading
    now: float
    _found: dict[str, _Found] = field(default_factory=dict)

    def add(self, buckets: Sequence[Bucket], width: int) -> None:
        """Take some buckets of `width` seconds, none of them earlier than those before."""
        for window in self.windows:
            within = _since(buckets, window.start, width)
            if within:
                self._found.setdefault(window.name, _Found()).add(within, width)

    def add_complete_days(
        self, window: Window, top: Bucket | None, weighted: float, seconds: int
    ) -> None:
        """Take what many buckets of five minutes come to, anywhere in the window.

        `top` is the first of the highest, or None if what was taken is known to be higher.
        """
        found = self._found.setdefault(window.name, _Found())
        before = found.top
        if top is not None and (
            before is None or (-top.high, top.start) < (-before.high, before.start)
        ):
            found.top, found.width = top, int(ALIGNMENT)
        found.weighted += weighted
        found.seconds += seconds

    def highest_bucket(self, window: Window) -> Bucket | None:
        """The highest bucket of a window so far."""
        found = self._found.get(window.name)
        return found.top if found else None

    def peaks(self) -> Iterator[Peak]:
        """What all that was taken comes to, by window."""
        for window in self.windows:
            found = self._found.get(window.name)
            if found is None or found.top is None:
                yield Peak(window.name, None, None, None, None, 0.0, None)
                continue
            start = max(window.start, self.first) // ALIGNMENT * ALIGNMENT
            end = int(self.now) // ALIGNMENT * ALIGNMENT + ALIGNMENT
            share = min(1.0, found.seconds / max(ALIGNMENT, end - start))
            top = found.top
            average = found.weighted / found.seconds
            yield Peak(
                *(window.name, round(top.high), top.high_at, top.installed, average, share),
                alignment=found.width,
            )


@dataclass(slots=True)
class _Found:
    top: Bucket | None = None
    width: int = 0
    weighted: float = 0.0  # averages times seconds
    seconds: int = 0

    def add(self, buckets: Sequence[Bucket], width: int) -> None:
        top = max(buckets, key=_high)
        if self.top is None or top.high > self.top.high:
            self.top, self.width = top, width
        self.weighted += sum(map(_average, buckets)) * width
        self.seconds += len(buckets) * width


def _since(buckets: Sequence[Bucket], start: int, width: int) -> Sequence[Bucket]:
    """The buckets from `start` on; one that it cuts only if its peak was not earlier."""
    first = bisect_left(buckets, start - width + 1, key=_start)
    if first < len(buckets) and buckets[first].start < start > buckets[first].high_at:
        first += 1
    return buckets[first:] if first else buckets


def upper_bound(own: Iterable[Peak]) -> int | None:
    """The sum of the servers' own peaks: no sum at one moment is higher."""
    known = [each.peak for each in own if each.peak is not None]
    return sum(known) if known else None


# The highest of many stretches of time, of which only bounds are known until one looks closely


def find_maximum(
    bounds: Mapping[int, float],
    looks: Sequence[Callable[[int], float]],
    exact: Callable[[int], Sequence[Bucket]],
) -> Generator[None, None, Bucket | None]:
    """The highest bucket, the earliest of several; yields before everything that takes a while.

    `bounds` says by its start what a stretch cannot exceed, each of `looks` the same more closely,
    `exact` gives its buckets. Each is asked only of stretches that could still win.
    """
    heap: list[tuple[float, int, int, Bucket | None]] = [
        (-bound, start, 0, None) for start, bound in bounds.items()
    ]
    heapify(heap)
    while heap:
        bound, start, looked, found = heappop(heap)
        if found is not None:
            return found
        yield
        if looked < len(looks):
            heappush(heap, (max(bound, -looks[looked](start)), start, looked + 1, None))
        elif some := exact(start):
            top = max(some, key=lambda bucket: bucket.high)
            heappush(heap, (-top.high, start, looked + 1, top))
    return None
