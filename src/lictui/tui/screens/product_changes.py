"""What changed about a product, as marks on the time axis of its chart and in words.

Pure: lines of the journal in, marks out. Must not know how a mark is drawn, nor who keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.analysis.series import begins
from lictui.model import About, EventKind, Level
from lictui.tui.ink import Tone
from lictui.tui.span import stamp
from lictui.tui.text import clean, shorten
from lictui.tui.widgets.chart_view import Mark, Sign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.model import Event
    from lictui.tui.ink import Line
    from lictui.tui.screens.product_view import Subject
    from lictui.tui.symbols import Symbols

MOST: Final = 500  # lines of the journal that are asked for a chart; the newest
_KINDS: Final = tuple(
    kind for kind in EventKind if kind is not EventKind.LEVEL
)  # the curve says it
_SIGNS: Final = {
    EventKind.VERSION: Sign.VERSION,
    EventKind.CERTIFICATE: Sign.CERTIFICATE,
    EventKind.ACTIVATION: Sign.ACTIVATION,
}


def about(subject: Subject) -> About:
    """Which lines of the journal a chart wants."""
    names = {name for status, _ in subject.pools for name in (*status.names, status.server.name)}
    return About(tuple(sorted({*names, *subject.owners})), subject.product, _KINDS)


def marks(events: Iterable[Event], *, alone: bool) -> tuple[Mark, ...]:
    """A mark for each line; a chart of one server `alone` need not say whose they are."""
    return tuple(
        Mark(
            event.at,
            _sign(event),
            clean(event.message if alone else f"{event.server}: {event.message}"),
        )
        for event in events
    )


def _sign(event: Event) -> Sign:
    bad = event.level is not Level.OK
    match event.kind:
        case EventKind.LICENSES:
            return Sign.GONE if bad else Sign.LICENSES
        case EventKind.SERVER:
            return Sign.LOST if bad else Sign.FOUND
    return _SIGNS.get(event.kind, Sign.NOTICE)


def endings(subject: Subject, start: int, end: int, zone: ZoneInfo | None) -> Iterator[Mark]:
    """The days within [start, end) on which licenses expire."""
    for _, pool in subject.pools:
        if pool.expires is not None and not pool.permanent:
            at = begins(pool.expires, zone)
            if start <= at < end:
                many = pool.reading.installed
                yield Mark(at, Sign.ENDS, f"{many if many is not None else '?'} licenses expire")


def words(near: tuple[Mark, ...], zone: ZoneInfo | None, width: int, symbols: Symbols) -> Line:
    """The marks near the cursor, in one line; nothing where there are none."""
    if not near:
        return ()
    first = near[0]
    more = f"  and {len(near) - 1} more" if len(near) > 1 else ""
    when = f"{symbols.dot} {stamp(first.at, zone).strip()}  "
    tone = Tone.WARN if first.sign in (Sign.GONE, Sign.ENDS, Sign.LOST) else Tone.TEXT
    said = shorten(first.words, max(8, width - len(when) - len(more)), symbols.ellipsis)
    return ((when, Tone.ACCENT), (said, tone), (more, Tone.QUIET))
