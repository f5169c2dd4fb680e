"""View 3, Usage: one product over time as a chart or a heat map, with its facts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace
from textual import on, work
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Input

from lictui import date_input
from lictui.engine.entitlements import expiries
from lictui.engine.product_history import ProductHistory, select_product
from lictui.errors import UsageError
from lictui.time_range import RangeLength, TimeRange, from_local, to_local
from lictui.tui.screens import usage_view
from lictui.tui.screens.main_screen import HIGH, WIDE, MainScreen
from lictui.tui.widgets.bars import FilterBar, FilterClosed
from lictui.tui.widgets.chart import (
    HEAT_LABEL,
    HOURS,
    Chart,
    HeatMap,
    HeatMapView,
    legend,
    read_off,
)
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.engine.board import GroupBy, MergedBoard
    from lictui.engine.entitlements import Expiry
    from lictui.engine.product_history import ProductOutlook, ProductQuery, ProductSelection
    from lictui.errors import LictuiError
    from lictui.tui.text import Line, Table

_FACTS_WIDTH: Final = (43, 64)  # columns of the facts, from narrow to wide screens
_REFRESH: Final = 10.0  # seconds at least between two requests that follow the present
_OUTLOOK_REFRESH: Final = 3600.0  # seconds: the outlook rests on days
_AXIS: Final = 8  # columns that the value axis takes at most
_ZOOMS: Final = {  # what the cursor is in
    RangeLength.YEAR: RangeLength.WEEK,
    RangeLength.MONTH: RangeLength.DAY,
    RangeLength.WEEK: RangeLength.DAY,
    RangeLength.DAY: RangeLength.HOURS,
}


class DateBar(FilterBar):
    """Asks for a date, and shows what it is understood as."""

    SIGN = "@"
    PLACEHOLDER = date_input.EXAMPLES

    @on(Input.Changed)
    def _on_date(self, event: Input.Changed) -> None:
        event.prevent_default().stop()  # the filter's own handler
        self._time_range(event.value)

    def submit(self, value: str) -> None:
        if (chosen := self._time_range(value)) is not None:
            self.close()
            cast("UsageScreen", self.screen).go_to(chosen)

    def _time_range(self, value: str) -> TimeRange | None:
        """Show what the text is understood as."""
        screen = cast("UsageScreen", self.screen)
        now, zone = screen.lictui.clock.now(), screen.zone
        try:
            chosen = date_input.parse_time_range(value, now, zone)
        except UsageError as error:
            self.set_error(error.message)
            return None
        self.set_error(usage_view.range_name(chosen, now, zone))
        return chosen


class UsageScreen(MainScreen):
    """The chart of one product over some servers."""

    VIEW = "usage"
    CSS = """
    UsageScreen {
        & #title, & #range, & #values { height: 1; padding: 0 1; }
        & #body { layout: vertical; }
        & #body > Vertical { height: 1fr; }
        & #facts { height: 9; padding: 0 1; scrollbar-size-vertical: 1; }
        & HeatMap, &.-heat-map Chart { display: none; }
        &.-heat-map HeatMap { display: block; }
        &.-low #facts { height: 4; }
        &.-low.-heat-map #facts { display: none; }
        &.-wide {
            & #body { layout: horizontal; }
            & #body > Vertical { height: 100%; width: 1fr; }
            & #facts { height: 100%; padding: 2 1 0 2; }
        }
    }
    """

    def __init__(
        self,
        servers: tuple[str, ...],
        product: str,
        at: float | None = None,
        by: GroupBy | None = None,
    ) -> None:
        super().__init__()
        self._servers = servers
        self._product = product
        self._by = by
        self.time_range = TimeRange(recent=True) if at is None else TimeRange(RangeLength.DAY, at)
        self._cursor_at = at
        self._zoomed: list[tuple[TimeRange, float | None]] = []  # what Escape returns to
        self._query: ProductQuery | None = None
        self._queried_at = 0.0
        self._answered: ProductQuery | None = None  # of the history that is shown
        self._compare = False
        self._history = ProductHistory()
        self._note = "loading history …"  # shown in place of a chart
        self._outlook: ProductOutlook | None = None
        self._outlook_at: float | None = None

    def body(self) -> Widget:
        symbols = self.lictui.symbols
        left = Vertical(
            StyledLabel(id="title"),
            StyledLabel(id="range"),
            Chart(symbols, id="plot"),
            HeatMap(symbols),
            StyledLabel(id="values"),
        )
        facts = VerticalScroll(StyledLabel(id="fact-lines"), id="facts", can_focus=False)
        return Container(left, facts)

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield DateBar()

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
        app = self.lictui
        return select_product(app.board, self._servers, self._product, app.settings, self._by)

    @property
    def _expiries(self) -> tuple[Expiry, ...]:
        names = {status.server.name for status, _ in self._selection.pools}
        found = (e for e in expiries(self.lictui.board) if e.product == self._product)
        return tuple(sorted((e for e in found if e.server in names), key=lambda e: e.day))

    def board_changed(self, board: MergedBoard) -> None:
        """Show the current values; ask for the history again once enough time has passed."""
        del board
        if self._query is None:
            return
        due = self._queried_at + max(_REFRESH, self._query.width / 10)
        current = self.time_range.is_current(self.lictui.clock.now(), self.zone)
        if current and self.lictui.clock.monotonic() >= due:
            self.reload_history()
        self._show_text()

    def on_resize(self) -> None:
        """Divide the screen between chart and facts; another width has other buckets."""
        self.query_one("#facts").styles.width = self._facts_width or None
        self.reload_history()

    @property
    def selected_servers(self) -> tuple[str, ...]:
        return self._servers

    # The history

    @property
    def _columns(self) -> int:
        return max(10, self.size.width - self._facts_width - _AXIS)

    @property
    def _facts_width(self) -> int:
        """Columns of the facts next to the chart; 0 if they are below it."""
        width, (least, most) = self.size.width, _FACTS_WIDTH
        if width < WIDE:  # the facts are below the chart
            return 0
        if self._shows_heat_map:  # with cells of one width
            return least + (width - least - HEAT_LABEL) % HOURS
        return min(max(least, width * 5 // 12), most)

    def reload_history(self) -> None:
        now = self.lictui.clock.now()
        shown = self._selection, self.time_range, self._columns, now, self.zone
        heat_map = self._shows_heat_map
        query = usage_view.chart_query(*shown, compare=self._compare, heat_map=heat_map)
        self._query, self._queried_at = query, self.lictui.clock.monotonic()
        if self._answered is None:
            self._draw(query)
        else:
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
        self._history, self._answered = history or ProductHistory(), query
        self._note = ". ".join(filter(None, (errors[0].message, errors[0].hint))) if errors else ""
        self._draw(query)
        now = self.lictui.clock.now()
        if errors or (self._outlook_at and now - self._outlook_at < _OUTLOOK_REFRESH):
            return
        outlook = await self.ask(
            lambda engine: engine.history.product_outlook(self._servers, self._product, self._by),
            errors.append,
        )
        if not errors:
            self._outlook, self._outlook_at = outlook, now
        if query == self._query:
            self._draw(query)

    def _data(self, query: ProductQuery) -> usage_view.UsageData:
        shown = (self._selection, query, self.time_range, self._history, self._outlook)
        return usage_view.UsageData(*shown, self._expiries, self.current_time, self.zone)

    def _draw(self, query: ProductQuery) -> None:
        data = self._data(query)
        view = usage_view.chart_view(data, self._cursor_at, self._note)
        self.chart.view = replace(view, other_scale=self.chart.view.other_scale)
        installed = view.buckets[-1].installed if view.buckets else None
        heat, cursor = self._history.heat_map, self.heat_map.view.cursor
        self.heat_map.view = HeatMapView(heat, installed, view.limits, cursor, self._note)
        self._show_text()

    def _show_text(self) -> None:
        if self._query is None:
            return
        data, symbols, width = self._data(self._query), self.lictui.symbols, self._columns + _AXIS
        title = usage_view.title_line(data.selection, width - 2, symbols)
        self.query_one("#title", StyledLabel).show_lines(title)
        self.query_one("#range", StyledLabel).show_lines(self._range_line(data, width - 2))
        values = self.query_one("#values", StyledLabel)
        values.show_lines(self._value_line(width - 2))
        has_values = self._shows_heat_map or self.chart.view.cursor is not None
        values.display = has_values or self.size.height >= HIGH  # the legend is the least important
        width = self._facts_width - 4 if self._facts_width else self.size.width - 3
        lines = usage_view.fact_lines(usage_view.facts(data, self.chart.view, symbols), width)
        self.query_one("#fact-lines", StyledLabel).show_lines(*lines)

    def _range_line(self, data: usage_view.UsageData, width: int) -> Line:
        marks = () if self._shows_heat_map else self.chart.view.marks_at_cursor(self._columns)
        symbols, today = self.lictui.symbols, data.time.today
        line = usage_view.mark_line(marks, self.zone, today, width, symbols)
        return line or usage_view.range_line(data, loading=data.query != self._answered)

    def _value_line(self, width: int) -> Line:
        symbols = self.lictui.symbols
        if self._shows_heat_map:
            return read_off(self.heat_map.view, symbols) or legend(
                self.heat_map.view, width, self.lictui.key_of("zoom")
            )
        line = usage_view.cursor_line(self.chart.view, self.current_time.today, symbols, width)
        return line or self.chart.legend(width)

    # Keys

    def _set_range(self, time_range: TimeRange, *, keep_zoom: bool = False) -> None:
        """Show another range; the cursor stays at its time, or leaves with it."""
        if not keep_zoom:
            self._zoomed.clear()
        start, end = time_range.period(self.lictui.clock.now(), self.zone)
        if self._cursor_at is not None and not start <= self._cursor_at < end:
            self._cursor_at = None
        if time_range != self.time_range:
            self.time_range = time_range
            self.reload_history()

    def go_to(self, time_range: TimeRange) -> None:
        """Leave the heat map, and show a period."""
        if self._shows_heat_map:
            self.action_heat()
        self._set_range(time_range)

    @property
    def moment(self) -> float | None:
        """The moment that another range is about: the cursor's, else that of the range."""
        return self.time_range.at if self._cursor_at is None else self._cursor_at

    def action_range(self, length: str) -> None:
        self.go_to(TimeRange(RangeLength[length.upper()], self.moment))

    def action_longer(self, step: int) -> None:
        self._set_range(TimeRange(self.time_range.length.longer(step), self.moment))

    def action_move(self, count: int) -> None:
        """Move on, and the cursor with it, at the same time of day."""
        shown = replace(self.time_range, at=self.moment)
        moved = shown.moved(count, self.lictui.clock.now(), self.zone)
        self._cursor_at = None if self._cursor_at is None else moved.at
        self._set_range(moved, keep_zoom=True)

    def action_go_to_date(self) -> None:
        self.query_one(DateBar).open("")

    @on(FilterClosed)
    def _on_date_bar_closed(self) -> None:
        self.set_focus(None)

    def action_zoom(self) -> None:
        """Show the week, the day or the quarter of a day that the cursor is in.

        From the heat map, the last day with its weekday, the cursor on its hour.
        """
        length, at = _ZOOMS.get(self.time_range.length), self.moment
        if self._shows_heat_map:
            length, at = RangeLength.DAY, self._heat_hour
            if at is None:
                return
            self.action_heat()
            self._cursor_at = at
        if length is not None:
            self._zoomed.append((self.time_range, self._cursor_at))
            self._set_range(TimeRange(length, at), keep_zoom=True)

    @property
    def _heat_hour(self) -> float | None:
        """The last hour in the time shown of the cell under the cursor."""
        if (place := self.heat_map.view.cursor) is None:
            return None
        now, zone = self.lictui.clock.now(), self.zone
        last = to_local(min(now, self.time_range.period(now, zone)[1] - 1), zone)
        last = last.replace(tzinfo=None, minute=0, second=0, microsecond=0)
        ago = (last.weekday() - place[0]) * HOURS + last.hour - place[1]
        return from_local(last - timedelta(hours=ago % (7 * HOURS)), zone)

    def action_scale(self) -> None:
        self.chart.view = replace(self.chart.view, other_scale=not self.chart.view.other_scale)

    def action_compare(self) -> None:
        self._compare = not self._compare
        self.reload_history()

    def action_heat(self) -> None:
        """Show the heat map, of a week at least, or the chart of the range before."""
        if self._shows_heat_map:
            self.action_zoom_out()
        self.toggle_class("-heat-map")
        if self._shows_heat_map:
            self._zoomed.append((self.time_range, self._cursor_at))
            if self.time_range.length.value < RangeLength.WEEK.value:
                self.time_range = TimeRange(RangeLength.WEEK, self.moment, self.moment is None)
        self.on_resize()

    def action_zoom_out(self) -> None:
        if self._zoomed:
            self.time_range, self._cursor_at = self._zoomed.pop()
            self.reload_history()

    def action_cursor(self, step: int) -> None:
        """Move to the next or the previous bucket, from the newest at first."""
        view = self.chart.view
        last = len(view.buckets) - 1
        if self._shows_heat_map:
            self.heat_map.move_cursor(step)
        elif last >= 0:
            cursor = last if view.cursor is None else min(max(view.cursor + step, 0), last)
            self._cursor_at = view.buckets[cursor].start
            self.chart.view = replace(view, cursor=cursor)
        self._show_text()

    def action_page(self, pages: float) -> None:
        """Scroll the facts."""
        facts = self.query_one("#facts")
        facts.scroll_relative(y=pages * max(1, facts.size.height - 1), animate=False)

    def action_weekday(self, step: int) -> None:
        if self._shows_heat_map:
            self.action_cursor(24 * step)

    def action_back(self) -> None:
        """Undo the last step: a question, a cursor, the heat map, a zoom; else close the view."""
        if (bar := self.query_one(DateBar)).display:
            bar.close()
        elif self._shows_heat_map and self.heat_map.view.cursor:
            self.heat_map.view = replace(self.heat_map.view, cursor=None)
        elif self._shows_heat_map:
            self.action_heat()
        elif self._zoomed:
            self.action_zoom_out()
        elif self.chart.view.cursor is not None:
            self._cursor_at = None
            self.chart.view = replace(self.chart.view, cursor=None)
        else:
            super().action_back()
            return
        self._show_text()

    def action_why(self) -> None:
        self.lictui.show_view("data_sources", servers=self._servers, product=self._product)

    def action_holders(self) -> None:
        selection = self._selection
        names = tuple(dict.fromkeys(status.server.name for status, _ in selection.pools))
        shown = {"servers": names or self._servers, "product": self._product}
        self.lictui.show_view("license_users", **shown, title=selection.total.name)

    # Copy and export

    def row_text(self) -> str:
        return self.query_one("#fact-lines", StyledLabel).plain_text

    def export_table(self) -> Table:
        return usage_view.export_table(self.chart.view)
