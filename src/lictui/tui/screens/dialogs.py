"""A question that is answered with yes or no before something is lost. Owns nothing else."""

from __future__ import annotations

from datetime import timedelta
from textwrap import TextWrapper
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Static

from lictui.engine import board as whence
from lictui.engine.board import MergedBoard, Provenance, ServerStatus, is_reporting, sum_readings
from lictui.engine.entitlements import divisor_hints
from lictui.model import Level, Pool, State
from lictui.tui import commands
from lictui.tui.text import Line, Tone, format_age, format_count, pad, strip_controls
from lictui.tui.time_range import format_moment, time_zone, to_local
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from textual.app import ComposeResult

    from lictui.config.entitlements import Entitlement
    from lictui.tui.app import LictuiApp
    from lictui.tui.commands import Command
    from lictui.tui.theme import Symbols


class ConfirmScreen(ModalScreen[bool]):
    """Asks, with what hangs on the answer below the question; no is what enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("confirm")]
    CSS = """
    ConfirmScreen {
        align: center middle;
        & Vertical {
            width: 52;
            max-width: 100%;
            height: auto;
            padding: 1 2;
            background: $panel;
            border: round $frame;
        }
        & Horizontal { height: 1; margin-top: 1; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, question: str, consequence: str = "") -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical():
            yield StyledLabel(((self._question, Tone.STRONG),))
            if self._consequence:
                yield StyledLabel(((self._consequence, Tone.QUIET),))
            with Horizontal():
                yield Button("No, esc", id="no", compact=True)
                yield Button("Yes, y", id="yes", compact=True, variant="error")

    def on_mount(self) -> None:
        """Let enter do no harm."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")

    def action_answer(self, sure: bool) -> None:  # noqa: FBT001 - the answer, from a key
        """End with the answer."""
        self.dismiss(sure)


# For how long an alert shall be silent: a choice of three. Owns nothing else


_MORNING: Final = 8  # o'clock


class SnoozeScreen(ModalScreen[float | None]):
    """Asks; ends with a time in UTC epoch seconds, or None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("snooze")]
    CSS = """
    SnoozeScreen {
        align: center middle;
        & Vertical {
            width: 36;
            max-width: 100%;
            height: auto;
            padding: 1 2;
            background: $panel;
            border: round $frame;
        }
        & Button { margin-top: 1; }
    }
    """

    def __init__(self, now: float, tz: ZoneInfo | None) -> None:
        super().__init__()
        self._now = now
        self._tz = tz

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical():
            yield StyledLabel((("Say nothing of it for", Tone.STRONG),))
            yield Button("1 hour, 1", id="hour", compact=True)
            yield Button("4 hours, 4", id="hours", compact=True)
            yield Button("till tomorrow at 8, t", id="tomorrow", compact=True)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_until(event.button.id or "")

    def action_until(self, what: str) -> None:
        """End with the answer."""
        hours = {"hour": 1, "hours": 4}.get(what)
        if hours is not None:
            self.dismiss(self._now + hours * 3600)
            return
        here = to_local(self._now, self._tz).replace(tzinfo=None)
        morning = here.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
        self.dismiss((morning + timedelta(days=1)).replace(tzinfo=self._tz).timestamp())

    def action_leave(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)


# One text over the screen it was asked on: it scrolls, follows the board, and can be copied


_WIDEST: Final = 100
_FRAME: Final = 5  # columns of frame, blanks and scroll bar


