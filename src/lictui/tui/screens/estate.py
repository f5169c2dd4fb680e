"""The estate: the same products over all servers. Owns what its keys do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from lictui.errors import LictuiError
from lictui.monitor.totals import totals
from lictui.tui import commands, ledger, text
from lictui.tui.ink import Tone
from lictui.tui.pasts import Pasts, question
from lictui.tui.screens.filtered import Filtered
from lictui.tui.views import SORTS
from lictui.tui.widgets.estate import Estate

if TYPE_CHECKING:
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


class EstateScreen(Filtered):
    """How the estate is doing on licenses."""

    VIEW = "estate"
    ROWS = "product"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("estate")]

    def __init__(self) -> None:
        super().__init__()
        self._pasts: Pasts[TotalId] = Pasts()
        self._sort = SORTS[0]
        self._reverse = False

    def body(self) -> Estate:
        """The table."""
        return Estate(self.lictui.symbols)

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
            rows = ledger.views(found, alerts, self.filter)
            self._estate.rows = ledger.ordered(rows, self._sort, reverse=self._reverse)
            self.say(self.standing())

    def narrowed(self) -> None:
        """Sum again."""
        self.board_changed(self.merged)

    def found(self) -> int:
        """The products that are shown."""
        return len(self._estate.rows)

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, or why there is nothing."""
        if (said := super().standing()) or self._estate.rows:
            return said
        return ((" no server has told of licenses yet", Tone.TEXT),)

    @on(Estate.Shaped)
    def _shaped(self, event: Estate.Shaped) -> None:
        now = self.moment.now
        due = self._pasts.due((view.id for view in self._estate.rows), now, event.cells)
        if due:
            self._ask(due, now, event.cells)

    @work(group="trends")
    async def _ask(self, due: tuple[TotalId, ...], now: float, cells: int) -> None:
        board = self.merged
        questions = tuple(question(_pools(board, *key), now, cells) for key in due)
        try:
            answers = await self.lictui.engine.many(questions)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
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

    def action_why(self) -> None:
        """Where the figures of the chosen product come from, server by server."""
        if view := self._estate.chosen:
            self.lictui.show("why", servers=view.total.expected, product=view.total.product)

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


def _pools(board: Board, product: str, model: str) -> Pools:
    return tuple(
        status.owner(pool.key)
        for status in board.servers
        if status.snapshot is not None and status.server.enabled
        for pool in status.snapshot.pools
        if pool.counted and pool.product == product and pool.model == model
    )
