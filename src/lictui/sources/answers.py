"""JSON answers of HTTP APIs: decoded, and looked into without trusting their shape.

Owns the step from bytes to values that every such API shares. Must not know any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind
from lictui.sources.clean import json_value, text
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.model import Step
    from lictui.sources.http import Reply

MOST_ROWS: Final = 1000  # of any list in an answer, unless a caller knows better
_HINT: Final = "Give the address of the API itself, not of a portal, a gateway or StoreFront."


def decoded(reply: Reply, where: str, step: Step) -> object:
    """The JSON of a reply; raises SourceError (parse) with `step` if there is none."""
    if reply.body.lstrip()[:1] == b"<":
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent an HTML page instead of JSON: a login page or proxy?",
            _HINT,
            step,
        )
    try:
        return json_value(reply.body)
    except ValueError as error:
        raise SourceError(
            FailureKind.PARSE,
            f"{where} sent an answer that is not JSON: {text(error, 100)}",
            _HINT,
            step,
        ) from error


def get(value: object, key: str) -> object:
    """`value[key]` of a JSON object; None for anything else."""
    return value.get(key) if isinstance(value, dict) else None


def rows(value: object, most: int = MOST_ROWS) -> list[dict[str, object]]:
    """The JSON objects in a list, the first `most` at most; none for anything else."""
    found = value if isinstance(value, list) else []
    return [row for row in found[:most] if isinstance(row, dict)]
