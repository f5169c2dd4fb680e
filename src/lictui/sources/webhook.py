"""Post an alert event to the user's URL, signed so that the receiver can check the sender."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from lictui.model import FailureKind, Server, SourceName, Step
from lictui.sources.http import HttpClient, status_error
from lictui.sources.source import ErrorRule, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lictui.config.settings import Limits

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


async def post(
    url: str,
    body: bytes,
    limits: Limits,
    *,
    now: float,
    message_id: str,
    secret: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
    verify: bool | str = True,
) -> None:
    """Post `body`; any 2xx is a success, `is_transient` shows whether to retry.

    Identified, dated and signed as standardwebhooks.com specifies: a receiver may check who sent
    it, and ignores what it has already got under this ID.
    """
    kind = "application/json" if body[:1] in (b"{", b"[") else "text/plain"
    sent = {
        "Content-Type": f"{kind}; charset=utf-8",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
    }
    if secret:
        try:
            signer = Webhook(secret if secret.startswith("whsec_") else secret.encode())
        except (ValueError, EmptyWebhookSecretError):
            raise SourceError(FailureKind.CONFIG, "the secret is not valid base64") from None
        signed_at = datetime.fromtimestamp(int(now), UTC)
        sent["webhook-signature"] = signer.sign(message_id, signed_at, body.decode())
    client = HttpClient(Server("webhook", SourceName.COMMAND, url=url, verify=verify), limits)
    client.redactor.add(url.partition("://")[2].partition("/")[2])  # often a secret
    for value in headers.values():
        client.redactor.add(value)
    try:
        async with client.deadline():
            reply = await client.request(
                "POST", url, step=Step.INVENTORY, headers={**sent, **headers}, content=body
            )
    finally:
        await client.aclose()
    if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        raise status_error(reply, _RULES, Step.INVENTORY)


def is_transient(error: SourceError) -> bool:
    """Whether a later try may succeed."""
    return error.failure.kind in _TRANSIENT
