r"""Who may ask, and for how long: tokens for a password or a client secret.

Owns the two token endpoints and the bearer check. Must not know what a token opens.
On-prem: `POST …/Tokens` with Basic `DOMAIN\user`. Cloud: OAuth2 client credentials, whose
`expires_in` is a string and whose errors may come with status 200. Both last an hour.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from lictui.clock import iso
from lictui.simulator.cvad.replies import error, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.clock import Clock
    from lictui.simulator.cvad.site import Site
    from lictui.simulator.http import Reply, Request

LIFETIME: Final = 3600.0  # seconds
_KEPT: Final = 1000  # tokens; the oldest go first


class Login:
    """The accounts of one site: there is one."""

    def __init__(self, username: str, password: str, clock: Clock) -> None:
        self.username = username
        self._password = password
        self._clock = clock
        self._tokens: dict[str, float] = {}  # token -> when it ends
        self._issued = 0

    def on_premises(self, request: Request, site: Site, *, deny: bool) -> Reply:
        """The reply to `POST …/Tokens`."""
        if deny or _basic(request.headers) != (self.username, self._password):
            words = "The user name or password is not valid."
            return error(401, "Unauthorized", words, (("WWW-Authenticate", "Basic"),))
        token, ends = self._issue(site)
        return json_reply(
            {
                "Token": token,
                "Principal": self.username,
                "UserId": "S-1-5-21-1004336348-1177238915-682003330-1104",
                "CustomerId": site.customer,
                "ExpiresAt": iso(ends),
            }
        )

    def cloud(self, request: Request, site: Site, *, deny: bool) -> Reply:
        """The reply to `POST /cctrustoauth2/{customer}/tokens/clients`."""
        form = {
            name: values[-1]
            for name, values in parse_qs(request.body.decode(errors="replace")).items()
        }
        if form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"}, status=400)
        if form.get("client_id") != self.username:
            return json_reply({"error": "invalid_client"}, status=401)
        if deny or form.get("client_secret") != self._password:
            words = "The client secret is not valid or has expired."
            return json_reply({"error": "invalid_client", "error_description": words})
        token, _ = self._issue(site)
        return json_reply(
            {"token_type": "bearer", "access_token": token, "expires_in": str(int(LIFETIME))}
        )

    def ends(self, headers: Mapping[str, str]) -> float | None:
        """When the token of a request ends; None when it has no valid one."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        name, _, token = rest.strip().partition("=")
        if scheme.lower() != "cwsauth" or name.lower() != "bearer":
            return None
        ends = self._tokens.get(token)
        return ends if ends is not None and self._clock.now() < ends else None

    def _issue(self, site: Site) -> tuple[str, float]:
        self._issued += 1
        token = sha256(f"{site.id}/{self._password}/{self._issued}".encode()).hexdigest()
        ends = self._clock.now() + LIFETIME
        self._tokens[token] = ends
        while len(self._tokens) > _KEPT:
            del self._tokens[next(iter(self._tokens))]
        return token, ends


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None
