"""The line of the demo above the footer: what is prepared, then one hint after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from lictui.tui.commands import HINTS, with_keymap
from lictui.tui.text import Line, Tone
from lictui.tui.time_range import time_zone, to_local
from lictui.tui.widgets.bars import key_labels
from lictui.tui.widgets.styled_text import StyledLabel

if TYPE_CHECKING:
    from lictui.tui.app import LictuiApp

_BAR: Final = 20  # cells


class GuideLine(StyledLabel):
    """Progress until the past is written, then a hint; hidden after the last one."""

    DEFAULT_CSS = "GuideLine { height: 1; background: $panel; text-wrap: nowrap; }"

    def on_mount(self) -> None:
        for name in ("progress", "hint", "keymap"):
            self.watch(self.app, name, self._show)

    def _show(self) -> None:
        app = cast("LictuiApp", self.app)
        self.display = app.hint < len(HINTS)
        if app.progress < 1:
            done, share = int(app.progress * _BAR), f" {app.progress:4.0%}"
            bar, track = app.symbols.gauge_bars[-1] * done, app.symbols.track * (_BAR - done)
            title = (" Preparing one year of history  ", Tone.TEXT)
            self.show_lines((title, (bar, Tone.ACCENT), (track, Tone.FRAME), (share, Tone.TEXT)))
        elif self.display:
            self.show_lines(self._hint(app))

    def _hint(self, app: LictuiApp) -> Line:
        name, _, text = HINTS[app.hint]
        keys = {command.id: key_labels(command)[0] for command in with_keymap(app.keymap)}
        start = to_local(app.started_at, time_zone(app.settings.timezone))
        return (
            (f" {keys[name]} " if name else "", Tone.ACCENT),
            (f" {text.format(start=start, speed=app.clock.speed)}  ", Tone.TEXT),
            (keys["hint.next"], Tone.ACCENT),
            (" next", Tone.QUIET),
        )
