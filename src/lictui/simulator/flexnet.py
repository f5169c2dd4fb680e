"""Simulated output of `lmstat -a` and `udadmin -list`.

The grammar follows Citrix's "lic-admin-cmds-status" and public captures of lmstat.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final
from zlib import crc32

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.simulator import License


# Users of a feature: the same for the same seed


class Seat(Struct, frozen=True):
    """One line of use: a user on a host, or one in the queue."""

    user: str
    host: str
    display: str
    start: float = 0.0
    count: int = 1
    linger: tuple[int, int] | None = None  # seconds: since it was given back, and of the term
    queued: bool = False


_FIRST_NAMES: Final = ("anna", "ben", "chen", "dara", "emil", "fatma", "goran", "hana", "ines")
_FAMILY_NAMES: Final = ("berg", "costa", "dahl", "egger", "fischer", "garcia", "ito", "kaya")
_LONGEST: Final = 9 * 3600  # seconds at work
_PAIRS: Final = 19  # every so many seats hold two licenses
_LINGER: Final = 29  # and every so many have left theirs behind for a while


def seats(feature: str, in_use: int, seed: int, at: float) -> Iterator[Seat]:
    """Seats that hold exactly `in_use` licenses of `feature` at `at`."""
    number = 0
    while in_use > 0:
        mark = crc32(f"{seed}/{feature}/{number}".encode())
        count = 2 if mark % _PAIRS == 0 and in_use > 1 else 1
        yield Seat(
            user=user_name(mark, number),
            host=device_name(mark, number),
            display=f"10.{mark % 64}.{number // 250 % 250}.{number % 250 + 1}",
            # The same until the day's work is done, and then again.
            start=at - (at + mark) % _LONGEST,
            count=count,
            linger=(mark % 1800, 1800) if mark % _LINGER == 0 else None,
        )
        in_use -= count
        number += 1


def queued_seats(feature: str, waiting: int, seed: int) -> Iterator[Seat]:
    """Those who wait for `feature`."""
    for number in range(9000, 9000 + waiting):
        mark = crc32(f"{seed}/{feature}/queue/{number}".encode())
        display = f"10.{mark % 64}.99.1"
        yield Seat(user_name(mark, number), device_name(mark, number), display, queued=True)


def user_name(mark: int, number: int) -> str:
    """A user's name; one in thirteen has a blank in it."""
    first = _FIRST_NAMES[mark % len(_FIRST_NAMES)]
    family = _FAMILY_NAMES[mark // 64 % len(_FAMILY_NAMES)]
    return f"{first} {family}{number}" if mark % 13 == 0 else f"{first[0]}.{family}{number}"


def device_name(mark: int, number: int) -> str:
    """A device's name."""
    return f"ws-{mark % 1000:03}-{number:04}"


# A server, and what its programs print


_UPDATE_MINUTES: Final = 15  # minutes between two updates of the usage data
_DEVICES: Final = 5  # every so many licenses are assigned to a device
_ASSIGNED_SECONDS: Final = 90 * 86400
_DATED: Final = "%Y.%m%d"  # versions of Citrix's features are subscription dates
_PORT: Final = 27000
_PERMANENT: Final = "permanent(no expiration date)"


class FlexServer(Struct, frozen=True):
    """A FlexNet license server on one host, with one vendor daemon.

    FlexNet knows issued licenses only, so the overdraft counts among them. Pools of one product
    that follow one another are one feature, with a version group each. Citrix's licenses have no
    queue. The last three fields differ from release to release of lmstat.
    """

    name: str
    seed: int = 1
    vendor: str = "CITRIX"
    newline: str = "\n"  # "\r\n" on Windows
    airy: bool = False  # a blank line after each line, as of 2022
    hours: float = 0.0  # of its local time, ahead of UTC

    def udadmin_text(self, inventory: Iterable[License], at: float, *, times: bool) -> str:
        """Output of `udadmin -list`, with `-times` or without; one line for each assignment.

        It does not contain how many licenses are installed: the layout that `-a` prints is not
        public.
        """
        age = int(at // 60) % _UPDATE_MINUTES
        head = f"Usage data is {age} minutes old. Next update in {_UPDATE_MINUTES - age} minutes."
        users, devices = [], []
        for pool in inventory:
            version = f"{pool.subscription_date:{_DATED}}"
            for number in range(pool.in_use):
                mark = crc32(f"{self.seed}/{pool.product}/{version}/{number}".encode())
                since = datetime.fromtimestamp(at - (at + mark * 97) % _ASSIGNED_SECONDS, UTC)
                detail = f"{pool.product} {version}"
                if times:
                    detail += f" ({since:%a %b %d %H:%M:%S %Y})"
                if mark % _DEVICES:
                    users.append(f" {user_name(mark, number)} {detail}")
                else:
                    devices.append(f" {device_name(mark, number)} {detail}")
        return "\r\n".join((head, "Users:", *users, "Devices:", *devices, ""))

    def lmstat_text(self, inventory: Iterable[License], at: float) -> str:
        """Output of `lmstat -a`, with exactly `in_use` licenses of each pool in use."""
        return self._text(at, self._status(inventory, at))

    def unreachable_text(self, at: float) -> str:
        """Output of lmstat when no server answers."""
        reason = 'Cannot connect to license server (-15,570:111 "Connection refused")'
        return self._text(at, ("", f"Error getting status: {reason}"))

    def _text(self, at: float, status: Iterable[str]) -> str:
        now = self._local(at)
        day = f"{now:%a} {now.month}/{now.day}/{now.year}"
        lines: Iterable[str] = (
            f"lmutil - Copyright (c) 1989-{now.year} Flexera. All Rights Reserved.",
            f"Flexible License Manager status on {day} {now:%H:%M}",
            *status,
        )
        if self.airy:
            lines = (line for text in lines if text for line in (text, ""))
        return self.newline.join((*lines, ""))

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at + self.hours * 3600, UTC)

    def _status(self, inventory: Iterable[License], at: float) -> Iterator[str]:
        yield from ("", f"License server status: {_PORT}@{self.name}")
        yield f"    License file(s) on {self.name}: /opt/licenses/license.lic:"
        yield from ("", f" {self.name}: license server UP (MASTER) v11.19.4")
        yield from ("", f"Vendor daemon status (on {self.name}):", "")
        yield from (f"    {self.vendor}: UP v11.19", "Feature usage info:", "")
        for product, group in groupby(inventory, key=lambda pool: pool.product):
            pools = list(group)
            issued = _count(sum(pool.installed + pool.overdraft for pool in pools))
            in_use = _count(sum(pool.in_use for pool in pools))
            yield f"Users of {product}:  (Total of {issued} issued;  Total of {in_use} in use)"
            yield ""
            for pool in pools:
                yield from self._version_group(pool, at)

    def _version_group(self, pool: License, at: float) -> Iterator[str]:
        is_citrix = self.vendor == "CITRIX"
        version = f"v{pool.subscription_date:{_DATED if is_citrix else '%y.%m'}}"
        expiry = f"{pool.expires:%d-%b-%Y}".lower() if pool.expires else _PERMANENT
        yield f'  "{pool.product}" {version}, vendor: {self.vendor}, expiry: {expiry}'
        if is_citrix:
            yield f"  vendor_string: {pool.vendor_string}"
        yield from ("  floating license", "")
        seed_text = f"{pool.product}/{pool.subscription_date}"
        users = (
            *seats(seed_text, pool.in_use, self.seed, at),
            *queued_seats(pool.product, 0 if is_citrix else pool.queued, self.seed),
        )
        for number, seat in enumerate(users, 101):
            handle = f"({version}) ({self.name}/{_PORT} {number})"
            yield f"    {seat.user} {seat.host} {seat.display} {handle}{self._use(seat)}"
        yield ""

    def _use(self, seat: Seat) -> str:
        if seat.queued:
            return f" queued for {_count(seat.count)}"
        start = self._local(seat.start)
        text = f", start {start:%a} {start.month}/{start.day} {start.hour}:{start:%M}"
        if seat.count > 1:
            text += f", {_count(seat.count)}"
        if seat.linger:
            text += f" (linger: {seat.linger[0]} / {seat.linger[1]})"
        return text


def _count(licenses: int) -> str:
    return f"{licenses} license" if licenses == 1 else f"{licenses} licenses"
