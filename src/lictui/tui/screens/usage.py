"""The product view: one chart over time, or a map of the week, and the figures beside it.

Owns the cursor, what is shown, and when the past is asked. Must not know how anything is drawn,
what the figures say (`product_facts`), nor how the past is got together (`product_reader`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.containers import Container, Vertical, VerticalScroll

from lictui.errors import LictuiError
from lictui.tui import commands
from lictui.tui.screens import usage_data, usage_facts, usage_outlook, usage_query
from lictui.tui.screens.main_screen import TimeRangeScreen
from lictui.tui.screens.usage_data import ProductAnswer, ProductReader
from lictui.tui.theme import ASCII_SYMBOLS
from lictui.tui.time_range import TimeRange, time_zone
from lictui.tui.widgets import chart as heatmap
from lictui.tui.widgets.chart import Chart, HeatMap
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import MergedBoard
    from lictui.tui.screens.usage_outlook import Outlook
    from lictui.tui.screens.usage_query import ChartQuery, ProductSelection
    from lictui.tui.text import Table

_WIDE: Final = 110  # columns from which the figures stand beside the chart
_BESIDE: Final = 44
_LOW: Final = 18  # rows below which the figures give way to the chart
_FRESH: Final = 10.0  # seconds at least between two questions about the present
_AXIS: Final = 8  # columns that the value axis takes at most


class UsageScreen(TimeRangeScreen):
    """The chart of one product over some servers."""

    VIEW = "product"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("product")]
    CSS = """
    UsageScreen {
        & #title { height: 1; padding: 0 1; }
        & #stretch { height: 1; padding: 0 1; }
        & #body { layout: vertical; }
        & #body > Vertical { height: 1fr; }
        & #read { height: 1; padding: 0 1; }
        & #facts { height: auto; max-height: 9; padding: 0 1; scrollbar-size-vertical: 1; }
        & HeatMap { display: none; }
        &.-week {
            & HeatMap { display: block; }
            & Chart { display: none; }
        }
        &.-low #facts { max-height: 3; }
        &.-low.-week #facts { display: none; }
        &.-wide {
            & #body { layout: horizontal; }
            & #body > Vertical { height: 100%; width: 1fr; }
            & #facts { width: 47; height: 100%; max-height: 100%; padding: 2 1 0 2; }
        }
    }
    """

    def __init__(self, servers: tuple[str, ...], product: str, at: float | None = None) -> None:
        super().__init__()
        self._servers = servers
        self._product = product
        self._at = at
        self._drawn: object = None  # what was asked for when the chart was last made anew
        self._asked: ChartQuery | None = None
        self._asked_at = 0.0
        self._compare = False
        self._answer = ProductAnswer()
        self._outlook: Outlook | None = None
        self._made: tuple[Chart, HeatMap, ProductReader] | None = None

    def body(self) -> Widget:
        """Title, chart or map, cursor line and figures."""
        app = self.lictui
        chart, week = (
            Chart(ascii_only=app.symbols is ASCII_SYMBOLS, id="plot"),
            HeatMap(app.symbols),
        )
        self._made = chart, week, ProductReader(app.engine)
        left = Vertical(
            StyledLabel(id="title"), StyledLabel(id="stretch"), chart, week, StyledLabel(id="read")
        )
        return Container(
            left, VerticalScroll(StyledLabel(id="figures"), id="facts", can_focus=False)
        )

    def on_mount(self) -> None:
        """Begin with the moment that was asked for, or with the week up to now."""
        if self._at is not None:
            self.time_range = TimeRange.containing(self._at, self.lictui.clock.now())
        super().on_mount()

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self._parts[0]

    @property
    def map(self) -> HeatMap:
        """The map of the week."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[Chart, HeatMap, ProductReader]:
        if self._made is None:
            raise RuntimeError("asked for the chart before there is one")
        return self._made

    @property
    def _week(self) -> bool:
        return self.has_class("-week")

    @property
    def _zone(self) -> ZoneInfo | None:
        return time_zone(self.lictui.settings.timezone)

    @property
    def _subject(self) -> ProductSelection:
        app = self.lictui
        return usage_query.select_product(self.merged, self._servers, self._product, app.settings)

    def board_changed(self, board: MergedBoard) -> None:
        """Say the figures of now; ask the past anew once enough of it has gone by."""
        del board
        if not self._asked:
            return
        patience = max(_FRESH, self._asked.bucket / 10)
        if not self.time_range.offset and self.lictui.clock.now() - self._asked_at >= patience:
            self._ask()
        self._tell()

    def on_resize(self) -> None:
        """Another width has other buckets."""
        self.set_class(self.size.width >= _WIDE, "-wide")
        self.set_class(self.size.height < _LOW, "-low")
        self._ask()

    def range_changed(self) -> None:
        """Another stretch of time."""
        self._ask()

    # The past

    @property
    def _columns(self) -> int:
        beside = _BESIDE if self.size.width >= _WIDE else 0
        return max(10, self.size.width - beside - _AXIS)

    def _ask(self) -> None:
        about, now = self._subject, self.lictui.clock.now()
        asked = usage_query.chart_query(about, self.time_range, self._columns, now, self._zone)
        self._asked, self._asked_at = asked, now
        drawn = self.time_range, asked.bucket
        if self._drawn != drawn:
            self._drawn, self._answer = drawn, ProductAnswer(note="reading the history")
            self._draw(asked)
        self._tell()
        self._read(asked)

    @work(group="product-series")
    async def _read(self, asked: ChartQuery) -> None:
        about, now, reader = self._subject, self.lictui.clock.now(), self._parts[2]
        shown = self._compare, self._week
        try:
            answer = await reader.answer(about, asked, now, compare=shown[0], week=shown[1])
        except LictuiError as error:
            answer = ProductAnswer(note=error.message)
        if asked != self._asked or shown != (self._compare, self._week):
            return  # the user has gone on to something else
        self._answer = answer
        self._draw(asked)
        self._tell()
        if answer.note:
            return
        with suppress(LictuiError):  # of which the chart would have said as much
            self._outlook = await reader.outlook(about, now, self._zone)
        if asked == self._asked:
            self._draw(asked)
            self._tell()

    def _draw(self, asked: ChartQuery) -> None:
        """Hand the answer to the chart and to the map."""
        about, answer, before = self._subject, self._answer, self.chart.view
        at = self._at
        if at is None and before.cursor is not None:
            at = before.buckets[before.cursor].start
        if answer.buckets:
            self._at = None
        self.chart.view = usage_data.chart(about, asked, answer, self._outlook, at)
        self.map.view = usage_data.week(about, answer, self.map.view.cursor)

    def _tell(self) -> None:
        about, view, symbols = self._subject, self.chart.view, self.lictui.symbols
        room = self._columns + _AXIS - 2
        self.query_one("#title", StyledLabel).show_lines(usage_query.title(about, room, symbols))
        if self._asked:
            near = () if self._week else view.marks_at_cursor(self._columns)
            said = usage_query.stretch(self._asked, about)
            if self._week:
                said = usage_query.week(self._asked)
            line = usage_outlook.mark_line(near, view.tz, room, symbols)
            self.query_one("#stretch", StyledLabel).show_lines(line or said)
        read = usage_facts.read_off(view, symbols) or self.chart.legend(room)
        if self._week:
            read = heatmap.read_off(self.map.view, symbols) or heatmap.legend(
                self.map.view, symbols, room
            )
        self.query_one("#read", StyledLabel).show_lines(read)
        width = _BESIDE - 4 if self.has_class("-wide") else self.size.width - 3
        told = usage_facts.FactsInput(about, view, self._answer, self._outlook, self.current_time)
        found = usage_facts.facts(told, symbols)
        self.query_one("#figures", StyledLabel).show_lines(*usage_facts.lines(found, width))

    # What the keys do

    def action_compare(self) -> None:
        """With the period before, or without it again."""
        self._compare = not self._compare
        self._ask()

    def action_heat(self) -> None:
        """The map of the week in place of the chart, or the chart again."""
        self.toggle_class("-week")
        self._ask()

    def action_cursor(self, by: int) -> None:
        """Read off the next or the previous bucket, from the newest at first."""
        if self._week:
            self.map.move_cursor(by)
            self._tell()
            return
        view = self.chart.view
        last = len(view.buckets) - 1
        if last >= 0:
            cursor = last if view.cursor is None else min(max(view.cursor + by, 0), last)
            self.chart.view = replace(view, cursor=cursor)
            self._tell()

    def action_weekday(self, by: int) -> None:
        """The same hour of the next weekday, on the map."""
        if self._week:
            self.map.move_cursor(24 * by)
            self._tell()

    def action_back(self) -> None:
        """Put the cursor away, then the map, then leave."""
        if self._week and self.map.view.cursor:
            self.map.view = replace(self.map.view, cursor=None)
        elif self._week:
            self.action_heat()
        elif self.chart.view.cursor is not None:
            self.chart.view = replace(self.chart.view, cursor=None)
        else:
            super().action_back()
            return
        self._tell()

    def action_why(self) -> None:
        """Where the figures of now come from."""
        self.lictui.show_view("why", servers=self._servers, product=self._product)

    def action_holders(self) -> None:
        """Who holds a license of it."""
        about = self._subject
        asked = tuple(dict.fromkeys(status.server.name for status, _ in about.pools))
        self.lictui.show_view(
            "holders", servers=asked or self._servers, product=self._product, title=about.name
        )

    def action_poll_server(self) -> None:
        """Poll every server that contributes."""
        for server in self._servers:
            status = self.merged.find(server)
            for name in status.member_names if status else ():
                self.lictui.poll(name)

    # What others may have of it

    def row_text(self) -> str:
        """The figures beside the chart, as text."""
        return self.query_one("#figures", StyledLabel).plain_text

    def export_table(self) -> Table:
        """The buckets that are drawn."""
        return usage_data.table(self.chart.view)
