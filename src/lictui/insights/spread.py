"""How much was in use for how long: percentiles, time above shares of installed, saturation.

Owns these figures of one series. Every bucket counts by its length and its maximum, so that a
figure is never below what was needed. Pure: must not know where buckets come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lictui.insights.series import Bucket

SHARES: Final = (0.8, 0.9, 1.0)  # of installed


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time without a break. UTC epoch seconds."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Spread:
    """What a series comes to, over the `seconds` that it has figures for."""

    seconds: int
    average: float
    p50: float
    p95: float  # licenses that covered 95 % of the time
    p99: float
    peak: float
    peak_at: int
    installed_then: int | None
    above: tuple[tuple[float, int], ...]  # share of installed -> seconds at or above it
    saturated: Stretch | None  # the longest time at or above installed


def spread(buckets: Sequence[Bucket]) -> Spread | None:
    """The figures of a series in order of time; None when there is nothing."""
    if not buckets:
        return None
    by_height = sorted(buckets, key=lambda bucket: bucket.high)
    passed = list(accumulate(bucket.end - bucket.start for bucket in by_height))
    seconds = passed[-1]

    def covering(share: float) -> float:
        wanted = share * seconds
        return next(b.high for b, at in zip(by_height, passed, strict=True) if at >= wanted)

    top = max(buckets, key=lambda bucket: bucket.high)
    weighted = sum(bucket.average * (bucket.end - bucket.start) for bucket in buckets)
    return Spread(
        seconds,
        weighted / max(1, seconds),
        covering(0.5),
        covering(0.95),
        covering(0.99),
        top.high,
        top.high_at,
        top.installed,
        tuple((share, sum(b.end - b.start for b in buckets if _at(b, share))) for share in SHARES),
        max(_saturated(buckets), key=lambda stretch: stretch.seconds, default=None),
    )


def _at(bucket: Bucket, share: float) -> bool:
    """Whether the bucket reached a share of what was installed then; never where that is 0."""
    return bool(bucket.installed) and bucket.high >= share * (bucket.installed or 0)


def _saturated(buckets: Sequence[Bucket]) -> Iterator[Stretch]:
    """Every run of buckets without a free license; a gap ends one."""
    start = end = None
    for bucket in buckets:
        full = _at(bucket, 1.0)
        if start is not None and end is not None and (not full or bucket.start != end):
            yield Stretch(start, end)
            start = None
        if full:
            start = bucket.start if start is None else start
            end = bucket.end
    if start is not None and end is not None:
        yield Stretch(start, end)
