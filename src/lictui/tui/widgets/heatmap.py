"""The map of the week: how much was in use at each hour of each weekday, in cells of text.

Owns the drawing of one `HeatView`. How high a cell is says it, its colour only repeats the level.
Must not know where its figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.reactive import reactive
from textual.widget import Widget

from lictui.model import Reading
from lictui.tui.ink import OF_LEVEL, Tone, merge
from lictui.tui.ink import width as columns
from lictui.tui.symbols import UNICODE
from lictui.tui.text import percent
from lictui.tui.widgets import paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.strip import Strip

    from lictui.analysis.usage import Heat
    from lictui.tui.ink import Line, Run
    from lictui.tui.symbols import Symbols

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS: Final = 24
_LABEL: Final = 5  # columns of a weekday
_EIGHTHS: Final = 8
_WIDEST: Final = 5
_APART: Final = 15  # rows from which weekdays stand apart


@dataclass(frozen=True, slots=True)
class HeatView:
    """A map, and what its heights are measured by."""

    heat: Heat | None = None
    installed: int | None = None  # the newest; without it the highest hour is the measure
    warn: float = 0.8  # ratios
    critical: float = 0.9
    cursor: tuple[int, int] | None = None  # weekday from 0 for Monday, hour
    note: str = ""  # said in place of a map

    @property
    def scale(self) -> float:
        """What a full cell stands for."""
        if self.installed:
            return self.installed
        rows = self.heat.peak if self.heat else ()
        return max((each for row in rows for each in row if each is not None), default=0) or 1


class HeatMap(Widget):
    """Draws a `HeatView`; a view equal to the one before it is not drawn again."""

    DEFAULT_CSS = "HeatMap { height: 1fr; width: 1fr;" + paint.CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = set(paint.TONES)

    view: reactive[HeatView] = reactive(HeatView())

    def __init__(self, symbols: Symbols = UNICODE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._symbols = symbols
        self._key: object = None
        self._rows: list[Line] = []

    def move(self, hours: int) -> None:
        """Read off another cell, Monday 8:00 at first; the week begins again where it ends."""
        day, hour = self.view.cursor or (0, 8 - hours)
        place = (day * _HOURS + hour + hours) % (7 * _HOURS)
        self.view = replace(self.view, cursor=divmod(place, _HOURS))

    def render_line(self, y: int) -> Strip:
        """One row."""
        if self._key != (key := (self.view, self.size)):
            self._key = key
            self._rows = rows(self.view, *self.size, self._symbols)
        line = self._rows[y] if y < len(self._rows) else ()
        return paint.strip(self, line, self.size.width)


def rows(view: HeatView, width: int, height: int, symbols: Symbols) -> list[Line]:
    """The map in lines of text: the hours, then a line for each weekday."""
    if view.note or view.heat is None or not view.heat.weeks:
        said = (view.note or "nothing was recorded in this stretch of time")[:width].center(width)
        return [*[()] * (height // 2), ((said, Tone.FRAME),)]
    cell = max(1, min(_WIDEST, (width - _LABEL) // _HOURS))
    every = 1 if cell > 2 else 2 if cell > 1 else 3  # noqa: PLR2004 - an hour is two digits wide
    hours = "".join(f"{hour:02}".ljust(cell * every) for hour in range(0, _HOURS, every))
    found: list[Line] = [((" " * _LABEL + hours, Tone.QUIET),)]
    for day, values in enumerate(view.heat.average):
        chosen = view.cursor[0] == day if view.cursor else False
        head = (f" {_DAYS[day]} ", Tone.ACCENT if chosen else Tone.QUIET)
        found.append(merge((head, *_day(view, day, values, cell, symbols))))
        if height >= _APART:
            found.append(())
    return found


def _day(
    view: HeatView, day: int, values: tuple[float | None, ...], cell: int, symbols: Symbols
) -> Iterator[Run]:
    for hour, value in enumerate(values):
        under = view.cursor == (day, hour)
        if value is None:
            yield (symbols.cursor if under else " ") + " " * (cell - 1), Tone.ACCENT
            continue
        height = min(max(-int(-value * _EIGHTHS // view.scale), 1), _EIGHTHS)
        bar = symbols.rises[height - 1] * max(1, cell - 1)
        tone = Tone.ACCENT if under else tone_of(view, value)
        if under:
            bar = symbols.cursor + bar[1:]
        yield bar + " " * (cell - len(bar)), tone


def tone_of(view: HeatView, value: float) -> Tone:
    """The tone of how full it was."""
    level = Reading(round(value), view.installed).level(view.warn, view.critical)
    return OF_LEVEL[level]


def read_off(view: HeatView, symbols: Symbols) -> Line:
    """The cell under the cursor in words."""
    if view.heat is None or view.cursor is None:
        return ()
    day, hour = view.cursor
    when = (f"{symbols.ascending} {_DAYS[day]} {hour:02}:00  ", Tone.ACCENT)
    average, peak = view.heat.average[day][hour], view.heat.peak[day][hour]
    if average is None or peak is None:
        return (when, ("nothing was recorded", Tone.QUIET))
    share = f" ({percent(average / view.installed)})" if view.installed else ""
    weeks = "1 week" if view.heat.weeks == 1 else f"{view.heat.weeks} weeks"
    return (
        when,
        (f"{average:,.0f}{share} on average", Tone.STRONG),
        (f", {peak:,.0f} at most, {weeks}", Tone.TEXT),
    )


def legend(view: HeatView, symbols: Symbols, width: int) -> Line:
    """What the heights and colours mean and, if `width` columns hold it, how to read one off."""
    of = "installed" if view.installed else "the highest hour"
    said = (
        (f"{symbols.rises[0]}{symbols.rises[3]}{symbols.rises[-1]} ", Tone.STRONG),
        (f"0 to 100 % of {of}, the mean of the hours' peaks", Tone.QUIET),
    )
    more = (*said, ("  arrows: read off", Tone.QUIET))
    return more if columns(more) <= width else said
