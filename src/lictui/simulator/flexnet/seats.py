"""Who holds the licenses of a feature: the same people for the same seed, coming and going.

Owns their names, hosts and times. Must not know how they are printed. Times are UTC epoch seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from lictui.simulator.flexnet.server import Seat

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            user=user(mark, number),
            host=device(mark, number),
            display=f"10.{mark % 64}.{number // 250 % 250}.{number % 250 + 1}",
            # The same until the day's work is done, and then anew.
            start=at - (at + mark) % _LONGEST,
            count=count,
            linger=(mark % 1800, 1800) if mark % _LINGER == 0 else None,
        )
        in_use -= count
        number += 1


def queue(feature: str, waiting: int, seed: int) -> tuple[Seat, ...]:
    """Those who wait for `feature`."""
    marks = [crc32(f"{seed}/{feature}/queue/{number}".encode()) for number in range(waiting)]
    return tuple(
        Seat(user(mark, 9000 + at), device(mark, 9000 + at), f"10.{mark % 64}.99.1", queued=True)
        for at, mark in enumerate(marks)
    )


def user(mark: int, number: int) -> str:
    """A user's name; one in thirteen has a blank in it."""
    given, family = _GIVEN[mark % len(_GIVEN)], _FAMILY[mark // 64 % len(_FAMILY)]
    if mark % 13 == 0:
        return f"{given} {family}{number}"
    return f"{given[0]}.{family}{number}"


def device(mark: int, number: int) -> str:
    """A device's name."""
    return f"ws-{mark % 1000:03}-{number:04}"
