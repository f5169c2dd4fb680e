"""Help: every key, and what the signs on the screen mean. Made from the table of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from lictui.model import Level, State
from lictui.tui import commands
from lictui.tui.text import pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from lictui.tui.app import LictuiApp
    from lictui.tui.commands import Command
    from lictui.tui.symbols import Symbols

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
            table = commands.mapped(app.keys)
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
        yield f"  {pad(' '.join(command.each_key), 12)} ", "$accent"
        yield f"{pad(command.help, 44)} ", ""
        yield f"{command.id}\n", "$quiet"
    yield "\n", ""
