"""The estate: the same products over all servers. Owns what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from lictui.monitor.totals import totals
from lictui.tui import commands, ledger, text
from lictui.tui import filter as filters
from lictui.tui.ink import Tone
from lictui.tui.pasts import Pasts, question
from lictui.tui.screens.view import View
from lictui.tui.views import SORTS
from lictui.tui.widgets.estate import Estate
from lictui.tui.widgets.filterbar import FilterBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.monitor.board import Board
    from lictui.tui.export import Table
    from lictui.tui.ink import Run
    from lictui.tui.ledger import TotalId
    from lictui.tui.pasts import Pools

_COLUMNS = (
    "product", "name", "model", "installed", "overdraft", "in_use", "free", "ratio", "level",
    "unknown", "servers_reporting", "servers_expected",
)  # fmt: skip


class EstateScreen(View):
    """How the estate is doing on licenses."""

    VIEW = "estate"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("estate")]

    def __init__(self) -> None:
        super().__init__()
        self._pasts: Pasts[TotalId] = Pasts()
        self._filter = filters.NOTHING
        self._spelled = ""
        self._sort = SORTS[0]
        self._reverse = False

    def body(self) -> Estate:
        """The table."""
        return Estate(self.lictui.symbols)

    def compose(self) -> ComposeResult:
        """The frame, and the filter's line."""
        yield from super().compose()
        yield FilterBar()

    @property
    def _estate(self) -> Estate:
        return self.query_one(Estate)

    def board_changed(self, board: Board) -> None:
        """Sum this board."""
        alerts = self.lictui.settings.alerts
        found = totals(board, alerts)
        now = self.moment.now
        self._pasts.read(
            ((total.product, total.model), now, total.reading)
            for total in found
            if total.reporting == total.expected and not total.unknown
        )
        with self.app.batch_update():
            self._estate.pasts = self._pasts.known
            rows = ledger.views(found, alerts, self._filter)
            self._estate.rows = ledger.ordered(rows, self._sort, reverse=self._reverse)
            self.say(self.standing())

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, or nothing."""
        if said := super().standing():
            return said
        if self._filter.pattern is not None:
            shown = len(self._estate.rows)
            found = f"{shown} products" if shown else "no match"
            return (
                (f" /{text.clean(self._spelled)} ", Tone.ACCENT),
                (f" {found} ", Tone.TEXT if shown else Tone.WARN),
                (" esc shows all", Tone.QUIET),
            )
        if not self._estate.rows:
            return ((" no server has told of licenses yet", Tone.TEXT),)
        return ()

    @on(Estate.Shaped)
    def _shaped(self, event: Estate.Shaped) -> None:
        now = self.moment.now
        due = self._pasts.due((view.id for view in self._estate.rows), now, event.cells)
        if due:
            self._ask(due, now, event.cells)

    @work(group="trends")
    async def _ask(self, due: tuple[TotalId, ...], now: float, cells: int) -> None:
        board = self.lictui.board
        questions = tuple(question(_pools(board, *key), now, cells) for key in due)
        answers = await self.lictui.engine.many(questions)
        self._pasts.take(zip(due, answers, strict=True), now, cells)
        self._estate.pasts = self._pasts.known

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
        found = [view.total for view in self._estate.rows]
        return (
            _COLUMNS,
            *(
                (
                    t.product, t.name, t.model.value, t.reading.installed, t.reading.overdraft,
                    t.reading.in_use, t.free, t.ratio, t.level.value, t.unknown,
                    len(t.reporting), len(t.expected),
                )
                for t in found
            ),
        )  # fmt: skip

    def action_open(self) -> None:
        """The chart of the chosen product over its servers."""
        self.action_product()

    def action_product(self) -> None:
        """The chart of the chosen product over its servers."""
        if view := self._estate.chosen:
            self.lictui.open_product(view.total.expected, view.total.product)

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
        self.board_changed(self.lictui.board)
        turned = ", reversed" if self._reverse else ""
        self.notify(f"Sorted by {self._sort}{turned}", timeout=2, markup=False)

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open(self._spelled)

    def action_back(self) -> None:
        """Undo the filter; without one, to the wall."""
        bar = self.query_one(FilterBar)
        if not bar.is_open and self._filter.pattern is None:
            super().action_back()
            return
        bar.close()
        self._filter, self._spelled = filters.NOTHING, ""
        self.board_changed(self.lictui.board)

    @on(FilterBar.Changed)
    def _filtered(self, event: FilterBar.Changed) -> None:
        bar = self.query_one(FilterBar)
        if bar.is_open:
            self._filter, self._spelled = event.wanted, event.spelled
            self.board_changed(self.lictui.board)
            bar.word("" if self._estate.rows else "no match")

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self._estate.focus()


def _pools(board: Board, product: str, model: str) -> Pools:
    return tuple(
        (status.server.name, pool.key)
        for status in board.servers
        if status.snapshot is not None and status.server.enabled
        for pool in status.snapshot.pools
        if pool.counted and pool.product == product and pool.model == model
    )
