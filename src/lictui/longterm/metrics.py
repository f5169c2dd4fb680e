"""The metrics of licenses: one list for OpenMetrics, other formats and long-term engines."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.model import Pool

PREFIX: Final = "citrix_license_"  # of every name
SERVER_LABELS: Final = ("server", "group", "source")
POOL_LABELS: Final = (*SERVER_LABELS, "product", "model", "subscription_date")
ACTIVATION_EXPIRY: Final = "server_activation_expiry_timestamp_seconds"


class PoolMetric(NamedTuple):
    """One value of a pool."""

    name: str
    help: str
    value: Callable[[Pool], float | None]  # None: unknown, or there is none
    is_date: bool = False  # else a number of licenses


def day_start(day: date | None) -> float | None:
    """Return the start of a day in UTC epoch seconds."""
    return None if day is None else datetime.combine(day, time(), UTC).timestamp()


POOL_METRICS: Final = (
    PoolMetric(
        "in_use",
        "Licenses checked out (concurrent) or assigned (user/device).",
        lambda pool: pool.reading.in_use,
    ),
    PoolMetric(
        "installed",
        "Licenses installed, without overdraft.",
        lambda pool: pool.reading.installed,
    ),
    PoolMetric(
        "overdraft",
        "Licenses that may be used on top of those installed.",
        lambda pool: pool.reading.overdraft,
    ),
    PoolMetric(
        "expiry_timestamp_seconds",
        "Start of the day (UTC) on which licenses expire.",
        lambda pool: day_start(pool.license_end),
        is_date=True,
    ),
    PoolMetric(
        "subscription_timestamp_seconds",
        "Start of the subscription date (UTC).",
        lambda pool: day_start(pool.subscription_date),
        is_date=True,
    ),
)
