"""Posts an alert event to a webhook, signed, so that the receiver can verify the sender."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Server, SourceName, Step
from lictui.sources.http import HttpClient
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.config.settings import Limits

SIGNATURE_HEADER: Final = "X-Lictui-Signature"
_PASSING: Final = frozenset({FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE})


def signature(secret: str, body: bytes, at: int) -> str:
    """Return `t=SECONDS,v1=HEX`: HMAC-SHA256 (RFC 2104) over the time, a dot and the body.

    The time is signed too, so that a receiver can reject replays.
    """
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def post(
    url: str,
    body: bytes,
    limits: Limits,
    *,
    at: float,
    secret: str = "",
    verify: bool | str = True,
) -> None:
    """Post the JSON `body` to `url`; any status from 200 to 299 is a success.

    `at` is the current time in UTC epoch seconds. Raises SourceError; `passing` tells whether a
    retry may help.
    """
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if secret:
        headers[SIGNATURE_HEADER] = signature(secret, body, int(at))
    link = HttpClient(Server("webhook", SourceName.COMMAND, url=url, verify=verify), limits)
    try:
        async with link.deadline():
            reply = await link.request(
                "POST", url, step=Step.INVENTORY, headers=headers, content=body
            )
    finally:
        await link.aclose()
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    raise SourceError(
        _kind(reply.status),
        f"{link.address} returned HTTP {reply.status}",
        "Check the log of the receiver.",
        Step.INVENTORY,
    )


def is_transient(error: SourceError) -> bool:
    """Return whether a retry may help: a status that rejects the request will do so again."""
    kind = error.failure.kind
    return kind in _PASSING or kind in (
        FailureKind.TIMEOUT,
        FailureKind.REFUSED,
        FailureKind.DNS,
        FailureKind.PROTOCOL,
    )


def _kind(status: int) -> FailureKind:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return FailureKind.FORBIDDEN
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FailureKind.RATE_LIMITED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureKind.UNAVAILABLE
    return FailureKind.NO_DATA
