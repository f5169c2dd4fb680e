"""The shapes of a reply: JSON, ErrorData, and what answers when the site itself does not.

Owns headers and error bodies. Must not know which request is answered.
"""

from __future__ import annotations

import json
from typing import Any, Final

from lictui.simulator.faults import PORTAL
from lictui.simulator.http import Reply
from lictui.simulator.inventory import Mood

_TYPE: Final = ("Content-Type", "application/json; charset=utf-8")


def json_reply(body: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """`body` as JSON."""
    return Reply(status, (_TYPE, *headers), json.dumps(body).encode())


def error(status: int, kind: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An error as ErrorData says it."""
    body = {
        "SdkErrorId": f"Citrix.Orchestration.{kind}",
        "ErrorMessage": message,
        "ErrorType": kind,
        "ErrorDetails": None,
    }
    return json_reply(body, status=status, headers=headers)


def instead(mood: Mood, retry_after: int) -> Reply | None:
    """What answers in place of the site; None when the site does."""
    again = (("Retry-After", str(retry_after)),)
    match mood:
        case Mood.LOGIN_PAGE:
            return PORTAL
        case Mood.BUSY:
            return error(503, "ServiceUnavailable", "The site is not available.", again)
        case Mood.LIMITED:
            return error(429, "TooManyRequests", "There were too many requests.", again)
        case _:
            return None
