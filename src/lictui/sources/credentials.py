"""Names and passwords on their way to a server.

Owns the moment a secret is looked up, and its form on the wire. Must not know any protocol; keeps
nothing.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from lictui.config.secrets import SecretError, resolve
from lictui.model import FailureKind, Step
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.model import Server


async def secret(server: Server) -> str:
    """The secret that `server` refers to, looked up now; SourceError (config) if it cannot be."""
    try:
        return await resolve(server.secret)
    except SecretError as error:
        raise SourceError(FailureKind.CONFIG, error.message, error.hint, Step.AUTH) from error


def basic(username: str, password: str) -> str:
    """The value of an Authorization header with a password in the clear (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
