"""What the five views have in common: head line, status line, the board, copy and export.

Owns that frame. Must not know what stands between the two lines.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.events import Resize
from textual.screen import Screen

from lictui.engine.board import MATCH_ALL, Filter, MergedBoard
from lictui.tui import commands, text
from lictui.tui.app import FilterChanged, FilterClosed, LictuiApp
from lictui.tui.screens.dashboard_view import CurrentTime
from lictui.tui.text import Fragment, Table, Tone
from lictui.tui.time_range import RangeLength, TimeRange, time_zone
from lictui.tui.widgets import bars
from lictui.tui.widgets.bars import (
    FilterBar,
    FooterBar,
    HeaderBar,
    SizeWarning,
    available_commands,
    is_large_enough,
)

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from lictui.tui.commands import Command


class MainScreen(Screen[None]):
    """One of the views behind the keys 1 to 5. A subclass says what it is called and its body."""

    VIEW: ClassVar[str] = ""
    AUTO_FOCUS = "#body"
    DEFAULT_CSS = """
    MainScreen {
        overflow: hidden;
        SizeWarning { display: none; }
        &.-too-small > * { display: none; }
        &.-too-small > SizeWarning { display: block; }
    }
    """

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    @property
    def merged(self) -> MergedBoard:
        """The board as it is looked at: each license server once."""
        return self.lictui.board

    @property
    def current_time(self) -> CurrentTime:
        """Now, and today where the user is."""
        now = self.lictui.clock.now()
        zone = time_zone(self.lictui.settings.timezone)
        return CurrentTime(now, datetime.fromtimestamp(now, UTC).astimezone(zone).date())

    def compose(self) -> ComposeResult:
        """The frame, with the body inside."""
        app = self.lictui
        yield HeaderBar(app.clock, app.symbols)
        body = self.body()
        body.id = "body"
        yield body
        yield FooterBar(self.VIEW, self._offered())
        yield SizeWarning()

    def body(self) -> Widget:
        """The one widget between head line and status line."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the board, unless the screen is paused."""
        self.watch(self.app, "board", self._board_came)
        self.watch(self.app, "paused", self._pause_came, init=False)
        self.watch(self.app, "keymap", self._keys_came, init=False)

    def _board_came(self, board: MergedBoard) -> None:
        if not self.lictui.paused:
            self._show(board)

    def _pause_came(self, paused: bool) -> None:  # noqa: FBT001 - Textual calls it
        self.set_status(self.status_line())
        if not paused:
            self._show(self.lictui.board)

    def _keys_came(self) -> None:
        self.query_one(FooterBar).set_commands(self._offered())

    def _offered(self) -> tuple[Command, ...]:
        return available_commands(self.VIEW, self.lictui.keymap, read_only=self.lictui.read_only)

    def _show(self, board: MergedBoard) -> None:
        app = self.lictui
        headline = self.query_one(HeaderBar)
        headline.show(board, self.current_time.today)
        bars.show_notices(headline, board.notices, app.symbols)
        headline.flag = " ".join(
            word for word, true in (("lictui demo", app.demo), ("read only", app.read_only)) if true
        )
        self.board_changed(board)

    def board_changed(self, board: MergedBoard) -> None:
        """A new board to show, each license server once; also called once at the start."""

    def status_line(self) -> tuple[Fragment, ...]:
        """What the status line says in place of the keys, if anything."""
        if not self.lictui.paused:
            return ()
        return (
            (" PAUSED ", Tone.WARN),
            ("the screen stands still, recording goes on ", Tone.TEXT),
            ("p goes on", Tone.QUIET),
        )

    def set_status(self, runs: tuple[Fragment, ...]) -> None:
        """Put this on the status line; nothing puts the keys back."""
        self.query_one(FooterBar).message = runs

    @on(Resize)
    def _measure(self, event: Resize) -> None:
        self.set_class(not is_large_enough(event.size), "-too-small")

    @property
    def selected_server(self) -> str:
        """The server the cursor is on, or nothing."""
        return ""

    def row_text(self) -> str:
        """The chosen row as text."""
        return ""

    def export_table(self) -> Table:
        """Everything shown, as a table."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes with --read-only, no filter while one is typed."""
        if action == "filter" and self.focused and self.focused.check_consume_key("slash", "/"):
            return False
        return not (self.lictui.read_only and commands.is_write_action(action, parameters))

    def action_poll_server(self) -> None:
        """Ask the chosen server now, in every way it is read."""
        status = self.merged.find(self.selected_server)
        for name in status.member_names if status else ():
            self.lictui.poll(name)

    def action_copy(self) -> None:
        """The chosen row, to the clipboard of the terminal."""
        if copied := self.row_text():
            self.app.copy_to_clipboard(copied)
            self.notify(f"Copied: {copied}", markup=False)

    def action_export(self) -> None:
        """What is shown, into a file in the current folder."""
        from lictui.tui.text import export_csv  # noqa: PLC0415 - few look for a file

        table = self.export_table()
        if len(table) <= 1:
            self.notify("There is nothing to export here", severity="warning", markup=False)
            return
        try:
            file = export_csv(table, self.VIEW, self.lictui.clock.now())
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
            self.lictui.show_view("wall")


