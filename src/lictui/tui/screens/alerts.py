"""The alerts view: what is wrong now, and below it the journal of what changed.

Owns the two lists, their filter, which looks through the whole journal, and what their keys do.
Must not know what deserves an alert, nor who keeps the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Vertical
from textual.widgets import DataTable

from lictui.engine.alerts import shown
from lictui.errors import LictuiError
from lictui.model import Answer
from lictui.paths import user_name
from lictui.tui import commands, text
from lictui.tui.ink import OF_LEVEL, Tone
from lictui.tui.screens import alerts_view
from lictui.tui.screens.filtered import Filtered
from lictui.tui.screens.snooze import SnoozeScreen
from lictui.tui.span import time_zone
from lictui.tui.widgets.keyed_table import KeyedTable
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import Board
    from lictui.tui.export import Table
    from lictui.tui.ink import Run
    from lictui.tui.screens.alerts_view import Entry

_PATIENCE: Final = 5.0  # seconds between two looks into the journal
_EVENTS: Final = 500  # of the journal that are shown


class AlertsScreen(Filtered):
    """The alerts view."""

    VIEW = "alerts"
    ROWS = "line"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("alerts")]
    CSS = """
    AlertsScreen {
        & .head { height: 1; padding: 0 1; }
        & #now { height: auto; max-height: 45%; }
        & #journal { height: 1fr; }
        & #whole { height: 3; padding: 0 1; border-top: solid $frame; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._now: dict[str, Entry] = {}
        self._journal: dict[str, Entry] = {}
        self._events: tuple[Entry, ...] = ()
        self._whole: tuple[Entry, ...] | None = None  # of the journal, while it is written out
        self._asked_at: float | None = None

    def body(self) -> Widget:
        """The two lists, and all of the chosen line."""
        symbols = self.lictui.symbols
        return Vertical(
            Prose(id="now-head", classes="head"),
            KeyedTable(symbols, id="now", show_header=False),
            Prose(id="journal-head", classes="head"),
            KeyedTable(symbols, id="journal", show_header=False),
            Prose(id="whole"),
        )

    def on_mount(self) -> None:
        """Begin in the list that has something in it."""
        super().on_mount()
        self.focus_body()

    def board_changed(self, board: Board) -> None:
        """What is wrong now; and the journal, if the last look is old enough."""
        del board
        now = self.lictui.clock.now()
        if self._asked_at is None or now - self._asked_at >= _PATIENCE:
            self._asked_at = now
            self._read()
        self._present()

    def on_resize(self) -> None:
        """The message takes what room there is."""
        self._present()

    @work(group="alerts-journal")
    async def _read(self) -> None:
        wanted, engine = self.filter, self.lictui.engine
        try:
            if wanted.pattern is None:
                found = await engine.events(_EVENTS)
            else:
                found = await engine.search(wanted, _EVENTS)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        if wanted == self.filter:  # else another look is under way
            self._events = alerts_view.of_events(found)
            self._present()

    def _present(self) -> None:
        if not self.size.width:
            return
        app, width, moment = self.lictui, self.size.width - 2, self.moment
        found = shown(self.merged, app.settings.alerts, moment.today, moment.now)
        tz = time_zone(app.settings.timezone)
        self._now = self._fill("#now", alerts_view.of_alerts(found, tz), width)
        self._journal = self._fill("#journal", self._events, width)
        title = alerts_view.head(self._now.values())
        self.query_one("#now-head", Prose).say(((title, Tone.STRONG),))
        journal = "Journal" if self._journal else "Journal: nothing yet"
        self.query_one("#journal-head", Prose).say(((journal, Tone.STRONG),))
        self._tell()

    def _fill(self, table: str, entries: tuple[Entry, ...], width: int) -> dict[str, Entry]:
        found = alerts_view.keyed(alerts_view.filtered(entries, self.filter))
        tz = time_zone(self.lictui.settings.timezone)
        self.query_one(table, KeyedTable).present(
            alerts_view.columns(width, stated=any(it.state for it in found.values())),
            {key: entry.cells(self.lictui.symbols, tz) for key, entry in found.items()},
        )
        return found

    @property
    def _table(self) -> KeyedTable:
        now = self.query_one("#now", KeyedTable)
        return now if now.has_focus else self.query_one("#journal", KeyedTable)

    @property
    def _chosen(self) -> Entry | None:
        table = self._table
        return (self._now if table.id == "now" else self._journal).get(table.chosen)

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._tell()

    def on_descendant_focus(self) -> None:
        """Say the line of the list that has the focus now."""
        self._tell()

    def _tell(self) -> None:
        entry = self._chosen
        said: tuple[Run, ...] = ()
        if entry is not None:
            product = f" ({text.clean(entry.product)})" if entry.product else ""
            state = f" [{text.clean(entry.state)}]" if entry.state else ""
            level = self.lictui.symbols.level[entry.level]
            said = (
                (f"{level} ", OF_LEVEL[entry.level]),
                (text.clean(entry.server), Tone.STRONG),
                (f"{product}: {text.clean(entry.message)}{state}", Tone.TEXT),
            )
        self.query_one("#whole", Prose).say(said)

    # What the keys do

    @property
    def chosen_server(self) -> str:
        """The server the chosen line is about."""
        return self._chosen.server if self._chosen else ""

    def action_move(self, by: int) -> None:
        """To the next or the previous line."""
        self._table.move_cursor(row=self._table.cursor_row + by)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """The chart of the product at that time; without a product, the registry."""
        entry = self._chosen
        if entry is None:
            return
        if entry.product:
            at = entry.at if self._table.id == "journal" else None
            self.lictui.show("product", servers=(entry.server,), product=entry.product, at=at)
        else:
            self.lictui.show("servers")

    def action_product(self) -> None:
        """The chart of the product."""
        self.action_open()

    def action_acknowledge(self) -> None:
        """Say that the chosen alert is known; or, if something was said, take it back."""
        entry = self._raised()
        if entry is not None:
            self._answer(entry, Answer(user_name(), self.moment.now) if entry.loud else None)

    def action_snooze(self) -> None:
        """Ask until when the chosen alert shall be silent."""
        entry = self._raised()
        if entry is None:
            return
        now, tz = self.moment.now, time_zone(self.lictui.settings.timezone)

        def chosen(until: float | None) -> None:
            if until is not None:
                self._answer(entry, Answer(user_name(), now, until))

        self.app.push_screen(SnoozeScreen(now, tz), chosen)

    def _raised(self) -> Entry | None:
        """The chosen alert, if it is one that can be answered."""
        entry = self._chosen
        if entry is None or entry.who is None or self._table.id != "now":
            said = "Choose an alert above: tab goes there"
        elif entry.state.startswith("in "):
            said = "It is not raised yet"
        else:
            return entry
        self.notify(said, severity="warning", markup=False)
        return None

    @work(group="alerts-answer")
    async def _answer(self, entry: Entry, answer: Answer | None) -> None:
        if entry.who is None:
            return
        try:
            await self.lictui.engine.answer(entry.who, answer)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self._asked_at = None  # the journal has a line more

    def narrowed(self) -> None:
        """Show what the filter lets through, of the whole journal."""
        self._present()
        self._read()

    def found(self) -> int:
        """The lines that are shown."""
        return len(self._now) + len(self._journal)

    def focus_body(self) -> None:
        """Let the keys go to the list that has something in it."""
        self.query_one("#now" if self._now else "#journal").focus()

    # What others may have of it

    def copied(self) -> str:
        """All of the chosen line."""
        return self.query_one("#whole", Prose).said

    def action_export(self) -> None:
        """The alerts and the whole journal, as far as the filter lets it through."""
        self._export()

    @work(group="alerts-export")
    async def _export(self) -> None:
        try:
            self._whole = alerts_view.of_events(await self.lictui.engine.search(self.filter))
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            super().action_export()
        finally:
            self._whole = None

    def exported(self) -> Table:
        """Both lists."""
        journal = self._journal.values() if self._whole is None else self._whole
        return alerts_view.table(self._now.values(), journal)
