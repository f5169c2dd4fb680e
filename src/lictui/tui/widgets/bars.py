"""The bars of every screen: header, footer, notices, filter, and the size warning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Label

from lictui.engine.alerts import alert_views
from lictui.engine.board import Filter, MergedBoard
from lictui.errors import UsageError
from lictui.model import Level, State, percent_text
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import styled_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from textual.app import ComposeResult
    from textual.events import Key
    from textual.geometry import Size

    from lictui.clock import Clock
    from lictui.tui.commands import Command


_STATES: Final = sorted(State, key=lambda state: state is not State.UP)  # up comes first
_LARGE: Final = 100  # servers; with more, the header is computed at most once a second
_STATE_TONES: Final = {State.UP: Tone.OK, State.WAITING: Tone.TEXT, State.DISABLED: Tone.TEXT}


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """A sum over the products with known figures."""

    verb: str  # "in use" or "assigned": the two are never added up
    in_use: int
    installed: int
    is_complete: bool = True  # every expected server reported, and every figure is known
    is_share_known: bool = True  # False: figures are missing, so that the sums are no fraction
    reporting: int = 0  # servers
    expected: int = 0


@dataclass(frozen=True, slots=True)
class HeaderView:
    """The content of the header, except the time."""

    states: tuple[tuple[State, int], ...] = ()
    totals: tuple[UsageTotal, ...] = ()
    polled_at: float | None = None
    due: float | None = None
    alerts: int = 0  # active alerts without acknowledgement
    worst: Level = Level.OK


def header_view(board: MergedBoard, today: date, now: float = 0.0) -> HeaderView:
    """Return the header for this board."""
    counts = Counter(status.state for status in board.servers)
    totals = []
    for verb in ("in use", "assigned"):
        of_verb = [total for total in board.totals() if total.model.verb == verb]
        readings = [total.reading for total in of_verb if not total.unknown_pools]
        in_use = sum(reading.in_use or 0 for reading in readings)
        installed = sum(reading.installed or 0 for reading in readings)
        reporting = {server for total in of_verb for server in total.servers_reporting}
        expected = {server for total in of_verb for server in total.servers_expected}
        marks = not any(t.is_partial for t in of_verb), len(readings) == len(of_verb)
        if installed:
            servers = len(reporting), len(expected)
            totals.append(UsageTotal(verb, in_use, installed, *marks, *servers))
    alerts = [alert for alert in alert_views(board, today, now) if alert.needs_attention]
    polled = [s.polled_at for s in board.servers if s.polled_at is not None]
    due = [s.due for s in board.servers if s.due is not None]
    return HeaderView(
        tuple((state, counts[state]) for state in _STATES if counts[state]),
        tuple(totals),
        max(polled, default=None),
        min(due, default=None),
        len(alerts),
        alerts[0].level if alerts else Level.OK,
    )


def draw_header(view: HeaderView, now: float, cells: int, symbols: Symbols, flag: str = "") -> Line:
    """Return the header line in its longest form that fits."""
    alerts = f"{view.alerts or 'no'} alert{'s' * (view.alerts != 1)} "
    right = ((alerts, LEVEL_TONES[view.worst] if view.alerts else Tone.OK),)
    form: list[Fragment] = []
    for form in _header_forms(view, now, symbols):
        left = [(f" {flag or 'lictui'}  ", Tone.ACCENT), *form]
        gap = cells - line_width(left) - line_width(right)
        if gap >= 2:  # noqa: PLR2004 - so that two facts stay two
            return fit_line((*left, (" " * gap, Tone.TEXT), *right), cells)
    return fit_line((*form, ("  ", Tone.TEXT), *right), cells)


def _header_forms(view: HeaderView, now: float, symbols: Symbols) -> Iterator[list[Fragment]]:
    """Yield the left part of the header, in its longest form first."""
    servers = sum(count for _, count in view.states)
    up = dict(view.states).get(State.UP, 0)
    noun = "server" if servers == 1 else "servers"
    dot = (f" {symbols.dot} ", Tone.FRAME)
    states: list[Fragment] = []
    for state, count in view.states:
        tone = _STATE_TONES.get(state, Tone.CRITICAL)
        states += [dot] * bool(states) + [(f"{count} {state.replace('_', ' ')}", tone)]
    totals, shares = (list(_usage(view, symbols, brief=brief)) for brief in (False, True))
    only_shares = [fragment for fragment in shares if fragment[1] is not Tone.WARN]
    ratio = (f"{up}/{servers} up", Tone.OK if up == servers else Tone.CRITICAL)
    ago, next_poll = "not polled yet", ""
    if view.polled_at is not None:
        ago = f"{text.format_age(now - view.polled_at)} ago"
        if view.due is not None:
            wait = text.format_countdown(view.due - now) if view.due > now else "now"
            next_poll = f" {symbols.dot} next {wait}"
    age = (f"   {ago}", Tone.QUIET)
    all_servers = (f"{servers} {noun}: " if servers else "no servers", Tone.TEXT)
    polled = (f"{'' if view.polled_at is None else 'polled '}{ago}{next_poll}", Tone.QUIET)
    yield [all_servers, *states, *totals, ("    ", Tone.TEXT), polled]
    yield [*states, *totals, age]
    yield [ratio, *totals, age]
    yield [ratio, *shares, age]
    yield [ratio, *shares]
    yield [ratio, *only_shares]
    yield [ratio, age]


def _usage(view: HeaderView, symbols: Symbols, *, brief: bool) -> Iterator[Fragment]:
    dot = (f" {symbols.dot} ", Tone.FRAME)
    for index, used in enumerate(view.totals):
        mark = "" if used.is_complete else f"{symbols.at_least} "
        count = f"{mark}{text.format_count(used.in_use)}"
        share = percent_text(used.in_use / used.installed)
        installed = text.format_count(used.installed)
        of = f"{count} of {installed} ({share})"
        if not used.is_share_known:
            share, of = count, f"{count} of {mark}{installed}"
        yield dot if index else ("   ", Tone.FRAME)
        yield share if brief else of, Tone.TEXT
        yield f" {used.verb}", Tone.QUIET
        if used.reporting != used.expected:
            yield f" {used.reporting}/{used.expected}", Tone.WARN


class HeaderBar(Widget):
    """The header line. Set `view`; ages follow the clock."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = "HeaderBar { dock: top; height: 1; background: $panel;" + styled_text.CSS + "}"

    view: reactive[HeaderView] = reactive(HeaderView())
    flag: reactive[str] = reactive("")  # shown instead of the program's name

    def __init__(self, clock: Clock, symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__()
        self._clock = clock
        self._symbols = symbols
        self._line: Line = ()
        self._newest: tuple[MergedBoard, date] | None = None  # not evaluated yet
        self._updated = False  # since the last tick

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)

    def show(self, board: MergedBoard, today: date) -> None:
        """Show this board; of a large estate at most the first and last in a second."""
        self._newest = (board, today)
        if not self._updated or len(board.servers) <= _LARGE:
            self._updated = True
            self._update()

    def _update(self) -> None:
        if self._newest is not None:
            self.view, self._newest = header_view(*self._newest, self._clock.now()), None

    def _tick(self) -> None:
        self._updated = False
        self._update()
        if self._current_line() != self._line:
            self.refresh()

    def _current_line(self) -> Line:
        return draw_header(self.view, self._clock.now(), self.size.width, self._symbols, self.flag)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        self._line = self._current_line()
        return styled_text.strip(self, self._line, self.size.width)