class TextDialog(ModalScreen[None]):
    """Says `lines` again with every board and every width."""

    TITLE = ""
    FOOT: ClassVar = "esc closes"
    DEFAULT_CSS = """
    TextDialog {
        align: center middle;
        VerticalScroll {
            width: 100;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            background: $panel;
            border: round $frame;
            padding: 0 1;
            scrollbar-size: 0 1;
        }
    }
    """

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def lines(self, width: int) -> tuple[Line, ...]:
        """What is said in so many columns."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with VerticalScroll() as frame:
            frame.border_title = self.TITLE
            frame.border_subtitle = self.FOOT
            yield StyledLabel(*self._lines())

    def on_mount(self) -> None:
        """Say it again with every board."""
        self.watch(self.app, "board", self._tell, init=False)

    def on_resize(self) -> None:
        """Another width has other lines."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        if self.is_attached and not self.lictui.paused:
            self.query_one(StyledLabel).show_lines(*self._lines())

    def _lines(self) -> tuple[Line, ...]:
        return self.lines(min(self.app.size.width, _WIDEST) - _FRAME)

    def action_roll(self, step: int) -> None:
        """Lines further or back."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """A screen further or back."""
        frame = self.query_one(VerticalScroll)
        self.action_roll(step * max(1, frame.size.height - 2))

    def action_copy(self) -> None:
        """All of it, to the clipboard of the terminal."""
        self.app.copy_to_clipboard(self.query_one(StyledLabel).plain_text)
        self.notify("Copied", timeout=2, markup=False)


# Where the figures of a product come from, in words


_WORDS: Final = {
    "in_use": "in use",
    "ends": "expires",
    "license_type": "license type",
}
_LABEL: Final = 13

ServerPool = tuple["ServerStatus", "Pool"]


def matching_pools(
    board: MergedBoard, servers: Sequence[str], product: str, day: str | None = None
) -> tuple[ServerPool, ...]:
    """The pools of a product on these servers; of one subscription date alone if it is given."""
    statuses = {it.server.name: it for name in servers if (it := board.find(name))}.values()
    return tuple(
        (status, pool)
        for status in statuses
        for pool in (status.snapshot.pools if status.snapshot else ())
        if pool.product == product and day in (None, pool.key.subscription_date)
    )


def provenance_lines(
    pools: Sequence[ServerPool],
    board: MergedBoard,
    contract: Sequence[Entitlement],
    *,
    now: float,
    tz: ZoneInfo | None,
    width: int,
    symbols: Symbols,
) -> tuple[Line, ...]:
    """All of it, in lines of at most so many columns."""
    if not pools:
        return ((("nothing was read of this yet", Tone.QUIET),),)
    first = pools[0][1]
    said: list[Line] = [
        (
            (strip_controls(first.name), Tone.STRONG),
            (f"  {strip_controls(first.product)}", Tone.QUIET),
        )
    ]
    if len(pools) > 1:
        said += _wrapped(_sum(pools), Tone.TEXT, width)
    mine = {name for status, _ in pools for name in status.member_names}
    for hint in divisor_hints(board, contract):
        if hint.server in mine and hint.product == first.product:
            said += _wrapped(f"{symbols.arrow} {strip_controls(hint.message)}", Tone.WARN, width)
    for status, pool in pools:
        said += [(), *_pool(status, pool, now, tz, width)]
    return tuple(said)


def _sum(pools: Sequence[ServerPool]) -> str:
    known = [
        (status, pool) for status, pool in pools if is_reporting(status, pool) and pool.counted
    ]
    parts = [
        f"{strip_controls(status.server.name)} {format_count(pool.reading.installed)}"
        for status, pool in known
    ]
    total = sum_readings([pool for _, pool in known]) if known else None
    return (
        f"installed {format_count(total.installed if total else None)} = {' + '.join(parts) or '?'}"
    )


def _pool(
    status: ServerStatus, pool: Pool, now: float, tz: ZoneInfo | None, width: int
) -> Iterator[Line]:
    name = strip_controls(status.server.name)
    day = f", subscription {pool.key.subscription_date}" if pool.subscription_date else ""
    yield ((name, Tone.ACCENT), (day, Tone.QUIET))
    if not is_reporting(status, pool):
        yield (("  nobody answers for it now: these are the last figures known", Tone.WARN),)
    for each in whence.provenance(status, pool):
        yield from _figure(each, now, tz, width)
    for told in whence.raw_fields(status, pool):
        yield ((f"  the fields of {strip_controls(told.server)} ({told.source})", Tone.QUIET),)
        if not told.raw:
            yield (("    raw fields come with the next poll", Tone.QUIET),)
        longest = max((len(key) for key, _ in told.raw), default=0)
        for key, value in told.raw:
            yield from _wrapped(
                f"    {strip_controls(key):<{longest}}  {strip_controls(value)}", Tone.TEXT, width
            )


def _figure(each: Provenance, now: float, tz: ZoneInfo | None, width: int) -> Iterator[Line]:
    word = _WORDS.get(each.name, each.name)
    value = strip_controls(each.value)
    formula = f" = {strip_controls(each.formula)}" if each.formula else ""
    read = (
        ""
        if each.read_at is None
        else f", {format_moment(each.read_at, tz)}, {format_age(now - each.read_at)} ago"
    )
    whence_ = f"{each.source}, {strip_controls(each.server)}{read}"
    head = f"  {word:<{_LABEL}}"
    said = f"{value}{formula}"
    if len(head) + len(said) + 2 + len(whence_) <= width:
        yield ((head, Tone.QUIET), (said, Tone.STRONG), (f"  {whence_}", Tone.QUIET))
        return
    room = TextWrapper(max(width - len(head), 10), break_on_hyphens=False)
    for at, piece in enumerate(room.wrap(said)):
        yield ((head if not at else " " * len(head), Tone.QUIET), (piece, Tone.STRONG))
    for piece in room.wrap(whence_):
        yield ((" " * len(head), Tone.QUIET), (piece, Tone.QUIET))


def _wrapped(said: str, tone: Tone, width: int) -> Iterator[Line]:
    indent = " " * (len(said) - len(said.lstrip()) + 2)
    room = TextWrapper(max(width, 10), subsequent_indent=indent, break_on_hyphens=False)
    for piece in room.wrap(said):
        yield ((piece, tone),)


# Why: where each figure of the chosen row comes from, over the screen it was asked on


class DataSourcesScreen(TextDialog):
    """The figures of one product on some servers, of one subscription date if given."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("why")]
    TITLE = "Why"
    FOOT = "esc closes · Y copies"

    def __init__(self, servers: tuple[str, ...], product: str, day: str | None = None) -> None:
        super().__init__()
        self._asked = (servers, product, day)

    def lines(self, width: int) -> tuple[Line, ...]:
        """Value, formula, source and age of each figure, then the raw fields."""
        app = self.lictui
        board = app.board
        return provenance_lines(
            matching_pools(board, *self._asked),
            board,
            app.settings.entitlements,
            now=app.clock.now(),
            tz=time_zone(app.settings.timezone),
            width=width,
            symbols=app.symbols,
        )


