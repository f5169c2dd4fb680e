"""The grid of panes: a scrolling widget that repaints only the lines that changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lictui.tui import text
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import pane, styled_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lictui.tui.text import Line
    from lictui.tui.widgets.dashboard_view import PaneView, RowId
    from lictui.tui.widgets.gauge import TrendData


# Layout: one to three columns, row by row, under group headings


_TWO: Final = 132  # cells from which two columns are readable
_THREE: Final = 216


@dataclass(frozen=True, slots=True)
class LayoutItem:
    """A pane to be placed."""

    group: str
    height: int


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """One row of panes of equal height, or a heading."""

    top: int
    height: int
    first: int  # index of the first pane
    count: int  # number of panes; 0 makes it the heading of the group of pane `first`


@dataclass(frozen=True, slots=True)
class PaneLayout:
    """All rows. `edges` are the x at which columns start, and the end of the last one."""

    rows: tuple[LayoutRow, ...]
    edges: tuple[int, ...]
    height: int

    def row_at(self, line: int) -> LayoutRow | None:
        """Return the row at a line of the whole grid."""
        if not 0 <= line < self.height:
            return None
        return self.rows[bisect_right(self.rows, line, key=lambda band: band.top) - 1]

    def rows_between(self, first: int, last: int) -> tuple[LayoutRow, ...]:
        """Return the rows with a line in [first, last)."""
        begin = bisect_right(self.rows, first, key=lambda band: band.top) - 1
        end = bisect_left(self.rows, last, key=lambda band: band.top)
        return self.rows[max(begin, 0) : end]

    def row_of(self, index: int) -> LayoutRow:
        """Return the row of a pane."""
        position = bisect_right(self.rows, index, key=lambda band: band.first) - 1
        return self.rows[position]

    def pane_at(self, x: int, line: int) -> int | None:
        """Return the pane that covers a cell."""
        band = self.row_at(line)
        column = bisect_right(self.edges, x) - 1
        if band is None or not 0 <= column < band.count:
            return None
        return band.first + column

    def column_width(self, column: int) -> int:
        """Return the width of a column."""
        return self.edges[column + 1] - self.edges[column]


def column_count(width: int) -> int:
    """Return how many columns are readable in this width."""
    return 3 if width >= _THREE else 2 if width >= _TWO else 1


def column_edges(width: int, columns: int) -> tuple[int, ...]:
    """Return where columns of (nearly) equal width start, and the end."""
    return tuple(width * column // columns for column in range(columns + 1))


def layout_panes(places: Sequence[LayoutItem], width: int, columns: int) -> PaneLayout:
    """Place panes in reading order; each group starts a new row under its heading."""
    bands: list[LayoutRow] = []
    top = 0
    at = 0
    headings = len({place.group for place in places}) > 1
    group: str | None = None
    while at < len(places):
        if headings and places[at].group != group:
            bands.append(LayoutRow(top, 1, at, 0))
            top += 1
        group = places[at].group
        count = 1
        while count < columns and at + count < len(places) and places[at + count].group == group:
            count += 1
        high = max(place.height for place in places[at : at + count])
        bands.append(LayoutRow(top, high, at, count))
        top += high
        at += count
    return PaneLayout(tuple(bands), column_edges(width, columns), top)


_NO_PASTS: Final[Mapping[RowId, TrendData]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Piece:
    """The content of one line in one column."""

    line: Line
    selected: bool


class PaneGrid(ScrollView, can_focus=True, inherit_bindings=False):
    """All panes. Set `panes` and `trends`; equal values repaint nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = f"PaneGrid {{ {styled_text.SCROLL} {styled_text.CSS} }}"

    panes: var[tuple[PaneView, ...]] = var(())
    trends: var[Mapping[RowId, TrendData]] = var(_NO_PASTS)
    cursor: var[RowId | None] = var(None)
    empty_text: var[str] = var("")  # shown in the middle if there is no pane

    class Opened(Message):
        """The row under the cursor was opened."""

        def __init__(self, row: RowId) -> None:
            super().__init__()
            self.row = row

    class VisibleRowsChanged(Message):
        """The visible rows or the width of their trends changed."""

        def __init__(self, rows: tuple[RowId, ...], cells: int) -> None:
            super().__init__()
            self.rows = rows
            self.cells = cells  # of a trend

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__()
        self._symbols = symbols
        self._pane_layout = layout_panes((), 0, 1)
        self._shape = pane.pane_columns(60, 1, 1)
        self._lines: dict[str, tuple[tuple[object, ...], tuple[Line, ...]]] = {}
        self._measured: dict[str, tuple[PaneView, int, int]] = {}
        self._drawn: dict[int, tuple[_Piece, ...]] = {}
        self._seen: tuple[tuple[RowId, ...], int] = ((), 0)

    # Content

    def watch_panes(self) -> None:
        self._place()

    def watch_empty_text(self) -> None:
        self._repaint()

    def watch_trends(self) -> None:
        self._repaint()

    @on(Resize)
    def _resized(self) -> None:
        self._place()

    def _place(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        count = column_count(width) if len(self.panes) > 1 else 1
        edges = column_edges(width, count)
        narrowest = min(b - a for a, b in pairwise(edges))
        measured = {view.server: self._measure(view) for view in self.panes}
        self._measured = measured
        digits = max((digits for _, digits, _ in measured.values()), default=1)
        longest = max((name for _, _, name in measured.values()), default=1)
        self._shape = pane.pane_columns(pane.inner_width(narrowest), digits, longest)
        places = [LayoutItem(v.group, pane.pane_height(v, narrowest)) for v in self.panes]
        self._pane_layout = layout_panes(places, width, count)
        self._lines = {name: kept for name, kept in self._lines.items() if name in measured}
        self._keep_cursor()
        self.virtual_size = Size(width, self._pane_layout.height)
        self._repaint()

    def _measure(self, view: PaneView) -> tuple[PaneView, int, int]:
        cached = self._measured.get(view.server)
        if cached and cached[0] is view:
            return cached
        return view, *pane.measure_pane(view)

    def _repaint(self) -> None:
        """Mark the visible lines whose text or tone differs from what was drawn."""
        top = self.scroll_offset.y
        width = self.size.width
        for y, before in list(self._drawn.items()):
            if y < self.size.height and self._pieces(y + top) != before:
                self.refresh(Region(0, y, width, 1))
        self._post_visible_rows()

    def _pieces(self, line: int) -> tuple[_Piece, ...]:
        band = self._pane_layout.row_at(line)
        if band is None:
            word = self.empty_text if not self.panes and line == self.size.height // 2 - 1 else ""
            return (_Piece(pane.centered(word, self.size.width), selected=False),) if word else ()
        if not band.count:
            return (_Piece(self._heading(self.panes[band.first].group), selected=False),)
        pieces = []
        for column in range(band.count):
            view = self.panes[band.first + column]
            cells = self._pane_layout.column_width(column)
            has_cursor = view.server == (self.cursor[0] if self.cursor else None)
            cursor_line = (
                pane.cursor_line(view, self.cursor, cells) if has_cursor and self.cursor else -1
            )
            drawn = self._pane_lines(view, cells, band.height)
            pieces.append(_Piece(drawn[line - band.top], selected=band.top + cursor_line == line))
        return tuple(pieces)

    def _pane_lines(self, view: PaneView, cells: int, high: int) -> tuple[Line, ...]:
        pasts = tuple(self.trends.get(row.id) for row in view.rows)
        key = (view, cells, high, self._shape, pasts)
        cached = self._lines.get(view.server)
        if cached is None or cached[0] != key:
            drawn = pane.draw_pane(view, self.trends, cells, high, self._shape, self._symbols)
            cached = self._lines[view.server] = (key, drawn)
        return cached[1]

    def _heading(self, group: str) -> Line:
        views = [view for view in self.panes if view.group == group]
        count = "1 server" if len(views) == 1 else f"{len(views)} servers"
        name = text.strip_controls(group) or "no group"
        return pane.draw_heading(name, count, self.size.width, self._symbols)

    def render_line(self, y: int) -> Strip:
        pieces = self._pieces(y + self.scroll_offset.y)
        self._drawn[y] = pieces
        segments = []
        for piece in pieces:
            line = pane.mark_cursor(piece.line, self._symbols) if piece.selected else piece.line
            segments += styled_text.segments(self, line, selected=piece.selected)
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    # Visible rows

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._post_visible_rows()

    def _post_visible_rows(self) -> None:
        top = self.scroll_offset.y
        rows: list[RowId] = []
        for band in self._pane_layout.rows_between(top, top + self.size.height):
            for view in self.panes[band.first : band.first + band.count]:
                rows += [row.id for row in view.rows]
        seen = (tuple(rows), self._shape.trend)
        if seen != self._seen:
            self._seen = seen
            self.post_message(self.VisibleRowsChanged(*seen))

    # Cursor

    @property
    def selected(self) -> PaneView | None:
        """The pane with the cursor."""
        return self.panes[at] if (at := self._cursor_index()) is not None else None

    def _cursor_index(self) -> int | None:
        name = self.cursor[0] if self.cursor else ""
        return next((i for i, view in enumerate(self.panes) if view.server == name), None)

    def _keep_cursor(self) -> None:
        """Keep the cursor where it is, or near it if its row is gone."""
        view = self.selected
        if view is not None and self.cursor in view.ids:
            return
        if view is None and self.panes:
            view = self.panes[0]
        self.set_reactive(PaneGrid.cursor, view.ids[0] if view else None)

    def watch_cursor(self) -> None:
        """Scroll to the cursor."""
        self._repaint()
        at = self._cursor_index()
        if at is None or self.cursor is None:
            return
        band = self._pane_layout.row_of(at)
        line = band.top + pane.cursor_line(
            self.panes[at], self.cursor, self._pane_layout.column_width(at - band.first)
        )
        first = self.panes[at].ids[0] == self.cursor
        top = band.top - (1 if band.top and first else 0) if first else line
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif line + 2 > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=line + 2 - self.size.height, animate=False)

    def move_cursor(self, step: int) -> None:
        """Move to the next or previous row, across panes of a column."""
        at = self._cursor_index()
        if at is None or self.cursor is None:
            return
        ids = self.panes[at].ids
        index = ids.index(self.cursor) + step
        if 0 <= index < len(ids):
            self.cursor = ids[index]
            return
        band = self._pane_layout.row_of(at)
        bands = [each for each in self._pane_layout.rows if each.count]
        neighbor = bands.index(band) + (1 if step > 0 else -1)
        if 0 <= neighbor < len(bands):
            next_band = bands[neighbor]
            column = min(at - band.first, next_band.count - 1)
            below = self.panes[next_band.first + column].ids
            self.cursor = below[0] if step > 0 else below[-1]

    def step_pane(self, step: int) -> None:
        """Move to the first row of the next or previous pane, wrapping around."""
        at = self._cursor_index()
        if at is not None:
            self.cursor = self.panes[(at + step) % len(self.panes)].ids[0]

    def page(self, step: int) -> None:
        """Move by one page."""
        for _ in range(max(1, self.size.height - 4)):
            self.move_cursor(step)

    def to_edge(self, step: int) -> None:
        """Move to the first or the last row."""
        if self.panes:
            self.cursor = self.panes[-1].ids[-1] if step > 0 else self.panes[0].ids[0]

    @on(Click)
    def _clicked(self, event: Click) -> None:
        line = event.y + self.scroll_offset.y
        at = self._pane_layout.pane_at(event.x, line)
        if at is None:
            return
        view, band = self.panes[at], self._pane_layout.row_of(at)
        cells = self._pane_layout.column_width(at - band.first)
        rows = {band.top + pane.cursor_line(view, row, cells): row for row in view.ids}
        row = rows.get(line, view.ids[0])
        if row == self.cursor and line in rows:
            self.post_message(self.Opened(row))
        self.cursor = row
