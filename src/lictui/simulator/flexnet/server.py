"""What a FlexNet license server is made of: hosts, vendor daemons, features, and who holds them.

Owns the words of FlexNet. Must not know how they are printed. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seat:
    """One line of use: a user on a host, or one who waits in the queue."""

    user: str
    host: str
    display: str = ""
    start: float = 0.0
    count: int = 1
    extra: str = ""  # after the display: `feature=XDT_ENT_UD` has been seen
    linger: tuple[int, int] | None = None  # seconds: since it was given back, and of the term
    pid: int | None = None
    queued: bool = False


@dataclass(frozen=True, slots=True)
class Reservation:
    """Licenses that the options file keeps for somebody."""

    count: int
    kind: str  # GROUP, HOST, HOST_GROUP, USER
    name: str


@dataclass(frozen=True, slots=True)
class VersionGroup:
    """The licenses of one version of a feature; Citrix's version is the subscription date."""

    version: str  # `2026.1201`
    expiry: str | None = None  # `30-dec-2026`, `permanent(no expiration date)`; None: not said
    seats: tuple[Seat, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    vendor_string: str = ""
    kind: str = "floating license"  # or `nodelocked license, locked to "ID=1"`, …
    named: str = ""  # the feature as its own line quotes it, where that differs


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature, with what the daemon counts of it."""

    name: str
    issued: int = 0
    in_use: int = 0
    groups: tuple[VersionGroup, ...] = ()
    instead: str = ""  # in place of the counts: `Uncounted, node-locked`, `Error: …`


@dataclass(frozen=True, slots=True)
class Daemon:
    """A vendor daemon and the features it serves."""

    name: str = "CITRIX"
    version: str = "v11.19"
    up: bool = True
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """One machine of a license server; a triad has three."""

    name: str
    port: int = 27000
    master: bool = False
    up: bool = True
    version: str = "v11.19.4"
    error: str = ""  # instead of a state: `(-15,570:115 "Operation now in progress")`


@dataclass(frozen=True, slots=True)
class FlexServer:
    """A whole FlexNet license server at one moment."""

    hosts: tuple[Host, ...]
    daemons: tuple[Daemon, ...]
    at: float
    files: tuple[str, ...] = ("/opt/licenses/license.lic",)

    @property
    def name(self) -> str:
        """The host whose vendor daemons are asked: the master, or the first."""
        return next((host.name for host in self.hosts if host.master), self.hosts[0].name)
