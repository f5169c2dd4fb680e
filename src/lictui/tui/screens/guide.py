"""The guide of the demo: what is prepared, then one hint after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.clock import time_zone
from lictui.time_range import to_local
from lictui.tui.commands import HINTS
from lictui.tui.text import Line, Tone

if TYPE_CHECKING:
    from lictui.tui.app import LictuiApp

_BAR: Final = 20  # cells


def progress_line(app: LictuiApp) -> Line:
    """Return how much of the past is written; nothing without a demo, and at the end."""
    if not app.demo or app.progress >= 1:
        return ()
    done, share = int(app.progress * _BAR), f" {app.progress:4.0%}"
    bar, track = app.symbols.gauge_bars[-1] * done, app.symbols.track * (_BAR - done)
    title = (" Preparing one year of history  ", Tone.TEXT)
    return (title, (bar, Tone.ACCENT), (track, Tone.FRAME), (share, Tone.TEXT))


def guide_line(app: LictuiApp) -> Line:
    """Return the progress, then a hint; nothing after the last one."""
    if (line := progress_line(app)) or not app.demo or app.hint >= len(HINTS):
        return line
    name, _, text = HINTS[app.hint]
    start = to_local(app.started_at, time_zone(app.settings.timezone))
    return (
        (f" {app.key_of(name)} " if name else "", Tone.ACCENT),
        (f" {text.format(start=start, speed=app.clock.speed)}  ", Tone.TEXT),
        (app.key_of("hint.next"), Tone.ACCENT),
        (" next ", Tone.QUIET),
    )
