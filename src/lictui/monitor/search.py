"""Looking through the whole journal, a page at a time, so that polls get their turn in between.

Owns the pages. Must not know where a filter was typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.history.store import History
    from lictui.model import Event
    from lictui.monitor.matching import Filter

_PAGE: Final = 2000  # lines: a few hundredths of a second


async def look_through(
    history: History, wanted: Filter, limit: int | None, clock: Clock
) -> tuple[Event, ...]:
    """The newest `limit` lines that the filter lets through, or all of them.

    A line is known by its server, its product and what it says. Raises HistoryError.
    """
    found: list[Event] = []
    for page in history.journal(_PAGE):
        found += (each for each in page if wanted((each.server, each.product, each.message)))
        if limit is not None and len(found) >= limit:
            return tuple(found[:limit])
        await clock.sleep(0)
    return tuple(found)
