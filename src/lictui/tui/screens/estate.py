"""The estate: the same products over all servers. Owns what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Container

from lictui.analysis.series import Question, Series
from lictui.clock import iso
from lictui.engine.board import Board, By, scope_of, totals
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens import estate_view
from lictui.tui.screens.estate_view import SORTS, TotalView
from lictui.tui.screens.main_screen import WORDS, Ranged
from lictui.tui.screens.product_model import sliced
from lictui.tui.text import Cell, Run, Table, Tone
from lictui.tui.time_range import Length, time_zone
from lictui.tui.trend_cache import Pasts, Pools, Trends, question
from lictui.tui.widgets.estate import Estate
from lictui.tui.widgets.styled_text import Prose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.analysis.usage import Key, Retrospect

_COLUMNS = (
    "scope", "product", "name", "model", "installed", "overdraft", "in_use", "free", "ratio",
    "level", "unknown", "servers_reporting", "servers_expected", "peak_24h", "peak_month",
    "peak_all", "peak_all_at", "installed_then", "at_most", "average_month", "coverage_all",
    "newly_month", "released_month", "net_month", "days_left",
)  # fmt: skip
_SCOPES = {By.PRODUCT: "", By.GROUP: "group", By.SERVER: "server"}
_LOW = 18  # lines, below which the chosen row is not said in words
_PATIENCE = 60.0  # seconds between two questions; the monitor answers from what it knows


class EstateScreen(Ranged):
    """How the estate is doing on licenses."""

    VIEW = "estate"
    ROWS = "product"
    AUTO_FOCUS = "Estate"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("estate")]
    CSS = """
    EstateScreen {
        & #body { layout: vertical; }
        & Estate { height: 1fr; }
        & #about { height: auto; max-height: 3; padding: 0 1; }
        &.-low #about { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._trends: Trends[Key] = Trends()
        self._back: dict[By, Mapping[Key, Retrospect]] = {}
        self._asked: dict[By, float] = {}
        self._by = By.PRODUCT
        self._sort = SORTS[0]
        self._reverse = False
        self._table: Estate | None = None

    def body(self) -> Widget:
        """The table, and the chosen row in words."""
        self._table = Estate(self.lictui.symbols)
        return Container(self._table, Prose(id="about"))

    @property
    def _estate(self) -> Estate:
        if self._table is None:
            raise RuntimeError("asked for the table before there is one")
        return self._table

    def focus_body(self) -> None:
        """Let the keys go to the table."""
        self._estate.focus()

    def on_resize(self) -> None:
        """In few lines the table has them all."""
        self.set_class(self.size.height < _LOW, "-low")

    def board_changed(self, board: Board) -> None:
        """Sum this board."""
        alerts, moment = self.lictui.settings.alerts, self.moment
        found = totals(board, alerts, self._by)
        self._trends.read(
            ((total.scope, total.product, total.model), moment.now, total.reading)
            for total in found
            if total.reporting == total.expected and not total.unknown
        )
        zone = time_zone(self.lictui.settings.timezone)
        around = estate_view.Around(alerts, self.filter, moment.today, zone, self._by)
        with self.app.batch_update():
            self._estate.scope = _SCOPES[self._by]
            self._estate.pasts = self._trends.known
            self._estate.stretch = WORDS[self.length]
            rows = estate_view.views(found, self._back.get(self._by, {}), around)
            self._estate.rows = estate_view.ordered(rows, self._sort, reverse=self._reverse)
            self.say(self.standing())
        if found and moment.now - self._asked.get(self._by, 0.0) >= _PATIENCE:
            self._asked[self._by] = moment.now
            self._look_back(self._by)

    @work(group="look-back")
    async def _look_back(self, by: By) -> None:
        """Ask what the past says; at first that takes the monitor a while."""
        try:
            self._back[by] = await self.lictui.engine.retrospects(by)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if not self.lictui.paused:
            self.board_changed(self.merged)

    @on(Estate.Chosen)
    def _tell(self) -> None:
        view = self._estate.chosen
        said = estate_view.about(view, self.lictui.symbols) if view else ()
        self.query_one("#about", Prose).say(*said)

    def narrowed(self) -> None:
        """Sum again."""
        self.board_changed(self.merged)

    def found(self) -> int:
        """The products that are shown."""
        return len(self._estate.rows)

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, or why there is nothing."""
        if (said := super().standing()) or self._estate.rows:
            return said or self.range_said()
        return ((" no server has told of licenses yet", Tone.TEXT),)

    @on(Estate.Shaped)
    def _shaped(self, event: Estate.Shaped) -> None:
        now = self.moment.now
        for pasts, due in self._trends.due(self._estate.in_view, now, event.cells):
            self._ask(pasts, due, now, event.cells)

    def stretched(self) -> None:
        """Sum again; the table says what it needs."""
        self._trends.stretch(self.length.value)
        self.board_changed(self.merged)
        self._estate.shaped()

    @work(group="trends")
    async def _ask(self, pasts: Pasts[Key], due: tuple[Key, ...], now: float, cells: int) -> None:
        board, by = self.merged, self._by
        asked = [question(_pools(board, by, key), now, cells, pasts.stretch) for key in due]
        try:
            if pasts.stretch <= Length.WEEK.value:
                answers = await self.lictui.engine.many(tuple(asked))
            else:  # a sum of many pools takes its time, and whoever answers has polls to write
                answers = tuple([await self._long(each) for each in asked])
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        pasts.take(zip(due, answers, strict=True), now, cells)
        self._estate.pasts = self._trends.known

    async def _long(self, asked: Question) -> Series:
        parts = [(await self.lictui.engine.many((part,)))[0] for part in sliced(asked)]
        return Series(tuple(one for part in parts for one in part.buckets), parts[0].bucket)

    def copied(self) -> str:
        """Product and figures."""
        view = self._estate.chosen
        if view is None:
            return ""
        reading = view.total.reading
        figures = f"{text.figure(reading.in_use)} / {text.figure(reading.installed)}"
        return f"{view.name}  {figures}  {text.percent(view.total.ratio)}"

    def exported(self) -> Table:
        """The rows as they are shown."""
        return (_COLUMNS, *map(_cells, self._estate.rows))

    def action_open(self) -> None:
        """The chart of the chosen product over its servers."""
        self.action_product()

    def action_product(self) -> None:
        """The chart of the chosen product over its servers."""
        if view := self._estate.chosen:
            self.lictui.open_product(view.total.expected, view.total.product)

    def action_why(self) -> None:
        """Where the figures of the chosen product come from, server by server."""
        if view := self._estate.chosen:
            self.lictui.show("why", servers=view.total.expected, product=view.total.product)

    def action_by_next(self) -> None:
        """By product, then each group and product, then each server and product."""
        by = tuple(By)
        self._by = by[(by.index(self._by) + 1) % len(by)]
        self.board_changed(self.merged)
        said = {By.PRODUCT: "all servers", By.GROUP: "by group", By.SERVER: "by server"}
        self.notify(f"Products of {said[self._by]}", timeout=2, markup=False)

    @on(Estate.Opened)
    def _opened(self) -> None:
        self.action_product()

    def action_move(self, step: int) -> None:
        """A row down or up."""
        self._estate.move(step)

    def action_page(self, step: int) -> None:
        """A screen down or up."""
        self._estate.move(step * max(1, self._estate.size.height - 2))

    def action_edge(self, step: int) -> None:
        """The first or last row."""
        self._estate.move(step * len(self._estate.rows))

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._sort, self._reverse = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)], False
        self._sorted()

    def action_sort_reverse(self) -> None:
        """Turn the order around."""
        self._reverse = not self._reverse
        self._sorted()

    def _sorted(self) -> None:
        self.board_changed(self.merged)
        turned = ", reversed" if self._reverse else ""
        self.notify(f"Sorted by {self._sort}{turned}", timeout=2, markup=False)


def _pools(board: Board, by: By, key: Key) -> Pools:
    scope, product, model = key
    return tuple(
        status.owner(pool.key)
        for status in board.servers
        if status.snapshot is not None and status.server.enabled
        if scope_of(status, by) == scope
        for pool in status.snapshot.pools
        if pool.counted and pool.product == product and pool.model == model
    )


def _cells(view: TotalView) -> tuple[Cell, ...]:
    total, past = view.total, view.past
    day, month, ever = (estate_view.peak(each) for each in (past.day, past.month, past.ever))
    assigned = past.assigned
    several = len(total.expected) > 1 and past.ever is not None
    return (
        *(total.scope, total.product, total.name, total.model.value),
        *(total.reading.installed, total.reading.overdraft, total.reading.in_use),
        *(total.free, total.ratio, total.level.value, total.unknown),
        *(len(total.reporting), len(total.expected)),
        *(known.peak if known else None for known in (day, month, ever)),
        iso(ever.at) if ever and ever.at is not None else None,
        ever.installed_then if ever else None,
        past.ever.upper_bound if several and past.ever else None,
        month.average if month else None,
        ever.coverage if ever else None,
        *((assigned.newly, assigned.released) if assigned else (None, None)),
        *(view.net, view.full_in),
    )
