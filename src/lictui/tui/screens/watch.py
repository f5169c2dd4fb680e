"""The console view: for a screen on the wall that nobody touches for months.

Owns rotation, the beep, the exit and the shift against burn-in. Must not know what a page says
(`watch_view`), nor where figures come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from textual import work
from textual.screen import Screen

from lictui.analysis.series import Question
from lictui.engine.alerts import shown
from lictui.errors import LictuiError
from lictui.model import Level
from lictui.tui.ink import Tone
from lictui.tui.screens import watch_view
from lictui.tui.span import local, time_zone
from lictui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from lictui.engine.alerts import Shown
    from lictui.engine.board import Board
    from lictui.model import Identity
    from lictui.tui.app import LictuiApp
    from lictui.tui.screens.watch_view import Page
    from lictui.tui.watching import WatchOptions

_TICK: Final = 1.0  # seconds between two looks at the age of the data
_SHIFT: Final = 600.0  # seconds between two shifts against burn-in
_PEAKS: Final = 300.0  # seconds between two questions for the peaks of the day
_SHIFTS: Final = ((0, 0), (1, 0), (1, 1), (0, 1))
_EXITS: Final = {
    "warn": (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED),
    "critical": (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED),
}


class WatchScreen(Screen[None]):
    """Pages of one group each, one after the other, until it is ended."""

    CSS = "WatchScreen { overflow: hidden; }"

    def __init__(self, options: WatchOptions) -> None:
        super().__init__()
        self._options = options
        self._turned = 0  # pages shown so far
        self._peaks: dict[str, dict[str, tuple[int, str]]] = {}  # by group, then product
        self._asked: dict[str, float] = {}
        self._known: frozenset[tuple[Identity, Level]] | None = None
        self._alerts: tuple[Shown, ...] = ()

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Nothing but the page."""
        yield Lines()

    def on_mount(self) -> None:
        """Follow the board, and let the pages turn."""
        self.watch(self.app, "board", self._board_came)
        self.set_interval(_TICK, self._draw)
        self.set_interval(max(1.0, self._options.rotate), self.turn)

    def on_resize(self) -> None:
        """Another size holds other pages."""
        self._draw()

    def turn(self) -> None:
        """On to the next page."""
        self._turned += 1
        self._draw()

    def _board_came(self, board: Board) -> None:
        app, board = self.lictui, self.lictui.together.of(board)
        now = app.clock.now()
        today = local(now, time_zone(app.settings.timezone)).date()
        found = shown(board, app.settings.alerts, today, now)
        self._alerts = tuple(each for each in found if each.loud)
        known = frozenset((it.who, it.level) for it in self._alerts)
        if self._options.beep and self._known is not None and known - self._known:
            self.app.bell()
        self._known = known
        levels = _EXITS.get(self._options.exit_on or "", ())
        if any(alert.level in levels for alert in self._alerts):
            self.app.exit(1)
            return
        self._draw()

    def _draw(self) -> None:
        app, (width, height) = self.lictui, self.size
        if not width or not height:
            return
        now = app.clock.now()
        right, down = _SHIFTS[int(now // _SHIFT) % len(_SHIFTS)]
        size = (width - right, height - down)
        board = app.together.of(app.board)
        pages = watch_view.pages(board, app.settings, size, app.symbols)
        if not pages:
            rows = [(), ((" no server is registered: lictui servers add", Tone.QUIET),)]
        else:
            at = self._turned % len(pages)
            page = pages[at]
            self._ask(page, now)
            peaks = self._peaks.get(page.group, {})
            place = f"{at + 1}/{len(pages)}" if len(pages) > 1 else ""
            rows = watch_view.lines(page, self._alerts, peaks, now, size, app.symbols, place)
        shifted = [(), *rows] if down else rows
        self.query_one(Lines).show(
            [((" " * right, Tone.TEXT), *row) for row in shifted] if right else shifted
        )

    def _ask(self, page: Page, now: float) -> None:
        """Ask for the peaks of the day, once in a while for each page."""
        key = f"{page.group}/{page.blocks[0].product if page.blocks else ''}"
        if page.blocks and now - self._asked.get(key, -_PEAKS) >= _PEAKS:
            self._asked[key] = now
            self._read_peaks(page, now)

    @work(group="watch-peaks")
    async def _read_peaks(self, page: Page, now: float) -> None:
        tz = time_zone(self.lictui.settings.timezone)
        midnight = local(now, tz).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = int(midnight.timestamp()), int(now) + 1
        questions = tuple(Question(block.pools, start, end, 300) for block in page.blocks)
        try:
            answers = await self.lictui.engine.many(questions)
        except LictuiError:
            return  # the page says less, and is asked for again later
        found = self._peaks.setdefault(page.group, {})
        for block, series in zip(page.blocks, answers, strict=True):
            if series.buckets:
                top = max(series.buckets, key=lambda bucket: bucket.high)
                found[block.product] = (round(top.high), f"{local(top.high_at, tz):%H:%M}")
        self._draw()