# Help: every key, and what the signs on the screen mean. Made from the table of commands


_LEVELS = {
    Level.WARN: "in use reaches the warning level",
    Level.CRITICAL: "in use reaches the critical level",
    Level.OVERDRAFT: "more in use than installed, within the overdraft",
    Level.EXHAUSTED: "nothing is left",
    Level.UNKNOWN: "a figure could not be read",
}
_STATES = {
    State.WAITING: "registered, has not reported yet",
    State.UP: "the last poll succeeded",
    State.STALE: "three polls missed",
    State.DOWN: "does not answer",
    State.DENIED: "refuses the credentials, or a permission is missing",
    State.UNTRUSTED: "its certificate is not trusted",
    State.NO_DATA: "answers, but has no inventory",
    State.ERROR: "an answer that cannot be read",
    State.DISABLED: "never contacted",
}


class HelpScreen(ModalScreen[None]):
    """Keys and signs, over the screen they belong to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1", "dismiss", "Close"),
        Binding("j", "roll(1)", show=False),
        Binding("k", "roll(-1)", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        VerticalScroll {
            width: 80;
            max-width: 100%;
            height: 100%;
            max-height: 44;
            background: $surface;
            padding: 1 2;
            scrollbar-size: 0 1;
        }
    }
    """

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        app = cast("LictuiApp", self.app)
        with VerticalScroll():
            table = commands.with_keymap(app.keymap)
            yield Static(Content.assemble(*_said(table, app.symbols)))

    def action_roll(self, step: int) -> None:
        """A line further or back."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def _said(table: tuple[Command, ...], symbols: Symbols) -> Iterator[tuple[str, str]]:
    everywhere = [c for c in table if c.screens in ((), commands.VIEWS)]
    yield from _chapter("Everywhere", everywhere)
    where = {c.id: " · ".join(c.screens).replace("_", " ") for c in table if c not in everywhere}
    for screens in dict.fromkeys(where.values()):
        yield from _chapter(screens.capitalize(), [c for c in table if where.get(c.id) == screens])
    yield "Signs\n", "bold"
    for level, meaning in _LEVELS.items():
        yield f"  {symbols.level[level]}  {pad(level.value, 12)}", ""
        yield f"{meaning}\n", "$quiet"
    for state, meaning in _STATES.items():
        yield f"  {symbols.state[state]}  {pad(state.value.replace('_', ' '), 12)}", ""
        yield f"{meaning}\n", "$quiet"
    yield (
        "\nid in [keymap] of config.toml: the words at the right of each key.  esc closes",
        "$quiet",
    )


def _chapter(title: str, table: Iterable[Command]) -> Iterator[tuple[str, str]]:
    yield f"{title}\n", "bold"
    for command in table:
        yield f"  {pad(' '.join(command.key_list), 12)} ", "$accent"
        yield f"{pad(command.help, 44)} ", ""
        yield f"{command.id}\n", "$quiet"
    yield "\n", ""


# What greets whoever has no server registered yet: three lines, three ways on


START_DEMO: Final = -1  # no exit code: the command line starts the demo in the application's place
_HELLO: Final = """\
See how many Citrix licenses are in use, on every license server and site: now, and over time.
lictui reads them over their own protocols, changes nothing there, and keeps what it reads here.
No server is registered yet.
"""


class FirstRunScreen(Screen[None]):
    """Add a server, look at the demo, or leave."""

    BINDINGS: ClassVar[list[BindingType]] = [*commands.bindings("first_run")]
    CSS = """
    FirstRunScreen {
        align: center middle;
        & > Vertical { width: 64; max-width: 100%; height: auto; padding: 0 2; }
        & StyledLabel { margin-bottom: 1; }
        & Button { width: 100%; text-align: left; content-align: left middle; }
    }
    """

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Three lines, then the three ways on."""
        with Vertical():
            yield StyledLabel((("lictui", Tone.ACCENT),))
            for sentence in _HELLO.splitlines():
                yield StyledLabel(((sentence, Tone.TEXT),))
            if not self.lictui.read_only:
                yield Button("a  Add a server", id="add", compact=True, variant="primary")
            yield Button("d  Start the demo, a simulated estate", id="demo", compact=True)
            yield Button("q  Quit", id="quit", compact=True)

    def on_mount(self) -> None:
        """Make way as soon as there is a server to look at."""
        self.query(Button).first().focus()
        self.watch(self.app, "board", self._board_came, init=False)

    def _board_came(self, board: MergedBoard) -> None:
        if board.servers:
            self.lictui.show_view("wall")

    def on_screen_resume(self) -> None:
        """Back from the form, which may have registered one."""
        self._board_came(self.lictui.board)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing that writes with --read-only."""
        return not (self.lictui.read_only and commands.is_write_action(action, parameters))

    def action_move(self, by: int) -> None:
        """To the next or the previous way on."""
        if by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    @on(Button.Pressed, "#add")
    def action_add(self) -> None:
        """Register a server."""
        self.lictui.show_view("form")

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        """End the application for the demo's sake."""
        self.app.exit(START_DEMO)

    @on(Button.Pressed, "#quit")
    def _quit(self) -> None:
        self.app.exit(0)
