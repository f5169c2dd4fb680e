"""The registry: every server, what is the matter with it, and what can be done to it.

Owns the table, the panel below it and what the keys do. Must not know what the cells say
(`registry_view`), nor how a server is tested or removed (the engine).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.containers import Vertical, VerticalScroll
from textual.widgets import DataTable

from lictui.engine.contract import hints
from lictui.errors import LictuiError
from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.screens import registry_view, steps
from lictui.tui.screens.confirm import ConfirmScreen
from lictui.tui.screens.view import View
from lictui.tui.span import time_zone
from lictui.tui.text import clean
from lictui.tui.widgets.keyed_table import KeyedTable
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import BindingType
    from textual.widget import Widget

    from lictui.engine.board import Board, ServerStatus
    from lictui.model import Finding
    from lictui.tui.export import Table
    from lictui.tui.ink import Line

_AGES: Final = 10.0  # seconds between two looks at how old the answers are


class ServersScreen(View):
    """The servers view."""

    VIEW = "servers"
    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("servers")]
    CSS = """
    ServersScreen {
        & #details {
            height: auto;
            max-height: 50%;
            padding: 0 1;
            border-top: solid $frame;
            scrollbar-size-vertical: 1;
        }
        &.-full #details { height: 1fr; max-height: 100%; border-top: none; }
        &.-full KeyedTable { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._table: KeyedTable | None = None
        self._details = Prose()
        self._testing = ""  # the server whose test is shown in place of its details

    def body(self) -> Widget:
        """The table, and below it all about the server under the cursor."""
        self._table = KeyedTable(self.lictui.symbols)
        return Vertical(self._table, VerticalScroll(self._details, id="details", can_focus=False))

    def on_mount(self) -> None:
        """Follow the board; the cells that tell an age have a timer of their own."""
        super().on_mount()
        self.table.focus()
        self.set_interval(_AGES, self._grow_older)

    @property
    def table(self) -> KeyedTable:
        """The table of servers."""
        if self._table is None:
            raise RuntimeError("asked for the table before there is one")
        return self._table

    def board_changed(self, board: Board) -> None:
        """Show what is true now."""
        del board
        self._refresh()

    def on_resize(self) -> None:
        """Show the columns there is room for."""
        self._refresh()

    def _grow_older(self) -> None:
        if not self.lictui.paused:
            self._refresh()

    def _refresh(self) -> None:
        if not self.size.width:
            return
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        self.table.present(
            registry_view.columns(self.size.width - 2),
            {
                status.server.name: registry_view.cells(status, now, symbols)
                for status in self.lictui.board.servers
            },
        )
        self._describe()

    def _describe(self) -> None:
        status = self._chosen
        if status is None:
            self._details.say((("No server yet: press a to add one.", Tone.QUIET),))
        elif status.server.name != self._testing:
            self._testing = ""
            tz = time_zone(self.lictui.settings.timezone)
            now = self.lictui.clock.now()
            symbols = self.lictui.symbols
            said = registry_view.details(status, now, symbols, tz)
            self._details.say(*said, *self._hints(status.server.name))

    def _hints(self, name: str) -> Iterator[Line]:
        """That the server seems to report twice what there is."""
        for hint in hints(self.merged, self.lictui.settings.contract):
            if hint.server == name:
                yield ((f"{self.lictui.symbols.arrow} {clean(hint.message)}", Tone.WARN),)

    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self._describe()

    @property
    def _chosen(self) -> ServerStatus | None:
        return self.lictui.board.of(self.chosen_server)

    @property
    def chosen_server(self) -> str:
        """The server the cursor is on, or nothing."""
        return self.table.chosen

    # What the keys do

    def action_move(self, by: int) -> None:
        """To the next or the previous server."""
        self.table.move_cursor(row=self.table.cursor_row + by)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """All about the server on the whole screen, and back."""
        self.toggle_class("-full")

    def action_back(self) -> None:
        """Leave the test, then the details, then the view."""
        if self._testing:
            self._testing = ""
            self._describe()
        elif self.has_class("-full"):
            self.remove_class("-full")
        else:
            super().action_back()

    def action_edit(self) -> None:
        """Change the chosen server in the form."""
        if status := self._chosen:
            self.lictui.show("form", server=status.server)

    def action_cloud(self) -> None:
        """What Citrix Cloud's Usage Insights needs of the chosen server."""
        if name := self.chosen_server:
            self.lictui.show("assistant", server=name)

    def action_remove(self) -> None:
        """Take the chosen server out of the registry, after a question."""
        if name := self.chosen_server:
            question = ConfirmScreen(f"Remove {name}?", "It is polled no more; its history stays.")

            def answered(sure: bool | None) -> None:  # noqa: FBT001 - the answer
                if sure:
                    self._remove(name)

            self.app.push_screen(question, answered)

    @work(group="servers-remove")
    async def _remove(self, name: str) -> None:
        try:
            await self.lictui.engine.remove(name)
        except LictuiError as error:
            said = ". ".join(part for part in (error.message, error.hint) if part)
            self.notify(said, severity="error", markup=False)

    def action_test(self) -> None:
        """Try the chosen server step by step."""
        if (status := self._chosen) and self._testing != status.server.name:
            self._test(status)

    @work(group="servers-test")
    async def _test(self, status: ServerStatus) -> None:
        name = self._testing = status.server.name
        findings: list[Finding] = []
        self._show_steps(name, findings, running=True)
        try:
            async for finding in self.lictui.engine.test(status.server):
                findings.append(finding)
                self._show_steps(name, findings, running=finding.ok)
        except LictuiError as error:
            self.notify(error.message, severity="error", markup=False)
        self._show_steps(name, findings, running=False)

    def _show_steps(self, name: str, findings: list[Finding], *, running: bool) -> None:
        if self._testing != name:
            return  # the user has gone on to another server
        width = max(20, self.size.width - 3)
        head = ((f"Test {name}", Tone.STRONG),)
        lines = steps.lines(findings, width, self.lictui.symbols, running=running)
        self._details.say(head, *lines)

    # What others may have of it

    def copied(self) -> str:
        """All about the chosen server, as text."""
        return self._details.said

    def exported(self) -> Table:
        """The registry as it is shown, every column."""
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        rows = [registry_view.cells(it, now, symbols) for it in self.lictui.board.servers]
        titles = tuple(registry_view.TITLES)
        return (
            tuple(registry_view.TITLES.values()),
            *(tuple(row[key][0] for key in titles) for row in rows),
        )
