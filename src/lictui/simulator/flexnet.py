"""Simulated output of `lmstat -a` and `udadmin -list`.

The grammar follows Citrix's "lic-admin-cmds-status" and public captures of lmstat.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lictui.simulator.inventory import License


# A FlexNet license server: hosts, vendor daemons, features, and their users


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
class FlexFeature:
    """One feature, with what the daemon counts of it."""

    name: str
    issued: int = 0
    in_use: int = 0
    groups: tuple[VersionGroup, ...] = ()
    instead: str = ""  # in place of the counts: `Uncounted, node-locked`, `Error: …`


@dataclass(frozen=True, slots=True)
class VendorDaemon:
    """A vendor daemon and the features it serves."""

    name: str = "CITRIX"
    version: str = "v11.19"
    up: bool = True
    features: tuple[FlexFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class FlexHost:
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

    hosts: tuple[FlexHost, ...]
    daemons: tuple[VendorDaemon, ...]
    at: float
    files: tuple[str, ...] = ("/opt/licenses/license.lic",)

    @property
    def name(self) -> str:
        """The host whose vendor daemons are asked: the master, or the first."""
        return next((host.name for host in self.hosts if host.master), self.hosts[0].name)


# Users of a feature: the same for the same seed


_GIVEN: Final = (
    "anna",
    "ben",
    "chen",
    "dara",
    "emil",
    "fatma",
    "goran",
    "hana",
    "ines",
    "jan",
    "kofi",
    "lena",
    "mira",
    "nils",
    "olga",
)
_FAMILY: Final = (
    "berg",
    "costa",
    "dahl",
    "egger",
    "fischer",
    "garcia",
    "huber",
    "ito",
    "jansen",
    "kaya",
    "lopez",
    "meier",
)
_LONGEST: Final = 9 * 3600  # seconds at work
_PAIRS: Final = 19  # every so many seats hold two licenses
_LINGER: Final = 29  # and every so many have left theirs behind for a while


def seats(feature: str, in_use: int, seed: int, at: float) -> tuple[Seat, ...]:
    """Seats that hold exactly `in_use` licenses of `feature` at `at`."""
    return tuple(_taken(feature, in_use, seed, at))


def _taken(feature: str, in_use: int, seed: int, at: float) -> Iterator[Seat]:
    number = 0
    while in_use > 0:
        mark = crc32(f"{seed}/{feature}/{number}".encode())
        count = 2 if mark % _PAIRS == 0 and in_use > 1 else 1
        yield Seat(
            user=user_name(mark, number),
            host=device_name(mark, number),
            display=f"10.{mark % 64}.{number // 250 % 250}.{number % 250 + 1}",
            # The same until the day's work is done, and then anew.
            start=at - (at + mark) % _LONGEST,
            count=count,
            linger=(mark % 1800, 1800) if mark % _LINGER == 0 else None,
        )
        in_use -= count
        number += 1


def queued_seats(feature: str, waiting: int, seed: int) -> tuple[Seat, ...]:
    """Those who wait for `feature`."""
    marks = [crc32(f"{seed}/{feature}/queue/{number}".encode()) for number in range(waiting)]
    return tuple(
        Seat(
            user_name(mark, 9000 + at),
            device_name(mark, 9000 + at),
            f"10.{mark % 64}.99.1",
            queued=True,
        )
        for at, mark in enumerate(marks)
    )


def user_name(mark: int, number: int) -> str:
    """A user's name; one in thirteen has a blank in it."""
    given, family = _GIVEN[mark % len(_GIVEN)], _FAMILY[mark // 64 % len(_FAMILY)]
    if mark % 13 == 0:
        return f"{given} {family}{number}"
    return f"{given[0]}.{family}{number}"


def device_name(mark: int, number: int) -> str:
    """A device's name."""
    return f"ws-{mark % 1000:03}-{number:04}"


# Output of `udadmin -list`: users and devices with an assigned license


_EVERY: Final = 15  # minutes between two updates of the usage data
_DEVICES: Final = 5  # every so many licenses are assigned to a device
_LEASE: Final = 90 * 86400  # seconds


def udadmin_text(
    inventory: Iterable[License],
    at: float,
    *,
    seed: int = 1,
    times: bool = True,
    newline: str = "\r\n",
) -> str:
    """What `udadmin -list` prints, with `-times` or without; one line for each assignment.

    Nothing says how many licenses are installed: `-a` is said to, in a layout that nobody shows.
    """
    lines = list(_assigned(inventory, at, seed, times=times))
    age = int(at // 60) % _EVERY
    head = f"Usage data is {age} minutes old. Next update in {_EVERY - age} minutes."
    users = [line for is_user, line in lines if is_user]
    devices = [line for is_user, line in lines if not is_user]
    return newline.join((head, "Users:", *users, "Devices:", *devices, ""))


def _assigned(
    inventory: Iterable[License], at: float, seed: int, *, times: bool
) -> Iterator[tuple[bool, str]]:
    for held in inventory:
        version = f"{held.subscription_date:%Y.%m%d}"
        for number in range(held.in_use):
            mark = crc32(f"{seed}/{held.product}/{version}/{number}".encode())
            is_user = mark % _DEVICES != 0
            name = user_name(mark, number) if is_user else device_name(mark, number)
            since = datetime.fromtimestamp(at - (at + mark * 97) % _LEASE, UTC)
            when = f" ({since:%a %b %d %H:%M:%S %Y})" if times else ""
            yield is_user, f" {name} {held.product} {version}{when}"


# A FlexNet license server for an inventory


_DATED: Final = "%Y.%m%d"  # the versions of Citrix's features are subscription dates
_NUMBERED: Final = "%y.%m"  # those of others are versions


def flex_server(
    inventory: Sequence[License],
    at: float,
    *,
    name: str,
    seed: int = 1,
    vendor: str = "CITRIX",
    port: int = 27000,
) -> FlexServer:
    """The license server `name` at `at`, with exactly `in_use` licenses of each pool held.

    FlexNet knows issued licenses only, so the overdraft counts among them. One feature stands for
    all pools of a product that follow one another, with a version group for each. Who waits stands
    in the queue, but for Citrix's licenses, which nobody waits for.
    """
    features = tuple(
        _feature(product, list(pools), seed, at, citrix=vendor == "CITRIX")
        for product, pools in groupby(inventory, key=lambda each: each.product)
    )
    daemons = (VendorDaemon(vendor, features=features),)
    return FlexServer((FlexHost(name, port, master=True),), daemons, at)


def _feature(
    product: str, pools: Sequence[License], seed: int, at: float, *, citrix: bool
) -> FlexFeature:
    return FlexFeature(
        product,
        sum(each.installed + each.overdraft for each in pools),
        sum(each.in_use for each in pools),
        tuple(
            VersionGroup(
                f"{each.subscription_date:{_DATED if citrix else _NUMBERED}}",
                _expiry(each),
                (
                    *seats(f"{product}/{each.subscription_date}", each.in_use, seed, at),
                    *queued_seats(product, 0 if citrix else each.queued, seed),
                ),
                vendor_string=f";LT={each.license_type};GP=720;SA=1;ODP=0" if citrix else "",
            )
            for each in pools
        ),
    )


def _expiry(held: License) -> str:
    day = held.expires
    return f"{day:%d-%b-%Y}".lower() if day else "permanent(no expiration date)"


# Output of `lmstat -a`, in the layouts of its releases


@dataclass(frozen=True, slots=True)
class LmstatLayout:
    """How `lmstat -a` prints; the defaults are those of Citrix's own."""

    program: str = "lmutil"  # what the banner begins with
    owner: str = "Flexera"
    newline: str = "\n"  # "\r\n" on Windows
    gap: str = "  "  # after ':' and ';'; a variant has one blank
    airy: bool = False  # a blank line between everything, as of 2022
    flush: bool = False  # details begin in column 0
    year: bool = False  # whether a start says its year
    detecting: bool = False  # the line about lmgrd processes
    tab: bool = True  # before a reservation, else blanks
    idle_groups: bool = True  # whether a feature that nobody uses shows its versions
    hours: float = 0.0  # of the server's local time, ahead of UTC


def lmstat_text(server: FlexServer, layout: LmstatLayout | None = None) -> str:
    """What `lmstat -a` prints about `server`."""
    layout = layout or LmstatLayout()
    return _joined(_Text(server, layout).lines(), layout)


def unreachable_text(at: float, reason: str, layout: LmstatLayout | None = None) -> str:
    """What it prints when nobody answers; `reason` is `(-15,570:111 "Connection refused")`."""
    layout = layout or LmstatLayout()
    fatal = f"Error getting status: Cannot connect to license server {reason}"
    return _joined([*_head(at, layout), "", fatal], layout)


def _joined(lines: Iterable[str], layout: LmstatLayout) -> str:
    if layout.airy:
        lines = (line for each in lines if each for line in (each, ""))
    return layout.newline.join((*lines, ""))


def _head(at: float, layout: LmstatLayout) -> Iterator[str]:
    now = _local(at, layout)
    rights = f"Copyright (c) 1989-{now.year} {layout.owner}. All Rights Reserved."
    yield f"{layout.program} - {rights}"
    day = f"{now:%a} {now.month}/{now.day}/{now.year}"
    yield f"Flexible License Manager status on {day} {now:%H:%M}"


def _local(at: float, layout: LmstatLayout) -> datetime:
    return datetime.fromtimestamp(at + layout.hours * 3600, UTC)


class _Text:
    """One server, being written down."""

    def __init__(self, server: FlexServer, layout: LmstatLayout) -> None:
        self._server = server
        self._layout = layout
        self._indent = "" if layout.flush else "  "

    def lines(self) -> Iterator[str]:
        server = self._server
        yield from _head(server.at, self._layout)
        if self._layout.detecting:
            yield from ("", "[Detecting lmgrd processes...]")
        places = ",".join(f"{host.port}@{host.name}" for host in server.hosts)
        yield from ("", f"License server status: {places}")
        yield f"    License file(s) on {server.name}: {':'.join(server.files)}:"
        yield ""
        yield from (_host(host) for host in server.hosts)
        yield from ("", f"Vendor daemon status (on {server.name}):", "")
        for daemon in server.daemons:
            yield from self._daemon(daemon)

    def _daemon(self, daemon: VendorDaemon) -> Iterator[str]:
        yield f"    {daemon.name}: {'UP' if daemon.up else 'DOWN'} {daemon.version}"
        yield from ("Feature usage info:", "")
        for feature in daemon.features:
            yield from self._feature(feature, daemon.name)

    def _feature(self, feature: FlexFeature, vendor: str) -> Iterator[str]:
        gap = self._layout.gap
        issued, used = _many(feature.issued), _many(feature.in_use)
        said = feature.instead or f"Total of {issued} issued;{gap}Total of {used} in use"
        yield from (f"Users of {feature.name}:{gap}({said})", "")
        for group in feature.groups:
            if group.seats or group.reservations or self._layout.idle_groups:
                yield from self._group(feature, group, vendor)

    def _group(self, feature: FlexFeature, group: VersionGroup, vendor: str) -> Iterator[str]:
        expiry = "" if group.expiry is None else f", expiry: {group.expiry}"
        name = group.named or feature.name
        yield f'{self._indent}"{name}" v{group.version}, vendor: {vendor}{expiry}'
        if group.vendor_string:
            yield f"{self._indent}vendor_string: {group.vendor_string}"
        yield from (f"{self._indent}{group.kind}", "")
        indent = self._indent * 2
        for reservation in group.reservations:
            yield self._reservation(reservation)
        for number, seat in enumerate(group.seats, 1):
            yield indent + self._seat(seat, group.version, number)
        yield ""

    def _reservation(self, reservation: Reservation) -> str:
        noun = "RESERVATION" if reservation.count == 1 else "RESERVATIONs"
        whom = f"{reservation.kind} {reservation.name}"
        indent = "\t" if self._layout.tab else "      "
        return f"{indent}{reservation.count} {noun} for {whom} ({self._place()})"

    def _seat(self, seat: Seat, version: str, number: int) -> str:
        who = " ".join(part for part in (seat.user, seat.host, seat.display, seat.extra) if part)
        told = f"{who} (v{version}) ({self._place()} {100 + number})"
        if seat.queued:
            return f"{told} queued for {_many(seat.count)}"
        start = _local(seat.start, self._layout)
        year = f"/{start.year}" if self._layout.year else ""
        told += f", start {start:%a} {start.month}/{start.day}{year} {start.hour}:{start:%M}"
        if seat.count > 1:
            told += f", {_many(seat.count)}"
        if seat.linger:
            told += f" (linger: {seat.linger[0]} / {seat.linger[1]})"
        return told if seat.pid is None else f"{told}, PID: {seat.pid}"

    def _place(self) -> str:
        return f"{self._server.name}/{self._server.hosts[0].port}"


def _host(host: FlexHost) -> str:
    if host.error:
        return f"{host.name}: Cannot connect to license server system. {host.error}"
    master = " (MASTER)" if host.master else ""
    return f" {host.name}: license server {'UP' if host.up else 'DOWN'}{master} {host.version}"


def _many(count: int) -> str:
    return f"{count} license" if count == 1 else f"{count} licenses"
