"""View 3, Usage: one product over time as a chart or a heat map, with its facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.containers import Container, Vertical, VerticalScroll

from lictui.engine.entitlements import expiries
from lictui.engine.product_history import ProductHistory, select_product
from lictui.tui import commands
from lictui.tui.screens import usage_view
from lictui.tui.screens.main_screen import MainScreen
from lictui.tui.time_range import RangeLength, TimeRange
from lictui.tui.widgets import chart as chart_chart
from lictui.tui.widgets.chart import Chart, HeatMap
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import MergedBoard
    from lictui.engine.entitlements import Expiry
    from lictui.engine.product_history import ProductOutlook, ProductQuery, ProductSelection
    from lictui.errors import LictuiError
    from lictui.tui.text import Line, Table

_WIDE: Final = 110  # columns from which the facts are next to the chart
_FACTS_WIDTH: Final = (44, 64)  # columns of the facts, from narrow to wide screens
_LOW: Final = 18  # rows below which the facts get less room
_REFRESH: Final = 10.0  # seconds at least between two requests that follow the present
_OUTLOOK_REFRESH: Final = 3600.0  # seconds: the outlook rests on days
_AXIS: Final = 8  # columns that the value axis takes at most


class UsageScreen(MainScreen):
    """The chart of one product over some servers."""

    VIEW = "usage"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("usage")]
    CSS = """
    UsageScreen {
        & #title { height: 1; padding: 0 1; }
        & #range { height: 1; padding: 0 1; }
        & #body { layout: vertical; }
        & #body > Vertical { height: 1fr; }
        & #values { height: 1; padding: 0 1; }
        & #facts { height: auto; max-height: 9; padding: 0 1; scrollbar-size-vertical: 1; }
        & HeatMap { display: none; }
        &.-heat-map {
            & HeatMap { display: block; }
            & Chart { display: none; }
        }
        &.-low #facts { max-height: 3; }
        &.-low.-heat-map #facts { display: none; }
        &.-wide {
            & #body { layout: horizontal; }
            & #body > Vertical { height: 100%; width: 1fr; }
            & #facts { height: 100%; max-height: 100%; padding: 2 1 0 2; }
        }
    }
    """

    def __init__(self, servers: tuple[str, ...], product: str, at: float | None = None) -> None:
        super().__init__()
        self._servers = servers
        self._product = product
        self.time_range = TimeRange()
        self._cursor_at = at  # until the history is there
        self._query: ProductQuery | None = None
        self._queried_at = 0.0
        self._drawn: tuple[TimeRange, int] | None = None  # of the history that is shown
        self._compare = False
        self._history = ProductHistory()
        self._note = ""  # shown in place of a chart
        self._outlook: ProductOutlook | None = None
        self._outlook_at: float | None = None

    def body(self) -> Widget:
        symbols = self.lictui.symbols
        left = Vertical(
            StyledLabel(id="title"),
            StyledLabel(id="range"),
            Chart(id="plot"),
            HeatMap(symbols),
            StyledLabel(id="values"),
        )
        facts = VerticalScroll(StyledLabel(id="fact-lines"), id="facts", can_focus=False)
        return Container(left, facts)

    def on_mount(self) -> None:
        if self._cursor_at is not None:
            self.time_range = TimeRange.containing(self._cursor_at, self.lictui.clock.now())
        super().on_mount()

    @property
    def chart(self) -> Chart:
        return self.query_one(Chart)

    @property
    def heat_map(self) -> HeatMap:
        return self.query_one(HeatMap)

    @property
    def _shows_heat_map(self) -> bool:
        return self.has_class("-heat-map")

    @property
    def _selection(self) -> ProductSelection:
        return select_product(self.lictui.board, self._servers, self._product, self.lictui.settings)

    @property
    def _expiries(self) -> tuple[Expiry, ...]:
        names = {status.server.name for status, _ in self._selection.pools}
        selected = (
            expiry
            for expiry in expiries(self.lictui.board)
            if expiry.product == self._product and expiry.server in names
        )
        return tuple(sorted(selected, key=lambda expiry: expiry.day))

    def board_changed(self, board: MergedBoard) -> None:
        """Show the current values; ask for the history again once enough time has passed."""
        del board
        if self._query is None:
            return
        due = self._queried_at + max(_REFRESH, self._query.width / 10)
        if not self.time_range.offset and self.lictui.clock.monotonic() >= due:
            self._ask()
        self._show_text()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= _WIDE, "-wide")
        self.query_one("#facts").styles.width = self._facts_width or None
        self.set_class(self.size.height < _LOW, "-low")
        self._ask()  # another width has other buckets

    # The history

    @property
    def _columns(self) -> int:
        return max(10, self.size.width - self._facts_width - _AXIS)

    @property
    def _facts_width(self) -> int:
        """Columns of the facts next to the chart; 0 if they are below it."""
        least, most = _FACTS_WIDTH
        return min(max(least, self.size.width * 5 // 12), most) if self.size.width >= _WIDE else 0

    def _ask(self) -> None:
        now = self.lictui.clock.now()
        query = usage_view.chart_query(
            self._selection,
            self.time_range,
            self._columns,
            now,
            self.zone,
            compare=self._compare,
            heat_map=self._shows_heat_map,
        )
        self._query, self._queried_at = query, self.lictui.clock.monotonic()
        if self._drawn != (self.time_range, query.width):
            self._drawn = self.time_range, query.width
            self._history, self._note = ProductHistory(), "loading history …"
            self._draw(query)
        self._show_text()
        self._load(query)

    @work(group="usage-history")
    async def _load(self, query: ProductQuery) -> None:
        errors: list[LictuiError] = []
        history = await self.ask(
            lambda engine: engine.history.product_history(query), errors.append
        )
        if query != self._query:
            return  # another range was chosen meanwhile
        self._history = history or ProductHistory()
        self._note = errors[0].message if errors else ""
        self._draw(query)
        self._show_text()
        now = self.lictui.clock.now()
        if errors or (self._outlook_at and now - self._outlook_at < _OUTLOOK_REFRESH):
            return
        outlook = await self.ask(
            lambda engine: engine.history.product_outlook(self._servers, self._product),
            errors.append,
        )
        if not errors:
            self._outlook, self._outlook_at = outlook, now
        if query == self._query:
            self._draw(query)
            self._show_text()

    def _draw(self, query: ProductQuery) -> None:
        selection, before = self._selection, self.chart.view
        cursor_at = self._cursor_at
        if cursor_at is None and before.cursor is not None:
            cursor_at = before.buckets[before.cursor].start
        if self._history.buckets:
            self._cursor_at = None
        self.chart.view = usage_view.chart_view(
            selection,
            query,
            self.time_range,
            self._history,
            self._outlook,
            self._expiries,
            self.zone,
            cursor_at=cursor_at,
            note=self._note,
        )
        self.heat_map.view = usage_view.heat_map_view(
            selection, self._history, self.heat_map.view.cursor, self._note
        )

    def _show_text(self) -> None:
        selection, view, symbols = self._selection, self.chart.view, self.lictui.symbols
        width = self._columns + _AXIS - 2
        title = usage_view.title_line(selection, width, symbols)
        self.query_one("#title", StyledLabel).show_lines(title)
        self.query_one("#range", StyledLabel).show_lines(self._range_line(width))
        self.query_one("#values", StyledLabel).show_lines(self._value_line(width))
        data = usage_view.FactsInput(
            selection, view, self._history, self._outlook, self._expiries, self.current_time
        )
        width = self._facts_width - 4 if self._facts_width else self.size.width - 3
        lines = usage_view.fact_lines(usage_view.facts(data, symbols), width)
        self.query_one("#fact-lines", StyledLabel).show_lines(*lines)

    def _range_line(self, width: int) -> Line:
        view, query, zone = self.chart.view, self._query, self.zone
        if query is None:
            return ()
        today = self.current_time.today
        marks = () if self._shows_heat_map else view.marks_at_cursor(self._columns)
        line = usage_view.mark_line(marks, zone, today, width, self.lictui.symbols)
        return line or usage_view.range_line(
            query, self.time_range, zone, today, assigned=view.assigned
        )

    def _value_line(self, width: int) -> Line:
        symbols = self.lictui.symbols
        if self._shows_heat_map:
            view = self.heat_map.view
            line = chart_chart.read_off(view, symbols)
            return line or chart_chart.legend(view, symbols, width)
        line = usage_view.cursor_line(self.chart.view, self.current_time.today, symbols)
        return line or self.chart.legend(width)

    # Keys

    def _set_range(self, time_range: TimeRange) -> None:
        if time_range != self.time_range:
            self.time_range = time_range
            self._ask()

    def action_range(self, length: str) -> None:
        self._set_range(TimeRange(RangeLength[length.upper()]))

    def action_longer(self) -> None:
        self._set_range(self.time_range.longer())

    def action_shorter(self) -> None:
        self._set_range(self.time_range.shorter())

    def action_earlier(self) -> None:
        self._set_range(self.time_range.earlier())

    def action_later(self) -> None:
        self._set_range(self.time_range.later())

    def action_compare(self) -> None:
        self._compare = not self._compare
        self._ask()

    def action_heat(self) -> None:
        self.toggle_class("-heat-map")
        self._ask()

    def action_cursor(self, step: int) -> None:
        """Move to the next or the previous bucket, from the newest at first."""
        if self._shows_heat_map:
            self.heat_map.move_cursor(step)
            self._show_text()
            return
        view = self.chart.view
        last = len(view.buckets) - 1
        if last >= 0:
            cursor = last if view.cursor is None else min(max(view.cursor + step, 0), last)
            self.chart.view = replace(view, cursor=cursor)
            self._show_text()

    def action_weekday(self, step: int) -> None:
        if self._shows_heat_map:
            self.heat_map.move_cursor(24 * step)
            self._show_text()

    def action_back(self) -> None:
        if self._shows_heat_map and self.heat_map.view.cursor:
            self.heat_map.view = replace(self.heat_map.view, cursor=None)
        elif self._shows_heat_map:
            self.action_heat()
        elif self.chart.view.cursor is not None:
            self.chart.view = replace(self.chart.view, cursor=None)
        else:
            super().action_back()
            return
        self._show_text()

    def action_why(self) -> None:
        self.lictui.show_view("data_sources", servers=self._servers, product=self._product)

    def action_holders(self) -> None:
        selection = self._selection
        servers = tuple(dict.fromkeys(status.server.name for status, _ in selection.pools))
        self.lictui.show_view(
            "license_users",
            servers=servers or self._servers,
            product=self._product,
            title=selection.name,
        )

    def action_poll_server(self) -> None:
        for server in self._servers:
            status = self.lictui.board.find(server)
            for name in status.member_names if status else ():
                self.lictui.poll(name)

    # Copy and export

    def row_text(self) -> str:
        return self.query_one("#fact-lines", StyledLabel).plain_text

    def export_table(self) -> Table:
        return usage_view.export_table(self.chart.view)
