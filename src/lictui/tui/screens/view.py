"""What the five views have in common: head line, status line, the board, copy and export.

Owns that frame. Must not know what stands between the two lines.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.events import Resize
from textual.screen import Screen

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.span import time_zone
from lictui.tui.views import Moment
from lictui.tui.widgets import notices
from lictui.tui.widgets.headline import Headline
from lictui.tui.widgets.statusline import Statusline, offered
from lictui.tui.widgets.toosmall import TooSmall, fits

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.engine.board import Board
    from lictui.tui.app import LictuiApp
    from lictui.tui.commands import Command
    from lictui.tui.export import Table
    from lictui.tui.ink import Run


class View(Screen[None]):
    """One of the views behind the keys 1 to 5. A subclass says what it is called and its body."""

    VIEW: ClassVar[str] = ""
    AUTO_FOCUS = "#body"
    DEFAULT_CSS = """
    View {
        overflow: hidden;
        TooSmall { display: none; }
        &.-too-small > * { display: none; }
        &.-too-small > TooSmall { display: block; }
    }
    """

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    @property
    def merged(self) -> Board:
        """The board as it is looked at: each license server once."""
        return self.lictui.together.of(self.lictui.board)

    @property
    def moment(self) -> Moment:
        """Now, and today where the user is."""
        now = self.lictui.clock.now()
        zone = time_zone(self.lictui.settings.timezone)
        return Moment(now, datetime.fromtimestamp(now, UTC).astimezone(zone).date())

    def compose(self) -> ComposeResult:
        """The frame, with the body inside."""
        app = self.lictui
        yield Headline(app.clock, app.symbols)
        body = self.body()
        body.id = "body"
        yield body
        yield Statusline(self.VIEW, self._offered())
        yield TooSmall()

    def body(self) -> Widget:
        """The one widget between head line and status line."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the board, unless the screen is paused."""
        self.watch(self.app, "board", self._board_came)
        self.watch(self.app, "paused", self._pause_came, init=False)
        self.watch(self.app, "keys", self._keys_came, init=False)

    def _board_came(self, board: Board) -> None:
        if not self.lictui.paused:
            self._show(board)

    def _pause_came(self, paused: bool) -> None:  # noqa: FBT001 - Textual calls it
        self.say(self.standing())
        if not paused:
            self._show(self.lictui.board)

    def _keys_came(self) -> None:
        self.query_one(Statusline).offer(self._offered())

    def _offered(self) -> tuple[Command, ...]:
        return offered(self.VIEW, self.lictui.keys, read_only=self.lictui.read_only)

    def _show(self, board: Board) -> None:
        app = self.lictui
        board = app.together.of(board)
        headline = self.query_one(Headline)
        headline.show(board, app.settings.alerts, self.moment.today)
        notices.show(headline, board.notices, app.symbols)
        headline.flag = " ".join(
            word for word, true in (("lictui demo", app.demo), ("read only", app.read_only)) if true
        )
        self.board_changed(board)

    def board_changed(self, board: Board) -> None:
        """A new board to show, each license server once; also called once at the start."""

    def standing(self) -> tuple[Run, ...]:
        """What the status line says in place of the keys, if anything."""
        if not self.lictui.paused:
            return ()
        return (
            (" PAUSED ", Tone.WARN),
            ("the screen stands still, recording goes on ", Tone.TEXT),
            ("p goes on", Tone.QUIET),
        )

    def say(self, runs: tuple[Run, ...]) -> None:
        """Put this on the status line; nothing puts the keys back."""
        self.query_one(Statusline).said = runs

    @on(Resize)
    def _measure(self, event: Resize) -> None:
        self.set_class(not fits(event.size), "-too-small")

    @property
    def chosen_server(self) -> str:
        """The server the cursor is on, or nothing."""
        return ""

    def copied(self) -> str:
        """The chosen row as text."""
        return ""

    def exported(self) -> Table:
        """Everything shown, as a table."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes with --read-only, no filter while one is typed."""
        if action == "filter" and self.focused and self.focused.check_consume_key("slash", "/"):
            return False
        return not (self.lictui.read_only and commands.writes(action, parameters))

    def action_poll_server(self) -> None:
        """Ask the chosen server now, in every way it is read."""
        status = self.merged.of(self.chosen_server)
        for name in status.names if status else ():
            self.lictui.poll(name)

    def action_copy(self) -> None:
        """The chosen row, to the clipboard of the terminal."""
        if copied := self.copied():
            self.app.copy_to_clipboard(copied)
            self.notify(f"Copied: {copied}", markup=False)

    def action_export(self) -> None:
        """What is shown, into a file in the current folder."""
        from lictui.tui.export import write_csv  # noqa: PLC0415 - few look for a file

        table = self.exported()
        if len(table) <= 1:
            self.notify("There is nothing to export here", severity="warning", markup=False)
            return
        try:
            file = write_csv(table, self.VIEW, self.lictui.clock.now())
        except OSError as error:
            said = f"Could not write the file: {error.strerror or error}"
            self.notify(said, severity="error", markup=False)
        else:
            self.notify(f"{len(table) - 1} rows written to {file}", markup=False)

    def action_back(self) -> None:
        """Leave a screen that was opened from another."""
        if self.VIEW == "product":
            self.app.pop_screen()
        elif self.VIEW != "wall":
            self.lictui.show("wall")
