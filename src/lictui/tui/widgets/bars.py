"""The bars of every screen: header, footer, notices, filter, and the size warning."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from msgspec import Struct
from rich.segment import Segment
from rich.style import Style
from textual import actions, on
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Label

from lictui.engine.alerts import alert_views, severity_rank
from lictui.engine.board import FIGURES, Filter, MergedBoard, UsageTotal, usage_totals
from lictui.errors import UsageError
from lictui.model import Level, State, percent_text
from lictui.tui import text
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, line_width
from lictui.tui.theme import UNICODE_SYMBOLS, Symbols
from lictui.tui.widgets import styled_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.app import ComposeResult
    from textual.dom import DOMNode
    from textual.screen import Screen

    from lictui.tui.commands import Command
    from lictui.tui.widgets.dashboard_view import CurrentTime


_LARGE: Final = 100  # servers; with more, the header is computed at most once a second


# Header: the views as tabs, alerts by level, servers up, utilization, time


class HeaderView(Struct, frozen=True):
    """The content of the header, except the time."""

    up: int = 0
    servers: int = 0  # enabled ones
    is_failing: bool = False  # a server should be up and is not
    totals: tuple[UsageTotal, ...] = ()
    alerts: tuple[tuple[Level, int], ...] = ()  # that need attention, the worst level first


class Tab(Struct, frozen=True):
    """A view in the header."""

    command: Command
    is_current: bool = False


def header_view(board: MergedBoard, time: CurrentTime) -> HeaderView:
    """Return the header for this board."""
    states = [status.state for status in board.servers if status.state is not State.DISABLED]
    views = alert_views(board, time.today, time.now)
    levels = Counter(alert.level for alert in views if alert.needs_attention)
    return HeaderView(
        states.count(State.UP),
        len(states),
        any(state not in text.NORMAL_STATES for state in states),
        usage_totals(board.totals()),
        tuple(sorted(levels.items(), key=lambda item: severity_rank(item[0]))),
    )


_SHORT_TITLES: Final = {"Dashboard": "Dash", "Products": "Prod", "Servers": "Serv"}
# The forms of the header, the longest first: with the name of the program, tabs, what follows
_FORMS: Final = (
    *((True, 0, 0), (True, 0, 1), (True, 0, 2), (False, 0, 2), (False, 1, 2), (False, 1, 3)),
    *((False, 1, 4), (False, 2, 4), (False, 3, 3), (False, 3, 4), (False, 3, 5), (False, 3, 6)),
    (False, 3, 7),
)


def draw_header(
    view: HeaderView, tabs: Sequence[Tab], time: str, cells: int, symbols: Symbols
) -> tuple[tuple[Line, Tab | None], ...]:
    """Return the header in its longest form that fits, each tab for itself."""
    drawn_tabs = [[(_tab(tab, form, view, symbols), tab) for tab in tabs] for form in range(4)]
    facts = list(_facts(view, time, symbols))
    parts: tuple[tuple[Line, Tab | None], ...] = ()
    for has_brand, form, rest in _FORMS:
        brand: Line = ((" lictui ", Tone.ACCENT),) if has_brand else ()
        left, right = ((brand, None), *drawn_tabs[form]), facts[rest]
        gap = cells - line_width(right) - sum(line_width(line) for line, _ in left)
        parts = (*left, (((" " * gap, Tone.TEXT), *right), None))
        if gap >= 1:
            break
    return parts


def _tab(tab: Tab, form: int, view: HeaderView, symbols: Symbols) -> Line:
    alerts = view.alerts if tab.command.id == "view.alerts" else ()
    whole = tab.command.title
    short, own = _SHORT_TITLES.get(whole, whole), whole * tab.is_current
    title = (whole, short, "" if alerts else short, own)[form]
    return (
        (f" {tab.command.labels[0]} ", Tone.ACCENT),
        (f"{title} " if title else "", Tone.STRONG if tab.is_current else Tone.TEXT),
        *((f"{count}{symbols.level[level]} ", LEVEL_TONES[level]) for level, count in alerts),
    )


def _facts(view: HeaderView, time: str, symbols: Symbols) -> Iterator[Line]:
    """Yield what is at the right of the tabs, in its longest form first."""
    tone = Tone.CRITICAL if view.is_failing else Tone.OK if view.up == view.servers else Tone.TEXT
    up: Line = ((f"{view.up}/{view.servers} up", tone),) if view.servers else ()
    servers: Line = ((f"{view.up}/{view.servers} servers up", tone),) if view.servers else up
    counts = [_counts(total, symbols) for total in view.totals]
    shares = [_share(total, symbols) for total in view.totals]
    clock: Line = ((time, Tone.TEXT),)
    yield _row(3, servers, *counts, clock)
    yield _row(3, servers, *shares, clock)
    yield _row(2, up, *shares, clock)
    yield _row(2, up, *shares[:1], clock)
    yield _row(2, up, *shares[:1])
    yield _row(2, up, clock)
    yield _row(2, up)
    yield ()


def _row(gap: int, *facts: Line) -> Line:
    parts = [part for fact in facts if fact for part in ((" " * gap, Tone.TEXT), *fact)]
    return (*parts[1:], (" ", Tone.TEXT))


def _counts(total: UsageTotal, symbols: Symbols) -> Line:
    in_use, installed = (
        f"{symbols.at_least} " * (name in total.partial) + text.format_count(count)
        for name, count in zip(FIGURES, (total.in_use, total.installed), strict=True)
    )
    (share, tone), *_ = _share(total, symbols)
    # Usage of pools whose installed licenses are unknown is in no relation to those of the others.
    count = in_use if "installed" in total.partial else f"{in_use} of {installed}"
    return ((count, Tone.TEXT), (f" {total.verb} ", Tone.QUIET), (share, tone))


def _share(total: UsageTotal, symbols: Symbols) -> Line:
    mark = f"{symbols.about} " * ("ratio" in total.partial and total.ratio is not None)
    return ((f"{mark}{percent_text(total.ratio)}", Tone.TEXT), (f" {total.verb}", Tone.QUIET))


def full_action(command: Command) -> str:
    """Return the action of a command with its owner, as widgets need it."""
    return command.action if command.action.startswith("app.") else f"screen.{command.action}"


def clickable(
    widget: Widget, line: Line, command: Command, *, selected: bool = False
) -> list[Segment]:
    """Return a part of a bar that runs a command when it is clicked."""
    meta = Style.from_meta({"@click": full_action(command)})
    return [
        Segment(segment.text, (segment.style or Style()) + meta)
        for segment in styled_text.segments(widget, line, selected=selected)
    ]


class HeaderBar(Widget):
    """The header line. Set `view`; the time follows the clock."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = "HeaderBar { dock: top; height: 1; background: $panel;" + styled_text.CSS + "}"

    view: reactive[HeaderView] = reactive(HeaderView())
    tabs: reactive[tuple[Tab, ...]] = reactive(())

    def __init__(self, time: Callable[[], str], symbols: Symbols = UNICODE_SYMBOLS) -> None:
        super().__init__()
        self._time = time  # as it is shown
        self._symbols = symbols
        self._time_shown = ""
        self._newest: tuple[MergedBoard, CurrentTime] | None = None  # not evaluated yet
        self._updated = False  # since the last tick

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)

    def show(self, board: MergedBoard, time: CurrentTime) -> None:
        """Show this board; of a large estate at most the first and last in a second."""
        self._newest = (board, time)
        if not self._updated or len(board.servers) <= _LARGE:
            self._updated = True
            self._update()

    def _update(self) -> None:
        if self._newest is not None:
            self.view, self._newest = header_view(*self._newest), None

    def _tick(self) -> None:
        self._updated = False
        self._update()
        if self._time() != self._time_shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        cells, self._time_shown = self.size.width, self._time()
        drawn: list[Segment] = []
        for line, tab in draw_header(self.view, self.tabs, self._time_shown, cells, self._symbols):
            if tab is None:
                drawn += styled_text.segments(self, line)
            else:
                drawn += clickable(self, line, tab.command, selected=tab.is_current)
        return Strip(drawn).adjust_cell_length(cells)


