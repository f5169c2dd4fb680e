"""The bottom line of a pane, in few words: what ends soon, what else reads the server, and Citrix.

Owns those words and their order, the most pressing first. Pure. Must not know how they are drawn.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

from lictui.model import Reporting, State
from lictui.tui import text
from lictui.tui.ink import Tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from lictui.config.settings import Thresholds
    from lictui.engine.board import ServerStatus
    from lictui.model import LicenseServer, Pool
    from lictui.tui.ink import Run

_DAY: Final = 86400
_QUIET: Final = (State.UP, State.DISABLED)
_TONE: Final = {State.WAITING: Tone.QUIET, State.NO_DATA: Tone.QUIET}
_REPORTING: Final = {
    Reporting.REPORTING: Tone.QUIET,
    Reporting.NOT_REPORTING: Tone.CRITICAL,
    Reporting.NEVER_REPORTED: Tone.WARN,
    Reporting.EXPIRED: Tone.CRITICAL,
}


def dotted(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The notes with something between each two."""
    return tuple(chain.from_iterable(zip(repeat((" · ", Tone.FRAME)), runs, strict=False)))[1:]


def endings(pools: Sequence[Pool], limits: Thresholds, today: date) -> Iterator[Run]:
    """What ends within the warning time, soonest first."""
    counted = [pool for pool in pools if pool.counted]
    expires = [(p.expires - today).days for p in counted if p.expires and not p.permanent]
    subscriptions = [
        (p.subscription_date - today).days
        for p in counted
        if p.subscription_date and p.subscription_date >= today
    ]
    for days, one, many in (
        (expires, "license expires", "licenses expire"),
        (subscriptions, "SA date ends", "SA dates end"),
    ):
        soon = sorted(day for day in days if day <= limits.expiry_warn)
        if soon:
            tone = Tone.CRITICAL if soon[0] <= limits.expiry_critical else Tone.WARN
            words = one if len(soon) == 1 else many
            yield f"{len(soon)} {words} {text.in_days(soon[0])}", tone


def beside(status: ServerStatus, now: float, today: date) -> tuple[Run, ...]:
    """Other ways to read the server that tell nothing, and how it reports to Citrix."""
    if not status.parts and status.reports is None:
        return ()
    return (*_parts(status), *(_reports(status.reports, now, today) if status.reports else ()))


def _parts(status: ServerStatus) -> Iterator[Run]:
    for part in status.parts:
        own = part.state is status.state and part.failure == status.failure
        if part.state not in _QUIET and not own:
            said = f"{part.server.source} {part.state.replace('_', ' ')}"
            yield said, _TONE.get(part.state, Tone.WARN)


def _reports(listed: LicenseServer, now: float, today: date) -> Iterator[Run]:
    tone = _REPORTING[listed.status]
    last = listed.last_reported
    match listed.status:
        case Reporting.REPORTING:
            yield "reports to Citrix", tone
            if last is not None:
                days = int(now - last) // _DAY
                yield (text.day(_before(today, days), today) if days else "today"), tone
        case Reporting.NOT_REPORTING:
            since = "" if last is None else f" for {max(0, int(now - last)) // _DAY} d"
            yield f"not reporting{since}", tone
        case Reporting.NEVER_REPORTED:
            yield "never reported to Citrix", tone
        case Reporting.EXPIRED:
            yield "expired, says Citrix", tone


def _before(today: date, days: int) -> date:
    return type(today).fromordinal(max(1, today.toordinal() - days))
