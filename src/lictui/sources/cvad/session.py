"""Sign-in to a Citrix site, and the meaning of its HTTP statuses."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.auth import (
    VALID_TOKEN,
    BearerSession,
    Token,
    api_error,
    basic_header,
    new_token,
    server_secret,
)
from lictui.sources.cloud.session import cloud_token
from lictui.sources.http import get_field, reply_json, with_retry
from lictui.sources.network import require_encryption
from lictui.sources.sanitize import parse_time, sanitize
from lictui.sources.source import ErrorRule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.sources.http import HttpClient, HttpReply

ADDRESS_HINT: Final = "Set url to the address of a Delivery Controller or of Citrix Cloud."
STATUS_RULES: Final = (
    ErrorRule(
        (401,),
        FailureKind.AUTH,
        "user name or password rejected",
        r"Check username (DOMAIN\user) and the secret that servers.toml refers to.",
    ),
    ErrorRule(
        (403,),
        FailureKind.FORBIDDEN,
        "account has no permission to read licensing",
        "Give it the Read Only Administrator role; in Citrix Cloud, the Licensing permission.",
    ),
    ErrorRule(
        (404,),
        FailureKind.NO_DATA,
        "not found",
        "Check that url is a Delivery Controller with the REST API, and that site and customer_id"
        " are right.",
    ),
    ErrorRule(
        (429,),
        FailureKind.RATE_LIMITED,
        "rate limited",
        "Raise interval. Requests of other tools that use this account count, too.",
    ),
    ErrorRule(
        range(500, 600),
        FailureKind.UNAVAILABLE,
        "temporarily unavailable",
        "Check the services of the Delivery Controller. lictui retries at the next poll.",
    ),
    ErrorRule(None, FailureKind.PROTOCOL, "bad request", ADDRESS_HINT),
)


def open_session(server: Server, client: HttpClient, clock: Clock) -> BearerSession:
    """Return a session that signs in to the site of `server`, on premises or in Citrix Cloud."""

    async def sign_in(rejected: str) -> Token:
        if server.customer_id:
            return await cloud_token(server, client, clock, rejected)
        return await _site_token(server, client, clock)

    return BearerSession(client, clock, sign_in, STATUS_RULES, scheme="CWSAuth")


# Both are in use: the first is documented, the second is that of older releases.
TOKEN_PATHS: Final = ("/cvad/manage/Tokens", "/citrix/orchestration/api/tokens")
ON_PREMISES_CUSTOMER: Final = "CitrixOnPremises"


async def _site_token(server: Server, client: HttpClient, clock: Clock) -> Token:
    """Return a new token of a Delivery Controller. Raises SourceError with step `auth`."""
    require_encryption(server.url)
    secret = await server_secret(server)
    headers = {"Authorization": basic_header(server.username, secret), "Accept": "application/json"}

    async def post(path: str) -> HttpReply:
        return await with_retry(
            lambda: client.request("POST", path, step=Step.AUTH, headers=headers), clock
        )

    path, reply = await first_existing(TOKEN_PATHS, post)
    if reply.status != HTTPStatus.OK:
        raise api_error(reply, client.address, path, STATUS_RULES, Step.AUTH, secret)
    answer = reply_json(reply, client.address, Step.AUTH)
    now, expires = clock.now(), parse_time(get_field(answer, "ExpiresAt"))
    token = new_token(get_field(answer, "Token"), client.address, now, expires and expires - now)
    customer = get_field(answer, "CustomerId")
    if not isinstance(customer, str) or not VALID_TOKEN.fullmatch(customer):
        customer = ON_PREMISES_CUSTOMER
    return replace(
        token,
        customer_id=customer,
        principal=sanitize(get_field(answer, "Principal"), 80),
    )


async def first_existing(
    paths: tuple[str, ...], request: Callable[[str], Awaitable[HttpReply]]
) -> tuple[str, HttpReply]:
    """Return the first of `paths` whose status is not 404, or the last, and its reply."""
    *first, last = paths
    for path in first:
        reply = await request(path)
        if reply.status != HTTPStatus.NOT_FOUND:
            return path, reply
    return last, await request(last)
