"""Sign-in to Citrix Cloud, its regions, and requests on behalf of one customer.

Used by citrix-cloud, by partner, and by cvad for a site in Citrix Cloud.
"""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from lictui.model import FailureKind, Step
from lictui.sources.auth import (
    BearerSession,
    Token,
    account_key,
    api_error,
    error_text,
    log_transaction,
    new_token,
    shared_token,
)
from lictui.sources.http import reply_json, status_rules
from lictui.sources.network import origin, require_encryption
from lictui.sources.sanitize import Record
from lictui.sources.source import SourceError, config_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import HttpClient, HttpReply
    from lictui.sources.source import ErrorRule

CLIENT_HINT: Final = (
    "username is the client ID, the secret is its client secret, which may have expired: see"
    " Identity and Access Management > API Access in the Citrix Cloud console."
)
STATUS_RULES: Final = status_rules(
    {
        FailureKind.AUTH: ("client ID or secret rejected", CLIENT_HINT),
        FailureKind.FORBIDDEN: (
            "client has no permission to read licensing",
            "Add the Licensing permission to the service principal in the Citrix Cloud console.",
        ),
        FailureKind.NO_DATA: "Check customer_id.",
        FailureKind.RATE_LIMITED: "Raise interval. Requests of other tools that use this client"
        " count, too.",
        FailureKind.UNAVAILABLE: "See status.cloud.com. lictui retries at the next poll.",
        FailureKind.PROTOCOL: "Check url and customer_id of the server in servers.toml.",
    }
)


class CloudSession(BearerSession):
    """Requests of the client that `server` names, on behalf of its customer."""

    def __init__(
        self,
        server: Server,
        client: HttpClient,
        clock: Clock,
        rules: Iterable[ErrorRule] = (),
        *,
        partner: bool = False,
    ) -> None:
        """`rules` come before STATUS_RULES; `partner` signs in to License Usage Insights."""
        self._server = server

        async def request_token(rejected: str) -> Token:
            return await cloud_token(server, client, clock, rejected, partner=partner)

        super().__init__(client, clock, request_token, (*rules, *STATUS_RULES), "CwsAuth")

    async def sign_in(self) -> str:
        """Make sure of a valid token; return who we are. Raises SourceError."""
        for key in ("customer_id", "username"):
            if not getattr(self._server, key):
                raise config_error(
                    f"{key} is not set",
                    "It is shown in the Citrix Cloud console, Identity and Access Management.",
                )
        await self.token()
        return f"client {self._server.username} of {self._server.customer_id}"

    async def get_json(self, url: str, *, renew: bool = True) -> object:
        """Return the JSON of a URL, None for 204; `renew` as in `BearerSession.get`."""
        reply = await self.get(url, renew=renew)
        if reply.status == HTTPStatus.NO_CONTENT:
            return None
        if reply.status != HTTPStatus.OK:
            raise self.error(reply)
        return reply_json(reply, Step.PARSE)


# Hosts


REGIONS: Final = {
    "api.cloud.com": "global",
    "api-us.cloud.com": "United States",
    "api-eu.cloud.com": "European Union",
    "api-ap-s.cloud.com": "Asia Pacific South",
    "api.citrixcloud.jp": "Japan",
}
TRUST_URL: Final = "https://trust.citrixworkspacesapi.net"
_US_GOVERNMENT: Final = "https://trust.citrixworkspacesapi.us"
_GLOBAL: Final = "https://api.cloud.com"
_CUSTOMER_HOSTS: Final = ".xendesktop.net"  # of one customer each, with tokens of _GLOBAL
_CITRIX_HOSTS: Final = (".cloud.com", ".citrixcloud.jp", ".cloud.us", ".citrixworkspacesapi.net")
_CONSOLE: Final = "https://cloudlicense.citrixworkspacesapi.net"


def is_citrix_cloud(url: str) -> bool:
    """Whether `url` is a host of Citrix."""
    return f".{origin(url).host}".endswith(_CITRIX_HOSTS)


