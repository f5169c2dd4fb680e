"""A table with keyed rows and fixed columns, for lists that change while they are read.

Only changed cells are updated, so that the cursor and the scroll position stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from lictui.tui.text import Fragment, cut, shorten
from lictui.tui.widgets import styled_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.tui.theme import Symbols


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of fixed width, so that a changed cell never moves another."""

    key: str
    title: str
    width: int
    cut_at_end: bool = False  # cut at its end; names are cut in the middle


def widen(columns: Iterable[TableColumn], width: int, *stretched: str) -> tuple[TableColumn, ...]:
    """Return the columns so that they fill `width`: the stretched ones share what is left."""
    columns = tuple(columns)
    spare = max(0, width - sum(column.width + 1 for column in columns))
    extra = {key: spare // len(stretched) for key in stretched}
    extra[stretched[-1]] += spare % len(stretched)
    return tuple(
        replace(column, width=column.width + extra.get(column.key, 0)) for column in columns
    )


Rows = dict[str, "Mapping[str, Fragment]"]  # by the row's key, each cell by its column


class KeyedTable(DataTable[Text]):
    """Shows rows by key; the cursor stays on its row."""

    DEFAULT_CSS = (
        """
    KeyedTable {
        height: 1fr;
        padding-left: 1;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .datatable--header { background: $background; color: $quiet; text-style: none; }
        & > .datatable--cursor { background: $chosen; text-style: none; }
        & > .datatable--hover { background: $surface; }
    """
        + styled_text.CSS
        + "}"
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = DataTable.COMPONENT_CLASSES | styled_text.TONES

    def __init__(self, symbols: Symbols, **kwargs: Any) -> None:
        super().__init__(
            cursor_type="row",
            cell_padding=0,
            cursor_foreground_priority="renderable",
            **kwargs,
        )
        self._symbols = symbols
        self._columns_shown: tuple[TableColumn, ...] = ()
        self._rows_shown: Rows = {}

    def on_mount(self) -> None:
        self.watch(self.app, "theme", self._redraw, init=False)  # cells hold colors of the theme

    @property
    def selected_key(self) -> str:
        return list(self._rows_shown)[self.cursor_row] if self._rows_shown else ""

    def move(self, step: int) -> None:
        self.move_cursor(row=self.cursor_row + step)

    def show_rows(self, columns: tuple[TableColumn, ...], rows: Rows) -> None:
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
        for column in columns:
            self.add_column(Text(column.title), width=column.width + 1, key=column.key)
        for key, cells in rows.items():
            self.add_row(*(self._cell(cells[column.key], column) for column in columns), key=key)
        self._columns_shown, self._rows_shown = columns, rows
        if rows:
            self.cursor_coordinate = Coordinate(
                list(rows).index(chosen) if chosen in rows else min(at, len(rows) - 1), 0
            )

    def _redraw(self) -> None:
        self._fill(self._columns_shown, self._rows_shown)

    def _cell(self, run: Fragment, column: TableColumn) -> Text:
        text, tone = run
        style = self.get_component_rich_style(f"tone--{tone}", partial=True)
        fit = cut if column.cut_at_end else shorten
        return Text(fit(text, column.width, self._symbols.ellipsis), style, no_wrap=True)
