"""The license servers that a partner's account lists, as lines: the worst first, and not too many.

Owns their order and words. Must not know how a line is drawn.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from lictui.model import Level, Reporting
from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.span import moment
from lictui.tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from lictui.model import LicenseServer
    from lictui.tui.ink import Line
    from lictui.tui.symbols import Symbols

_MOST: Final = 8  # license servers that are named; all are counted
_FAR: Final = 9_999  # days, where no end is told

_LEVELS: Final = {  # worst first
    Reporting.EXPIRED: Level.CRITICAL,
    Reporting.NOT_REPORTING: Level.CRITICAL,
    Reporting.NEVER_REPORTED: Level.WARN,
    Reporting.REPORTING: Level.OK,
}
_ORDER: Final = tuple(_LEVELS)


def license_servers(
    listed: Sequence[LicenseServer], symbols: Symbols, tz: ZoneInfo | None
) -> Iterator[Line]:
    """How many are in which state, then the worst by name; nothing where none are listed."""
    if not listed:
        return
    counts = Counter(server.status for server in listed)
    said = (f"{counts[status]:,} {_word(status)}" for status in _ORDER if counts[status])
    many = "" if len(listed) == 1 else "s"
    states = f" {symbols.dot} ".join(said)
    yield ((f"{len(listed):,} license server{many}: {states}", Tone.TEXT),)
    for server in sorted(listed, key=_badness)[:_MOST]:
        level = _LEVELS[server.status]
        facts = f" {symbols.dot} ".join(clean(fact) for fact in _facts(server, tz))
        yield (
            (f"{symbols.level[level]} {clean(server.fqdn or server.host_id)}  ", OF_LEVEL[level]),
            (facts, Tone.QUIET),
        )
    if (more := len(listed) - _MOST) > 0:
        yield ((f"and {more:,} more", Tone.QUIET),)


def _badness(server: LicenseServer) -> tuple[int, int, str, str]:
    days = _FAR if server.days_to_expire is None else server.days_to_expire
    return (_ORDER.index(server.status), days, server.fqdn, server.host_id)


def _facts(server: LicenseServer, tz: ZoneInfo | None) -> Iterator[str]:
    yield _word(server.status)
    if server.last_reported is not None:
        yield f"last {moment(server.last_reported, tz)}"
    if server.expires is not None:
        verb = "expired" if server.status is Reporting.EXPIRED else "expires"
        yield f"{verb} {server.expires.day} {server.expires:%b %Y}"


def _word(status: Reporting) -> str:
    return status.replace("_", " ")
