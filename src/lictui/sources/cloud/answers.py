"""What an answer of Citrix Cloud means before its content is looked at: status, error body, id.

Owns the words for every status that is no success. Must not know which request it answers, but for
the hints that a caller brings. Both shapes of an error on developer-docs.citrix.com are read: that
of "Citrix Cloud Licensing" (`parameters` an object), and that of "common error codes" (a list).
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind
from lictui.sources.answers import get, rows
from lictui.sources.clean import json_value, text
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lictui.model import Step
    from lictui.sources.http import Reply

_log = logging.getLogger(__name__)

_TRANSACTION: Final = ("cc-transactionid", "x-cws-transactionid")  # the second is the older
_SAID: Final = 160  # characters of a server's own words
CLIENT: Final = (
    "username is the client id, the secret its client secret, which may have expired: see Identity"
    " and Access Management, API Access, in the Citrix Cloud console."
)
_STATUSES: Final[dict[int, tuple[FailureKind, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.AUTH,
        "does not accept the client",
        CLIENT,
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.FORBIDDEN,
        "does not let this client read licensing",
        "The service principal lacks the Licensing permission; an administrator can add it.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.NO_DATA,
        "has nothing at",
        "Is customer_id right?",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        FailureKind.RATE_LIMITED,
        "is asked too often",
        "Raise interval; everything else that signs in as this client counts too.",
    ),
}
_UNAVAILABLE: Final = (
    FailureKind.UNAVAILABLE,
    "cannot answer now",
    "status.cloud.com tells of disturbances; it is asked again at the next poll.",
)
_UNEXPECTED: Final = (
    FailureKind.PROTOCOL,
    "did not understand the request",
    "Check url and customer_id of the server in servers.toml.",
)


def refusal(
    reply: Reply,
    where: str,
    path: str,
    step: Step,
    *,
    hints: Mapping[int, str] | None = None,
    hidden: tuple[str, ...] = (),
) -> SourceError:
    """The failure for a reply of `where` (HOST:PORT) to `path` that is no success.

    `hints` are better ones for some statuses; `hidden` is what may not be repeated.
    """
    status = reply.status
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind, words, hint = _UNAVAILABLE if unavailable else _STATUSES.get(status, _UNEXPECTED)
    said = _said(reply, hidden)
    message = f"{status}: {where} {words}"
    message += f" {text(path, 120)}" if status == HTTPStatus.NOT_FOUND else ""
    message += f" ({said})" if said else ""
    if unavailable and (known := transaction(reply)):
        message += f", transaction {known}"
    return SourceError(kind, message, (hints or {}).get(status, hint), step)


def noted(reply: Reply, where: str, path: str) -> Reply:
    """`reply`, once lictui.log has what Citrix's support asks for: the id of the transaction."""
    known = transaction(reply) or "not told"
    _log.debug("%s %s: %s, transaction %s", where, path, reply.status, known)
    return reply


def path_of(url: str) -> str:
    """The path of a full URL, or a path itself."""
    return url if url.startswith("/") else f"/{url.partition('://')[2].partition('/')[2]}"


def transaction(reply: Reply) -> str:
    """The id by which Citrix finds this request again, "" if it tells none."""
    return next(
        (said for name in _TRANSACTION if (said := text(reply.headers.get(name, ""), 64))), ""
    )


def complaint(body: object, hidden: tuple[str, ...] = ()) -> str:
    """The server's own words in an error body of either shape, OAuth's included; "" if none."""

    def shown(value: object, limit: int = _SAID) -> str:
        # Before anything is cut off: half a secret is one, too.
        for secret in hidden:
            value = value.replace(secret, "…") if isinstance(value, str) and secret else value
        return text(value, limit)

    keys = ("detail", "error_description", "error", "message", "type")
    said = next((words for key in keys if (words := shown(get(body, key)))), "")
    about = [f"{shown(name, 40)}: {shown(value, 80)}" for name, value in _parameters(body)]
    return ", ".join(filter(None, (said, *about)))


def _said(reply: Reply, hidden: tuple[str, ...]) -> str:
    try:
        return complaint(json_value(reply.body), hidden)
    except ValueError:
        return ""


def _parameters(body: object) -> Iterator[tuple[object, object]]:
    told = get(body, "parameters")
    for each in rows(told, 3) or rows([told]):
        if text(get(each, "name")):
            yield get(each, "name"), get(each, "value")
