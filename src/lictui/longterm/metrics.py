"""The metrics of licenses: one list for OpenMetrics, other formats and long-term engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from lictui.model import Pool, Snapshot

PREFIX: Final = "citrix_license_"  # of every name
SERVER_LABELS: Final = ("server", "group", "source")
POOL_LABELS: Final = (*SERVER_LABELS, "product", "model", "subscription_date")

_Owner = TypeVar("_Owner")


class Metric(NamedTuple, Generic[_Owner]):
    """One value of a pool or a server."""

    name: str
    help: str
    value: Callable[[_Owner], float | None]  # None: unknown, or there is none
    is_date: bool = False
    is_whole: bool = True

    @property
    def field(self) -> str:
        """Its name in a record of a pool or a server."""
        return self.name.removeprefix("server_")


Figures = Mapping[Metric[Any], float]


def known_figures(metrics: Iterable[Metric[_Owner]], owner: _Owner) -> Figures:
    """Return what is known of these metrics."""
    values = {metric: metric.value(owner) for metric in metrics}
    return {metric: value for metric, value in values.items() if value is not None}


class PolledServer(NamedTuple):
    """A server as its polls left it."""

    is_up: bool
    last_success_at: float | None
    latency: float | None  # seconds
    snapshot: Snapshot | None


def day_start(day: date | None) -> float | None:
    """Return the start of a day in UTC epoch seconds."""
    return None if day is None else datetime.combine(day, time(), UTC).timestamp()


POOL_METRICS: Final[tuple[Metric[Pool], ...]] = (
    Metric(
        "in_use",
        "Licenses checked out (concurrent) or assigned (user/device).",
        lambda pool: pool.reading.in_use,
    ),
    Metric(
        "installed", "Licenses installed, without overdraft.", lambda pool: pool.reading.installed
    ),
    Metric(
        "overdraft",
        "Licenses that may be used on top of those installed.",
        lambda pool: pool.reading.overdraft,
    ),
    Metric(
        "expiry_timestamp_seconds",
        "Start of the day (UTC) on which licenses expire.",
        lambda pool: day_start(pool.license_end),
        is_date=True,
    ),
    Metric(
        "subscription_timestamp_seconds",
        "Start of the subscription date (UTC).",
        lambda pool: day_start(pool.subscription_date),
        is_date=True,
    ),
)


def _activation_end(server: PolledServer) -> float | None:
    activation = server.snapshot and server.snapshot.activation
    return day_start(activation.expires) if activation else None


SERVER_METRICS: Final[tuple[Metric[PolledServer], ...]] = (
    Metric(
        "server_up",
        "Whether the last poll succeeded and is recent.",
        lambda server: float(server.is_up),
    ),
    Metric(
        "server_last_success_timestamp_seconds",
        "Time of the last successful poll.",
        lambda server: server.last_success_at,
    ),
    Metric(
        "server_poll_duration_seconds",
        "Duration of the last poll.",
        lambda server: server.latency,
        is_whole=False,
    ),
    Metric(
        "server_activation_expiry_timestamp_seconds",
        "Start of the day (UTC) on which LAS activation ends.",
        _activation_end,
        is_date=True,
    ),
)
