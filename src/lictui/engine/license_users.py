"""License users of one license server, with their names replaced before a screen sees them.

How names are shown is `[privacy] users`. Nothing of this is stored, logged, exported or counted.
Which servers are asked, and how, is in `queries`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.clock import DAY
from lictui.engine.merge import resolve_same_as
from lictui.model import Failure, FailureKind, LicenseUser, Reservation, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HASH_DIGITS: Final = 8  # enough to distinguish the users of one company


class VisibleUser(Struct, frozen=True):
    """One user or device with one or several licenses."""

    license_user: LicenseUser  # with names as they may be shown
    idle: bool = False  # assigned for longer than `[holders] idle_days`
    release: str = ""  # the command that would release it; lictui never runs it


class LicenseUsers(Struct, frozen=True):
    """The users of licenses on one license server, and why some are missing."""

    server: str
    privacy: str  # how names are shown: hide · hash · show
    at: float  # UTC epoch seconds
    sources: tuple[str, ...] = ()  # registered servers that returned users
    users: tuple[VisibleUser, ...] = ()  # the longest assigned first
    reservations: tuple[Reservation, ...] = ()  # counted as in use, without a user
    failures: tuple[tuple[str, Failure], ...] = ()  # (registered server, why it returned none)


def data_sources(servers: Sequence[Server], name: str) -> tuple[Server, ...]:
    """The enabled data sources of the license server of `name`, that one first."""
    main_of = resolve_same_as(servers)
    main = main_of.get(name, name)
    members = [
        server
        for server in servers
        if server.enabled and main_of.get(server.name, server.name) == main
    ]
    return tuple(sorted(members, key=lambda server: server.name != name))


def relevant_failures(
    failures: Sequence[tuple[str, Failure]], *, any_success: bool
) -> tuple[tuple[str, Failure], ...]:
    """The failures without those of sources that never report users; one of these if all do."""
    relevant = tuple(
        (server, failure) for server, failure in failures if failure.kind is not FailureKind.NO_DATA
    )
    return relevant or (() if any_success else tuple(failures[:1]))


def visible_users(
    license_users: Iterable[LicenseUser],
    *,
    product: str,
    privacy: str,
    key: bytes,
    now: float,
    idle_days: int,
    release_command: Callable[[LicenseUser], str],
) -> tuple[VisibleUser, ...]:
    """The users of `product` ("" for every one) as they may be shown, the longest assigned first.

    With the privacy `hide`, names become `user 1`, `host 1`; with `hash`, a short hash keyed with
    `key`; with `show` they are kept, and idle users come with the command that releases them.
    """
    selected = [user for user in license_users if product in ("", user.product)]
    selected.sort(key=lambda u: (u.since is None, u.since or 0.0, u.product, u.user, u.device))
    replacements: dict[tuple[str, str], str] = {}
    count = Counter[str]()

    def replacement(kind: str, name: str) -> str:
        """The same text for the same name every time, ignoring case as Windows does."""
        if not name or privacy == "show":
            return name
        folded = name.casefold()
        if (kind, folded) not in replacements:
            count[kind] += 1
            text = f"{kind}\0{folded}".encode("utf-8", "surrogatepass")
            digest = hmac.new(key, text, hashlib.sha256).hexdigest()[:_HASH_DIGITS]
            suffix = digest if privacy == "hash" else str(count[kind])
            replacements[kind, folded] = f"{kind} {suffix}"
        return replacements[kind, folded]

    visible = []
    for user in selected:
        age = now - user.since if user.since is not None else 0.0
        idle = user.assigned and age > idle_days * DAY
        shown = replace(
            user, user=replacement("user", user.user), device=replacement("host", user.device)
        )
        command = release_command(user) if idle and privacy == "show" else ""
        visible.append(VisibleUser(shown, idle, command))
    return tuple(visible)


def visible_reservations(
    reservations: Iterable[Reservation], *, product: str, privacy: str
) -> tuple[Reservation, ...]:
    """The reservations of `product` ("" for every one), with the names that may be shown."""
    return tuple(
        replace(reservation, name="")
        if privacy != "show" and reservation.kind in {"user", "host"}
        else reservation
        for reservation in reservations
        if product in ("", reservation.product)
    )


def reservation_text(reservation: Reservation) -> str:
    """`10 licenses of MPS_ENT_CCU are reserved for group Finance: in use, without a user`."""
    is_one = reservation.count == 1
    number, verb = ("1 license", "is") if is_one else (f"{reservation.count:,} licenses", "are")
    kind = reservation.kind.replace("_", " ")
    target = f"{kind} {reservation.name}" if reservation.name else f"a {kind}"
    return (
        f"{number} of {reservation.product} {verb} reserved for {target}:"
        f" counted as in use, but nobody uses {'it' if is_one else 'them'}"
    )
