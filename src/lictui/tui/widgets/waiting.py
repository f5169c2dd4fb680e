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
    """The row with `3 queued` over the end of its trend, else over its gauge, else its name."""
    said: Run = (f" {text.figure(queued)} queued", Tone.CRITICAL)
    cells = width((said,))
    if shape.trend + 1 >= cells:
        return (*fit(row, width(row) - cells), said)
    named = shape.name + 1 + (shape.model + 1 if shape.model else 0)
    if shape.gauge + 1 >= cells:
        return (
            *fit(row, named),
            *fit((said,), shape.gauge + 1),
            *_after(row, named + shape.gauge + 1),
        )
    name = fit(row[:1], max(shape.name - cells, 4))
    return (*name, said, (" ", Tone.TEXT), *row[1:])


def _after(row: Sequence[Run], cells: int) -> Line:
    """The row without its first so many cells, in which every character is one cell wide."""
    left = cells
    found: list[Run] = []
    for said, tone in row:
        skip = min(left, width(((said, tone),)))
        left -= skip
        found.append((said[skip:] if skip < len(said) else "", tone))
    return tuple(found)
