"""Who holds a license, as far as one may know: names are replaced here, before a screen sees them.

Owns privacy (`[privacy] users`), the order, and what is idle. Pure: must not know how holders are
read. Nothing of this is kept, logged, exported or counted.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.engine.merge import resolve_same_as
from lictui.model import Failure, FailureKind, LicenseUser, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


_DAY: Final = 86400
_DIGITS: Final = 8  # of a hash: enough to tell the users of one company apart


@dataclass(frozen=True, slots=True)
class VisibleUser:
    """One license, or several, in somebody's hands."""

    license_user: LicenseUser  # with the names that may be seen
    idle: bool = False  # assigned, and older than `[holders] idle_days`
    release: str = ""  # the line that would release it; lictui never runs it


@dataclass(frozen=True, slots=True)
class LicenseUsers:
    """The answer of one license server: who told, and what; or why nobody did."""

    server: str
    privacy: str  # how names are shown: hide · hash · show
    at: float  # UTC epoch seconds
    sources: tuple[str, ...] = ()  # registered servers
    users: tuple[VisibleUser, ...] = ()  # the longest held first
    failures: tuple[tuple[str, Failure], ...] = ()  # (registered server, why it told nothing)


def servers_to_ask(servers: Sequence[Server], name: str) -> tuple[Server, ...]:
    """The enabled servers that are `name`, read in one way or another, itself first."""
    leads = resolve_same_as(servers)
    main = leads.get(name, name)
    found = [it for it in servers if it.enabled and leads.get(it.name, it.name) == main]
    return tuple(sorted(found, key=lambda each: each.name != name))


def relevant_failures(
    failures: Sequence[tuple[str, Failure]], *, told: bool
) -> tuple[tuple[str, Failure], ...]:
    """The failures but for those of ways that never tell; one of these where there is no other."""
    real = tuple(it for it in failures if it[1].kind is not FailureKind.NO_DATA)
    return real or (() if told else tuple(failures[:1]))


def visible_users(
    found: Iterable[LicenseUser],
    *,
    product: str,
    users: str,
    key: bytes,
    now: float,
    idle_days: int,
    release: Callable[[LicenseUser], str],
) -> tuple[VisibleUser, ...]:
    """What may be seen of `found`, the longest held first; "" asks for every product.

    `users` hide: names become `user 1`, `host 1`; hash: a short hash keyed with `key`; show: names
    stay, and what is idle comes with the line that would release it.
    """
    chosen = sorted((it for it in found if product in ("", it.product)), key=_longest)
    seen = _Names(users, key)
    made = []
    for holder in chosen:
        age = now - holder.since if holder.since is not None else 0.0
        idle = holder.assigned and age > idle_days * _DAY
        line = release(holder) if idle and users == "show" else ""
        made.append(VisibleUser(seen.replaced(holder), idle, line))
    return tuple(made)


def _longest(holder: LicenseUser) -> tuple[bool, float, str, str, str]:
    since = holder.since
    return (since is None, since or 0.0, holder.product, holder.user, holder.device)


class _Names:
    """Gives every name another, the same one each time; case does not count, as in Windows."""

    def __init__(self, users: str, key: bytes) -> None:
        self._users = users
        self._key = key
        self._known: dict[str, dict[str, str]] = {"user": {}, "host": {}}

    def replaced(self, holder: LicenseUser) -> LicenseUser:
        if self._users == "show":
            return holder
        user, device = self._one("user", holder.user), self._one("host", holder.device)
        return replace(holder, user=user, device=device)

    def _one(self, kind: str, name: str) -> str:
        if not name:
            return ""
        known, plain = self._known[kind], name.casefold()
        if plain not in known:
            known[plain] = f"{kind} {self._hash(kind, plain) or len(known) + 1}"
        return known[plain]

    def _hash(self, kind: str, name: str) -> str:
        if self._users != "hash":
            return ""
        text = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:_DIGITS]
