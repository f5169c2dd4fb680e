"""The bearer tokens of Citrix Cloud: an hour long, and not to be renewed.

Owns their making, their end and the header they travel in. Must not know who may have one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lictui.simulator.cloud.replies import common_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.simulator.http import Reply

LIFETIME: Final = 3600  # seconds
_KEPT: Final = 1000  # tokens; the oldest go first


class Tokens:
    """The tokens that one service handed out."""

    def __init__(self, seed: str, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._ends: dict[str, float] = {}  # token -> when it ends
        self._issued = 0

    def issue(self) -> str:
        """A new token."""
        self._issued += 1
        token = f"eyJ{sha256(f'{self._seed}/{self._issued}'.encode()).hexdigest()}"
        self._ends[token] = self._clock.now() + LIFETIME
        while len(self._ends) > _KEPT:
            del self._ends[next(iter(self._ends))]
        return token

    def refusal(self, headers: Mapping[str, str]) -> Reply | None:
        """Why a request with these headers is not let in; None when its token is good.

        The scheme is `CwsAuth Bearer=`, which Citrix's own pages write in several letter cases.
        """
        authorization = headers.get("authorization", "")
        if not authorization:
            return unauthenticated("missing")
        scheme, _, rest = authorization.partition(" ")
        name, _, token = rest.strip().partition("=")
        ends = self._ends.get(token)
        if scheme.lower() != "cwsauth" or name.lower() != "bearer" or ends is None:
            return unauthenticated("invalid")
        return None if self._clock.now() < ends else unauthenticated("expired")


def unauthenticated(reason: str) -> Reply:
    """401: what was shown is `missing`, `invalid` or `expired`."""
    return common_error(401, "authentication", "Authentication failed.", reason=reason)
