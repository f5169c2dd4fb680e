"""A table with keyed rows and fixed columns that can be sorted, for lists that change.

Only changed cells are updated, so that the cursor and the scroll position stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from lictui.tui.text import Tone, cut, shorten
from lictui.tui.widgets import styled_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textual.theme import Theme

    from lictui.tui.theme import Symbols


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of fixed width, so that a changed cell never moves another."""

    key: str
    title: str
    width: int
    cut_at_end: bool = False  # cut at its end; names are cut in the middle


TableCell = tuple[str, Tone] | tuple[str, Tone, Any]  # sorted by its text, or by the last value
Rows = dict[str, "Mapping[str, TableCell]"]  # by the row's key, each cell by its column


def fit_columns(
    columns: Iterable[TableColumn], rows: Rows, width: int, rest: str, dropped: Sequence[str]
) -> tuple[TableColumn, ...]:
    """Return the columns, as wide as their cells need, without those that are empty in all rows.

    Where there is no room, the columns of `dropped` are left out, its first one first. The column
    `rest` takes what is left: its own width, which is otherwise the smallest one, or more.
    """
    widths = {}
    for column in columns:
        needed = max((cell_len(cells[column.key][0]) for cells in rows.values()), default=1)
        if column.key == rest:
            needed = 1
        if needed:
            widths[column] = max(column.width, min(needed, width // 3))
    for key in dropped:
        if sum(widths.values()) + len(widths) > width:
            widths = {column: cells for column, cells in widths.items() if column.key != key}
    spare = max(0, width - sum(widths.values()) - len(widths))
    return tuple(
        replace(column, width=cells + spare * (column.key == rest))
        for column, cells in widths.items()
    )


def _sort_value(cell: TableCell) -> Any:
    """What a cell is sorted by; None, which comes last, if that is not known."""
    if len(cell) > 2:  # noqa: PLR2004 - text and tone
        return cell[2]
    text = cell[0].strip().casefold()
    number = text.replace(",", "")
    return ((0, int(number)) if number.isdecimal() else (1, text)) if text else None


class KeyedTable(DataTable[Text]):
    """Shows rows by key; the cursor stays on its row. A click on a title sorts by its column."""

    DEFAULT_CSS = (
        """
    KeyedTable {
        &:ansi > .datatable--header { background: $background; color: $quiet; }
        height: 1fr;
        padding-left: 1;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .datatable--header, &:ansi > .datatable--header {
            background: $background;
            color: $quiet;
            text-style: none;
        }
        & > .datatable--cursor {
            background: $chosen;
            color: $on-chosen;
            text-style: none;
        }
        & > .datatable--hover { background: $surface; }
    """
        + styled_text.CSS
        + "}"
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = DataTable.COMPONENT_CLASSES | styled_text.TONES

    def __init__(self, symbols: Symbols, *, sort: str = "", **kwargs: Any) -> None:
        super().__init__(cursor_type="row", cell_padding=0, **kwargs)
        self._symbols = symbols
        self._sort, self._reverse = sort, bool(sort)  # column; "": in the order of the rows
        self._columns_shown: tuple[TableColumn, ...] = ()
        self._rows: Rows = {}
        self._rows_shown: Rows = {}  # in their order

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw)  # cells hold its colors

    @property
    def selected_key(self) -> str:
        return list(self._rows_shown)[self.cursor_row] if self._rows_shown else ""

    def move(self, step: int) -> None:
        self.move_cursor(row=self.cursor_row + step)

    def sort_next(self) -> None:
        keys = [column.key for column in self._columns_shown]
        self._sort_by(keys[(keys.index(self._sort) + 1) % len(keys) if self._sort in keys else 0])

    def sort_reverse(self) -> None:
        self._sort_by(self._sort or self._columns_shown[0].key)

    @on(DataTable.HeaderSelected)
    def _sort_by_title(self, event: DataTable.HeaderSelected) -> None:
        self._sort_by(event.column_key.value or "")

    def _sort_by(self, key: str) -> None:
        """Sort by a column; by the same one in the other direction."""
        self._sort, self._reverse = key, key == self._sort and not self._reverse
        self._fill(self._columns_shown, self._sorted())

    def _sorted(self) -> Rows:
        rows = self._rows
        values = {key: _sort_value(cells[self._sort]) for key, cells in rows.items() if self._sort}
        known = [key for key, value in values.items() if value is not None]
        known.sort(key=values.__getitem__, reverse=self._reverse)
        return {key: rows[key] for key in (*known, *rows)}

    def show_rows(self, columns: tuple[TableColumn, ...], rows: Rows) -> None:
        self._rows = rows
        rows = self._sorted()
        if columns != self._columns_shown or list(rows) != list(self._rows_shown):
            self._fill(columns, rows)
            return
        for key, cells in rows.items():
            before = self._rows_shown[key]
            for column in columns:
                if cells[column.key] != before[column.key]:
                    self.update_cell(key, column.key, self._cell(cells[column.key], column))
        self._rows_shown = rows

    def _fill(self, columns: tuple[TableColumn, ...], rows: Rows) -> None:
        chosen, at = self.selected_key, self.cursor_row
        self.clear(columns=True)
        # The colors of cells are readable on the cursor; of 16 colors only one is.
        is_ansi = self.app.current_theme.ansi
        self.cursor_foreground_priority = "css" if is_ansi else "renderable"
        for column in columns:
            self.add_column(self._title(column), width=column.width + 1, key=column.key)
        for key, cells in rows.items():
            self.add_row(*(self._cell(cells[column.key], column) for column in columns), key=key)
        self._columns_shown, self._rows_shown = columns, rows
        if rows:
            self.cursor_coordinate = Coordinate(
                list(rows).index(chosen) if chosen in rows else min(at, len(rows) - 1), 0
            )

    def _title(self, column: TableColumn) -> Text:
        """The title; of the sorted column with the direction, in the gap to the next if needed."""
        if column.key != self._sort:
            return Text(cut(column.title, column.width, self._symbols.ellipsis))
        arrow = self._symbols.descending if self._reverse else self._symbols.ascending
        title = column.title.rstrip()
        gap = " " * (cell_len(title) + 1 < column.width)
        return Text(cut(title, column.width, "") + gap + arrow)

    def _redraw(self, _theme: Theme) -> None:
        self._fill(self._columns_shown, self._rows_shown)

    def _cell(self, cell: TableCell, column: TableColumn) -> Text:
        text, tone, *_ = cell
        style = self.get_component_rich_style(f"tone--{tone}", partial=True)
        fit = cut if column.cut_at_end else shorten
        return Text(fit(text, column.width, self._symbols.ellipsis), style, no_wrap=True)
