"""The big chart: what was in use over time, against what was installed.

Owns plotext, which nobody else imports, and the drawing of one `ChartView`. Must not know where
its figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from lictui.tui.ink import Tone
from lictui.tui.widgets.chart_view import ChartView
from lictui.words import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.insights.series import Bucket
    from lictui.tui.ink import Line, Run
    from lictui.tui.widgets.chart_view import Held


class _Role(Enum):
    """What a cell of the chart is part of; the name of its component class."""

    FRAME = "frame"
    INSTALLED = "installed"
    TOTAL = "total"
    THRESHOLD = "threshold"
    CURSOR = "cursor"
    AREA_OK = "area-ok"
    AREA_WARN = "area-warn"
    AREA_CRITICAL = "area-critical"
    AREA_UNKNOWN = "area-unknown"
    EDGE_OK = "edge-ok"
    EDGE_WARN = "edge-warn"
    EDGE_CRITICAL = "edge-critical"
    EDGE_UNKNOWN = "edge-unknown"
    TOLD = "told"


_ROLES: Final = tuple(_Role)
_AREA: Final = {
    Level.OK: _Role.AREA_OK,
    Level.WARN: _Role.AREA_WARN,
    Level.CRITICAL: _Role.AREA_CRITICAL,
    Level.OVERDRAFT: _Role.AREA_CRITICAL,
    Level.EXHAUSTED: _Role.AREA_CRITICAL,
    Level.UNKNOWN: _Role.AREA_UNKNOWN,
}
_EDGE: Final = {level: _Role[area.name.replace("AREA", "EDGE")] for level, area in _AREA.items()}
_Row = tuple[tuple[str, _Role], ...]  # runs of text, each of one role


@dataclass(frozen=True, slots=True)
class _Ink:
    """The characters a chart is drawn with; to plotext `hd` means quarter blocks."""

    area: str
    installed: str
    total: str
    threshold: str
    cursor: str
    told: str
    frame: dict[int, int]  # what becomes of plotext's own characters


_UNICODE: Final = _Ink("hd", "━", "┅", "┈", "│", "●", {})
_ASCII: Final = _Ink("#", "=", "-", ".", "|", "o", str.maketrans("│─┤├└┬┴┼", "|-++++++"))


class Chart(Widget):
    """Draws a `ChartView`; a view equal to the one before it is not drawn again."""

    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        width: 1fr;
        & .chart--frame { color: $quiet; }
        & .chart--installed { color: $foreground; }
        & .chart--total { color: $over; }
        & .chart--threshold { color: $warning; }
        & .chart--told { color: $secondary; }
        & .chart--cursor { color: $accent; text-style: bold; }
        & .chart--area-ok { color: $success 45%; }
        & .chart--area-warn { color: $warning 45%; }
        & .chart--area-critical { color: $error 45%; }
        & .chart--area-unknown { color: $secondary 45%; }
        & .chart--edge-ok { color: $success; }
        & .chart--edge-warn { color: $warning; }
        & .chart--edge-critical { color: $error; }
        & .chart--edge-unknown { color: $secondary; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{role.value}" for role in _Role}

    view: reactive[ChartView] = reactive(ChartView())

    def __init__(self, *, ascii_only: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ink = _ASCII if ascii_only else _UNICODE
        self._key: object = None
        self._rows: tuple[_Row, ...] = ()

    def legend(self) -> Line:
        """What the lines mean, and how to read the chart off."""
        ink, view = self._ink, self.view
        said: list[Run] = [(f"{ink.installed} ", Tone.STRONG), ("installed  ", Tone.QUIET)]
        if any(bucket.overdraft for bucket in view.buckets):
            said += [(f"{ink.total} ", Tone.OVER), ("with overdraft  ", Tone.QUIET)]
        if view.points():
            said += [(f"{ink.told} ", Tone.TEXT), ("monthly, as the source tells  ", Tone.QUIET)]
        limits = f"{view.warn * 100:.0f} and {view.critical * 100:.0f} %"
        said += [(f"{ink.threshold} ", Tone.WARN), (f"{limits}  ", Tone.QUIET)]
        return (*said, ("left, right: read off", Tone.QUIET))

    def render_line(self, y: int) -> Strip:
        """One row of the chart."""
        width, height = self.size
        if self._key != (key := (self.view, width, height)):
            self._key, self._rows = key, _draw(self.view, width, height, self._ink)
        base = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)
        segments = [
            Segment(text, base + self.get_component_rich_style(f"chart--{role.value}"))
            for text, role in self._rows[y]
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _draw(view: ChartView, width: int, height: int, ink: _Ink) -> tuple[_Row, ...]:
    """The chart as rows of text, or what there is to say in its place."""
    if view.note or not (view.buckets or view.points()):
        note = (view.note or "nothing was recorded in this stretch of time")[:width]
        return (*[()] * (height // 2), ((note.center(width), _Role.FRAME),))
    plot = _Plot(view, width, height, ink)
    matrix = plot.figure.build()
    text = matrix.string(colorless=True).translate(ink.frame).split("\n")[:height]
    cells = [
        [(char, _role(matrix.get(y, x).foreground())) for x, char in enumerate(line)]
        for y, line in enumerate(text)
    ]
    _point(view, cells, ink)
    return tuple(
        tuple(("".join(char for char, _ in run), role) for role, run in groupby(row, itemgetter(1)))
        for row in cells
    )


def _role(colour: tuple[int, int, int] | None) -> _Role:
    return _ROLES[colour[0]] if colour else _Role.FRAME


def _point(view: ChartView, cells: list[list[tuple[str, _Role]]], ink: _Ink) -> None:
    """Draw the cursor over what is there, down to the time axis."""
    if view.cursor is None:
        return
    left = view.label_width + 1
    share = view.share(view.buckets[view.cursor])
    for row in cells[:-2]:
        x = left + int(share * (len(row) - left - 1))
        row[x] = (ink.cursor if row[x][0] == " " else row[x][0], _Role.CURSOR)


class _Plot:
    """A plotext figure of its own; its colours are the numbers of roles, the theme's come later."""

    def __init__(self, view: ChartView, width: int, height: int, ink: _Ink) -> None:
        import plotext  # noqa: PLC0415 - a fifth of a second that no other screen needs

        plotext.terminal.limit(width=False, height=False)
        self._plotext = plotext
        self.figure = type(plotext.figure)(parent=plotext.terminal)
        self.figure.theme("colorless").plot_size(width, height)
        self._axes(view, width, height)
        for share in (view.warn, view.critical):
            self._levels(view.lines(share), ink.threshold, _Role.THRESHOLD)
        for stretch in view.stretches():
            self.figure.draw(self._curve(view, stretch, ink, _AREA).fillx())
        for stretch in view.stretches():
            self.figure.draw(self._curve(view, stretch, ink, _EDGE))
        if points := view.points():
            at, values = zip(*points, strict=True)
            marker = self._marker(ink.told, _Role.TOLD)
            self.figure.draw(self.figure.signal(list(at), list(values), marker=marker))
        self._levels(view.lines(1.0), ink.installed, _Role.INSTALLED)
        self._levels(view.lines(1.0, overdraft=True), ink.total, _Role.TOTAL)

    def _axes(self, view: ChartView, width: int, height: int) -> None:
        figure, label = self.figure, view.label_width
        moments, values = view.moments(width - label - 1), view.values(height)
        figure.ruler("x").lim(view.start, view.end).alignment(lim="edge")
        figure.ruler("x").ticks([at for at, _ in moments], [text for _, text in moments])
        figure.ruler("y").lim(0, view.top).alignment(lim="edge")
        figure.ruler("y").ticks(list(values), [f"{value:,}".rjust(label) for value in values])
        figure.axes(active=False, axis="x", side="upper")
        figure.axes(active=False, axis="y", side="right")

    def _curve(
        self, view: ChartView, stretch: Iterable[Bucket], ink: _Ink, roles: dict[Level, _Role]
    ) -> Any:
        """What was in use, as steps: a bucket is as wide as the time it stands for."""
        ends = [(at, bucket) for bucket in stretch for at in (bucket.start, bucket.end - 1)]
        return self.figure.signal(
            [at for at, _ in ends],
            [view.figure(bucket) for _, bucket in ends],
            marker=[self._marker(ink.area, roles[view.level(bucket)]) for _, bucket in ends],
        ).lines(active=True)

    def _levels(self, lines: Iterable[Held], symbol: str, role: _Role) -> None:
        for line in lines:
            ends = [line.start, line.end - 1], [line.y, line.y]
            level = self.figure.signal(*ends, marker=self._marker(symbol, role))
            self.figure.draw(level.lines(active=True))

    def _marker(self, symbol: str, role: _Role) -> Any:
        colour = self._plotext.pixel((_ROLES.index(role), 0, 0))
        return self._plotext.marker(symbol, pixel=colour)
