"""A series: what was in use over time, in buckets.

Owns the shape that charts and trends are drawn from. Must not know where it was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lictui.model import Model, PoolKey


class Resolution(IntEnum):
    """The widths a bucket can have, in seconds; RAW is one bucket a reading."""

    RAW = 0
    FIVE_MINUTES = 300
    HOUR = 3600
    DAY = 86400


class Bucket(NamedTuple):
    """The readings of one stretch of time, summed over the pools asked for; no bucket is a gap.

    A named tuple: a year of a thousand pools is made of 365,000, several times faster so.
    """

    start: int  # UTC epoch seconds
    end: int  # exclusive; with RAW the last moment the figure was seen to hold
    low: float  # min of in use
    average: float
    high: float  # exact max, and when it was seen first
    high_at: int
    last: float
    installed: int | None
    overdraft: int | None
    samples: int  # readings in the bucket


@dataclass(frozen=True, slots=True)
class Question:
    """One question about the past.

    More than one pool is answered with the time-aligned sum.
    """

    pools: tuple[tuple[str, PoolKey], ...]
    start: int
    end: int
    bucket: int  # seconds wanted; the store picks the finest resolution that still has them


@dataclass(frozen=True, slots=True)
class Series:
    """The answer: buckets in order of time, gaps left out."""

    buckets: tuple[Bucket, ...]
    bucket: int  # seconds each was made of


@dataclass(frozen=True, slots=True)
class Past:
    """One bucket of one pool that was not polled here, for a history to take in as it stands."""

    server: str
    key: PoolKey
    model: Model
    resolution: Resolution
    bucket: Bucket
