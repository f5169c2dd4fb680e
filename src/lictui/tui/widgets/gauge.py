"""The gauge: how full a pool is, with the overdraft apart and a tick at the peak of the day.

Owns the drawing of one gauge. Pure: must not know Textual, themes or where figures come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.tui.ink import OF_LEVEL, Tone

if TYPE_CHECKING:
    from lictui.model import Level, Reading
    from lictui.tui.ink import Run
    from lictui.tui.symbols import Symbols

BEYOND: Final = 3  # cells past the end of installed: the end itself and two of overdraft
SMALLEST: Final = 6  # cells below which a gauge says nothing


def gauge(
    reading: Reading, level: Level, peak: float | None, cells: int, symbols: Symbols
) -> list[Run]:
    """A gauge in exactly `cells` cells.

    The scale is 0 to installed; what is in use beyond stands past the end mark, where the scale
    is the overdraft's own, so that nothing is ever clamped into looking merely full.
    """
    inside = cells - BEYOND
    if inside < 1:
        return [(" " * max(cells, 0), Tone.FRAME)]
    if reading.installed is None or reading.in_use is None:
        return [(symbols.track * inside + symbols.end + "  ", Tone.FRAME)]
    used, installed = reading.in_use, reading.installed
    fill = _bar(min(used, installed), installed, inside, symbols)
    track = [symbols.track] * (inside - len(fill))
    if peak is not None and installed and used < peak <= installed:
        at = min(int(peak / installed * inside), inside - 1) - len(fill)
        if at >= 0:
            track[at] = symbols.tick
    tone = OF_LEVEL[level]
    beyond = _beyond(used - installed, reading.overdraft, symbols)
    return [
        (fill, tone),
        ("".join(track) + symbols.end, Tone.FRAME),
        *beyond,
    ]


def _bar(value: int, of: int, cells: int, symbols: Symbols) -> str:
    """Whole cells and one part: more than nothing shows, less than all never fills."""
    if value <= 0 or of <= 0:
        return ""
    parts = len(symbols.bars)
    eighths = max(1, value * cells * parts // of)
    whole, rest = divmod(eighths, parts)
    return symbols.bars[-1] * whole + (symbols.bars[rest - 1] if rest else "")


def _beyond(over: int, overdraft: int | None, symbols: Symbols) -> list[Run]:
    room = BEYOND - 1
    if over <= 0:
        allowed = symbols.allowance if overdraft else " "
        return [(allowed * room, Tone.FRAME)]
    taken = room if not overdraft or over >= overdraft else max(1, over * room // overdraft)
    left = symbols.allowance if overdraft else " "
    return [(symbols.over * taken, Tone.OVER), (left * (room - taken), Tone.FRAME)]
