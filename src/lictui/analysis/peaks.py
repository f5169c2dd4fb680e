"""Peak usage: the maximum in use at one time, of one server or of all servers together.

The estate's peak is the maximum over time of the aligned sum; only buckets in which every expected
server has a figure count for it. The sum of the servers' own peaks is its upper bound. Times are
UTC epoch seconds.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct, field

from lictui.analysis.series import ALIGNMENT
from lictui.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from lictui.analysis.columns import Series
    from lictui.analysis.series import Bucket


class Window(NamedTuple):
    """A period that ends now."""

    name: str  # "24h" · "month" · "all"
    start: int


class Peak(Struct, frozen=True):
    """Peak and average of one scope in one window; None where there are no figures."""

    window: str
    peak: int | None
    peak_at: int | None
    installed_at_peak: int | None
    average: float | None
    coverage: float  # 0 to 1, of the time between the first reading and now
    alignment: int | None  # seconds of the entry that the peak was found in
    bound: bool = False  # the sum was not higher, but need not have been so high


class ScopedPeak(Struct, frozen=True):
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
    return Window("24h", int(now) - DAY), Window("month", int(month_start)), Window("all", first)


class PeakAccumulator(Struct):
    """Takes the series of one scope in order of time and keeps the peak of every window."""

    windows: Sequence[Window]
    first: int  # the scope's first reading
    now: float
    # By window and part: the highest entry, the sum of averages times seconds, and the seconds.
    _parts: dict[str, list[tuple[Bucket, float, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, series: Series) -> None:
        """Add what follows what was added before."""
        for window in self.windows:
            first = int(series.start.searchsorted(window.start))
            # An entry that the window cuts counts if its maximum is not earlier.
            if first and series.end[first - 1] > window.start <= series.high_at[first - 1]:
                first -= 1
            part = series.select(slice(first, None)) if first else series
            if len(part):
                # Of equal ones the first exact
                at = int(np.argmax(part.high if part.exact else 2 * part.high - part.bound))
                (highest,) = part.select(slice(at, at + 1)).buckets
                weighted = float((part.average * part.seconds).sum())
                self._parts[window.name].append((highest, weighted, int(part.seconds.sum())))

    def peaks(self) -> Iterator[Peak]:
        """Return the peak of every window."""
        for window in self.windows:
            parts = self._parts[window.name]
            if not parts:
                yield Peak(window.name, None, None, None, None, 0.0, None)
                continue
            start = max(window.start, self.first) // ALIGNMENT * ALIGNMENT
            end = int(self.now) // ALIGNMENT * ALIGNMENT + ALIGNMENT
            highest, _, _ = max(parts, key=lambda part: (part[0].high, not part[0].bound))
            seconds = sum(seconds for _, _, seconds in parts)
            yield Peak(
                window.name,
                round(highest.high),
                highest.high_at,
                highest.installed,
                sum(weighted for _, weighted, _ in parts) / seconds,
                min(1.0, seconds / max(ALIGNMENT, end - start)),
                highest.end - highest.start,
                highest.bound,
            )


def upper_bound(server_peaks: Iterable[Peak]) -> int | None:
    """Return the sum of the servers' own peaks: no sum at one time is higher."""
    known = [peak.peak for peak in server_peaks if peak.peak is not None]
    return sum(known) if known else None
