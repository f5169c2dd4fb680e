"""The panes of the dashboard, one for each server, and the scrolling grid that shows them.

Drawing a pane is views in, lines of styled fragments out. The grid repaints only changed lines.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from rich.cells import cell_len
from textual import on
from textual.events import Resize
from textual.geometry import Size
from textual.reactive import reactive, var

from lictui.model import State, count_text
from lictui.products import describe
from lictui.tui import text
from lictui.tui.text import FIGURE_TONES, STATE_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets.gauge import NO_TREND, TrendData, draw_gauge, draw_trend
from lictui.tui.widgets.styled_text import LineView, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.tui.widgets.dashboard_view import PaneView, RowId, RowView


_RATIO_CELLS: Final = 8  # `1234 % ` and the level mark
_LEAST_NAME: Final = 8
_USEFUL_NAME: Final = 18
_LEAST_GAUGE: Final = 11  # with the blank before it, as the next
_LEAST_TREND: Final = 8
_VERB_CELLS: Final = 9  # ` assigned`
FRAME_CELLS: Final = 4  # both borders with a blank each
_REASON_LINES: Final = 4  # of the reason, and as many of the hint


class PaneColumns(Struct, frozen=True):
    """Column widths of all rows; 0 leaves a column out."""

    name: int
    model: int
    gauge: int
    digits: int
    verb: int
    trend: int

    @property
    def middle(self) -> int:
        """Cells from gauge to level mark, one column in rows without current figures."""
        figures = 2 * self.digits + 3  # `in use / installed`
        return (self.gauge + 1 if self.gauge else 0) + figures + self.verb + _RATIO_CELLS


def pane_columns(inside: int, digits: int, longest: int) -> PaneColumns:
    """Return the columns for `inside` cells; figures come first, then names, gauge and trend."""
    model = 11 if inside >= 100 else 3 if inside >= 46 else 0  # noqa: PLR2004 - where words fit
    word = _VERB_CELLS if inside >= 110 else 0  # noqa: PLR2004
    room = inside - 1 - (model + 1 if model else 0) - 2 * digits - 4 - word - _RATIO_CELLS
    with_trend = room >= _USEFUL_NAME + _LEAST_GAUGE + _LEAST_TREND
    name = min(max(longest, 8), room - _LEAST_GAUGE - _LEAST_TREND * with_trend)
    if name < _LEAST_NAME:
        return PaneColumns(max(room, 1), model, 0, digits, word, 0)
    left = room - name - 1 - with_trend
    trend = left * 2 // 5 if with_trend else 0
    return PaneColumns(name, model, left - trend, digits, word, trend)


def measure_panes(views: Iterable[PaneView]) -> tuple[int, int]:
    """Return the digits of the largest figure and the cells of the longest name."""
    rows = [row for view in views for row in view.rows]
    readings = [row.reading for row in rows if row.counted]
    figures = [figure or 0 for r in readings for figure in (r.in_use, r.installed)]
    extremes = (max(figures, default=0), min(figures, default=0))
    return (
        max(len(text.format_count(figure)) for figure in extremes),
        max(map(cell_len, {row.name for row in rows}), default=1),
    )


def draw_heading(name: str, servers: int, cells: int, symbols: Symbols) -> Line:
    """Return the heading of a group."""
    title: list[Fragment] = [
        (symbols.horizontal * 2 + " ", Tone.FRAME),
        (text.shorten(name or "no group", max(cells - 20, 8), symbols.ellipsis), Tone.ACCENT),
        (f" {symbols.dot} {count_text(servers, 'server')} ", Tone.QUIET),
    ]
    line = symbols.horizontal * max(cells - line_width(title), 0)
    return fit_line((*title, (line, Tone.FRAME)), cells)


def pane_height(view: PaneView, cells: int) -> int:
    """Return the lines that a pane of this width needs, including its frame."""
    return 2 + len(view.rows) + len(_reason(view, cells - FRAME_CELLS, UNICODE_SYMBOLS))


def draw_pane(
    view: PaneView,
    trends: Mapping[RowId, TrendData],
    cells: int,
    height: int,
    shape: PaneColumns,
    symbols: Symbols,
) -> tuple[Line, ...]:
    """Return the pane as `height` lines of `cells` cells."""
    inside = cells - FRAME_CELLS
    names = text.shorten_apart((row.name for row in view.rows), shape.name, symbols.ellipsis)
    body = _reason(view, inside, symbols)
    for row in view.rows:
        past = trends.get(row.id, NO_TREND)
        body.append(draw_row(row, names[row.name], past, shape, symbols))
    body += [()] * (height - 2 - len(body))
    edge: Fragment = (symbols.vertical, Tone.FRAME)
    left, right = (edge, (" ", Tone.TEXT)), ((" ", Tone.TEXT), edge)
    lines = (fit_line((*left, *fit_line(line, inside), *right), cells) for line in body)
    notes = view.notes
    if view.uncounted:
        folded = f"{len(view.uncounted)} more, not counted"
        notes = (*notes, *(((" · ", Tone.FRAME),) if notes else ()), (folded, Tone.QUIET))
    return (_title(view, cells, symbols), *lines, _bottom(notes, cells, symbols))


def line_of_row(view: PaneView, at: RowId, cells: int) -> int:
    """Return the line of the pane that holds the row under the cursor."""
    if at not in (ids := [row.id for row in view.rows]):
        return 1
    return 1 + len(_reason(view, cells - FRAME_CELLS, UNICODE_SYMBOLS)) + ids.index(at)


def _title(view: PaneView, cells: int, symbols: Symbols) -> Line:
    tone = STATE_TONES[view.state]
    word = view.state.value.replace("_", " ")
    bad = view.state not in text.NORMAL_STATES
    if bad and view.age not in ("", "now"):
        word = f"{word} {view.age}"
    age = "polling" if view.polling else view.age if view.state is State.UP else ""
    left, right = symbols.corners[0], symbols.corners[1]
    word = f" {symbols.state[view.state]} {word}"
    room = cells - 7 - min(len(view.server), max(12, cells // 3)) - len(word)
    facts = ""
    forms: list[tuple[str, ...]] = [(view.source, view.identity, view.mode, age)]
    forms += [(view.source, view.mode, age), (view.source, age), (age,), ()]
    for chosen in forms:
        facts = "".join(f" {symbols.dot} {fact}" for fact in chosen if fact)
        if len(facts) <= room:
            break
    tail = ((word, tone), (facts, Tone.QUIET), (" " + right, Tone.FRAME))
    name = text.shorten(view.server, cells - line_width(tail) - 4, symbols.ellipsis)
    gap = symbols.horizontal * (cells - cell_len(name) - 3 - line_width(tail))
    return fit_line(
        ((left + " ", Tone.FRAME), (name, Tone.STRONG), (" " + gap, Tone.FRAME), *tail), cells
    )


def _bottom(notes: Sequence[Fragment], cells: int, symbols: Symbols) -> Line:
    left, right = symbols.corners[2], symbols.corners[3]
    shown = [(note.replace("·", symbols.dot), tone) for note, tone in notes]
    while len(shown) > 1 and line_width(shown) > cells - 6:
        shown = shown[:-2]  # with its separator
    tail: list[Fragment] = [(" ", Tone.FRAME), *shown, (" ", Tone.FRAME)] if shown else []
    gap = max(cells - 2 - line_width(tail), 0)
    rule: Fragment = (left + symbols.horizontal * gap, Tone.FRAME)
    return fit_line((rule, *tail, (right, Tone.FRAME)), cells)


def _reason(view: PaneView, inside: int, symbols: Symbols) -> list[Line]:
    """Return the reason and the hint in lines; an empty one where there is nothing to show."""
    tone = Tone.QUIET if view.state is State.UP else STATE_TONES[view.state]
    lines: list[Line] = []
    for index, sentence in enumerate(view.reason):
        lead: Line = ((f"{symbols.arrow:<2} ", Tone.QUIET),) if index else ()
        wrapped = _wrap(lead, (sentence, Tone.QUIET if index else tone), max(inside, 8))
        if len(wrapped) > _REASON_LINES:
            last = (*wrapped[_REASON_LINES - 1], (symbols.ellipsis, tone))
            wrapped = (*wrapped[: _REASON_LINES - 1], last)
        lines += wrapped
    return lines if lines or view.rows else [()]


@lru_cache(maxsize=2048)  # many servers have the same problem, and the same hint
def _wrap(lead: Line, sentence: Fragment, cells: int) -> tuple[Line, ...]:
    return tuple(text.hang(lead, (sentence,), cells))


def draw_row(
    view: RowView, short_name: str, past: TrendData, shape: PaneColumns, symbols: Symbols
) -> Line:
    """Return one pool as a line without frame.

    `3 queued` is drawn over the trend where it has room, else over the gauge, else over the name.
    """
    live = not view.stale_age and view.counted
    base = Tone.TEXT if live else Tone.QUIET
    name: Line = ((text.pad(short_name, shape.name, ellipsis=symbols.ellipsis) + " ", base),)
    word = view.model.label if shape.model >= len("user/device") else view.model.short
    model = ((text.pad(word, shape.model) + " ", Tone.QUIET),) if shape.model else ()
    gauge: Line = ()
    figures = _inactive_figures(view, shape, symbols)
    if live:
        gauge, figures = _live_figures(view, past, shape, symbols)
    trend: Line = ()
    if shape.trend and view.counted:
        drawn = draw_trend(past, view.reading.installed, view.limits, shape.trend, symbols)
        trend = ((" ", Tone.TEXT), *((cell, tone if live else Tone.QUIET) for cell, tone in drawn))
    if view.queued and live:
        label: Fragment = (f" {text.format_count(view.queued)} queued", Tone.CRITICAL)
        cells = line_width((label,))
        if shape.trend + 1 >= cells:
            trend = (*fit_line(trend, shape.trend + 1 - cells), label)
        elif shape.gauge + 1 >= cells:
            gauge = fit_line((label,), shape.gauge + 1)
        else:
            name = (*fit_line(name, max(shape.name - cells, 4)), label, (" ", Tone.TEXT))
    return (*name, *model, *gauge, *figures, *trend)


def _live_figures(
    view: RowView, past: TrendData, shape: PaneColumns, symbols: Symbols
) -> tuple[Line, Line]:
    """Return the gauge, and the figures with the level mark."""
    reading, level = view.reading, view.level
    gauge: Line = ()
    if shape.gauge:
        drawn = draw_gauge(reading, level, past.peak_of_day, shape.gauge, symbols)
        gauge = ((" ", Tone.TEXT), *drawn)
    verb = f" {view.model.verb:<{_VERB_CELLS - 1}}" if shape.verb else ""
    share = text.format_share(reading.ratio, view.limits.ratios, level, symbols)
    tone = FIGURE_TONES[level]
    in_use, installed = text.format_count(reading.in_use), text.format_count(reading.installed)
    figures = f" {in_use:>{shape.digits}} / {installed:>{shape.digits}}"
    return gauge, ((figures, tone), (verb, Tone.QUIET), (f"{share:>{_RATIO_CELLS}}", tone))


def _inactive_figures(view: RowView, shape: PaneColumns, symbols: Symbols) -> Line:
    """Return a row without gauge, dimmed: its figures are not current, or not counted."""
    reading = view.reading
    last = f"{text.format_count(reading.in_use)} / {text.format_count(reading.installed)}"
    if not view.counted:
        start_up = "" if describe(view.key.product).counted else "start-up license, "
        forms = (f"{last}  {start_up}not counted", f"{last}  not counted", last)
    else:
        ago = "just now" if view.stale_age == "now" else f"{view.stale_age} ago"
        forms = (f"last {last}, {ago}", f"{last}, {ago}", last)
    fitting = next((form for form in forms if len(form) <= shape.middle), last)
    return ((" " + text.pad(fitting, shape.middle, ellipsis=symbols.ellipsis), Tone.QUIET),)


# Layout: one to three columns, row by row, under group headings


_TWO: Final = 132  # cells from which two columns are readable
_THREE: Final = 216


class LayoutRow(Struct, frozen=True):
    """One row of panes of equal height, or a heading."""

    top: int
    height: int
    first: int  # index of the first pane
    count: int  # number of panes; 0 makes it the heading of the group of pane `first`


class PaneLayout(Struct, frozen=True):
    """The row on each line. `edges` are the x at which columns start, and the last one's end."""

    lines: tuple[LayoutRow, ...]
    edges: tuple[int, ...]

    @property
    def rows(self) -> tuple[LayoutRow, ...]:
        return tuple(dict.fromkeys(self.lines))

    def row_at(self, line: int) -> LayoutRow | None:
        return self.lines[line] if 0 <= line < len(self.lines) else None

    def row_of(self, index: int) -> LayoutRow:
        return next(row for row in self.rows if row.first <= index < row.first + row.count)

    def pane_at(self, x: int, line: int) -> int | None:
        pane_row = self.row_at(line)
        column = bisect_right(self.edges, x) - 1
        if pane_row is None or not 0 <= column < pane_row.count:
            return None
        return pane_row.first + column

    def column_width(self, column: int) -> int:
        return self.edges[column + 1] - self.edges[column]


