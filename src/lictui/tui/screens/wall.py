"""The wall: a pane per server. Owns what its keys do. Must not know how a pane is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from lictui.engine.board import Board, Filter
from lictui.errors import LictuiError
from lictui.tui import commands, text
from lictui.tui.screens.main_screen import Ranged
from lictui.tui.screens.wall_view import SORTS, Panes, PaneView, RowId, RowView, Wanted, chosen
from lictui.tui.text import Run, Table, Tone
from lictui.tui.trend_cache import Pasts, Trends, question
from lictui.tui.widgets.wall import Wall

if TYPE_CHECKING:
    from textual.binding import BindingType

    from lictui.model import PoolKey

_AGES: float = 10  # seconds between two looks at whether an age reads differently
_COLUMNS = (
    "server", "state", "product", "name", "model", "subscription_date",
    "in_use", "installed", "overdraft", "free", "ratio", "level",
)  # fmt: skip


class WallScreen(Ranged):
    """Home."""

    VIEW = "wall"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("wall")]

    def __init__(self) -> None:
        super().__init__()
        self._panes = Panes()
        self._trends: Trends[RowId] = Trends()
        self._all: tuple[PaneView, ...] = ()
        self._wanted = Wanted()
        self._in_view: tuple[tuple[RowId, ...], int] = ((), 0)  # rows, and cells of a trend

    def body(self) -> Wall:
        """The panes."""
        return Wall(self.lictui.symbols)

    def on_mount(self) -> None:
        """Begin as it was left."""
        app = self.lictui
        sort = app.remembered.get("sort", "")
        self._wanted = Wanted(
            group=app.group,
            sort=sort if sort in SORTS else SORTS[0],
            reverse=app.remembered.get("reverse") == "yes",
        )
        self.filter, self.spelled = Filter.parse(app.pattern), app.pattern
        super().on_mount()
        self.watch(app, "polling", self._again, init=False)
        self.set_interval(_AGES, self._again)

    @property
    def _wall(self) -> Wall:
        return self.query_one(Wall)

    def board_changed(self, board: Board) -> None:
        """Draw this board."""
        app = self.lictui
        self._all = self._panes.of(board, app.settings.alerts, self.moment, app.polling)
        self._trends.read(
            ((status.server.name, pool.key), status.answered_at, pool.reading)
            for status in board.servers
            if status.live and status.snapshot and status.answered_at is not None
            for pool in status.snapshot.pools
            if pool.key not in status.lapsed
        )
        self._want(self._wanted)

    def _again(self) -> None:
        if not self.lictui.paused:
            self.board_changed(self.merged)

    def _want(self, wanted: Wanted) -> None:
        self._wanted = wanted = replace(wanted, filter=self.filter)
        with self.app.batch_update():
            self._wall.pasts = self._trends.known
            self._wall.word = (
                "No server or product matches." if self._all else "No server is registered yet."
            )
            self._wall.panes = chosen(self._all, wanted)
            self.say(self.standing())
        self._ask_due()

    def narrowed(self) -> None:
        """Show what the filter lets through."""
        self._want(self._wanted)

    def found(self) -> int:
        """The servers that are shown."""
        return len(self._wall.panes)

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, narrowed to a group or a pane, or nothing."""
        if said := super().standing():
            return said
        wanted = self._wanted
        only = [f" group {wanted.group} "] if wanted.group else []
        only += [f" {wanted.alone} alone "] if wanted.alone else []
        words = tuple((text.clean(word), Tone.ACCENT) for word in only)
        return (*words, (" esc shows all", Tone.QUIET)) if only else self.range_said()

    # Trends

    @on(Wall.Seen)
    def _seen(self, event: Wall.Seen) -> None:
        self._in_view = (event.rows, event.cells)
        self._ask_due()

    def _ask_due(self) -> None:
        rows, cells = self._in_view
        now = self.moment.now
        for pasts, due in self._trends.due(rows, now, cells):
            self._ask(pasts, due, now, cells)

    def stretched(self) -> None:
        """Ask for what is in view."""
        self._trends.stretch(self.length.value)
        self._want(self._wanted)

    @work(group="trends")
    async def _ask(
        self, pasts: Pasts[RowId], rows: tuple[RowId, ...], now: float, cells: int
    ) -> None:
        known = {status.server.name: status for status in self.merged.servers}
        asked = [
            (row, known[row[0]].owner(row[1]))
            for row in rows
            if row[1] is not None and row[0] in known
        ]
        questions = tuple(question((owner,), now, cells, pasts.stretch) for _, owner in asked)
        try:
            answers = await self.lictui.engine.many(questions)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        pasts.take(zip((row for row, _ in asked), answers, strict=True), now, cells)
        self._wall.pasts = self._trends.known

    # What is chosen

    @property
    def chosen_server(self) -> str:
        """The server whose pane the cursor is in."""
        return self._wall.cursor[0] if self._wall.cursor else ""

    def _row(self) -> RowView | None:
        pane = self._wall.chosen
        rows = pane.rows if pane else ()
        return next((row for row in rows if row.id == self._wall.cursor), None)

    def copied(self) -> str:
        """Server, product and figures."""
        row = self._row()
        if row is None:
            return self.chosen_server
        figures = f"{text.figure(row.reading.in_use)} / {text.figure(row.reading.installed)}"
        return f"{row.server}  {row.name}  {figures}  {text.percent(row.reading.ratio)}"

    def exported(self) -> Table:
        """The rows that are shown, a line each."""
        return (_COLUMNS, *(_cells(p, row) for p in self._wall.panes for row in p.rows))

    # Keys

    def action_open(self) -> None:
        """The chart of the chosen row."""
        self.action_product()

    def action_product(self) -> None:
        """The chart of the chosen row."""
        if row := self._row():
            self.lictui.open_product((row.server,), row.key.product)
        else:
            self.notify("No license to show here", severity="warning", markup=False)

    def action_why(self) -> None:
        """Where the figures of the chosen row come from."""
        if row := self._row():
            key = row.key
            self.lictui.show(
                "why", servers=(row.server,), product=key.product, day=key.subscription_date
            )
        else:
            self.notify("No figures here", severity="warning", markup=False)

    def action_holders(self) -> None:
        """Who holds the licenses of the chosen row."""
        if row := self._row():
            product = row.key.product
            self.lictui.show("holders", servers=(row.server,), product=product, title=row.name)
        else:
            self.notify("No license here", severity="warning", markup=False)

    @on(Wall.Opened)
    def _opened(self) -> None:
        self.action_product()

    def action_move(self, step: int) -> None:
        """A row down or up."""
        self._wall.move(step)

    def action_page(self, step: int) -> None:
        """A screen down or up."""
        self._wall.page(step)

    def action_edge(self, step: int) -> None:
        """The first or last row."""
        self._wall.to_edge(step)

    def action_pane(self, step: int) -> None:
        """The next or previous pane."""
        self._wall.step_pane(step)

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        sort = SORTS[(SORTS.index(self._wanted.sort) + 1) % len(SORTS)]
        self._sorted(replace(self._wanted, sort=sort, reverse=False))

    def action_sort_reverse(self) -> None:
        """Turn the order around."""
        self._sorted(replace(self._wanted, reverse=not self._wanted.reverse))

    def _sorted(self, wanted: Wanted) -> None:
        self._want(wanted)
        self.lictui.remember(sort=wanted.sort, reverse="yes" if wanted.reverse else "no")
        turned = ", reversed" if wanted.reverse else ""
        self.notify(f"Sorted by {wanted.sort}{turned}", timeout=2, markup=False)

    def action_group_next(self) -> None:
        """The next group alone; after the last all again."""
        groups = ["", *sorted({pane.group for pane in self._all if pane.group})]
        at = groups.index(self._wanted.group) if self._wanted.group in groups else 0
        self._want(replace(self._wanted, group=groups[(at + 1) % len(groups)]))

    def action_maximise(self) -> None:
        """The chosen pane alone, or all again."""
        alone = "" if self._wanted.alone else self.chosen_server
        self._want(replace(self._wanted, alone=alone))

    def action_back(self) -> None:
        """Undo the filter and what else narrows the wall."""
        self.unfilter()
        self._want(replace(self._wanted, group="", alone=""))


def _cells(pane: PaneView, row: RowView) -> tuple[str | int | float | None, ...]:
    key: PoolKey = row.key
    reading = row.reading
    return (
        row.server, pane.state.value, key.product, row.name, row.model.value,
        key.subscription_date, reading.in_use, reading.installed, reading.overdraft,
        reading.free, reading.ratio, row.level.value,
    )  # fmt: skip
