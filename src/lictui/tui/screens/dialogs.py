"""Dialogs over another screen: confirm, snooze, data sources, help; and the first-run screen."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Label

from lictui.config.toml_document import InvalidValue, duration
from lictui.engine.board import (
    MergedBoard,
    ServerStatus,
    is_reporting,
)
from lictui.engine.entitlements import count_hints
from lictui.engine.provenance import (
    Provenance,
    installed_sum,
    product_pools,
    provenance,
    raw_fields,
)
from lictui.model import Level, Pool, State
from lictui.time_range import format_moment, to_local
from lictui.tui import commands
from lictui.tui.screens.main_screen import AppScreen
from lictui.tui.text import (
    Line,
    Tone,
    fit_line,
    format_age,
    hang,
    line_width,
    pad,
    strip_controls,
)
from lictui.tui.widgets.bars import TextInput, full_action
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from textual.app import App, ComposeResult
    from textual.widget import Widget
    from textual.widgets.button import ButtonVariant

    from lictui.tui.commands import Command
    from lictui.tui.theme import Symbols

T = TypeVar("T")


class Dialog(ModalScreen[T], AppScreen):
    """A frame over another screen."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > Vertical, & > VerticalScroll {
            width: 100;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            background: $panel;
            border: round $frame;
            border-title-color: $foreground;
            border-subtitle-color: $quiet;
            padding: 0 1;
            scrollbar-size: 0 1;
        }
    }
    """

    WIDEST: ClassVar = 100

    @property
    def text_width(self) -> int:
        """The columns within frame, blanks and scroll bar."""
        return min(self.app.size.width, self.WIDEST) - 5

    def set_titles(self, frame: Widget, title: str) -> None:
        """Set the title of the frame, in which names are never markup, and its keys below."""
        offered = self.lictui.available_commands(self.VIEW)
        own = [command for command in offered if command.footer and command.screens]
        keys = f" {self.lictui.symbols.dot} ".join(f"{c.labels[0]}: {c.title.lower()}" for c in own)
        frame.border_title, frame.border_subtitle = (
            Content(strip_controls(text)) for text in (title, keys)
        )


def command_buttons(screen: AppScreen, *ids: str) -> Iterator[Button]:
    """Yield a button for each of these commands that the screen offers, named by its key."""
    offered = {c.id: c for c in screen.lictui.available_commands(screen.VIEW)}
    for command in (offered[name] for name in ids if name in offered):
        label = Content(f"[{command.labels[0]}] {command.title}")
        variant: ButtonVariant = "error" if command.id == "confirm.yes" else "default"
        yield Button(label, variant, compact=True, action=full_action(command))


class ChoiceScreen(Dialog[str]):
    """A question with its answers; ends with the name of the chosen one, or with ""."""

    DEFAULT_CSS = """
    ChoiceScreen {
        & > Vertical { width: 52; padding: 1 2; }
        & Button { margin: 1 2 0 0; }
    }
    """

    def __init__(self, *lines: Line) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        with Vertical():
            yield StyledLabel(*self._lines)
            yield from self.buttons()

    def buttons(self) -> ComposeResult:
        raise NotImplementedError

    def action_choose(self, answer: str) -> None:
        self.dismiss(answer)


class ConfirmScreen(ChoiceScreen):
    """A question with its consequence below; Enter answers no."""

    VIEW = "confirm"
    DEFAULT_CSS = "ConfirmScreen Horizontal { height: 2; }"

    def buttons(self) -> ComposeResult:
        with Horizontal():
            yield from command_buttons(self, "confirm.no", "confirm.yes")


def confirm(app: App[Any], question: str, consequence: str, action: Callable[[], object]) -> None:
    """Ask, and run the action if the answer is yes."""

    def on_answer(answer: str | None) -> None:
        if answer == "yes":
            action()

    lines: list[Line] = [((question, Tone.STRONG),)]
    lines += [((consequence, Tone.QUIET),)] if consequence else []
    app.push_screen(ConfirmScreen(*lines), on_answer)


class SnoozeScreen(ChoiceScreen):
    """How long to snooze alerts."""

    VIEW = "snooze"
    DEFAULT_CSS = """
    SnoozeScreen {
        & > Vertical { width: 44; }
        & Button { width: 100%; margin: 0; text-align: left; content-align: left middle; }
        & Horizontal { height: 1; }
        & Label { padding-left: 1; }
        & Input { width: 1fr; }
    }
    """

    def buttons(self) -> ComposeResult:
        yield from command_buttons(self, "snooze.hour", "snooze.hours", "snooze.tomorrow")
        with Horizontal():
            yield Label(f"[{self.lictui.key_of('snooze.custom')}] ", markup=False)
            yield TextInput(placeholder="a duration: 90m, 8h, 3d", compact=True)
        yield from command_buttons(self, "snooze.leave")

    def action_custom(self) -> None:
        self.query_one(TextInput).focus()

    @on(TextInput.Submitted)
    def _on_duration(self, event: TextInput.Submitted) -> None:
        if snooze_end(event.value, 0, None) is None:
            self.notify("Write a duration as 90m, 8h or 3d", severity="warning")
        else:
            self.dismiss(event.value)


_SNOOZE_HOURS: Final = {"hour": "1h", "hours": "4h"}
_MORNING: Final = 8  # o'clock


def snooze_end(answer: str, now: float, zone: ZoneInfo | None) -> float | None:
    """When a snooze of this answer or duration ends, in UTC epoch seconds; None without one."""
    if answer.isdecimal():
        return None  # the unit is missing
    if answer != "tomorrow":
        with suppress(InvalidValue):
            return now + duration(_SNOOZE_HOURS.get(answer, answer))
        return None
    today = to_local(now, zone).replace(tzinfo=None)
    morning = today.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return (morning + timedelta(days=1)).replace(tzinfo=zone).timestamp()


class TextDialog(Dialog[None]):
    """A text that scrolls, follows the board, and can be copied."""

    TITLE = ""

    def lines(self, width: int) -> tuple[Line, ...]:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with VerticalScroll() as frame:
            self.set_titles(frame, self.TITLE)
            yield StyledLabel(*self.lines(self.text_width))

    def on_mount(self) -> None:
        self.watch(self.app, "board", self._refresh_lines, init=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._refresh_lines)

    def _refresh_lines(self) -> None:
        if self.is_attached and not self.lictui.paused:
            self.query_one(StyledLabel).show_lines(*self.lines(self.text_width))

    def action_roll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, pages: int) -> None:
        frame = self.query_one(VerticalScroll)
        self.action_roll(pages * max(1, frame.size.height - 2))

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.query_one(StyledLabel).plain_text)


# Data sources: where each figure of a product comes from


_FIGURES: Final = {"in_use": "in use", "ends": "expires", "license_type": "license type"}
_LABEL: Final = 13


class DataSourcesScreen(TextDialog):
    """Where the figures of one product come from, optionally of one subscription date."""

    VIEW = "data_sources"
    TITLE = "Data sources"

    def __init__(self, servers: tuple[str, ...], product: str, day: str | None = None) -> None:
        super().__init__()
        self._selection = (servers, product, day)

    def lines(self, width: int) -> tuple[Line, ...]:
        board, symbols = self.lictui.board, self.lictui.symbols
        pools = product_pools(board, *self._selection)
        if not pools:
            return ((("no data yet", Tone.QUIET),),)
        first = pools[0][1]
        lines: list[Line] = [((first.name, Tone.STRONG), (f"  {first.product}", Tone.QUIET))]
        if len(pools) > 1:
            lines += hang((), ((installed_sum(pools), Tone.TEXT),), width)
        names = {name for status, _ in pools for name in status.member_names}
        hints = count_hints(board, self.lictui.settings.entitlements)
        for (server, product), message in hints.items():
            if server in names and product == first.product:
                lines += hang(((f"{symbols.arrow} ", Tone.WARN),), ((message, Tone.WARN),), width)
        for status, pool in pools:
            lines += [(), *self._pool_lines(status, pool, width)]
        return tuple(lines)

    def _pool_lines(self, status: ServerStatus, pool: Pool, width: int) -> Iterator[Line]:
        day = f", subscription {pool.key.subscription_date}" if pool.subscription_date else ""
        yield ((status.server.name, Tone.ACCENT), (day, Tone.QUIET))
        if not is_reporting(status, pool):
            yield (("  server not responding; last known values", Tone.WARN),)
        for figure in provenance(status, pool):
            yield from self._figure_lines(figure, width)
        for member, fields in raw_fields(status, pool):
            source = f"{member.server.name} ({member.server.source})"
            yield ((f"  fields reported by {source}", Tone.QUIET),)
            if not fields:
                yield (("    raw fields available after the next poll", Tone.QUIET),)
            longest = max((len(key) for key, _ in fields), default=0)
            for key, value in fields:
                head = (f"    {key:<{longest}}  ", Tone.TEXT)
                yield from hang((head,), ((value, Tone.TEXT),), width)

    def _figure_lines(self, figure: Provenance, width: int) -> Iterator[Line]:
        label = f"  {_FIGURES.get(figure.name, figure.name):<{_LABEL}}"
        value = f"{figure.value} = {figure.formula}" if figure.formula else figure.value
        server, read_at = figure.source.server, figure.source.last_success_at
        source = f"{server.source}, {server.name}"
        if read_at is not None:
            time = self.current_time
            when = format_moment(read_at, self.zone, time.today)
            source += f", {when}, {format_age(time.now - read_at)} ago"
        facts: Line = ((value, Tone.STRONG), (f"  {source}", Tone.QUIET))
        head: Line = ((label, Tone.QUIET),)
        if line_width((*head, *facts)) <= width:
            yield (*head, *facts)
            return
        for fact in facts:
            yield from hang(head, (fact,), width)
            head = ((" " * len(label), Tone.QUIET),)


# Help: the keys of the screen below, those that work everywhere, and the legend


_LEVELS = {
    Level.WARN: "usage at or above the warning threshold",
    Level.CRITICAL: "usage at or above the critical threshold",
    Level.OVERDRAFT: "more in use than installed, within the overdraft",
    Level.EXHAUSTED: "no licenses left",
    Level.UNKNOWN: "value unavailable",
}
_STATES = {
    State.WAITING: "waiting for the first poll",
    State.UP: "the last poll succeeded",
    State.STALE: "no response for three polling intervals",
    State.DOWN: "no response",
    State.DENIED: "authentication failed or access denied",
    State.UNTRUSTED: "the certificate is not trusted",
    State.NO_DATA: "responds, but returned no licenses",
    State.ERROR: "invalid response",
    State.DISABLED: "disabled",
}
_ABBREVIATIONS = {
    "CVAD": "Citrix Virtual Apps and Desktops",
    "las to 18 Dec": "activated by the License Activation Service until then",
    "file": "licensed by license files",
    "ccu": "concurrent licenses (checked out while in use)",
    "u/d": "user/device licenses (assigned to a user or a device)",
    "usr": "named user licenses (assigned to a user)",
    "SA": "Subscription Advantage: the right to newer versions",
    "LAS": "License Activation Service of Citrix Cloud",
}


_ENTRY: Final = 55  # columns of a key or a sign with its meaning
Entry = tuple[Line, Line]  # its head, and the text that hangs from it


class HelpScreen(TextDialog):
    """The keys of the screen below and the legend; on a second page the IDs of all commands."""

    VIEW = "help"
    TITLE = "Help"
    WIDEST = 180
    CSS = """
    HelpScreen > VerticalScroll { width: 100%; max-width: 180; height: 100%; background: $surface; }
    """
    _shows_ids = False

    def lines(self, width: int) -> tuple[Line, ...]:
        app = self.lictui
        if self._shows_ids:
            return tuple(_id_lines(commands.with_keymap(app.keymap), width))
        view = str(getattr(app.screen_stack[-2], "VIEW", "")) if len(app.screen_stack) > 1 else ""
        return tuple(_help_lines(view, app.available_commands(view), width, app.symbols))

    def action_other_page(self) -> None:
        self._shows_ids = not self._shows_ids
        self._refresh_lines()
        self.query_one(VerticalScroll).scroll_home(animate=False)


def _help_lines(
    view: str, offered: Sequence[Command], width: int, symbols: Symbols
) -> Iterator[Line]:
    own = [command for command in offered if command.screens not in ((), commands.VIEWS)]
    ranks: dict[str, int] = {}  # of the commands whose IDs start alike: they stay together
    for command in own:
        group = command.id.partition(".")[0]
        ranks[group] = min(ranks.get(group, 9), command.footer or 9)
    own.sort(key=lambda command: ranks[command.id.partition(".")[0]])
    for title, chapter in (
        (view.capitalize(), own),
        ("Everywhere", [command for command in offered if command not in own]),
    ):
        entries: list[Entry] = [(_key_head(c), ((c.help, Tone.TEXT),)) for c in chapter]
        yield from _chapter(title, entries, width) if entries else ()
    yield from _chapter("Signs and abbreviations", _legend(symbols), width)


def _id_lines(table: Sequence[Command], width: int) -> Iterator[Line]:
    yield (("Command IDs for [keymap] in config.toml", Tone.STRONG),)
    chapters: dict[str, list[Entry]] = {}
    for command in table:
        title = "Everywhere" if command.screens == () else ", ".join(command.screens)
        head: Line = (*_key_head(command), (f"{pad(command.id, 18)} ", Tone.QUIET))
        chapters.setdefault(title.replace("_", " ").capitalize(), []).append(
            (head, ((command.title, Tone.TEXT),))
        )
    for title, entries in chapters.items():
        yield from _chapter(title, entries, width)


def _key_head(command: Command) -> Line:
    return ((f"  {pad(' '.join(command.labels), 16)} ", Tone.ACCENT),)


def _chapter(title: str, entries: Sequence[Entry], width: int) -> Iterator[Line]:
    """A title and its entries, in as many columns as there is room for."""
    yield ()
    yield ((title, Tone.STRONG),)
    columns = max(1, width // _ENTRY)
    each, rows = width // columns, -(-len(entries) // columns)
    for row in range(rows):
        cells = [list(hang(head, line, each - 1)) for head, line in entries[row::rows]]
        for y in range(max(map(len, cells))):
            parts = (cell[y] if y < len(cell) else () for cell in cells)
            yield tuple(run for part in parts for run in fit_line(part, each))


def _legend(symbols: Symbols) -> list[Entry]:
    heights = symbols.trend_bars
    signs = (
        *((symbols.level[level], level.value, meaning) for level, meaning in _LEVELS.items()),
        *((symbols.state[state], state.value, meaning) for state, meaning in _STATES.items()),
        (symbols.gauge_bars[-1] + symbols.track, "gauge", "in use and free, up to installed"),
        (symbols.limit, "", "end of the installed licenses; overdraft follows"),
        (symbols.overdraft_used + symbols.overdraft_free, "", "overdraft in use and available"),
        (symbols.peak, "", "peak of the last 24 hours"),
        (heights[0] + heights[3] + heights[-1], "trend", "peak of each period"),
        (symbols.at_least, "at least", "a server or a value is missing in the sum"),
        (symbols.about, "about", "share of what is known"),
        ("3/4", "servers", "3 of 4 servers reported"),
        *(("", abbreviation, meaning) for abbreviation, meaning in _ABBREVIATIONS.items()),
    )
    return [
        (
            ((f"  {pad(sign, 3)} {pad(word.replace('_', ' '), 12)} ", Tone.TEXT),),
            ((meaning, Tone.QUIET),),
        )
        for sign, word, meaning in signs
    ]


# First run: no server is configured


START_DEMO: Final = -1  # in place of an exit code: the command line starts the demo
_INTRODUCTION: Final = """\
Monitor current and historical Citrix license usage across all license servers and sites.
lictui only reads: it never changes a license server.
No servers configured yet.
"""


class FirstRunScreen(Screen[None], AppScreen):
    """Add a server, start the demo, or quit."""

    VIEW = "first_run"
    CSS = """
    FirstRunScreen {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; padding: 0 2; }
        & StyledLabel { margin-bottom: 1; }
        & StyledLabel:first-child, & StyledLabel:last-child { margin-bottom: 0; }
        & Button { width: 100%; text-align: left; content-align: left middle; }
    }
    """

    def compose(self) -> ComposeResult:
        with Vertical():
            yield StyledLabel((("lictui", Tone.ACCENT),))
            for sentence in _INTRODUCTION.splitlines():
                yield StyledLabel(((sentence, Tone.TEXT),))
            yield from command_buttons(self, "first_run.add", "first_run.demo", "quit")
            if paths := self.lictui.paths:
                files = (("Servers", paths.servers), ("History", paths.data_dir))
                lines: list[Line] = [((f"{name}  {file}", Tone.QUIET),) for name, file in files]
                more = self.key_hint("help", "all keys. Guides: docs/, and lictui help")
                yield StyledLabel((), *lines, ((more, Tone.QUIET),))

    def on_mount(self) -> None:
        self.query(Button).first().focus()
        self.watch(self.app, "board", self._on_board, init=False)

    def _on_board(self, board: MergedBoard) -> None:
        if board.servers or board.notices:  # a notice may be about a file that cannot be read
            self.lictui.show_view("dashboard")

    def on_screen_resume(self) -> None:
        self._on_board(self.lictui.board)  # the form may have added a server

    def action_demo(self) -> None:
        self.app.exit(START_DEMO)