# Footer: what can be done here, the role of this lictui, and the age of what is shown


_ALWAYS: Final = ("palette", "help")  # at the end of the keys, in every width
_SIDE: Final = 4  # the right side takes at most this part of the footer


def applies(screen: Screen[Any], command: Command) -> bool:
    """Return whether a command does something on this screen and its selected row."""
    namespace, name, parameters = actions.parse(command.action)
    owner: DOMNode = screen.app if namespace == "app" else screen
    return owner.check_action(name, parameters) is True


class FooterBar(Widget):
    """One line: keys of the view and its row, the most useful first; role and age at the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = styled_text.TONES
    DEFAULT_CSS = "FooterBar { dock: bottom; height: 1; background: $panel;" + styled_text.CSS + "}"

    message: reactive[tuple[Fragment, ...]] = reactive(())  # shown instead of the keys
    offered: reactive[tuple[Command, ...]] = reactive(())

    def __init__(self, status: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._status = status  # of the right side, the longest form first
        self._status_shown: Sequence[str] = ()

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def _tick(self) -> None:
        if self._status() != self._status_shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        cells, self._status_shown = self.size.width, self._status()
        forms = [f"{form} " for form in self._status_shown]
        fitting = forms if len(forms) == 1 else [f for f in forms if len(f) <= cells // _SIDE]
        side = (*fitting, "")[0]
        keys = sorted(
            (c for c in self.offered if c.footer and applies(self.screen, c)),
            key=lambda command: command.footer,
        )
        message = self.message if line_width(self.message) < cells - len(side) else ()
        room = cells - len(side) - line_width(message)
        always = _fitting([c for name in _ALWAYS for c in keys if c.id == name], room)
        room -= sum(line_width(_key(command)) for command in always)
        others = [c for c in keys if c.id not in _ALWAYS and not message]
        left = styled_text.segments(self, message)
        for command in (*_fitting(others, room), *always):
            left += clickable(self, _key(command), command)
        blank = styled_text.segments(self, ((" ", Tone.QUIET),))[0].style
        right = styled_text.segments(self, ((side, Tone.QUIET),))
        start = Strip(left).adjust_cell_length(cells - len(side), blank)
        return Strip([*start, *right]).adjust_cell_length(cells)


def _fitting(commands: Sequence[Command], room: int) -> list[Command]:
    """Return the first commands whose keys fit in so many cells."""
    ends = accumulate(line_width(_key(command)) for command in commands)
    return [command for command, end in zip(commands, ends, strict=True) if end <= room]


def _key(command: Command) -> Line:
    return (
        (f" {command.labels[0]}", Tone.ACCENT),
        (f" {command.title.lower()} ", Tone.QUIET),
    )


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


class SizeWarning(Label):
    """Covers the whole screen with the size that is needed."""

    DEFAULT_CSS = """
    SizeWarning {
        width: 100%;
        height: 100%;
        background: $background;
        content-align: center middle;
        text-align: center;
    }
    """

    def __init__(self) -> None:
        super().__init__("Terminal too small\n(minimum {}x{})".format(*MINIMUM_SIZE))


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


class _BarInput(TextInput):
    """Submits before it reads the next key: what is typed after Enter is not part of the text."""

    async def action_submit(self) -> None:
        cast("FilterBar", self.parent).submit(self.value)

    async def on_key(self, event: Key) -> None:
        if not cast("FilterBar", self.parent).display:
            event.stop().prevent_default()
            self.app.post_message(Key(event.key, event.character))


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
        yield _BarInput(placeholder=self.PLACEHOLDER, compact=True)
        yield Label("", id="wrong", markup=False)

    def open(self, text: str) -> None:
        """Show the bar with this text and focus it: the very next key belongs to it."""
        self.display = True
        field = self.query_one(Input)
        field.value = text
        self.screen.set_focus(field)

    def close(self) -> None:
        self.display = False
        self.screen.set_focus(None)
        self.post_message(FilterClosed())

    def submit(self, value: str) -> None:
        """Take the text, which was confirmed."""
        del value
        self.close()

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
