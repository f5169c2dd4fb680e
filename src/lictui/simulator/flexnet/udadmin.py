"""The text of `udadmin -list`: the users and devices that licenses are assigned to.

Owns its layout (Citrix CTX215674; the block of devices is the same by analogy). Must not know
where the figures come from. Times are UTC epoch seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zlib import crc32

from lictui.simulator.flexnet.seats import device, user

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.simulator.inventory import License

_EVERY: Final = 15  # minutes between two updates of the usage data
_DEVICES: Final = 5  # every so many licenses are assigned to a device
_LEASE: Final = 90 * 86400  # seconds


def udadmin(
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
            name = user(mark, number) if is_user else device(mark, number)
            since = datetime.fromtimestamp(at - (at + mark * 97) % _LEASE, UTC)
            when = f" ({since:%a %b %d %H:%M:%S %Y})" if times else ""
            yield is_user, f" {name} {held.product} {version}{when}"
