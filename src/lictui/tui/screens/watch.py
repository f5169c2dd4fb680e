"""`lictui watch`: a page per group in big figures, one after the other, without any input."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from textual import work
from textual.reactive import reactive
from textual.screen import Screen

from lictui.analysis.series import SeriesQuery
from lictui.engine.alerts import alert_views
from lictui.engine.board import (
    GroupBy,
    MergedBoard,
    ServerStatus,
    Total,
    sum_over_servers,
    total_thresholds,
)
from lictui.model import AlertKey, Level, Reading, State, percent_text
from lictui.tui import text
from lictui.tui.screens.main_screen import AppScreen
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.theme import ASCII_SYMBOLS
from lictui.tui.time_range import to_local
from lictui.tui.widgets.gauge import draw_gauge
from lictui.tui.widgets.styled_text import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textual.app import ComposeResult

    from lictui.analysis.usage import TotalKey
    from lictui.config.settings import AlertSettings
    from lictui.model import AlertState
    from lictui.tui.app import WatchOptions
    from lictui.tui.theme import Symbols


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

TodayPeak = tuple[int, str]  # today's peak, and its hour


@dataclass(frozen=True, slots=True)
class WatchPage:
    """What is seen at one time: some products of a group, and all its servers."""

    group: str
    totals: tuple[Total, ...]
    servers: tuple[ServerStatus, ...]

    def last_known(self, total: Total) -> tuple[Reading, float | None]:
        """The figures of a product that no server reports now, and the time of the oldest."""
        pools = [
            (status, pool)
            for status in self.servers
            for pool in status.pools
            if pool.counted and (pool.product, pool.model) == (total.product, total.model)
        ]
        successes = [status.last_success_at for status, _ in pools]
        oldest = min((time for time in successes if time is not None), default=None)
        return sum_over_servers(pools), oldest


def watch_pages(
    board: MergedBoard, size: tuple[int, int], symbols: Symbols
) -> tuple[WatchPage, ...]:
    """A page for each group, several where its products do not fit on one."""
    digits = digits_height(ascii_only=symbols is ASCII_SYMBOLS, scale=_scale(size))
    capacity = max(1, (size[1] - _PAGE_ROWS) // (_BLOCK_ROWS + digits))
    pages: list[WatchPage] = []
    enabled = [status for status in board.servers if status.state is not State.DISABLED]
    for group in dict.fromkeys(status.server.group for status in enabled):
        servers = tuple(status for status in enabled if status.server.group == group)
        totals = tuple(total for total in board.totals(GroupBy.GROUP) if total.scope == group)
        firsts = range(0, max(1, len(totals)), capacity)
        pages += (WatchPage(group, totals[at : at + capacity], servers) for at in firsts)
    return tuple(pages)


def _scale(size: tuple[int, int]) -> int:
    """How big the digits are on a terminal of this size."""
    return 2 if size[0] >= _LARGE[0] and size[1] >= _LARGE[1] else 1


# A page as text


def page_lines(
    page: WatchPage,
    alerts: Sequence[AlertState],
    settings: AlertSettings,
    peaks: Mapping[TotalKey, TodayPeak],
    now: float,
    size: tuple[int, int],
    symbols: Symbols,
    position: str,
) -> list[Line]:
    """The page as exactly so many rows of exactly so many columns."""
    cells, rows = size
    lines: list[Line] = [_page_title(page, now, cells, position)]
    for total in page.totals:
        lines += _block_lines(page, total, settings, peaks.get(_key(total)), now, size, symbols)
    if not page.totals:
        lines += [(), ((" no data yet", Tone.QUIET),)]
    footer = [_problem_line(page, now, cells, symbols), _alert_line(alerts, cells, symbols)]
    body = lines[: max(0, rows - len(footer))]
    body += [()] * (rows - len(footer) - len(body))
    return [fit_line(line, cells) for line in (*body, *footer)]


def _page_title(page: WatchPage, now: float, cells: int, position: str) -> Line:
    polled = max(
        (status.polled_at for status in page.servers if status.polled_at is not None), default=None
    )
    age = "not polled yet" if polled is None else f"polled {text.format_age(now - polled)} ago"
    left: Line = ((f" {page.group or 'servers'}", Tone.STRONG), (f"  {position}", Tone.QUIET))
    gap = max(1, cells - line_width(left) - len(age) - 1)
    return (*left, (" " * gap, Tone.TEXT), (age, Tone.TEXT))


def _key(total: Total) -> TotalKey:
    return total.scope, total.product, total.model


def _block_lines(
    page: WatchPage,
    total: Total,
    settings: AlertSettings,
    peak: TodayPeak | None,
    now: float,
    size: tuple[int, int],
    symbols: Symbols,
) -> Iterator[Line]:
    reading, oldest = total.reading, None
    if not total.servers_reporting:
        reading, oldest = page.last_known(total)
    tone = LEVEL_TONES[total.level] if total.servers_reporting else Tone.QUIET
    yield _block_title(total, size[0], symbols)
    in_use, is_ascii = text.format_count(reading.in_use), symbols is ASCII_SYMBOLS
    digits = big_digits(in_use, ascii_only=is_ascii, scale=_scale(size))
    verb = " assigned" if total.model.is_assigned else ""
    limits = total_thresholds(settings, total.scope, total.product, GroupBy.GROUP)
    percent = percent_text(reading.ratio, limits.ratios)
    ratio = f"{percent} {symbols.level[total.level].strip()}".rstrip()
    free = f"  {text.format_count(reading.free)} free" if reading.free is not None else ""
    facts: list[Line] = [
        ((f"of {text.format_count(reading.installed)}{verb}", Tone.TEXT),),
        ((ratio, tone), (free, Tone.TEXT)),
    ]
    if not total.servers_reporting:
        age = "?" if oldest is None else text.format_age(now - oldest)
        facts.append(((f"last known value, {age} ago", Tone.CRITICAL),))
    elif peak is not None:
        word = "maximum" if total.model.is_assigned else "peak"
        facts.append(((f"today's {word} {peak[0]:,} at {peak[1]}", Tone.QUIET),))
    skip = max(0, (len(digits) - len(facts)) // 2)
    for row, dots in enumerate(digits):
        fact = facts[row - skip] if 0 <= row - skip < len(facts) else ()
        yield ((f" {dots}  ", tone), *fact)
    gauge = draw_gauge(reading, total.level, peak and peak[0], size[0] - 2, symbols)
    yield ((" ", Tone.TEXT), *gauge)
    yield ()


def _block_title(total: Total, cells: int, symbols: Symbols) -> Line:
    reporting, expected = len(total.servers_reporting), len(total.servers_expected)
    count = f"{reporting} of {expected} servers" if expected > 1 else "1 server"
    facts = f" {symbols.dot} {total.model.label} {symbols.dot} {count}"
    name = text.shorten(total.name, max(8, cells - len(facts) - 2), symbols.ellipsis)
    return ((f" {name}", Tone.STRONG), (facts, Tone.QUIET))


def _problem_line(page: WatchPage, now: float, cells: int, symbols: Symbols) -> Line:
    line: list[Fragment] = []
    for status in page.servers:
        if status.state in _QUIET_STATES:
            continue
        state = status.state.replace("_", " ")
        age = "" if status.since is None else f" {text.format_coarse_age(now - status.since)}"
        tone = Tone.WARN if status.state in (State.STALE, State.NO_DATA) else Tone.CRITICAL
        glyph = symbols.state[status.state]
        line.append((f" {glyph} {status.server.name} {state}{age} ", tone))
    return fit_line(line, cells)


def _alert_line(alerts: Sequence[AlertState], cells: int, symbols: Symbols) -> Line:
    if not alerts:
        return ((" no active alerts", Tone.QUIET),)
    worst = alerts[0]
    count = f" {len(alerts)} alert{'s' if len(alerts) > 1 else ''} "
    server, message = worst.key.server, worst.message
    alert = f"{symbols.level[worst.level]} {server}: {message}"
    alert = text.cut(alert, max(2, cells - len(count)), symbols.ellipsis)
    return ((count, Tone.STRONG), (alert, LEVEL_TONES[worst.level]))


_REDRAW: Final = 1.0  # seconds after which ages are brought up to date
_REPAINT: Final = 60.0  # seconds after which all is written again, whatever wrote over it
_SHIFT_INTERVAL: Final = 600.0  # seconds between two shifts against burn-in
_SHIFTS: Final = ((0, 0), (1, 0), (1, 1), (0, 1))
_PEAK_REFRESH: Final = 300.0  # seconds between two requests for the peaks of the day
_EXIT_LEVELS: Final = {
    "warn": (Level.WARN, Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED),
    "critical": (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED),
}


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
        self._peaks: dict[TotalKey, TodayPeak] = {}
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
        app = self.lictui
        now = app.clock.now()
        today = to_local(now, self.zone).date()
        views = alert_views(board, today, now)
        self._alerts = tuple(view for view in views if view.needs_attention)
        current = frozenset((alert.key, alert.level) for alert in self._alerts)
        is_new = self._known_alerts is not None and bool(current - self._known_alerts)
        if self._options.beep and is_new:
            self.app.bell()
        self._known_alerts = current
        levels = _EXIT_LEVELS.get(self._options.exit_on or "", ())
        if any(alert.level in levels for alert in self._alerts):
            self.app.exit(1)
            return
        self._draw()

    def _draw(self) -> None:
        app, (width, height) = self.lictui, self.size
        if not width or not height:
            return
        now = app.clock.now()
        right, down = _SHIFTS[int(now // _SHIFT_INTERVAL) % len(_SHIFTS)]
        size = (width - right, height - down)
        pages = watch_pages(app.board, size, app.symbols)
        if not pages:
            rows = [(), ((" No servers configured. Run: lictui servers add", Tone.QUIET),)]
        else:
            index = self._turns % len(pages)
            page = pages[index]
            self._request_peaks(page, now)
            position = f"{index + 1}/{len(pages)}" if len(pages) > 1 else ""
            alerts, settings = self._alerts, app.settings.alerts
            rows = page_lines(page, alerts, settings, self._peaks, now, size, app.symbols, position)
        shifted = [(), *rows] if down else rows
        indent = ((" " * right, Tone.TEXT),) if right else ()
        self.query_one(PageView).view = tuple((*indent, *row) for row in shifted)

    def _request_peaks(self, page: WatchPage, now: float) -> None:
        elapsed, keys = self.lictui.clock.monotonic(), tuple(map(_key, page.totals))
        if any(elapsed - self._peaks_at.get(key, -inf) >= _PEAK_REFRESH for key in keys):
            self._peaks_at.update(dict.fromkeys(keys, elapsed))
            self._load_peaks(page, now)

    @work(group="watch-peaks")
    async def _load_peaks(self, page: WatchPage, now: float) -> None:
        zone, board = self.zone, self.lictui.board
        midnight = to_local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = int(midnight.timestamp()), int(now) + 1
        keys = tuple(map(_key, page.totals))
        pools = [board.total_pools(GroupBy.GROUP, *key) for key in keys]
        queries = tuple(SeriesQuery(pool_keys, start, end, 300) for pool_keys in pools)
        ignore = bool  # without an answer the page shows no peaks, and asks again later
        answers = await self.ask(lambda engine: engine.history.series_batch(queries), ignore)
        for key, series in zip(keys, answers or (), strict=answers is not None):
            if series.buckets:
                top = max(series.buckets, key=lambda bucket: bucket.high)
                self._peaks[key] = round(top.high), f"{to_local(top.high_at, zone):%H:%M}"
        self._draw()