def column_count(width: int) -> int:
    """Return how many columns are readable in this width."""
    return 3 if width >= _THREE else 2 if width >= _TWO else 1


def layout_panes(panes: Sequence[tuple[str, int]], width: int, columns: int) -> PaneLayout:
    """Place panes, each of a group and a height; a group starts a new row under its heading."""
    lines: list[LayoutRow] = []
    at = 0
    groups = [(group, list(members)) for group, members in groupby(panes, key=itemgetter(0))]
    for _, members in groups:
        if len(groups) > 1:
            lines.append(LayoutRow(len(lines), 1, at, 0))
        for first in range(0, len(members), columns):
            heights = [height for _, height in members[first : first + columns]]
            lines += [LayoutRow(len(lines), max(heights), at, len(heights))] * max(heights)
            at += len(heights)
    return PaneLayout(tuple(lines), tuple(width * at // columns for at in range(columns + 1)))


class PaneGrid(LineView["RowId"], inherit_bindings=False):
    """All panes. Set `panes` and `trends`; equal values repaint nothing."""

    panes: var[tuple[PaneView, ...]] = var(())
    empty_text: reactive[str] = reactive("")  # shown in the middle if there is no pane

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__(symbols)
        self._pane_layout = layout_panes((), 0, 1)
        self._shape = pane_columns(60, 1, 1)
        self._lines: dict[str, tuple[tuple[object, ...], tuple[Line, ...]]] = {}

    # Content

    @on(Resize)
    def watch_panes(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        count = column_count(width) if len(self.panes) > 1 else 1
        narrowest = width // count
        self._shape = pane_columns(narrowest - FRAME_CELLS, *measure_panes(self.panes))
        places = [(view.group, pane_height(view, narrowest)) for view in self.panes]
        self._pane_layout = layout_panes(places, width, count)
        shown = {view.server for view in self.panes}
        self._lines = {name: kept for name, kept in self._lines.items() if name in shown}
        view = self.selected or (self.panes[0] if self.panes else None)
        if view is None or self.cursor not in view.ids:
            self.set_reactive(PaneGrid.cursor, view.ids[0] if view else None)
        self.virtual_size = Size(width, len(self._pane_layout.lines))
        self.repaint()

    def pieces(self, y: int) -> tuple[Piece, ...]:
        line = y + self.scroll_offset.y
        pane_row = self._pane_layout.row_at(line)
        if pane_row is None:
            word = self.empty_text if not self.panes and line == self.size.height // 2 - 1 else ""
            return ((((word.center(self.size.width), Tone.QUIET),), False),) if word else ()
        if not pane_row.count:
            group = self.panes[pane_row.first].group
            count = sum(view.group == group for view in self.panes)
            return ((draw_heading(group, count, self.size.width, self._symbols), False),)
        pieces = []
        for column in range(pane_row.count):
            view = self.panes[pane_row.first + column]
            cells = self._pane_layout.column_width(column)
            has_cursor = self.cursor and view.server == self.cursor[0]
            cursor_line = line_of_row(view, self.cursor, cells) if has_cursor else -1
            at = line - pane_row.top
            pieces.append((self._pane_lines(view, cells, pane_row.height)[at], cursor_line == at))
        return tuple(pieces)

    def _pane_lines(self, view: PaneView, cells: int, height: int) -> tuple[Line, ...]:
        trends = tuple(self.trends.get(row.id) for row in view.rows)
        key = (view, cells, height, self._shape, trends)
        cached = self._lines.get(view.server)
        if cached is None or cached[0] != key:
            drawn = draw_pane(view, self.trends, cells, height, self._shape, self._symbols)
            cached = self._lines[view.server] = (key, drawn)
        return cached[1]

    # Rows and cursor

    @property
    def row_ids(self) -> tuple[RowId, ...]:
        return tuple(row for view in self.panes for row in view.ids)

    def visible_rows(self) -> tuple[tuple[RowId, ...], int]:
        top = self.scroll_offset.y
        rows = [
            row.id
            for pane_row in dict.fromkeys(self._pane_layout.lines[top : top + self.size.height])
            for view in self.panes[pane_row.first : pane_row.first + pane_row.count]
            for row in view.rows
        ]
        return tuple(rows), self._shape.trend

    def _cursor_index(self) -> int | None:
        name = self.cursor[0] if self.cursor else ""
        return next((i for i, view in enumerate(self.panes) if view.server == name), None)

    @property
    def selected(self) -> PaneView | None:
        return self.panes[at] if (at := self._cursor_index()) is not None else None

    def row_lines(self, row: RowId) -> tuple[int, int]:
        """The line of the row and the next one; of the first row the heading and the title, too."""
        at = next(index for index, view in enumerate(self.panes) if view.server == row[0])
        view, pane_row = self.panes[at], self._pane_layout.row_of(at)
        cells = self._pane_layout.column_width(at - pane_row.first)
        line = pane_row.top + line_of_row(view, row, cells)
        return max(0, pane_row.top - 1) if view.ids[0] == row else line, line + 2

    def move_cursor(self, step: int) -> None:
        """Move within the pane, then to the pane above or below it."""
        at = self._cursor_index()
        if at is None:
            return
        ids = self.panes[at].ids
        index = ids.index(self.cursor) + step
        if 0 <= index < len(ids):
            self.cursor = ids[index]
            return
        pane_row = self._pane_layout.row_of(at)
        pane_rows = [row for row in self._pane_layout.rows if row.count]
        neighbor = pane_rows.index(pane_row) + (1 if step > 0 else -1)
        if 0 <= neighbor < len(pane_rows):
            next_row = pane_rows[neighbor]
            column = min(at - pane_row.first, next_row.count - 1)
            below = self.panes[next_row.first + column].ids
            self.cursor = below[0] if step > 0 else below[-1]

    def page(self, pages: float) -> None:
        """Move row by row: after the last row of a pane the next pane follows."""
        for _ in range(max(1, int((self.size.height - 4) * abs(pages)))):
            self.move_cursor(1 if pages > 0 else -1)

    def step_pane(self, step: int) -> None:
        at = self._cursor_index()
        if at is not None:
            self.cursor = self.panes[(at + step) % len(self.panes)].ids[0]

    def row_at(self, x: int, y: int) -> tuple[RowId | None, bool]:
        """The row; elsewhere in a pane its first row."""
        line = y + self.scroll_offset.y
        at = self._pane_layout.pane_at(x, line)
        if at is None:
            return None, False
        view, pane_row = self.panes[at], self._pane_layout.row_of(at)
        cells = self._pane_layout.column_width(at - pane_row.first)
        rows = {pane_row.top + line_of_row(view, row, cells): row for row in view.ids}
        return rows.get(line, view.ids[0]), line in rows