# Footer: the keys of this screen, and the views


_KEY_LABELS: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


def key_label(command: Command) -> str:
    """Return the first key of a command as it is written for people."""
    key = command.key_list[0] if command.key_list else ""
    return _KEY_LABELS.get(key, key)


class FooterBar(Widget):
    """One line with keys and views."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = "FooterBar { dock: bottom; height: 1; background: $panel;" + styled_text.CSS + "}"

    message: reactive[tuple[Fragment, ...]] = reactive(())  # shown instead of the keys

    def __init__(self, view: str, offered: Sequence[Command]) -> None:
        super().__init__()
        self._view = view
        self.set_commands(offered)

    def set_commands(self, offered: Sequence[Command]) -> None:
        """Show the keys of this view first, after the one for help."""
        keys = [command for command in offered if command.footer]
        order = {command.id: len(command.screens) or len(keys) for command in keys} | {"help": 0}
        self._keys = sorted(keys, key=lambda command: order[command.id])
        self._views = [c for c in offered if c.id.startswith("view.")]
        self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        cells = self.size.width
        tabs = [segment for command in self._views for segment in self._tab(command)]
        if sum(segment.cell_length for segment in tabs) > cells // 2:
            tabs = styled_text.segments(self, ((f" {self._view} ", Tone.ACCENT),))
        room = cells - sum(segment.cell_length for segment in tabs)
        keys = styled_text.segments(self, self.message) if self.message else self._actions(room)
        (blank,) = styled_text.segments(self, ((" ", Tone.QUIET),))
        left = Strip(keys).adjust_cell_length(room, blank.style)
        return Strip([*left, *tabs]).adjust_cell_length(cells)

    def _actions(self, room: int) -> list[Segment]:
        segments: list[Segment] = []
        for command in self._keys:
            label, title = f" {key_label(command)}", f" {command.title.lower()} "
            room -= len(label + title)
            if room < 0:
                break
            segments += self._clickable(((label, Tone.ACCENT), (title, Tone.QUIET)), command)
        return segments

    def _tab(self, command: Command) -> list[Segment]:
        is_shown = command.id == f"view.{self._view}"
        key = f" {key_label(command)} ", Tone.ACCENT if is_shown else Tone.FRAME
        title = f"{command.title.lower()} ", Tone.STRONG if is_shown else Tone.QUIET
        return self._clickable((key, title), command)

    def _clickable(self, runs: Line, command: Command) -> list[Segment]:
        scope = "" if command.action.startswith("app.") else "screen."
        meta = Style.from_meta({"@click": scope + command.action})
        return [
            Segment(segment.text, (segment.style or Style()) + meta)
            for segment in styled_text.segments(self, runs)
        ]


# Notices about lictui itself below the header: an invalid file, a history that was moved away


class NoticePanel(styled_text.StyledLabel):
    """The first notice in full; hidden without any."""

    DEFAULT_CSS = "NoticePanel { max-height: 3; display: none; }"

    def show(self, notices: tuple[str, ...], symbols: Symbols) -> None:
        self.display = bool(notices)
        more = f"  (and {len(notices) - 1} more: lictui config check)" if len(notices) > 1 else ""
        first = f" {symbols.level[Level.WARN]} {''.join(notices[:1])}"
        self.show_lines(((first, Tone.WARN), (more, Tone.QUIET)))


# Warning about a terminal that is too small


MINIMUM_SIZE: Final = (40, 10)


def is_large_enough(size: Size) -> bool:
    """Return whether a screen of this size can be drawn."""
    return size.width >= MINIMUM_SIZE[0] and size.height >= MINIMUM_SIZE[1]


class SizeWarning(Widget):
    """Covers the whole screen with the size that is needed."""

    DEFAULT_CSS = """
    SizeWarning {
        width: 100%;
        height: 100%;
        background: $background;
        color: $foreground;
        content-align: center middle;
        text-align: center;
    }
    """

    def render(self) -> str:
        size = self.app.size
        columns, rows = MINIMUM_SIZE
        return f"Terminal too small: {size.width}x{size.height}\n(minimum {columns}x{rows})"


# Filter bar: a regular expression with immediate validation


class FilterChanged(Message):
    """The filter was edited."""

    def __init__(self, new_filter: Filter, text: str) -> None:
        super().__init__()
        self.filter = new_filter
        self.text = text


class FilterClosed(Message):
    """The filter bar was closed; the filter stays active."""


class KeyField:
    """A field that handles its keys itself: by then a later `tab` may have moved the focus."""

    async def on_key(self, event: Key) -> None:
        field = cast("Widget", self)
        for binding in field._bindings.key_to_bindings.get(event.key, ()):  # noqa: SLF001
            if await field.app.run_action(binding.action, field):
                event.stop().prevent_default()


class TextInput(KeyField, Input):
    """An input whose text has no control characters, typed, pasted or given."""

    def validate_value(self, value: str) -> str:
        return text.strip_controls(value)


class FilterBar(Horizontal):
    """Hidden until it is opened."""

    DEFAULT_CSS = """
    FilterBar {
        dock: bottom;
        height: 1;
        background: $panel;
        display: none;
        Label { color: $accent; padding: 0 1; }
        Input { width: 1fr; border: none; height: 1; padding: 0; background: $panel; }
        #wrong { color: $error; }
    }
    """

    SIGN: ClassVar = "/"
    PLACEHOLDER: ClassVar = "regex for servers and products, ! inverts"

    def compose(self) -> ComposeResult:
        yield Label(self.SIGN)
        yield TextInput(placeholder=self.PLACEHOLDER, compact=True)
        yield Label("", id="wrong", markup=False)

    def open(self, text: str) -> None:
        """Show the bar with this text and focus it: the very next key belongs to it."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        self.screen.set_focus(field)

    def close(self) -> None:
        self.display = False
        self.post_message(FilterClosed())

    def set_error(self, message: str) -> None:
        self.query_one("#wrong", Label).update(message)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            self.post_message(FilterChanged(Filter.parse(event.value), event.value))
            self.set_error("")
        except UsageError as error:
            self.set_error(error.message)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
