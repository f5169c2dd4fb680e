"""What happened to an alert, in words for the journal and as JSON for programs.

Pure. Owns the sentences and the schema `lictui.event/1`. Must not know who reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lictui.clock import iso
from lictui.model import AlertKind, Event, EventKind, Happening, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.model import Answer, Identity, Said, Standing

SCHEMA: Final = "lictui.event/1"
_TURNS: Final = (f"{Happening.RAISED}: ", f"{Happening.WORSE} (", "cleared after ")
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def lines(said: Iterable[Said]) -> Iterator[Event]:
    """The journal's lines.

    That a server is lost or found, and what it says itself for the first time, has a line already.
    """
    for each in said:
        if not _has_a_line(each):
            standing = each.standing
            level = Level.OK if each.what is Happening.CLEARED else standing.level
            yield _line(standing.who, each.at, _words(each), level)


def _has_a_line(said: Said) -> bool:
    who = said.standing.who
    if who.kind is AlertKind.SERVER and who.about == "state":
        return said.what in (Happening.RAISED, Happening.CLEARED)
    own = who.about not in ("part", "certificate")
    notice = who.kind is AlertKind.GRACE or (who.kind is AlertKind.SERVER and own)
    return notice and said.what is Happening.RAISED


def _words(said: Said) -> str:
    standing = said.standing
    begun = standing.raised if standing.since is None else standing.since
    lasted = "" if begun is None else span(said.at - begun)
    match said.what:
        case Happening.WORSE | Happening.BETTER:
            return f"{said.what} ({said.before} -> {standing.level}): {standing.message}"
        case Happening.REPEATED:
            return f"still, for {lasted}: {standing.message}"
        case Happening.CLEARED:
            return f"cleared after {lasted}; it was: {standing.message}"
        case _:
            return f"{said.what}: {standing.message}"


def is_turn(event: Event) -> bool:
    """Whether a line of the journal says that an alert was raised, rose, or was cleared."""
    return event.kind is EventKind.ALERT and event.message.startswith(_TURNS)


def answered(standing: Standing, said: Answer | None, by: str, at: float) -> Event:
    """The journal's line for what somebody said to an alert; None: it was taken back."""
    if said is None:
        word = f"{by} wants to hear of it again"
    elif said.until is None:
        word = f"acknowledged by {by}"
    else:
        word = f"snoozed by {by} until {iso(said.until)}"
    return _line(standing.who, at, f"{word}: {standing.message}", standing.level)


def _line(who: Identity, at: float, message: str, level: Level) -> Event:
    return Event(at, EventKind.ALERT, who.server, message, who.product, level)


def event(said: Said) -> dict[str, Any]:
    """One happening as `lictui.event/1`: every key always there, times UTC."""
    standing = said.standing
    who = standing.who
    return {
        "schema": SCHEMA,
        "event": said.what.value,
        "at": iso(said.at),
        "kind": who.kind.value,
        "level": standing.level.value,
        "was": said.before.value if said.what is Happening.WORSE else None,
        "server": who.server,
        "group": standing.group,
        "product": who.product or None,
        "about": who.about or None,
        "since": None if standing.since is None else iso(standing.since),
        "raised": None if standing.raised is None else iso(standing.raised),
        "ratio": None if standing.ratio is None else round(standing.ratio, 4),
        "message": standing.message,
    }


def span(seconds: float) -> str:
    """A length of time in its largest unit: `45 min`, `3 h`, `2 d`."""
    length, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{int(max(0.0, seconds) / length)} {unit}"
