"""Messages by mail, Teams, Slack, ntfy, PagerDuty and others, through the services of apprise."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from lictui.installation import extra_command
from lictui.model import FailureKind, Level
from lictui.sources.process import run_blocking
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPES: Final = {Level.OK: "success", Level.WARN: "warning"}  # others: failure


async def send_message(
    name: str, services: Sequence[str], title: str, text: str, level: Level, seconds: float
) -> None:
    """Send a message to each service, which apprise names by URLs: they contain passwords.

    Raises SourceError; no message repeats a URL.
    """

    def send() -> bool:
        try:
            import apprise  # noqa: PLC0415 - an extra, which takes a second to load
        except ImportError:
            hint = f"run: {extra_command('notify')}"
            raise SourceError(FailureKind.CONFIG, "notify requires apprise", hint) from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it prints URLs
        known = apprise.Apprise()
        if not all(known.add(service) for service in services):
            raise SourceError(FailureKind.CONFIG, "apprise knows no such service")
        kind = apprise.NotifyType(_TYPES.get(level, "failure"))
        return bool(known.notify(text, title, kind, body_format=apprise.NotifyFormat.TEXT))

    try:
        accepted = await run_blocking(f"notify {name}", send, seconds)
    except TimeoutError:
        raise SourceError(FailureKind.TIMEOUT, f"no answer within {seconds:g} s") from None
    if not accepted:
        raise SourceError(FailureKind.UNAVAILABLE, "a service did not accept the message")
