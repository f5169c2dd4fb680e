"""What the five views have in common: head line, status line, the board, copy and export.

Owns that frame. Must not know what stands between the two lines.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.events import Resize
from textual.screen import Screen

from lictui.engine.board import ALL, Board, Filter
from lictui.tui import commands, text
from lictui.tui.app import FilterClosed, FilterTyped, LictuiApp
from lictui.tui.screens.wall_view import Moment
from lictui.tui.text import Run, Table, Tone
from lictui.tui.time_range import Length, Span, time_zone
from lictui.tui.widgets import bars
from lictui.tui.widgets.bars import FilterBar, Headline, Statusline, TooSmall, fits, offered

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.tui.commands import Command


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
        bars.show(headline, board.notices, app.symbols)
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
        from lictui.tui.text import write_csv  # noqa: PLC0415 - few look for a file

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


# A view that `/` narrows: the filter as it is typed, kept, said and undone


class Filtered(View):
    """A view with a filter."""

    ROWS: ClassVar[str] = "server"  # what one of those is called that are counted

    def __init__(self) -> None:
        super().__init__()
        self.filter = ALL
        self.spelled = ""
        self._bar: FilterBar | None = None  # made when first wanted: few starts need it

    def narrowed(self) -> None:
        """Draw what the filter lets through."""

    def found(self) -> int:
        """How much of it there is."""
        return 0

    def standing(self) -> tuple[Run, ...]:
        """Paused, filtered, or nothing."""
        if (said := super().standing()) or self.filter.pattern is None:
            return said
        found = self.found()
        rows = self.ROWS if found == 1 else f"{self.ROWS}s"
        return (
            (f" /{text.clean(self.spelled)} ", Tone.ACCENT),
            (f" {found} {rows} ", Tone.TEXT) if found else (" no match ", Tone.WARN),
            (" esc shows all", Tone.QUIET),
        )

    async def action_filter(self) -> None:
        """Type a filter."""
        if self._bar is None:
            from lictui.tui.widgets.bars import FilterBar  # noqa: PLC0415 - not for first frames

            self._bar = FilterBar()
            await self.mount(self._bar)
        self._bar.open(self.spelled)

    def action_back(self) -> None:
        """Undo the filter; without one, leave."""
        if not self.unfilter():
            super().action_back()

    def unfilter(self) -> bool:
        """Show all again; False if there was nothing to undo."""
        typing = self._bar is not None and self._bar.display
        if self._bar is not None and typing:
            self._bar.close()
        undone = typing or self.filter.pattern is not None
        self._narrow(ALL, "")
        return undone

    def _narrow(self, wanted: Filter, spelled: str) -> None:
        self.filter, self.spelled = wanted, spelled
        self.narrowed()
        self.say(self.standing())

    @on(FilterTyped)
    def _typed(self, event: FilterTyped) -> None:
        if self._bar is not None and self._bar.display:
            self._narrow(event.wanted, event.spelled)
            self._bar.word("" if self.found() else "no match")

    @on(FilterClosed)
    def focus_body(self) -> None:
        """Let the keys go to what was filtered."""
        self.query_one("#body").focus()


# A view whose rows have trends: over which stretch of time, as keys and state.toml have it


WORDS: Final = {
    Length.DAY: "24 h",
    Length.WEEK: "week",
    Length.MONTH: "month",
    Length.YEAR: "year",
}


class Ranged(Filtered):
    """A filtered view with trends."""

    def __init__(self) -> None:
        super().__init__()
        self.length = Length.DAY

    def stretched(self) -> None:
        """Ask for trends of this length, and draw them."""

    def begin_range(self) -> None:
        """Take up the length that was left, here or in another view."""
        name = self.lictui.remembered.get("range", "").upper()
        self._become(Length[name] if name in Length.__members__ else Length.DAY)

    def on_screen_resume(self) -> None:
        """Another view may have chosen another length meanwhile."""
        self.begin_range()

    def action_shorter(self) -> None:
        """Trends of a shorter stretch of time."""
        self._chosen(Span(self.length).shorter().length)

    def action_longer(self) -> None:
        """Trends of a longer stretch of time."""
        self._chosen(Span(self.length).longer().length)

    def _chosen(self, length: Length) -> None:
        self.lictui.remember(range=length.name.lower())
        self._become(length)

    def _become(self, length: Length) -> None:
        if length is not self.length:
            self.length = length
            self.stretched()

    def range_said(self) -> tuple[Run, ...]:
        """The length, where it is not the day that everyone expects."""
        if self.length is Length.DAY:
            return ()
        return ((f" trends: {WORDS[self.length]} ", Tone.ACCENT), (" [ ] change it", Tone.QUIET))


# A view of a stretch of time: longer and shorter, back and forth


class Travelling(View):
    """A view with a stretch of time; a subclass says what to do when it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.span = Span()

    def travelled(self) -> None:
        """The stretch is another one now."""
        raise NotImplementedError

    def _go(self, span: Span) -> None:
        if span != self.span:
            self.span = span
            self.travelled()

    def action_range(self, length: str) -> None:
        """So much time, up to now."""
        self._go(Span(Length[length.upper()]))

    def action_longer(self) -> None:
        """More time."""
        self._go(self.span.longer())

    def action_shorter(self) -> None:
        """Less time."""
        self._go(self.span.shorter())

    def action_earlier(self) -> None:
        """Back in time."""
        self._go(self.span.earlier())

    def action_later(self) -> None:
        """Forward in time."""
        self._go(self.span.later())
