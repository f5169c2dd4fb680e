"""The product view: one chart over time, and the figures beside it.

Owns the stretch of time, the cursor and when the past is asked. Must not know how the chart is
drawn, what the figures say (`product_facts`), nor who keeps the past.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.containers import Container, Vertical, VerticalScroll

from lictui.errors import LictuiError
from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import product_facts, product_months, product_view
from lictui.tui.screens.view import View
from lictui.tui.span import Length, Span, time_zone
from lictui.tui.symbols import ASCII
from lictui.tui.widgets.chart import Chart
from lictui.tui.widgets.chart_view import ChartView
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.insights.series import Question
    from lictui.monitor.board import Board
    from lictui.tui.export import Table
    from lictui.tui.screens.product_view import Subject

_WIDE: Final = 110  # columns from which the figures stand beside the chart
_BESIDE: Final = 44
_LOW: Final = 18  # rows below which the figures give way to the chart
_FRESH: Final = 10.0  # seconds at least between two questions about the present
_AXIS: Final = 8  # columns that the value axis takes at most


class ProductScreen(View):
    """The chart of one product over some servers."""

    VIEW = "product"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("product")]
    CSS = """
    ProductScreen {
        & #title { height: 1; padding: 0 1; }
        & #stretch { height: 1; padding: 0 1; }
        & #body { layout: vertical; }
        & #body > Vertical { height: 1fr; }
        & #read { height: 1; padding: 0 1; }
        & #facts { height: auto; max-height: 9; padding: 0 1; scrollbar-size-vertical: 1; }
        &.-low #facts { max-height: 3; }
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
        self._span = Span()
        self._drawn: Span | None = None
        self._asked: Question | None = None
        self._asked_at = 0.0
        self._chart: Chart | None = None

    def body(self) -> Widget:
        """Title, chart, cursor line and figures."""
        self._chart = Chart(ascii_only=self.lictui.symbols is ASCII, id="plot")
        left = Vertical(Prose(id="title"), Prose(id="stretch"), self._chart, Prose(id="read"))
        return Container(left, VerticalScroll(Prose(id="figures"), id="facts", can_focus=False))

    def on_mount(self) -> None:
        """Begin with the moment that was asked for, or with the week up to now."""
        if self._at is not None:
            self._span = Span.around(self._at, self.lictui.clock.now())
        super().on_mount()

    @property
    def chart(self) -> Chart:
        """The chart."""
        if self._chart is None:
            raise RuntimeError("asked for the chart before there is one")
        return self._chart

    @property
    def _subject(self) -> Subject:
        app = self.lictui
        return product_view.subject(self.merged, self._servers, self._product, app.settings)

    def board_changed(self, board: Board) -> None:
        """Say the figures of now; ask the past anew once enough of it has gone by."""
        del board
        if not self._asked:
            return
        patience = max(_FRESH, self._asked.bucket / 10)
        if not self._span.back and self.lictui.clock.now() - self._asked_at >= patience:
            self._ask()
        self._tell()

    def on_resize(self) -> None:
        """Another width has other buckets."""
        self.set_class(self.size.width >= _WIDE, "-wide")
        self.set_class(self.size.height < _LOW, "-low")
        self._ask()

    # The past

    @property
    def _columns(self) -> int:
        beside = _BESIDE if self.size.width >= _WIDE else 0
        return max(10, self.size.width - beside - _AXIS)

    def _ask(self) -> None:
        about, now = self._subject, self.lictui.clock.now()
        before, asked = self._asked, product_view.question(about, self._span, self._columns, now)
        self._asked, self._asked_at = asked, now
        if before is None or self._span != self._drawn or before.bucket != asked.bucket:
            self.chart.view = replace(self._view(asked), note="reading the history")
        self._drawn = self._span
        self._tell()
        self._read(asked)

    def _view(self, asked: Question) -> ChartView:
        about = self._subject
        return ChartView(
            start=asked.start,
            end=asked.end,
            length=self._span.length,
            tz=time_zone(self.lictui.settings.timezone),
            assigned=about.assigned,
            warn=about.thresholds.warn,
            critical=about.thresholds.critical,
        )

    @work(group="product-series")
    async def _read(self, asked: Question) -> None:
        engine = self.lictui.engine
        try:
            about = self._subject
            ever = await engine.pools(about.owners, self._product)
            whole = product_view.reaching_back(asked, ever, about.stand_ins)
            buckets, note = (await engine.series(whole)).buckets, ""
            told = (
                [await engine.told(*pool) for pool in whole.pools] if self._subject.assigned else []
            )
        except LictuiError as error:
            buckets, note, told = (), error.message, []
        if asked != self._asked:
            return  # the user has gone on to another stretch of time
        view, months = self.chart.view, product_months.together(self._product, told)
        at = self._at if view.cursor is None else view.buckets[view.cursor].start
        self.chart.view = replace(self._view(asked), buckets=buckets, note=note, told=months)
        if at is not None:
            self._point_at(at)
        self._at = None
        self._tell()

    def _point_at(self, at: float) -> None:
        buckets = self.chart.view.buckets
        cursor = next((i for i, bucket in enumerate(buckets) if bucket.end > at), len(buckets) - 1)
        self.chart.view = replace(self.chart.view, cursor=cursor if buckets else None)

    def _tell(self) -> None:
        about, view, symbols = self._subject, self.chart.view, self.lictui.symbols
        room = self._columns + _AXIS - 2
        self.query_one("#title", Prose).say(product_view.title(about, room, symbols))
        if self._asked:
            said = product_view.stretch(self._span, self._asked, view.tz, assigned=view.assigned)
            self.query_one("#stretch", Prose).say(((said, Tone.QUIET),))
        read = product_facts.read_off(view, symbols) if view.buckets else ()
        self.query_one("#read", Prose).say(read or self.chart.legend())
        width = _BESIDE - 4 if self.has_class("-wide") else self.size.width - 3
        found = product_facts.facts(about, view, self.lictui.clock.now(), symbols)
        self.query_one("#figures", Prose).say(*product_facts.lines(found, width))

    # What the keys do

    def _go(self, span: Span) -> None:
        if span != self._span:
            self._span = span
            self._ask()

    def action_range(self, length: str) -> None:
        """So much time, up to now."""
        self._go(Span(Length[length.upper()]))

    def action_longer(self) -> None:
        """More time."""
        self._go(self._span.longer())

    def action_shorter(self) -> None:
        """Less time."""
        self._go(self._span.shorter())

    def action_earlier(self) -> None:
        """Back in time."""
        self._go(self._span.earlier())

    def action_later(self) -> None:
        """Forward in time."""
        self._go(self._span.later())

    def action_cursor(self, by: int) -> None:
        """Read off the next or the previous bucket, from the newest at first."""
        view = self.chart.view
        last = len(view.buckets) - 1
        if last >= 0:
            cursor = last if view.cursor is None else min(max(view.cursor + by, 0), last)
            self.chart.view = replace(view, cursor=cursor)
            self._tell()

    def action_back(self) -> None:
        """Put the cursor away, then leave."""
        if self.chart.view.cursor is None:
            super().action_back()
        else:
            self.chart.view = replace(self.chart.view, cursor=None)
            self._tell()

    def action_why(self) -> None:
        """Where the figures of now come from."""
        self.lictui.show("why", servers=self._servers, product=self._product)

    def action_holders(self) -> None:
        """Who holds a license of it."""
        about = self._subject
        asked = tuple(dict.fromkeys(status.server.name for status, _ in about.pools))
        self.lictui.show(
            "holders", servers=asked or self._servers, product=self._product, title=about.name
        )

    def action_poll_server(self) -> None:
        """Poll every server that contributes."""
        for server in self._servers:
            status = self.merged.of(server)
            for name in status.names if status else ():
                self.lictui.poll(name)

    # What others may have of it

    def copied(self) -> str:
        """The figures beside the chart, as text."""
        return self.query_one("#figures", Prose).said

    def exported(self) -> Table:
        """The buckets that are drawn."""
        head = ("from", "to", "in_use_min", "in_use_avg", "in_use_max", "installed", "overdraft")
        return (
            head,
            *(
                (it.start, it.end, it.low, it.average, it.high, it.installed, it.overdraft)
                for it in self.chart.view.buckets
            ),
        )
