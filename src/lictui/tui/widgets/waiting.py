"""Demand that waits for a license, drawn into the row of its pool.

Owns where in the row it stands: no figure may move for it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lictui.tui import text
from lictui.tui.ink import Tone, fit, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.tui.ink import Line, Run
    from lictui.tui.widgets.pane import Columns


def with_queue(row: Sequence[Run], queued: int, shape: Columns) -> Line:
    """The row with `3 queued` over the end of its trend, or of its name where there is none."""
    said: Run = (f" {text.figure(queued)} queued", Tone.CRITICAL)
    if shape.trend:
        return (*fit(row, width(row) - width((said,))), said)
    name = fit(row[:1], max(shape.name - width((said,)), 4))
    return (*name, said, (" ", Tone.TEXT), *row[1:])
