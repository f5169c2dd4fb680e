"""Post an alert event to the user's URL, signed so that the receiver can check the sender."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Server, SourceName, Step
from lictui.sources.http import HttpClient, status_error
from lictui.sources.source import ErrorRule, SourceError

if TYPE_CHECKING:
    from lictui.config.settings import Limits

SIGNATURE_HEADER: Final = "X-Lictui-Signature"
_HINT: Final = "See the log of the receiver."
_RULES: Final = (
    ErrorRule((401, 403), FailureKind.FORBIDDEN, "event not accepted", _HINT),
    ErrorRule((429,), FailureKind.RATE_LIMITED, "rate limited", _HINT),
    ErrorRule(range(500, 600), FailureKind.UNAVAILABLE, "temporarily unavailable", _HINT),
    ErrorRule(None, FailureKind.NO_DATA, "event not accepted", _HINT),
)
# An answer that says no would be the same at the next try.
_TRANSIENT: Final = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.UNAVAILABLE,
        FailureKind.TIMEOUT,
        FailureKind.REFUSED,
        FailureKind.DNS,
        FailureKind.PROTOCOL,
    }
)


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return `t=SECONDS,v1=HEX`: HMAC-SHA256 over time, dot and body, against replayed events."""
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def post(
    url: str,
    body: bytes,
    limits: Limits,
    *,
    now: float,
    secret: str = "",
    verify: bool | str = True,
) -> None:
    """Post the JSON `body`; any 2xx is a success, `is_transient` tells whether to retry."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if secret:
        headers[SIGNATURE_HEADER] = signature(secret, body, int(now))
    client = HttpClient(Server("webhook", SourceName.COMMAND, url=url, verify=verify), limits)
    client.redactor.add(url.partition("://")[2].partition("/")[2])  # often a secret
    try:
        async with client.deadline():
            reply = await client.request(
                "POST", url, step=Step.INVENTORY, headers=headers, content=body
            )
    finally:
        await client.aclose()
    if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        raise status_error(reply, _RULES, Step.INVENTORY)


def is_transient(error: SourceError) -> bool:
    """Whether a later try may succeed."""
    return error.failure.kind in _TRANSIENT
