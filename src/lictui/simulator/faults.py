"""What can go wrong with an answer on its way, whatever the protocol.

Owns answers that are cut off, far too long or mere noise, and the page of a portal in between.
Must not know what the answer said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lictui.simulator.http import Reply
from lictui.simulator.inventory import Mood

HUGE: Final = 11 * 1024 * 1024  # bytes that come after the answer: more than anybody should read
_BLANKS: Final = b" " * 4096
# Neither UTF-8, nor JSON, nor XML, nor a compressed format's first bytes.
_NOISE: Final = bytes(range(255, -1, -1)) * 4

PORTAL: Final = Reply(
    200,
    (("Content-Type", "text/html; charset=utf-8"),),
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b"<body><form method=post><input name=user><input name=password></form></body></html>",
)


def spoiled(reply: Reply, mood: Mood) -> Reply:
    """`reply` as it arrives in a mood that spoils answers; in any other mood as it is.

    Blanks follow a JSON or XML text without changing what it means, so that a client which reads
    them all finds nothing else to object to. An answer without a body cannot be spoiled.
    """
    if not reply.body:
        return reply
    match mood:
        case Mood.HALF:
            return replace(reply, cut=True)
        case Mood.HUGE:
            return replace(reply, body=reply.body + _BLANKS * (HUGE // len(_BLANKS)))
        case Mood.GARBAGE:
            return replace(reply, body=_NOISE)
        case _:
            return reply
