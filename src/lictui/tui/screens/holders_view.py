"""Who holds a license, in columns and words.

Owns what the dialog says. Pure: the answers of servers in, cells and lines out. Must not know
Textual, nor how a name came to be replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lictui.model import Level
from lictui.tui.ink import Tone
from lictui.tui.span import moment
from lictui.tui.text import age, clean, figure
from lictui.tui.widgets.keyed_table import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from lictui.engine.holders import Holders, Holding
    from lictui.tui.ink import Line, Run
    from lictui.tui.symbols import Symbols

MOST: Final = 1000  # rows that are shown: the longest held
_COLUMNS: Final = (
    Column("user", "User", 12),
    Column("host", "Host", 12),
    Column("since", "Since", 16),
    Column("held", "For", 7),
    Column("count", "Count", 5),
    Column("idle", "", 4),
)
_SERVER: Final = Column("server", "Server", 12)
_GAP: Final = 1
_REPLACED: Final = {
    "hide": "Names are hidden",
    "hash": "Names are hashed",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One holding, and the server that it was asked of."""

    server: str
    holding: Holding
    at: float  # when it was told


def rows(answers: Sequence[Holders]) -> dict[str, Row]:
    """Every holding by a key of its own, the longest held first, at most `MOST`."""
    found = [Row(it.server, holding, it.at) for it in answers for holding in it.holdings]
    found.sort(key=lambda row: _since(row.holding))
    return {str(at): row for at, row in enumerate(found[:MOST])}


def _since(holding: Holding) -> tuple[bool, float]:
    since = holding.holder.since
    return since is None, since or 0.0


def columns(width: int, *, several: bool) -> tuple[Column, ...]:
    """The columns there is room for; user and host take what is left over."""
    chosen: tuple[Column, ...] = (_SERVER, *_COLUMNS) if several else _COLUMNS
    if width < sum(column.width + _GAP for column in chosen):
        chosen = tuple(it for it in chosen if it.key != "idle")  # a sign says it, too
    spare = max(0, width - sum(column.width + _GAP for column in chosen))
    extra = {"user": spare // 2, "host": spare - spare // 2}
    return tuple(replace(it, width=it.width + extra.get(it.key, 0)) for it in chosen)


def cells(row: Row, tz: ZoneInfo | None, symbols: Symbols) -> Mapping[str, Run]:
    """Every cell of one row, by its column."""
    holder, idle = row.holding.holder, row.holding.idle
    tone = Tone.WARN if idle else Tone.TEXT
    since = holder.since
    mark = symbols.level[Level.WARN] if idle else ""
    return {
        "server": (clean(row.server), Tone.QUIET),
        "user": (clean(holder.user), Tone.STRONG),
        "host": (clean(holder.device), Tone.TEXT),
        "since": ("?" if since is None else moment(since, tz, year=_long_ago(row)), tone),
        "held": ("?" if since is None else mark + age(row.at - since), tone),
        "count": (f"{holder.count:>5}", Tone.TEXT),
        "idle": ("idle" if idle else "", Tone.WARN),
    }


def _long_ago(row: Row) -> bool:
    since = row.holding.holder.since
    return since is not None and row.at - since > 300 * 86400  # the year begins to matter


def summary(answers: Sequence[Holders]) -> Line:
    """How many hold how much, and who said so."""
    holdings = [holding for answer in answers for holding in answer.holdings]
    licenses = sum(holding.holder.count for holding in holdings)
    idle = sum(holding.idle for holding in holdings)
    told = ", ".join(dict.fromkeys(clean(name) for it in answers for name in it.told_by))
    if not told:
        return (("Nobody can tell.", Tone.WARN),)
    if not holdings:
        return (("Nobody holds one", Tone.TEXT), (f"  told by {told}", Tone.QUIET))
    first = f", the {figure(MOST)} longest held here" if len(holdings) > MOST else ""
    marked = f" · {figure(idle)} idle" if idle else ""
    return (
        (f"{_many(licenses, 'license')}, {_many(len(holdings), 'holder')}", Tone.STRONG),
        (f"{first}{marked}", Tone.STRONG),
        (f"  told by {told}", Tone.QUIET),
    )


def _many(count: int, what: str) -> str:
    return f"{figure(count)} {what}{'' if count == 1 else 's'}"


def foot(answers: Sequence[Holders], chosen: Row | None, symbols: Symbols) -> Iterator[Line]:
    """What went wrong, what the chosen row means, and why names are not to be seen."""
    for answer in answers:
        for server, failure in answer.failures:
            said = f"{symbols.failed} {clean(server)}: {clean(failure.message)}"
            yield ((said, Tone.CRITICAL),)
            if failure.hint:
                yield ((f"{symbols.arrow} {clean(failure.hint)}", Tone.ACCENT),)
    if chosen is not None:
        yield (
            ("assigned" if chosen.holding.holder.assigned else "checked out", Tone.TEXT),
            (f"; {_idle(chosen)}" if chosen.holding.idle else "", Tone.WARN),
        )
        if chosen.holding.release:
            yield ((f"{symbols.arrow} {clean(chosen.holding.release)}", Tone.ACCENT),)
    for users in dict.fromkeys(it.users for it in answers if it.holdings):
        if users in _REPLACED:
            said = f'{_REPLACED[users]}; config.toml, [privacy]: users = "show"'
            yield ((said, Tone.QUIET),)


def _idle(row: Row) -> str:
    if row.holding.release:
        return "long idle: this would release it, on the license server; lictui never runs it"
    return "long idle"


def releases(answers: Sequence[Holders]) -> tuple[str, ...]:
    """The lines that would release what is idle."""
    return tuple(it.release for answer in answers for it in answer.holdings if it.release)
