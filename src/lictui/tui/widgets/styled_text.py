"""Styled text: maps tones to the colors of the theme, and removes control characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from rich.segment import Segment
from textual import on
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive, var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from lictui.tui.text import Line, Tone, strip_controls
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.style import Style

K = TypeVar("K")
V = TypeVar("V")
ToneLine = Sequence[tuple[str, str]]  # a `Line`, or with the parts of a chart as its tones

_COLORS: Final = {
    Tone.TEXT: "$foreground",
    Tone.STRONG: "$foreground",
    Tone.QUIET: "$quiet",
    Tone.FRAME: "$frame",
    Tone.ACCENT: "$accent",
    Tone.OK: "$success",
    Tone.WARN: "$warning",
    Tone.CRITICAL: "$error",
    Tone.OVER: "$over",
}
TONES: Final = {f"tone--{tone}" for tone in Tone} | {"tone--selected"}
CSS: Final = (
    " ".join(f"& > .tone--{tone} {{ color: {color}; }}" for tone, color in _COLORS.items())
    + "& > .tone--strong { text-style: bold; } & > .tone--selected { background: $chosen; }"
    + "&:ansi > .tone--selected { color: $on-chosen; }"  # no other terminal color is readable there
)


def segments(widget: Widget, line: ToneLine, *, selected: bool = False) -> list[Segment]:
    """Return the line in the colors of the theme, on the cursor's background if selected."""
    if not selected:
        return [Segment(strip_controls(text), _style(widget, tone)) for text, tone in line]
    under = _style(widget, "selected")
    return [
        Segment(
            strip_controls(text), _style(widget, Tone.QUIET if tone == Tone.FRAME else tone) + under
        )
        for text, tone in line
    ]


def _style(widget: Widget, tone: str) -> Style:
    return widget.get_component_rich_style(f"tone--{tone}", partial=tone == "selected")


# A drawing of lines


class Drawing(Widget, Generic[V]):
    """Draws a frozen view as lines; an equal view is not drawn again."""

    DEFAULT_CSS = "Drawing { height: 1fr; width: 1fr;" + CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = TONES

    view: reactive[Any]  # V

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._symbols = symbols
        self._key: object = None
        self._lines: Sequence[ToneLine] = ()

    def draw(self, view: V, width: int, height: int) -> Sequence[ToneLine]:
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        if self._key != (key := (self.view, self.size)):
            self._key, self._lines = key, self.draw(self.view, *self.size)
        drawn = Strip(segments(self, self._lines[y] if y < len(self._lines) else ()))
        return drawn.adjust_cell_length(self.size.width, self.rich_style)


# Rows with a cursor over lines that scroll


Piece = tuple[Line, bool]  # a part of a line, and whether the cursor is on it


class LineView(ScrollView, Generic[K], can_focus=True, inherit_bindings=False):
    """Rows by id over scrolling lines, with a cursor and trends."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONES
    DEFAULT_CSS = (
        """
    LineView {
        scrollbar-gutter: stable;
        scrollbar-size: 0 1;
        scrollbar-color: $frame;
        scrollbar-color-hover: $quiet;
        scrollbar-color-active: $quiet;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    """
        + CSS
        + "}"
    )
    cursor: var[Any] = var(None)  # K | None
    trends: reactive[Mapping[Any, Any]] = reactive(dict)  # TrendData by K

    class Opened(Message):
        """The row under the cursor was opened."""

    class CursorMoved(Message):
        """The cursor is on another row."""

    class VisibleRowsChanged(Message):
        """The visible rows or the width of their trends changed."""

    def __init__(self, symbols: Symbols = UNICODE_SYMBOLS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._symbols = symbols
        self._seen: tuple[tuple[K, ...], int] = ((), 0)

    @property
    def row_ids(self) -> tuple[K, ...]:
        """All rows in their order."""
        raise NotImplementedError

    def visible_rows(self) -> tuple[tuple[K, ...], int]:
        """The rows on the screen, and the cells of a trend."""
        raise NotImplementedError

    def row_lines(self, row: K) -> tuple[int, int]:
        """The lines that should be on the screen while the cursor is on a row."""
        raise NotImplementedError

    def row_at(self, x: int, y: int) -> tuple[K | None, bool]:
        """The row for a click at this place of the screen, and whether it is on the row itself."""
        raise NotImplementedError

    def pieces(self, y: int) -> tuple[Piece, ...]:
        """A line of the screen."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        drawn: list[Segment] = []
        for line, selected in self.pieces(y):
            (first, tone), *following = line or (("", Tone.TEXT),)
            marked = ((self._symbols.cursor, Tone.ACCENT), (first[1:], tone))
            start = marked if selected else ((first, tone),)
            drawn += segments(self, (*start, *following), selected=selected)
        return Strip(drawn).adjust_cell_length(self.size.width, self.rich_style)

    def repaint(self) -> None:
        """Draw all lines again: only the cells that differ are written to the terminal."""
        self.refresh()
        if (seen := self.visible_rows()) != self._seen:
            self._seen = seen
            self.post_message(self.VisibleRowsChanged())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.repaint()

    def watch_cursor(self) -> None:
        self.repaint()
        self.post_message(self.CursorMoved())
        if self.cursor is None:
            return
        first, end = self.row_lines(self.cursor)
        if first < self.scroll_offset.y:
            self.scroll_to(y=first, animate=False)
        elif end > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=end - self.size.height, animate=False)

    def move_cursor(self, step: int) -> None:
        if ids := self.row_ids:
            self.cursor = ids[max(0, min(ids.index(self.cursor) + step, len(ids) - 1))]

    def page(self, pages: float) -> None:
        step = max(1, int((self.size.height - 2) * abs(pages)))
        self.move_cursor(step if pages > 0 else -step)

    def to_edge(self, step: int) -> None:
        if ids := self.row_ids:
            self.cursor = ids[-1 if step > 0 else 0]

    @on(Click)
    def _clicked(self, event: Click) -> None:
        row, is_exact = self.row_at(event.x, event.y)
        if is_exact and row == self.cursor:
            self.post_message(self.Opened())
        self.cursor = self.cursor if row is None else row


# Styled text that wraps


_STYLES: Final = {**_COLORS, Tone.TEXT: "", Tone.STRONG: "bold"}


def to_content(lines: Iterable[Line]) -> Content:
    """Return the lines as Textual content."""
    return Content("\n").join(
        Content.assemble(*((strip_controls(text), _STYLES[tone]) for text, tone in line))
        for line in lines
    )


class StyledLabel(Static):
    """A wrapping label of styled lines; equal lines are not drawn again."""

    DEFAULT_CSS = "StyledLabel { height: auto; width: 1fr; }"

    def __init__(self, *lines: Line, **kwargs: Any) -> None:
        super().__init__(to_content(lines), markup=False, **kwargs)
        self._lines = lines

    def show_lines(self, *lines: Line) -> None:
        if lines != self._lines:
            self._lines = lines
            self.update(to_content(lines))

    @property
    def plain_text(self) -> str:
        return "\n".join(strip_controls("".join(text for text, _ in line)) for line in self._lines)
