"""Peak usage: the maximum in use at one time, of one server or of all servers together.

The estate's peak is the maximum over time of the aligned sum; only buckets in which every expected
server has a figure count for it. The sum of the servers' own peaks is its upper bound. Times are
UTC epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui.analysis.aligned import ALIGNMENT
from lictui.analysis.series import Bucket, Resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo


_average = itemgetter(Bucket._fields.index("average"))
_high = itemgetter(Bucket._fields.index("high"))
_start = itemgetter(Bucket._fields.index("start"))
_WEEKLY_CHUNKS: Final = 6  # before these, chunks are four weeks long


class Window(NamedTuple):
    """A period that ends now."""

    name: str  # "24h" · "month" · "all"
    start: int


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak and average of one scope in one window; None where there are no figures."""

    window: str
    peak: int | None
    peak_at: int | None
    installed_at_peak: int | None
    average: float | None
    coverage: float  # 0 to 1, of the time between the first reading and now
    alignment: int | None  # seconds of the bucket that the peak was found in


@dataclass(frozen=True, slots=True)
class ScopedPeak:
    """The peak of one scope, product and model in one window."""

    scope: str  # `ESTATE`, a server's name, or a scope of the query
    product: str
    model: str
    peak: Peak
    upper_bound: int | None = None  # with several servers: the sum of their own peaks


def peak_windows(now: float, first: int, zone: tzinfo | None) -> tuple[Window, ...]:
    """Return the last 24 hours, the calendar month in `zone`, and all the time since `first`."""
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    month = local.replace(tzinfo=None, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    month_start = (month.replace(tzinfo=zone) if zone else month).timestamp()
    return Window("24h", int(now) - 86400), Window("month", int(month_start)), Window("all", first)


def split_by_age(first: int, now: float) -> Iterator[tuple[int, int]]:
    """Split the time from `first` to now into whole UTC days, shorter chunks for newer days.

    Every chunk can be read at the finest resolution that is still stored of all of it.
    """
    day_seconds = int(Resolution.DAY)
    end_day = int(now) // day_seconds + 1
    chunks: list[tuple[int, int]] = []
    days = 2
    while end_day * day_seconds > first:
        start_day = max(end_day - days, first // day_seconds)
        chunks.append((start_day * day_seconds, end_day * day_seconds))
        end_day = start_day
        days = 7 if len(chunks) < _WEEKLY_CHUNKS else 4 * 7
    yield from reversed(chunks)


@dataclass(slots=True)
class PeakAccumulator:
    """Takes the buckets of one scope in order of time and keeps the peak of every window."""

    windows: Sequence[Window]
    first: int  # the scope's first reading
    now: float
    _totals: dict[str, _WindowTotal] = field(default_factory=dict)

    def add(self, buckets: Sequence[Bucket], width: int) -> None:
        """Add buckets of `width` seconds, none earlier than those added before."""
        for window in self.windows:
            inside = _since(buckets, window.start, width)
            if inside:
                self._totals.setdefault(window.name, _WindowTotal()).add(inside, width)

    def add_complete_days(
        self, window: Window, highest: Bucket | None, weighted: float, seconds: int
    ) -> None:
        """Add days that have every five-minute bucket, at any place in the window.

        `highest` is the first of their highest buckets, None if a bucket added before is higher;
        `weighted` is the sum of the averages times seconds.
        """
        total = self._totals.setdefault(window.name, _WindowTotal())
        current = total.highest
        if highest is not None and (
            current is None or (-highest.high, highest.start) < (-current.high, current.start)
        ):
            total.highest, total.width = highest, int(ALIGNMENT)
        total.weighted += weighted
        total.seconds += seconds

    def highest_bucket(self, window: Window) -> Bucket | None:
        """Return the highest bucket of a window so far."""
        total = self._totals.get(window.name)
        return total.highest if total else None

    def peaks(self) -> Iterator[Peak]:
        """Return the peak of every window."""
        for window in self.windows:
            total = self._totals.get(window.name)
            if total is None or total.highest is None:
                yield Peak(window.name, None, None, None, None, 0.0, None)
                continue
            start = max(window.start, self.first) // ALIGNMENT * ALIGNMENT
            end = int(self.now) // ALIGNMENT * ALIGNMENT + ALIGNMENT
            highest = total.highest
            yield Peak(
                window.name,
                round(highest.high),
                highest.high_at,
                highest.installed,
                total.weighted / total.seconds,
                min(1.0, total.seconds / max(ALIGNMENT, end - start)),
                total.width,
            )


@dataclass(slots=True)
class _WindowTotal:
    highest: Bucket | None = None
    width: int = 0  # seconds of that bucket
    weighted: float = 0.0  # sum of averages times seconds
    seconds: int = 0

    def add(self, buckets: Sequence[Bucket], width: int) -> None:
        highest = max(buckets, key=_high)
        if self.highest is None or highest.high > self.highest.high:
            self.highest, self.width = highest, width
        self.weighted += sum(map(_average, buckets)) * width
        self.seconds += len(buckets) * width


def _since(buckets: Sequence[Bucket], start: int, width: int) -> Sequence[Bucket]:
    """Return the buckets from `start` on, and one that `start` cuts if its peak is not earlier."""
    first = bisect_left(buckets, start - width + 1, key=_start)
    if first < len(buckets) and buckets[first].start < start > buckets[first].high_at:
        first += 1
    return buckets[first:] if first else buckets


def upper_bound(server_peaks: Iterable[Peak]) -> int | None:
    """Return the sum of the servers' own peaks: no sum at one time is higher."""
    known = [peak.peak for peak in server_peaks if peak.peak is not None]
    return sum(known) if known else None


def find_maximum(
    bounds: Mapping[int, float],
    tighter_bounds: Sequence[Callable[[int], float]],
    exact: Callable[[int], Sequence[Bucket]],
) -> Generator[None, None, Bucket | None]:
    """Find the highest bucket of many periods (the earliest of equals) and read as few as possible.

    Branch and bound: `bounds` gives an upper bound for every period by its start, each function of
    `tighter_bounds` a closer and more expensive one, `exact` the buckets. They are called only for
    periods that can still win; the generator yields before every call.
    """
    heap: list[tuple[float, int, int, Bucket | None]] = [
        (-bound, start, 0, None) for start, bound in bounds.items()
    ]
    heapify(heap)
    while heap:
        bound, start, stage, bucket = heappop(heap)
        if bucket is not None:
            return bucket
        yield
        if stage < len(tighter_bounds):
            heappush(heap, (max(bound, -tighter_bounds[stage](start)), start, stage + 1, None))
        elif buckets := exact(start):
            highest = max(buckets, key=_high)
            heappush(heap, (-highest.high, start, stage + 1, highest))
    return None
