"""What an answer of the API means before its content is looked at: its status.

Owns the words for every status that is not 200. Must not know which request it answers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind
from lictui.sources.answers import get
from lictui.sources.clean import json_value, text
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lictui.model import Step
    from lictui.sources.http import Reply

_STATUSES: Final[dict[int, tuple[FailureKind, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        FailureKind.AUTH,
        "does not accept the username and password",
        r"Check username (DOMAIN\user) and the secret that servers.toml refers to.",
    ),
    HTTPStatus.FORBIDDEN: (
        FailureKind.FORBIDDEN,
        "does not let this account read licensing",
        "Give it the Read Only Administrator role; in Citrix Cloud, the Licensing permission.",
    ),
    HTTPStatus.NOT_FOUND: (
        FailureKind.NO_DATA,
        "has nothing at",
        "Is it a Delivery Controller with the REST API, and are site and customer_id right?",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        FailureKind.RATE_LIMITED,
        "is asked too often",
        "Raise interval; other tools that use this account count too.",
    ),
}
_UNAVAILABLE: Final = (
    FailureKind.UNAVAILABLE,
    "cannot answer now",
    "Look at the services of the Delivery Controller; it is asked again at the next poll.",
)
_UNEXPECTED: Final = (
    FailureKind.PROTOCOL,
    "did not understand the request",
    "Is this the address of a Delivery Controller or of Citrix Cloud?",
)


def refusal(reply: Reply, where: str, path: str, step: Step) -> SourceError:
    """The failure for a reply of `where` (HOST:PORT) to `path` that is not 200."""
    status = reply.status
    unavailable = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind, words, hint = _UNAVAILABLE if unavailable else _STATUSES.get(status, _UNEXPECTED)
    place = f" {path}" if status == HTTPStatus.NOT_FOUND else ""
    said = _said(reply)
    return SourceError(
        kind, f"{status}: {where} {words}{place}{f' ({said})' if said else ''}", hint, step
    )


def _said(reply: Reply) -> str:
    """The server's own words for an error: ErrorData on-premises, type and detail in the cloud."""
    try:
        body = json_value(reply.body)
    except ValueError:
        return ""
    data = get(body, "ErrorData") or body
    for key in ("ErrorMessage", "detail", "error_description", "error"):
        if said := text(get(data, key), 120):
            return said
    return ""


async def first_present(
    paths: tuple[str, ...], ask: Callable[[str], Awaitable[Reply]]
) -> tuple[str, Reply]:
    """The first of `paths` that is not answered with 404, or the last, and its answer."""
    *others, last = paths
    for path in others:
        reply = await ask(path)
        if reply.status != HTTPStatus.NOT_FOUND:
            return path, reply
    return last, await ask(last)
