"""The product table: a scrolling widget that repaints only the lines that changed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView

from lictui.tui.text import Line, fit_line
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import products_view, styled_text
from lictui.tui.widgets.gauge import TrendData
from lictui.tui.widgets.pane import mark_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.strip import Strip

    from lictui.analysis.usage import TotalKey
    from lictui.tui.widgets.products_view import ProductRow

_NO_TRENDS: Final[Mapping[TotalKey, TrendData]] = MappingProxyType({})
_NO_TREND: Final = TrendData()


class ProductTable(ScrollView, can_focus=True, inherit_bindings=False):
    """All products. Set `rows` and `trends`; equal values repaint nothing."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = f"ProductTable {{ {styled_text.SCROLL} {styled_text.CSS} }}"

    rows: var[tuple[ProductRow, ...]] = var(())
    trends: var[Mapping[TotalKey, TrendData]] = var(_NO_TRENDS)
    cursor: var[int] = var(0)
    scope_title: var[str] = var("")  # title of the first column, if there is one
    trend_label: var[str] = var("24 h")  # period of the trends in words

    class CursorMoved(Message):
        """The cursor is on another row, or its row has changed."""

    class Opened(Message):
        """The row under the cursor was opened."""

    class TrendLayoutChanged(Message):
        """The width of the trends or the visible rows changed."""

        def __init__(self, cells: int) -> None:
            super().__init__()
            self.cells = cells

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__()
        self._symbols = symbols
        self._table_layout = products_view.fit_columns(80, ())
        self._drawn: dict[int, Line] = {}
        self._concurrent_rows = 0  # rows above the assigned ones, if there are both kinds

    @property
    def selected(self) -> ProductRow | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def watch_rows(self, before: tuple[ProductRow, ...], after: tuple[ProductRow, ...]) -> None:
        """Keep the cursor on its row, and repaint what changed."""
        selected_id = before[self.cursor].id if 0 <= self.cursor < len(before) else None
        ids = [view.id for view in after]
        at = ids.index(selected_id) if selected_id in ids else min(self.cursor, len(ids) - 1)
        self.set_reactive(ProductTable.cursor, max(at, 0))
        self._place()

    @on(Resize)
    def _place(self) -> None:
        width = self.scrollable_content_region.width
        self._table_layout = products_view.fit_columns(width, self.rows)
        below = sum(not view.assigned for view in self.rows)
        self._concurrent_rows = below if 0 < below < len(self.rows) else 0
        self.virtual_size = Size(width, len(self.rows) + 1 + 2 * bool(self._concurrent_rows))
        self.post_trend_layout()
        self.post_message(self.CursorMoved())
        self._repaint()

    def post_trend_layout(self) -> None:
        """Post the width of the trends."""
        self.post_message(self.TrendLayoutChanged(self._table_layout.trend))

    @property
    def visible_rows(self) -> tuple[TotalKey, ...]:
        """The rows that are scrolled into view."""
        found = (self._row_at(y) for y in range(1, max(2, self.size.height)))
        return tuple(self.rows[at].id for at in found if at is not None)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_trend_layout()

    def watch_trend_label(self) -> None:
        self._repaint()

    def watch_trends(self) -> None:
        self._repaint()

    def _repaint(self) -> None:
        for y, before in list(self._drawn.items()):
            if y < self.size.height and self._line(y) != before:
                self.refresh(Region(0, y, self.size.width, 1))

    def _row_at(self, y: int) -> int | None:
        """Return the row on a line of the screen; None for a title and below the last row."""
        at = y - 1 + self.scroll_offset.y
        if self._concurrent_rows and at >= self._concurrent_rows:
            at -= 2  # a blank line and the titles of the assigned licenses
            if at < self._concurrent_rows:
                return None
        return at if y > 0 and 0 <= at < len(self.rows) else None

    def _line_of(self, row: int) -> int:
        """Return the line of the table that shows a row."""
        return row + 2 if self._concurrent_rows and row >= self._concurrent_rows else row

    def _titles(self, y: int) -> Line:
        """Return the titles; those at the top belong to the rows below them."""
        first = y - 1 + self.scroll_offset.y
        if y == 0:
            assigned = bool(self.rows) and self.rows[0].assigned
            past = self._concurrent_rows and self.scroll_offset.y > self._concurrent_rows
            return products_view.header_line(
                self._table_layout,
                assigned=assigned or bool(past),
                scope=self.scope_title,
                trend_label=self.trend_label,
            )
        if self._concurrent_rows and first == self._concurrent_rows + 1:
            return products_view.header_line(
                self._table_layout,
                assigned=True,
                scope=self.scope_title,
                trend_label=self.trend_label,
            )
        return ()

    def _line(self, y: int) -> Line:
        """Return a line of the screen: titles at the top, then the visible rows."""
        cells = self.size.width
        at = self._row_at(y)
        if at is None:
            return fit_line(self._titles(y), cells)
        view = self.rows[at]
        drawn = products_view.row_line(
            view, self.trends.get(view.id, _NO_TREND), self._table_layout, self._symbols
        )
        drawn = fit_line(drawn, cells)
        return mark_cursor(drawn, self._symbols) if at == self.cursor else drawn

    def render_line(self, y: int) -> Strip:
        line = self._drawn[y] = self._line(y)
        chosen = self._row_at(y) == self.cursor
        return styled_text.strip(self, line, self.size.width, selected=chosen)

    def watch_cursor(self) -> None:
        """Scroll to the cursor."""
        top, high, line = self.scroll_offset.y, self.size.height - 1, self._line_of(self.cursor)
        if line < top:
            self.scroll_to(y=line, animate=False)
        elif line >= top + high:
            self.scroll_to(y=line - high + 1, animate=False)
        self.post_message(self.CursorMoved())
        self._repaint()

    def move_cursor(self, step: int) -> None:
        """Move the cursor by `step` rows."""
        self.cursor = max(0, min(self.cursor + step, len(self.rows) - 1))

    @on(Click)
    def _clicked(self, event: Click) -> None:
        at = self._row_at(event.y)
        if at is None:
            return
        if at == self.cursor:
            self.post_message(self.Opened())
        self.cursor = at
