"""The shapes of a reply of Citrix Cloud: JSON, its two kinds of error, its transaction id.

Owns headers and error bodies. Must not know which request is answered. The licensing page of
developer-docs.citrix.com shows an error's parameters as one object, the page of common error
codes as a list of them.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from itertools import count
from typing import Any, Final

from lictui.simulator.faults import PORTAL
from lictui.simulator.http import Reply
from lictui.simulator.inventory import Mood

Headers = tuple[tuple[str, str], ...]

_TYPE: Final = ("Content-Type", "application/json; charset=utf-8")
_COMMON: Final = "https://errors-api.cloud.com/common/"


def json_reply(body: Any, *, status: int = 200, headers: Headers = ()) -> Reply:
    """`body` as JSON."""
    return Reply(status, (_TYPE, *headers), json.dumps(body).encode())


def common_error(status: int, kind: str, detail: str, **parameters: str) -> Reply:
    """An error of a kind that all of Citrix Cloud shares; parameters are a list."""
    listed = [{"name": name, "value": value} for name, value in parameters.items()]
    body = {"type": f"{_COMMON}{kind}", "detail": detail, "parameters": listed}
    return json_reply(body, status=status)


def own_error(
    status: int, detail: str, name: str = "", value: str = "", headers: Headers = ()
) -> Reply:
    """An error as the licensing service words it; its one parameter is an object."""
    parameters = {"name": name, "value": value} if name else None
    body = {"type": str(status), "detail": detail, "parameters": parameters}
    return json_reply(body, status=status, headers=headers)


def not_found(what: str) -> Reply:
    """404: there is no `what`, or this customer is not entitled to it."""
    return own_error(404, "resource not found", "entityType", what)


def instead(mood: Mood, retry_after: int) -> Reply | None:
    """What answers in place of the service; None when the service does."""
    again = (("Retry-After", str(retry_after)),)
    match mood:
        case Mood.LOGIN_PAGE:
            return PORTAL
        case Mood.BUSY:
            return own_error(503, "service unavailable", headers=again)
        case Mood.LIMITED:
            return own_error(429, "too many requests", headers=again)
        case _:
            return None


class Transactions:
    """Numbers the answers of one service, in the header that Citrix's support asks for."""

    def __init__(self, header: str, seed: str) -> None:
        self._header = header
        self._seed = seed
        self._count = count(1)

    def stamped(self, reply: Reply) -> Reply:
        """`reply` with the id of its transaction."""
        made = uuid.uuid5(uuid.NAMESPACE_DNS, f"{self._seed}/{next(self._count)}")
        return replace(reply, headers=(*reply.headers, (self._header, str(made))))
