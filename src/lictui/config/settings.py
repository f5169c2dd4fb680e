"""What config.toml can say, with its defaults: frozen values, no file in sight.

Owns the names, units and defaults of every setting. Must not know TOML.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lictui.config.actions import Action
    from lictui.config.contract import Purchase


@dataclass(frozen=True, slots=True)
class Limits:
    """`[polling]`: how long and how much a server may answer."""

    timeout: float = 30.0  # seconds for one whole poll
    connect_timeout: float = 10.0  # seconds to a connection, TLS included
    max_reply: int = 8 * 1024 * 1024  # bytes of one reply
    concurrency: int = 256  # servers polled at the same moment
    max_backoff: float = (
        900.0  # seconds a failing server is left alone at most, beyond its interval
    )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`[alerts]` and its overrides."""

    warn: float = 0.80  # ratios
    critical: float = 0.90
    for_polls: int = 2  # `for`
    clear_margin: float = 0.05
    clear_for: int = 2
    repeat: float = 4 * 3600.0  # seconds
    expiry_warn: int = 90  # days
    expiry_critical: int = 30
    las_warn: int = 10
    las_critical: int = 3
    certificate_warn: int = 30  # days
    certificate_critical: int = 7
    unusual: bool = True  # whether a day unlike its weekday deserves a word


@dataclass(frozen=True, slots=True)
class Alerts:
    """The thresholds for everyone, and what a group, a server or a product changes of them.

    An override names fields of Thresholds and holds only those it sets, so that a group's `warn`
    still stands where a product sets `expiry_warn`.
    """

    default: Thresholds = field(default_factory=Thresholds)
    group: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    server: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    product: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, *, group: str, server: str, product: str = "") -> Thresholds:
        """The thresholds that hold: product before server before group before everyone."""
        if not (self.group or self.server or self.product):
            return self.default
        changes = {
            **self.group.get(group, {}),
            **self.server.get(server, {}),
            **self.product.get(product, {}),
        }
        return replace(self.default, **changes) if changes else self.default


@dataclass(frozen=True, slots=True)
class Retention:
    """`[history]`: where the history is, and how long each resolution is kept, in days."""

    path: Path | None = None  # None = history.db in the data dir
    raw: int = 62
    five_minutes: int = 400
    hour: int = 1096
    day: int = 3650
    journal: int = 400


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything config.toml can say, and the contract beside it."""

    theme: str = "lictui-dark"
    ascii: bool = False
    read_only: bool = False
    timezone: str = ""  # IANA name; "" = the system's
    interval: float | None = None  # seconds; overrides every source's default, not a server's own
    limits: Limits = field(default_factory=Limits)
    alerts: Alerts = field(default_factory=Alerts)
    retention: Retention = field(default_factory=Retention)
    keymap: Mapping[str, str] = field(default_factory=dict)  # binding id -> keys, comma separated
    idle_days: int = 90  # `[holders]`: an assignment that is older is marked
    users: str = "hide"  # `[privacy] users`: hide · hash · show
    actions: tuple[Action, ...] = ()  # `[actions.<name>]`
    contract: tuple[Purchase, ...] = ()  # what contract.toml says was bought
