"""The big chart: what was in use over time, against what was installed.

Owns plotext, which nobody else imports, and the drawing of one `ChartView`. Must not know where
its figures come from.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from lictui.tui.ink import Tone
from lictui.tui.ink import width as columns
from lictui.tui.widgets.chart_ink import AREA, ASCII, EDGE, PARTS, UNICODE, Part
from lictui.tui.widgets.chart_view import ChartView, Held

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lictui.analysis.series import Bucket
    from lictui.model import Level
    from lictui.tui.ink import Line, Run
    from lictui.tui.widgets.chart_ink import Ink


_Row = tuple[tuple[str, Part], ...]  # runs of text, each of one part


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
        & .chart--before { color: $primary; text-style: bold; }
        & .chart--ahead { color: $accent; text-style: bold; }
        & .chart--band { color: $quiet; }
        & .chart--mark { color: $accent; text-style: bold; }
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
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{part.value}" for part in Part}

    view: reactive[ChartView] = reactive(ChartView())

    def __init__(self, *, ascii_only: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ink = ASCII if ascii_only else UNICODE
        self._key: object = None
        self._rows: tuple[_Row, ...] = ()

    def legend(self, width: int) -> Line:
        """What the lines mean, and how to read the chart off, as far as `width` columns hold it."""
        said: list[Run] = []
        for sign in self._signs():
            more = [*said, ("  ", Tone.QUIET), *sign] if said else [*sign]
            if columns(more) > width:
                break
            said = more
        return tuple(said)

    def _signs(self) -> Iterator[tuple[Run, Run]]:
        """Each sign with its words, what cannot be guessed first."""
        ink, view = self._ink, self.view
        yield (f"{ink.installed} ", Tone.STRONG), ("installed", Tone.QUIET)
        if view.before:
            yield (f"{ink.before} ", Tone.ACCENT), (view.compared, Tone.QUIET)
        if view.ahead:
            yield (f"{ink.ahead} ", Tone.ACCENT), ("forecast", Tone.QUIET)
        if view.points():
            yield (f"{ink.told} ", Tone.TEXT), ("monthly, as the source tells", Tone.QUIET)
        if view.marks:
            signs = "".join(ink.signs[sign] for sign in sorted({mark.sign for mark in view.marks}))
            yield (f"{signs} ", Tone.ACCENT), ("changes", Tone.QUIET)
        limits = f"{view.warn * 100:.0f} and {view.critical * 100:.0f} %"
        yield (f"{ink.threshold} ", Tone.WARN), (limits, Tone.QUIET)
        if any(bucket.overdraft for bucket in view.buckets):
            yield (f"{ink.total} ", Tone.OVER), ("with overdraft", Tone.QUIET)
        yield ("", Tone.QUIET), ("left, right: read off", Tone.QUIET)

    def render_line(self, y: int) -> Strip:
        """One row of the chart."""
        width, height = self.size
        if self._key != (key := (self.view, width, height)):
            self._key, self._rows = key, _draw(self.view, width, height, self._ink)
        base = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)
        segments = [
            Segment(text, base + self.get_component_rich_style(f"chart--{part.value}"))
            for text, part in self._rows[y]
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _draw(view: ChartView, width: int, height: int, ink: Ink) -> tuple[_Row, ...]:
    """The chart as rows of text, or what there is to say in its place."""
    if view.note or not (view.buckets or view.points()):
        note = (view.note or "nothing was recorded in this stretch of time")[:width]
        return (*[()] * (height // 2), ((note.center(width), Part.FRAME),))
    plot = _Plot(view, width, height, ink)
    matrix = plot.figure.build()
    text = matrix.string(colorless=True).translate(ink.frame).split("\n")[:height]
    cells = [
        [(char, _part(matrix.get(y, x).foreground())) for x, char in enumerate(line)]
        for y, line in enumerate(text)
    ]
    _mark(view, cells, ink)
    _point(view, cells, ink)
    return tuple(
        tuple(("".join(char for char, _ in run), part) for part, run in groupby(row, itemgetter(1)))
        for row in cells
    )


def _part(colour: tuple[int, int, int] | None) -> Part:
    return PARTS[colour[0]] if colour else Part.FRAME


def _point(view: ChartView, cells: list[list[tuple[str, Part]]], ink: Ink) -> None:
    """Draw the cursor over what is there, down to the time axis."""
    if view.cursor is None:
        return
    here = view.buckets[view.cursor]
    for row in cells[:-2]:
        x = _column(view, (here.start + here.end) / 2, len(row))
        row[x] = (ink.cursor if row[x][0] == " " else row[x][0], Part.CURSOR)


def _mark(view: ChartView, cells: list[list[tuple[str, Part]]], ink: Ink) -> None:
    """Put what changed upon the time axis."""
    if len(cells) < 3:  # noqa: PLR2004 - an axis, its labels, and something above them
        return
    axis = cells[-2]
    for mark in sorted(view.marks, key=lambda mark: mark.sign, reverse=True):
        if view.start <= mark.at < view.end:
            axis[_column(view, mark.at, len(axis))] = (ink.signs[mark.sign], Part.MARK)


def _column(view: ChartView, at: float, width: int) -> int:
    left = view.label_width + 1
    return left + int(view.share(at) * (width - left - 1))


class _Plot:
    """A plotext figure of its own; its colours are the numbers of parts, the theme's come later."""

    def __init__(self, view: ChartView, width: int, height: int, ink: Ink) -> None:
        import plotext  # noqa: PLC0415 - a fifth of a second that no other screen needs

        plotext.terminal.limit(width=False, height=False)
        self._plotext = plotext
        self.figure = type(plotext.figure)(parent=plotext.terminal)
        self.figure.theme("colorless").plot_size(width, height)
        self._axes(view, width, height)
        self._band(view, ink)
        for share in (view.warn, view.critical):
            self._levels(view.lines(share), ink.threshold, Part.THRESHOLD)
        for stretch in view.stretches():
            self.figure.draw(self._curve(view, stretch, ink, AREA).fillx())
        for stretch in view.stretches():
            self.figure.draw(self._curve(view, stretch, ink, EDGE))
        if points := view.points():
            at, values = zip(*points, strict=True)
            marker = self._marker(ink.told, Part.TOLD)
            self.figure.draw(self.figure.signal(list(at), list(values), marker=marker))
        before = (Held(it.start, it.end, view.figure(it)) for it in view.before)
        self._levels(before, ink.before, Part.BEFORE)
        expected = (Held(day.start, day.end, day.expected) for day in view.ahead)
        self._levels(expected, ink.ahead, Part.AHEAD)
        self._levels(view.lines(1.0), ink.installed, Part.INSTALLED)
        self._levels(view.lines(1.0, overdraft=True), ink.total, Part.TOTAL)

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
        self, view: ChartView, stretch: Iterable[Bucket], ink: Ink, parts: dict[Level, Part]
    ) -> Any:
        """What was in use, as steps: a bucket is as wide as the time it stands for."""
        ends = [(at, bucket) for bucket in stretch for at in (bucket.start, bucket.end - 1)]
        return self.figure.signal(
            [at for at, _ in ends],
            [view.figure(bucket) for _, bucket in ends],
            marker=[self._marker(ink.area, parts[view.level(bucket)]) for _, bucket in ends],
        ).lines(active=True)

    def _band(self, view: ChartView, ink: Ink) -> None:
        """Between what and what a forecast lies: as many strokes as there are rows between."""
        marker = self._marker(ink.band, Part.BAND)
        for day in view.ahead:
            at = (day.start + day.end) / 2
            stroke = self.figure.signal([at, at], [day.low, day.high], marker=marker)
            self.figure.draw(stroke.lines(active=True))

    def _levels(self, lines: Iterable[Held], symbol: str, part: Part) -> None:
        for line in lines:
            ends = [line.start, line.end - 1], [line.y, line.y]
            level = self.figure.signal(*ends, marker=self._marker(symbol, part))
            self.figure.draw(level.lines(active=True))

    def _marker(self, symbol: str, part: Part) -> Any:
        colour = self._plotext.pixel((PARTS.index(part), 0, 0))
        return self._plotext.marker(symbol, pixel=colour)