def token_url(url: str, customer_id: str) -> tuple[str, bool]:
    """Return the token endpoint for `url`, and whether it expects the legacy JSON form."""
    host, path = origin(url).host, f"{quote(customer_id, safe='')}/tokens/clients"
    if host.endswith(".cloud.us"):
        return f"{_US_GOVERNMENT}/{path}", True
    base = _GLOBAL if host.endswith(_CUSTOMER_HOSTS) else _base(url)
    return f"{base}/cctrustoauth2/{path}", False


def partner_token_url(url: str, trust_url: str) -> str:
    """Return the token endpoint for License Usage Insights, which expects the legacy JSON form."""
    base = trust_url or (TRUST_URL if is_citrix_cloud(url) else url)
    return f"{_base(base)}/root/tokens/clients"


def console_url(url: str) -> str:
    """Return the origin of the API of Citrix's own console, as a public script found it."""
    return _CONSOLE if is_citrix_cloud(url) else _base(url)


def region_hint(url: str) -> str:
    """Return what to do if `url` does not know the customer."""
    region = REGIONS.get(origin(url).host, "not one of them")
    regions = " · ".join(f"{name}: {host}" for host, name in REGIONS.items())
    return f"Check customer_id, and that url is the host of its region (now: {region}). {regions}."


def _base(url: str) -> str:
    return str(origin(url)).rstrip("/")


# Sign-in: a client ID and its secret for a token


_OAUTH_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "application/json",
}
_LEGACY_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


async def cloud_token(
    server: Server, client: HttpClient, clock: Clock, rejected: str, *, partner: bool = False
) -> Token:
    """Return a token for a customer, or for License Usage Insights; see `shared_token`."""
    if partner:
        url, legacy = partner_token_url(server.url, server.trust_url), True
        hint = f"Set trust_url to the token endpoint, such as {TRUST_URL}."
    else:
        url, legacy = token_url(server.url, server.customer_id)
        hint = region_hint(server.url)
    require_encryption(url)
    require_encryption(server.url)  # the token is sent there
    secret = await client.secret()
    if legacy:
        headers, token_key, lifetime_key = _LEGACY_HEADERS, "token", "expiresIn"
        body = json.dumps({"clientId": server.username, "clientSecret": secret})
    else:
        headers, token_key, lifetime_key = _OAUTH_HEADERS, "access_token", "expires_in"
        client_fields = {"client_id": server.username, "client_secret": secret}
        body = urlencode({"grant_type": "client_credentials"} | client_fields)

    async def request() -> Token:
        reply = await client.request(
            "POST", url, step=Step.AUTH, headers=headers, content=body.encode()
        )
        answer = Record(_token_answer(reply, hint))
        # Documented as a string of digits, seen as a number.
        lifetime = answer.count(lifetime_key)
        return new_token(answer.get(token_key), reply.address, clock.now(), lifetime)

    token = await shared_token(account_key(url, server.username, secret), request, clock, rejected)
    return replace(token, customer_id=server.customer_id)  # one client may serve several customers


def _token_answer(reply: HttpReply, not_found_hint: str) -> object:
    """Return the JSON of a success. Raises SourceError; an error may come with a 200, too."""
    log_transaction(reply)
    answer = None
    if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):
        try:
            answer = reply_json(reply, Step.AUTH)
        except SourceError:
            if reply.status == HTTPStatus.OK:
                raise
        # A 400 tells what is wrong with the client (RFC 6749, section 5.2).
        if Record(answer).get("error") or Record(answer).get("error_description"):
            raise SourceError(
                FailureKind.AUTH,
                f"{reply.address} rejected the client ID or secret: {error_text(reply, answer)}",
                CLIENT_HINT,
            )
    if reply.status != HTTPStatus.OK:
        not_found = status_rules({FailureKind.NO_DATA: not_found_hint})
        raise api_error(reply, (*not_found, *STATUS_RULES), Step.AUTH)
    return answer
