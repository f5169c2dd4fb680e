"""A token for a client id and its secret: OAuth2's client credentials, as Citrix Cloud does them.

Owns the token endpoint. Must not know what a token opens. Its `expires_in` is a string, and a
refusal may come with status 200 and an `error` in the body: Citrix's own client looks for both
(citrix/citrix-daas-rest-go, client/auth.go). How many tokens a minute are allowed is not
published; that there is a limit is.
"""

from __future__ import annotations

from collections import deque
from hmac import compare_digest
from math import ceil
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from lictui.simulator.cloud.replies import json_reply, own_error
from lictui.simulator.cloud.tokens import LIFETIME
from lictui.simulator.inventory import Mood

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.cloud.tokens import Tokens
    from lictui.simulator.http import Reply, Request

_FORM: Final = "application/x-www-form-urlencoded"
_MINUTE: Final = 60.0  # seconds


class Login:
    """The one client of one customer."""

    def __init__(
        self, tokens: Tokens, clock: Clock, *, client_id: str, secret: str, a_minute: int
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._client_id = client_id
        self._secret = secret
        self._a_minute = a_minute
        self._asked: deque[float] = deque()  # when, within the last minute

    def answer(self, request: Request, mood: Mood) -> Reply:
        """The reply to `POST /cctrustoauth2/{customer}/tokens/clients`."""
        return self._too_many() or self._granted(request, mood)

    def _too_many(self) -> Reply | None:
        now = self._clock.now()
        while self._asked and self._asked[0] <= now - _MINUTE:
            self._asked.popleft()
        if len(self._asked) < self._a_minute:
            self._asked.append(now)
            return None
        seconds = str(ceil(self._asked[0] + _MINUTE - now))
        return own_error(429, "too many requests", headers=(("Retry-After", seconds),))

    def _granted(self, request: Request, mood: Mood) -> Reply:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            return _error(400, "invalid_request", f"The request must be {_FORM}.")
        pairs = parse_qs(request.body.decode(errors="replace")).items()
        form = {name: values[-1] for name, values in pairs}
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "Only client_credentials is supported.")
        if mood is Mood.DENIED or form.get("client_id") != self._client_id:
            return _error(401, "invalid_client", "The client is not known.")
        if not compare_digest(form.get("client_secret", "").encode(), self._secret.encode()):
            return _error(200, "invalid_client", "The client secret is not valid.")
        if mood is Mood.EXPIRED:
            return _error(200, "invalid_client", "The client secret has expired.")
        return json_reply(
            {
                "token_type": "bearer",
                "access_token": self._tokens.issue(),
                "expires_in": str(LIFETIME),
            }
        )


def _error(status: int, error: str, description: str) -> Reply:
    return json_reply({"error": error, "error_description": description}, status=status)
