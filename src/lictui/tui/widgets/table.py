"""A table of keyed rows that can be sorted, for lists that change; its columns fit the width."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from msgspec import Struct
from rich.cells import cell_len
from textual import on
from textual.events import Click, Resize
from textual.geometry import Size

from lictui.tui.text import Line, Tone, fit_line, pad, shorten_apart
from lictui.tui.widgets.styled_text import LineView, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.tui.theme import Symbols

K = TypeVar("K")
_ESSENTIAL: Final = 4  # the rank up to which a column is worth more than whole texts elsewhere
UNLIMITED: Final = 1 << 30


class TableColumn(Struct, frozen=True):
    """A column; one with a rank is left out where it is empty or has no room."""

    key: str
    title: str
    width: int  # the least
    rank: int = 0  # the columns of the highest rank are left out first
    most: int = 0  # it is not as wide as its cells, but takes what is left over, up to this width
    is_short: bool = False  # it is shortened where that makes room for another column
    is_right: bool = False
    cut_at_end: bool = False  # names are cut in the middle, so that no two look alike
    descending: bool = False  # sorted with the highest value first
    is_drawn: bool = False  # by the table itself: it has no cells


TableCell = tuple[str, Tone] | tuple[str, Tone, Any]  # sorted by its text, or by the last value
Rows = dict[K, Mapping[str, TableCell]]  # by the row's key, each cell by its column


class FittedColumn(NamedTuple):
    """A column with its width, and its texts where they are shortened."""

    column: TableColumn
    width: int
    texts: Mapping[str, str]


def fit_columns(
    columns: Sequence[TableColumn], rows: Rows[Any], width: int, ellipsis: str = "…"
) -> tuple[FittedColumn, ...]:
    """Return the columns for this width, each with a blank before it."""
    texts = {
        column: () if column.is_drawn else tuple(cells[column.key][0] for cells in rows.values())
        for column in columns
    }
    longest = {column: max(map(cell_len, texts[column]), default=1) for column in columns}
    widths: dict[TableColumn, int] = {}
    left = width
    whole = sum(max(0, longest[column] - column.width) for column in columns if column.is_short)
    for column in sorted(columns, key=lambda column: column.rank):
        cells = column.width
        if not (column.is_short or column.most):
            cells = max(cells, min(longest[column], width // 3))
        room = left - whole * (column.rank > _ESSENTIAL)
        is_empty = not (column.is_drawn or {*texts[column]} - {"", "?"})
        if not column.rank or (cells < room and not is_empty):
            widths[column] = cells
            left -= cells + 1
    limits = [(column, longest[column]) for column in widths if column.is_short]
    for column, limit in (*limits, *((column, column.most) for column in widths)):
        more = max(0, min(limit - widths[column], left))
        widths[column] += more
        left -= more
    return tuple(
        FittedColumn(
            column,
            widths[column],
            shorten_apart(texts[column], widths[column], ellipsis)
            if longest[column] > widths[column] and not column.cut_at_end
            else {},
        )
        for column in columns
        if column in widths
    )


def draw_cell(cells: Mapping[str, TableCell], fitted: FittedColumn, symbols: Symbols) -> Line:
    """Return a cell with the blank before it."""
    column, width, texts = fitted
    text, tone, *_ = cells[column.key]
    tail = 0 if column.cut_at_end else None
    text = pad(
        texts.get(text, text), width, ellipsis=symbols.ellipsis, right=column.is_right, tail=tail
    )
    return ((f" {text}", tone),)


def _sort_value(cell: TableCell) -> Any:
    """What a cell is sorted by; None, which comes last, if that is not known."""
    if len(cell) > 2:  # noqa: PLR2004 - text and tone
        return cell[2]
    text = cell[0].strip().casefold()
    number = text.replace(",", "")
    return ((0, int(number)) if number.isdecimal() else (1, text)) if text else None


class KeyedTable(LineView[K], inherit_bindings=False):
    """Rows by key below their titles; the cursor stays on its row. A click on a title sorts."""

    DEFAULT_CSS = "KeyedTable { height: 1fr; background: $background; }"

    def __init__(self, symbols: Symbols, *, sort: str = "", **kwargs: Any) -> None:
        super().__init__(symbols, **kwargs)
        self.sort, self.reverse = sort, False  # column; "": in the order of the rows
        self.rows: Rows[K] = {}  # in their order
        self._columns: tuple[TableColumn, ...] = ()
        self._unsorted: Rows[K] = {}
        self._fitted: tuple[FittedColumn, ...] = ()

    def show_rows(self, columns: tuple[TableColumn, ...], rows: Rows[K]) -> None:
        """Show other rows; equal ones repaint nothing."""
        if (columns, rows, list(rows)) != (self._columns, self._unsorted, list(self._unsorted)):
            self._columns, self._unsorted = columns, rows
            self._fill()

    def _fill(self) -> None:
        before, self.rows = list(self.rows), self._sorted()
        keys = list(self.rows)
        if self.cursor not in self.rows:
            at = before.index(self.cursor) if self.cursor in before else 0
            nearest = keys[min(at, len(keys) - 1)] if keys else None
            self.set_reactive(KeyedTable.cursor, nearest)
        self._place()
        if before != keys:
            self.watch_cursor()  # the row may have moved off the screen

    @on(Resize)
    def _place(self) -> None:
        width = self.scrollable_content_region.width
        self._fitted = fit_columns(self._columns, self.rows, width, self._symbols.ellipsis)
        self.virtual_size = Size(width, len(self.rows) + 1)
        self.post_message(self.CursorMoved())
        self.repaint()

    # Order

    def _sorted(self) -> Rows[K]:
        rows = self._unsorted
        column = next((column for column in self._columns if column.key == self.sort), None)
        if column is None:
            return rows
        values = {key: _sort_value(cells[self.sort]) for key, cells in rows.items()}
        known = [key for key, value in values.items() if value is not None]
        known.sort(key=values.__getitem__, reverse=column.descending != self.reverse)
        return {key: rows[key] for key in (*known, *rows)}

    @property
    def sorts(self) -> tuple[str, ...]:
        """The columns shown that rows can be sorted by."""
        return tuple(column.key for column, *_ in self._fitted if not column.is_drawn)

    def sort_next(self) -> None:
        sorts = self.sorts
        self.sort_by(sorts[(sorts.index(self.sort) + 1) % len(sorts) if self.sort in sorts else 0])

    def sort_by(self, key: str) -> None:
        """Sort by a column; by the same one in the other direction."""
        self.sort, self.reverse = key, key == self.sort and not self.reverse
        self._fill()

    def sort_reverse(self) -> None:
        self.sort_by(self.sort or self.sorts[0])

    @on(Click)
    def _sort_by_title(self, event: Click) -> None:
        ends = accumulate(width + 1 for _, width, _ in self._fitted)
        clicked = (
            column.key
            for (column, *_), end in zip(self._fitted, ends, strict=True)
            if event.x < end and not column.is_drawn
        )
        if not event.y and (key := next(clicked, None)):
            self.sort_by(key)

    # Lines

    @property
    def row_ids(self) -> tuple[K, ...]:
        return tuple(self.rows)

    def visible_rows(self) -> tuple[tuple[K, ...], int]:
        first = self.scroll_offset.y
        drawn = sum(width for column, width, _ in self._fitted if column.is_drawn)
        return self.row_ids[first : first + max(1, self.size.height - 1)], drawn

    def row_at(self, x: int, y: int) -> tuple[K | None, bool]:
        del x
        at = y - 1 + self.scroll_offset.y
        row = self.row_ids[at] if y > 0 and at < len(self.rows) else None
        return row, row is not None

    def row_lines(self, row: K) -> tuple[int, int]:
        line = self.row_ids.index(row)
        return line, line + 2

    def pieces(self, y: int) -> tuple[Piece, ...]:
        """The titles at the top, then the visible rows."""
        key, _ = self.row_at(0, y)
        draw = self._title if key is None else lambda fitted: self.draw_cell(key, fitted)
        shown = self._fitted if key is not None or not y else ()
        line = [fragment for fitted in shown for fragment in draw(fitted)]
        is_selected = key is not None and key == self.cursor and not self._other_has_focus
        return ((fit_line(line, self.size.width), is_selected),)

    @property
    def _other_has_focus(self) -> bool:
        """Whether keys go to another table, which then has the only cursor."""
        return isinstance(self.screen.focused, KeyedTable) and not self.has_focus

    def draw_cell(self, key: K, fitted: FittedColumn) -> Line:
        return draw_cell(self.rows[key], fitted, self._symbols)

    def _title(self, fitted: FittedColumn) -> Line:
        """The title; of the sorted column with the direction."""
        column, width, _ = fitted
        title, tone, symbols = column.title, Tone.QUIET, self._symbols
        if column.key == self.sort:
            tone = Tone.ACCENT
            arrow = symbols.ascending if column.descending == self.reverse else symbols.descending
            gap = " " * bool(title and len(title) + 1 < width)
            title = arrow + title if column.is_right else title[: width - 1] + gap + arrow
        text = pad(title, width, ellipsis=symbols.ellipsis, right=column.is_right, tail=0)
        return ((f" {text}", tone),)