# A view that `/` narrows: the filter as it is typed, kept, said and undone


class FilterableScreen(MainScreen):
    """A view with a filter."""

    ROW_NOUN: ClassVar[str] = "server"  # what one of those is called that are counted

    def __init__(self) -> None:
        super().__init__()
        self.filter = MATCH_ALL
        self.filter_text = ""
        self._bar: FilterBar | None = None  # made when first wanted: few starts need it

    def filter_changed(self) -> None:
        """Draw what the filter lets through."""

    def row_count(self) -> int:
        """How much of it there is."""
        return 0

    def status_line(self) -> tuple[Fragment, ...]:
        """Paused, filtered, or nothing."""
        if (said := super().status_line()) or self.filter.pattern is None:
            return said
        found = self.row_count()
        rows = self.ROW_NOUN if found == 1 else f"{self.ROW_NOUN}s"
        return (
            (f" /{text.strip_controls(self.filter_text)} ", Tone.ACCENT),
            (f" {found} {rows} ", Tone.TEXT) if found else (" no match ", Tone.WARN),
            (" esc shows all", Tone.QUIET),
        )

    async def action_filter(self) -> None:
        """Type a filter."""
        if self._bar is None:
            from lictui.tui.widgets.bars import FilterBar  # noqa: PLC0415 - not for first frames

            self._bar = FilterBar()
            await self.mount(self._bar)
        self._bar.open(self.filter_text)

    def action_back(self) -> None:
        """Undo the filter; without one, leave."""
        if not self.clear_filter():
            super().action_back()

    def clear_filter(self) -> bool:
        """Show all again; False if there was nothing to undo."""
        typing = self._bar is not None and self._bar.display
        if self._bar is not None and typing:
            self._bar.close()
        undone = typing or self.filter.pattern is not None
        self._narrow(MATCH_ALL, "")
        return undone

    def _narrow(self, wanted: Filter, spelled: str) -> None:
        self.filter, self.filter_text = wanted, spelled
        self.filter_changed()
        self.set_status(self.status_line())

    @on(FilterChanged)
    def _typed(self, event: FilterChanged) -> None:
        if self._bar is not None and self._bar.display:
            self._narrow(event.filter, event.text)
            self._bar.set_error("" if self.row_count() else "no match")

    @on(FilterClosed)
    def focus_body(self) -> None:
        """Let the keys go to what was filtered."""
        self.query_one("#body").focus()


# A view whose rows have trends: over which stretch of time, as keys and state.toml have it


TREND_LABELS: Final = {
    RangeLength.DAY: "24 h",
    RangeLength.WEEK: "week",
    RangeLength.MONTH: "month",
    RangeLength.YEAR: "year",
}


class TrendScreen(FilterableScreen):
    """A filtered view with trends."""

    def __init__(self) -> None:
        super().__init__()
        self.trend_length = RangeLength.DAY

    def trend_length_changed(self) -> None:
        """Ask for trends of this length, and draw them."""

    def restore_trend_length(self) -> None:
        """Take up the length that was left, here or in another view."""
        name = self.lictui.saved_state.get("range", "").upper()
        self._become(RangeLength[name] if name in RangeLength.__members__ else RangeLength.DAY)

    def on_screen_resume(self) -> None:
        """Another view may have chosen another length meanwhile."""
        self.restore_trend_length()

    def action_shorter(self) -> None:
        """Trends of a shorter stretch of time."""
        self._chosen(TimeRange(self.trend_length).shorter().length)

    def action_longer(self) -> None:
        """Trends of a longer stretch of time."""
        self._chosen(TimeRange(self.trend_length).longer().length)

    def _chosen(self, length: RangeLength) -> None:
        self.lictui.save_state(range=length.name.lower())
        self._become(length)

    def _become(self, length: RangeLength) -> None:
        if length is not self.trend_length:
            self.trend_length = length
            self.trend_length_changed()

    def trend_status(self) -> tuple[Fragment, ...]:
        """The length, where it is not the day that everyone expects."""
        if self.trend_length is RangeLength.DAY:
            return ()
        return (
            (f" trends: {TREND_LABELS[self.trend_length]} ", Tone.ACCENT),
            (" [ ] change it", Tone.QUIET),
        )


# A view of a stretch of time: longer and shorter, back and forth


class TimeRangeScreen(MainScreen):
    """A view with a stretch of time; a subclass says what to do when it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.time_range = TimeRange()

    def range_changed(self) -> None:
        """The stretch is another one now."""
        raise NotImplementedError

    def _go(self, span: TimeRange) -> None:
        if span != self.time_range:
            self.time_range = span
            self.range_changed()

    def action_range(self, length: str) -> None:
        """So much time, up to now."""
        self._go(TimeRange(RangeLength[length.upper()]))

    def action_longer(self) -> None:
        """More time."""
        self._go(self.time_range.longer())

    def action_shorter(self) -> None:
        """Less time."""
        self._go(self.time_range.shorter())

    def action_earlier(self) -> None:
        """Back in time."""
        self._go(self.time_range.earlier())

    def action_later(self) -> None:
        """Forward in time."""
        self._go(self.time_range.later())
