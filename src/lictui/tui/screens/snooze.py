"""For how long an alert shall be silent: a choice of three. Owns nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from lictui.tui import commands
from lictui.tui.ink import Tone
from lictui.tui.span import local
from lictui.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from textual.app import ComposeResult
    from textual.binding import BindingType

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
            yield Prose((("Say nothing of it for", Tone.STRONG),))
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
        here = local(self._now, self._tz).replace(tzinfo=None)
        morning = here.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
        self.dismiss((morning + timedelta(days=1)).replace(tzinfo=self._tz).timestamp())

    def action_leave(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)
