"""Where the figures of a product come from, in words.

Owns what the dialog says. Pure: statuses and pools in, lines out. Must not know Textual.
"""

from __future__ import annotations

from textwrap import TextWrapper
from typing import TYPE_CHECKING, Final

from lictui.engine import board as whence
from lictui.engine.board import answered, combined
from lictui.engine.contract import hints
from lictui.tui.ink import Tone
from lictui.tui.span import moment
from lictui.tui.text import age, clean, figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from lictui.config.contract import Purchase
    from lictui.engine.board import Board, Figure, ServerStatus
    from lictui.model import Pool
    from lictui.tui.ink import Line
    from lictui.tui.symbols import Symbols

_WORDS: Final = {
    "in_use": "in use",
    "ends": "expires",
    "license_type": "license type",
}
_LABEL: Final = 13

Held = tuple["ServerStatus", "Pool"]


def held(
    board: Board, servers: Sequence[str], product: str, day: str | None = None
) -> tuple[Held, ...]:
    """The pools of a product on these servers; of one subscription date alone if it is given."""
    statuses = {it.server.name: it for name in servers if (it := board.of(name))}.values()
    return tuple(
        (status, pool)
        for status in statuses
        for pool in (status.snapshot.pools if status.snapshot else ())
        if pool.product == product and day in (None, pool.key.subscription_date)
    )


def lines(
    pools: Sequence[Held],
    board: Board,
    contract: Sequence[Purchase],
    *,
    now: float,
    tz: ZoneInfo | None,
    width: int,
    symbols: Symbols,
) -> tuple[Line, ...]:
    """All of it, in lines of at most so many columns."""
    if not pools:
        return ((("nothing was read of this yet", Tone.QUIET),),)
    first = pools[0][1]
    said: list[Line] = [
        ((clean(first.name), Tone.STRONG), (f"  {clean(first.product)}", Tone.QUIET))
    ]
    if len(pools) > 1:
        said += _wrapped(_sum(pools), Tone.TEXT, width)
    mine = {name for status, _ in pools for name in status.names}
    for hint in hints(board, contract):
        if hint.server in mine and hint.product == first.product:
            said += _wrapped(f"{symbols.arrow} {clean(hint.message)}", Tone.WARN, width)
    for status, pool in pools:
        said += [(), *_pool(status, pool, now, tz, width)]
    return tuple(said)


def _sum(pools: Sequence[Held]) -> str:
    known = [(status, pool) for status, pool in pools if answered(status, pool) and pool.counted]
    parts = [
        f"{clean(status.server.name)} {figure(pool.reading.installed)}" for status, pool in known
    ]
    total = combined([pool for _, pool in known]) if known else None
    return f"installed {figure(total.installed if total else None)} = {' + '.join(parts) or '?'}"


def _pool(
    status: ServerStatus, pool: Pool, now: float, tz: ZoneInfo | None, width: int
) -> Iterator[Line]:
    name = clean(status.server.name)
    day = f", subscription {pool.key.subscription_date}" if pool.subscription_date else ""
    yield ((name, Tone.ACCENT), (day, Tone.QUIET))
    if not answered(status, pool):
        yield (("  nobody answers for it now: these are the last figures known", Tone.WARN),)
    for each in whence.figures(status, pool):
        yield from _figure(each, now, tz, width)
    for told in whence.fields(status, pool):
        yield ((f"  the fields of {clean(told.server)} ({told.source})", Tone.QUIET),)
        if not told.raw:
            yield (("    raw fields come with the next poll", Tone.QUIET),)
        longest = max((len(key) for key, _ in told.raw), default=0)
        for key, value in told.raw:
            yield from _wrapped(f"    {clean(key):<{longest}}  {clean(value)}", Tone.TEXT, width)


def _figure(each: Figure, now: float, tz: ZoneInfo | None, width: int) -> Iterator[Line]:
    word = _WORDS.get(each.name, each.name)
    value = clean(each.value)
    formula = f" = {clean(each.formula)}" if each.formula else ""
    read = "" if each.at is None else f", {moment(each.at, tz)}, {age(now - each.at)} ago"
    whence_ = f"{each.source}, {clean(each.server)}{read}"
    head = f"  {word:<{_LABEL}}"
    said = f"{value}{formula}"
    if len(head) + len(said) + 2 + len(whence_) <= width:
        yield ((head, Tone.QUIET), (said, Tone.STRONG), (f"  {whence_}", Tone.QUIET))
        return
    room = TextWrapper(max(width - len(head), 10), break_on_hyphens=False)
    for at, piece in enumerate(room.wrap(said)):
        yield ((head if not at else " " * len(head), Tone.QUIET), (piece, Tone.STRONG))
    for piece in room.wrap(whence_):
        yield ((" " * len(head), Tone.QUIET), (piece, Tone.QUIET))


def _wrapped(said: str, tone: Tone, width: int) -> Iterator[Line]:
    indent = " " * (len(said) - len(said.lstrip()) + 2)
    room = TextWrapper(max(width, 10), subsequent_indent=indent, break_on_hyphens=False)
    for piece in room.wrap(said):
        yield ((piece, tone),)
