"""`lictui watch`: a page per group in big figures, one after the other, without any input."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import work
from textual.reactive import reactive
from textual.screen import Screen

from lictui.analysis.series import SeriesQuery
from lictui.engine.alerts import alert_views, severity_rank
from lictui.engine.board import GroupBy, pools_by_total, sum_over_servers, total_thresholds
from lictui.model import Level, State, percent_text
from lictui.tui import text
from lictui.tui.screens.main_screen import AppScreen
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.theme import ASCII_SYMBOLS
from lictui.tui.time_range import to_local
from lictui.tui.widgets.gauge import draw_gauge
from lictui.tui.widgets.styled_text import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

    from lictui.analysis.usage import TotalKey
    from lictui.engine.board import MergedBoard, ServerStatus, Total
    from lictui.model import AlertKey, AlertState
    from lictui.tui.app import WatchOptions


# Big digits


DIGIT_ROWS: Final = 5  # dots
_FONT: Final = {
    "0": "###/#.#/#.#/#.#/###",
    "1": ".#./##./.#./.#./###",
    "2": "###/..#/###/#../###",
    "3": "###/..#/###/..#/###",
    "4": "#.#/#.#/###/..#/..#",
    "5": "###/#../###/..#/###",
    "6": "###/#../###/#.#/###",
    "7": "###/..#/..#/..#/..#",
    "8": "###/#.#/###/#.#/###",
    "9": "###/#.#/###/..#/###",
    ",": "./././#/#",
    "?": "###/..#/.##/.../.#.",
    "-": ".../.../###/.../...",
}
_HALVES: Final = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def digits_height(*, ascii_only: bool = False, scale: int = 1) -> int:
    """Rows that `big_digits` makes."""
    return DIGIT_ROWS * scale if ascii_only else (DIGIT_ROWS * scale + 1) // 2


def big_digits(number: str, *, ascii_only: bool = False, scale: int = 1) -> tuple[str, ...]:
    """`number`, of digits and `,?-`, as rows of equal width; other characters become `?`."""
    glyphs = [_FONT.get(character, _FONT["?"]).split("/") for character in number]
    wide = 2 if ascii_only else 1  # a cell is about twice as high as it is wide
    dots = [
        ".".join("".join(dot * scale * wide for dot in glyph[row]) for glyph in glyphs)
        for row in range(DIGIT_ROWS)
        for _ in range(scale)
    ]
    if ascii_only:
        return tuple(row.replace(".", " ") for row in dots)
    if len(dots) % 2:
        dots.insert(0, "." * len(dots[0]))
    return tuple(
        "".join(_HALVES[upper + lower] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(dots[::2], dots[1::2], strict=True)
    )


# Pages


_BLOCK_ROWS: Final = 3  # rows of a block next to its digits: title, gauge, a blank one
_PAGE_ROWS: Final = 3  # rows of a page next to its blocks: title, servers, alerts
_LARGE: Final = (120, 44)  # columns and rows from which digits are twice as big
_QUIET_STATES: Final = (State.UP, State.WAITING, State.DISABLED)
_REDRAW: Final = 1.0  # seconds after which ages are brought up to date
_REPAINT: Final = 60.0  # seconds after which all is written again, whatever wrote over it
_SHIFT_INTERVAL: Final = 600.0  # seconds between two shifts against burn-in
_SHIFTS: Final = ((0, 0), (1, 0), (1, 1), (0, 1))
_PEAK_REFRESH: Final = 300.0  # seconds between two requests for the peaks of the day


class WatchPage(NamedTuple):
    """What is seen at one time: some products of a group, and all its servers."""

    group: str
    totals: tuple[Total, ...]
    servers: tuple[ServerStatus, ...]


def watch_pages(board: MergedBoard, capacity: int) -> tuple[WatchPage, ...]:
    """A page for each group, several where its products do not fit on one."""
    pages: list[WatchPage] = []
    enabled = [status for status in board.servers if status.state is not State.DISABLED]
    for group in dict.fromkeys(status.server.group for status in enabled):
        servers = tuple(status for status in enabled if status.server.group == group)
        totals = tuple(total for total in board.totals(GroupBy.GROUP) if total.scope == group)
        firsts = range(0, max(1, len(totals)), capacity)
        pages += (WatchPage(group, totals[at : at + capacity], servers) for at in firsts)
    return tuple(pages)


class PageView(Drawing[tuple[Line, ...]]):
    """The page on the screen."""

    view: reactive[tuple[Line, ...]] = reactive(())

    def draw(self, view: tuple[Line, ...], width: int, height: int) -> tuple[Line, ...]:
        del width, height
        return view


class WatchScreen(Screen[None], AppScreen):
    """The pages, one after the other, until the program is stopped."""

    CSS = "WatchScreen { overflow: hidden; }"

    def __init__(self, options: WatchOptions) -> None:
        super().__init__()
        self._options = options
        self._turns = 0  # pages shown so far
        self._peaks: dict[TotalKey, tuple[int, str]] = {}  # today's peaks, and their hours
        self._peaks_at: dict[TotalKey, float] = {}
        self._known_alerts: frozenset[tuple[AlertKey, Level]] | None = None
        self._alerts: tuple[AlertState, ...] = ()

    def compose(self) -> ComposeResult:
        yield PageView()

    def on_mount(self) -> None:
        self.watch(self.app, "board", self._on_board)
        self.set_interval(_REDRAW, self._draw)
        self.set_interval(_REPAINT, self.lictui.action_repaint)
        self.set_interval(max(1.0, self._options.rotate), self.turn)

    def on_resize(self) -> None:
        self._draw()

    def turn(self) -> None:
        self._turns += 1
        self._draw()

    def _on_board(self, board: MergedBoard) -> None:
        time, exit_on = self.current_time, self._options.exit_on
        views = alert_views(board, time.today, time.now)
        self._alerts = tuple(view for view in views if view.needs_attention)
        current = frozenset((alert.key, alert.level) for alert in self._alerts)
        is_new = self._known_alerts is not None and bool(current - self._known_alerts)
        if self._options.beep and is_new:
            self.app.bell()
        self._known_alerts = current
        ranks = [severity_rank(alert.level) for alert in self._alerts]
        if exit_on and min(ranks, default=inf) <= severity_rank(Level(exit_on)):
            self.app.exit(1)
            return
        self._draw()

    def _draw(self) -> None:
        app, (width, height) = self.lictui, self.size
        if not width or not height:
            return
        right, down = _SHIFTS[int(app.clock.now() // _SHIFT_INTERVAL) % len(_SHIFTS)]
        cells, height = width - right, height - down
        scale = 2 if cells >= _LARGE[0] and height >= _LARGE[1] else 1
        digits = digits_height(ascii_only=self._is_ascii, scale=scale)
        capacity = max(1, (height - _PAGE_ROWS) // (_BLOCK_ROWS + digits))
        rows: list[Line] = [(), ((" No servers configured. Run: lictui servers add", Tone.QUIET),)]
        if pages := watch_pages(app.board, capacity):
            index = self._turns % len(pages)
            page = pages[index]
            self._request_peaks(page)
            position = f"{index + 1}/{len(pages)}" if len(pages) > 1 else ""
            rows = [self._page_title(page, cells, position)]
            for total in page.totals:
                rows += self._block_lines(total, cells, scale)
            if not page.totals:
                rows += [(), ((" no data yet", Tone.QUIET),)]
            footer = [self._problem_line(page), self._alert_line(cells)]
            body = rows[: max(0, height - len(footer))]
            body += [()] * (height - len(footer) - len(body))
            rows = [fit_line(line, cells) for line in (*body, *footer)]
        indent = ((" " * right, Tone.TEXT),) if right else ()
        shifted = [()] * down + rows
        self.query_one(PageView).view = tuple((*indent, *row) for row in shifted)

    # A page as text

    @property
    def _is_ascii(self) -> bool:
        return self.lictui.symbols is ASCII_SYMBOLS

    def _age(self, time: float) -> str:
        return text.format_age(self.lictui.clock.now() - time)

    def _page_title(self, page: WatchPage, cells: int, position: str) -> Line:
        polls = [status.polled_at for status in page.servers if status.polled_at is not None]
        age = f"polled {self._age(max(polls))} ago" if polls else "not polled yet"
        left: Line = ((f" {page.group or 'servers'}", Tone.STRONG), (f"  {position}", Tone.QUIET))
        gap = max(1, cells - line_width(left) - len(age) - 1)
        return (*left, (" " * gap, Tone.TEXT), (age, Tone.TEXT))

    def _block_lines(self, total: Total, cells: int, scale: int) -> Iterator[Line]:
        app, symbols, reading = self.lictui, self.lictui.symbols, total.reading
        tone, peak = LEVEL_TONES[total.level], self._peaks.get(total.key)
        last: tuple[Fragment, ...] = ()
        if peak is not None:
            word = "maximum" if total.model.is_assigned else "peak"
            last = ((f"today's {word} {peak[0]:,} at {peak[1]}", Tone.QUIET),)
        if not total.servers_reporting:
            pools = pools_by_total(app.board, GroupBy.GROUP)[total.key]
            polls = [status.last_success_at for status, _ in pools]
            oldest = min((time for time in polls if time is not None), default=None)
            reading, tone = sum_over_servers(pools), Tone.QUIET
            age = "?" if oldest is None else self._age(oldest)
            last = ((f"last known value, {age} ago", Tone.CRITICAL),)
        yield self._block_title(total, cells)
        in_use = text.format_count(reading.in_use)
        digits = big_digits(in_use, ascii_only=self._is_ascii, scale=scale)
        verb = " assigned" if total.model.is_assigned else ""
        limits = total_thresholds(app.settings.alerts, total.scope, total.product, GroupBy.GROUP)
        percent = percent_text(reading.ratio, limits.ratios)
        ratio = f"{percent} {symbols.level[total.level].strip()}".rstrip()
        free = f"  {text.format_count(reading.free)} free" if reading.free is not None else ""
        facts: list[Line] = [
            ((f"of {text.format_count(reading.installed)}{verb}", Tone.TEXT),),
            ((ratio, tone), (free, Tone.TEXT)),
        ]
        facts += [last] if last else []
        skip = max(0, (len(digits) - len(facts)) // 2)
        for row, dots in enumerate(digits):
            fact = facts[row - skip] if 0 <= row - skip < len(facts) else ()
            yield ((f" {dots}  ", tone), *fact)
        gauge = draw_gauge(reading, total.level, peak and peak[0], cells - 2, symbols)
        yield ((" ", Tone.TEXT), *gauge)
        yield ()

    def _block_title(self, total: Total, cells: int) -> Line:
        symbols = self.lictui.symbols
        reporting, expected = len(total.servers_reporting), len(total.servers_expected)
        count = f"{reporting} of {expected} servers" if expected > 1 else "1 server"
        facts = f" {symbols.dot} {total.model.label} {symbols.dot} {count}"
        name = text.shorten(total.name, max(8, cells - len(facts) - 2), symbols.ellipsis)
        return ((f" {name}", Tone.STRONG), (facts, Tone.QUIET))

    def _problem_line(self, page: WatchPage) -> Line:
        line: list[Fragment] = []
        now, symbols = self.lictui.clock.now(), self.lictui.symbols
        for status in page.servers:
            if status.state not in _QUIET_STATES:
                glyph, words = symbols.state[status.state], [status.server.name]
                words += [status.state.replace("_", " ")]
                words += (
                    [] if status.since is None else [text.format_coarse_age(now - status.since)]
                )
                tone = Tone.WARN if status.state in (State.STALE, State.NO_DATA) else Tone.CRITICAL
                line.append((f" {glyph} {' '.join(words)} ", tone))
        return tuple(line)

    def _alert_line(self, cells: int) -> Line:
        alerts, symbols = self._alerts, self.lictui.symbols
        if not alerts:
            return ((" no active alerts", Tone.QUIET),)
        worst = alerts[0]
        count = f" {len(alerts)} alert{'s' if len(alerts) > 1 else ''} "
        alert = f"{symbols.level[worst.level]} {worst.key.server}: {worst.message}"
        alert = text.cut(alert, max(2, cells - len(count)), symbols.ellipsis)
        return ((count, Tone.STRONG), (alert, LEVEL_TONES[worst.level]))

    # Peaks of today

    def _request_peaks(self, page: WatchPage) -> None:
        elapsed, keys = self.lictui.clock.monotonic(), tuple(total.key for total in page.totals)
        if any(elapsed - self._peaks_at.get(key, -inf) >= _PEAK_REFRESH for key in keys):
            self._peaks_at.update(dict.fromkeys(keys, elapsed))
            self._load_peaks(keys)

    @work(group="watch-peaks")
    async def _load_peaks(self, keys: tuple[TotalKey, ...]) -> None:
        zone, board, now = self.zone, self.lictui.board, self.current_time.now
        midnight = to_local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = int(midnight.timestamp()), int(now) + 1
        pools = [board.total_pools(GroupBy.GROUP, *key) for key in keys]
        queries = tuple(SeriesQuery(pool_keys, start, end, 300) for pool_keys in pools)
        ignore = bool  # without an answer the page shows no peaks, and asks again later
        answers = await self.ask(lambda engine: engine.history.series_batch(queries), ignore)
        for key, series in zip(keys, answers or (), strict=answers is not None):
            if series.buckets:
                top = max(series.buckets, key=lambda bucket: bucket.high)
                self._peaks[key] = round(top.high), f"{to_local(top.high_at, zone):%H:%M}"
        self._draw()
