"""What the user should know of lictui itself, under the head line: a bad file, a history set aside.

Owns the few rows for it, which are there only while there is something to say. Must not know what
is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.model import Level
from lictui.tui.ink import Tone

if TYPE_CHECKING:
    from textual.widget import Widget

    from lictui.tui.symbols import Symbols


def show(headline: Widget, notices: tuple[str, ...], symbols: Symbols) -> None:
    """Say `notices` below `headline`, the first in full; without any the rows are given back."""
    from lictui.tui.widgets.prose import Prose  # noqa: PLC0415 - most starts have nothing to say

    shown = headline.screen.query("#notices").results(Prose)
    panel = next(iter(shown), None)
    if not notices:
        if panel is not None:
            panel.remove()
        return
    more = f"  (and {len(notices) - 1} more: lictui config check)" if len(notices) > 1 else ""
    line = (
        (f" {symbols.level[Level.WARN]} {notices[0]}", Tone.WARN),
        (more, Tone.QUIET),
    )
    if panel is None:
        panel = Prose(id="notices")
        panel.styles.max_height = 3
        headline.screen.mount(panel, after=headline)
    panel.say(line)
