"""`lictui watch`: what needs attention in big figures, the rest listed, without any input."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from textual import work
from textual.reactive import reactive
from textual.screen import Screen

from lictui.engine.alerts import alert_views, severity_rank
from lictui.engine.board import FIGURES, GroupBy, pools_by_total, total_of
from lictui.model import Level, State, percent_text
from lictui.products import abbreviated
from lictui.time_range import to_local
from lictui.tui import text
from lictui.tui.screens.guide import progress_line
from lictui.tui.screens.main_screen import AppScreen
from lictui.tui.text import LEVEL_TONES, Fragment, Line, Tone, fit_line, line_width
from lictui.tui.widgets.gauge import TrendCache, TrendData, draw_gauge, draw_trend
from lictui.tui.widgets.styled_text import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from lictui.analysis.usage import TotalKey
    from lictui.engine.board import MergedBoard, Total
    from lictui.model import AlertKey, AlertState
    from lictui.tui.app import WatchOptions
    from lictui.tui.theme import Symbols


# Big digits


_DIGIT_ROWS: Final = 5  # dots
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
    "≥": "##./..#/##./.../###",
    ">": "#../.#./..#/.#./#..",
    "=": ".../###/.../###/...",
}
_HALVES: Final = {"..": " ", "#.": "▀", ".#": "▄", "##": "█"}


def big_digits(number: str, *, ascii_only: bool = False, scale: int = 1) -> tuple[str, ...]:
    """`number`, of digits and `,?-≥>=`, as rows of equal width; other characters become `?`."""
    glyphs = [_FONT.get(character, _FONT["?"]).split("/") for character in number]
    wide = 2 if ascii_only else 1  # a cell is about twice as high as it is wide
    dots = [
        ".".join("".join(dot * scale * wide for dot in glyph[row]) for glyph in glyphs)
        for row in range(_DIGIT_ROWS)
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


# Pages: what needs attention in big figures, the rest as a list


_FRAME_ROWS: Final = 3  # title, servers, alerts
_BLOCK_ROWS: Final = 2  # rows of a block next to its digits: title, a blank one
_PAGES: Final = 2  # in which everything fits: what is left is listed
_FACTS: Final = 25  # columns next to the digits
_LISTED: Final = 58  # columns of a listed product
_MONTH: Final = 30  # days of a trend
_SEVERE: Final = (Level.CRITICAL, Level.OVERDRAFT, Level.EXHAUSTED)


class WatchPage(Struct, frozen=True):
    """What is seen at one time."""

    big: tuple[Total, ...] = ()
    listed: tuple[Total, ...] = ()


def watch_pages(
    totals: Sequence[Total], size: tuple[int, int], symbols: Symbols
) -> tuple[int, tuple[WatchPage, ...]]:
    """The scale of the digits, and the pages, the worst product first."""
    totals = sorted(totals, key=_urgency)
    severe = sum(total.worst_level in _SEVERE or not total.servers_reporting for total in totals)
    alarming = severe + sum(total.worst_level is Level.WARN for total in totals)
    width, height = size[0], size[1] - _FRAME_ROWS
    for scale, limit in ((2, 1), (1, _PAGES), (1, len(totals))):
        block = _BLOCK_ROWS + len(big_digits("0", ascii_only=_is_plain(symbols), scale=scale))
        for big in range(alarming, severe - 1, -1):
            pages = tuple(_pages(totals[:big], totals[big:], block, width, height))
            if len(pages) <= limit:
                return scale, pages
    return 1, ()


def _pages(
    big: Sequence[Total], listed: Sequence[Total], block: int, width: int, height: int
) -> Iterator[WatchPage]:
    a_page = max(1, height // block)
    columns = max(1, width // _LISTED)
    while big or listed:
        shown, big = big[:a_page], big[a_page:]
        room = 0 if big else max(0, height - len(shown) * block) * columns
        if not shown and not room:
            room = 1
        yield WatchPage(tuple(shown), tuple(listed[:room]))
        listed = listed[room:]


def _urgency(total: Total) -> tuple[int, float, str]:
    """A product that no server reports now comes after what is worse than a warning."""
    rank = severity_rank(total.worst_level if total.servers_reporting else Level.WARN)
    return rank, -(total.ratio or 0.0), total.name


def _is_plain(symbols: Symbols) -> bool:
    """Whether the terminal has no half blocks."""
    return len(symbols.gauge_bars) == 1


# A page as text


def big_lines(
    total: Total, board: MergedBoard, trend: TrendData | None, now: float, width: int, scale: int,
    symbols: Symbols,
) -> Iterator[Line]:  # fmt: skip
    """A product in big figures, with its gauge and its last 30 days."""
    shown, oldest = total, None
    if not total.servers_reporting:
        pools = pools_by_total(board, GroupBy.GROUP)[total.key]
        polls = [status.last_success_at for status, _ in pools]
        oldest = min((time for time in polls if time is not None), default=None)
        shown = total_of(total.product, pools, total.limits, as_last_read=True)
    tone = LEVEL_TONES[total.worst_level] if total.servers_reporting else Tone.QUIET
    digits = big_digits(
        text.format_sum(shown, "in_use", symbols.at_least),
        ascii_only=_is_plain(symbols),
        scale=scale,
    )
    share = text.format_share(shown.ratio, total.limits.ratios, total.worst_level, symbols).rstrip()
    verb = " assigned" if total.model.is_assigned else ""
    free = f"  {text.format_count(shown.free)} free" if shown.free is not None else ""
    peak = trend.peak_of_day if trend else None
    facts: list[Line] = [
        ((f"of {text.format_sum(shown, 'installed', symbols.at_least)}{verb}", Tone.TEXT),),
        ((share, tone), (free, Tone.TEXT)),
    ]
    if not total.servers_reporting:
        age = "?" if oldest is None else text.format_age(now - oldest)
        facts.append(((f"last known, {age} ago", Tone.CRITICAL),))
    elif peak is not None and peak > (shown.reading.in_use or 0):
        facts.append(((f"24 h peak {round(peak):,}", Tone.QUIET),))
    left = max(18 * scale, len(digits[0])) + 1
    room = width - left - _FACTS - 3
    rows: list[Sequence[Fragment]] = []
    if room >= _MONTH // 2:
        cells = min(_MONTH, room - 6)
        rows.append(draw_gauge(shown.comparable, total.worst_level, peak, room, symbols))
        drawn = draw_trend(
            trend or TrendData(), shown.comparable.installed, total.limits, cells, symbols
        )
        rows.append((*drawn, (f" {_MONTH} d", Tone.QUIET)))
    yield _title(total, width, symbols)
    skip = max(0, (len(digits) - len(facts)) // 2)
    for row, dots in enumerate(digits):
        fact = facts[row - skip] if 0 <= row - skip < len(facts) else ()
        more = rows[row - skip] if 0 <= row - skip < len(rows) else ()
        drawn_dots = dots.replace("#", symbols.gauge_bars[-1])
        yield ((f" {drawn_dots:<{left}}", tone), *text.fit_line(fact, _FACTS), *more)
    yield ()


def _title(total: Total, cells: int, symbols: Symbols) -> Line:
    reporting, expected = len(total.servers_reporting), len(total.servers_expected)
    count = f"{reporting} of {expected} servers" if expected > 1 else total.servers_expected[0]
    facts = f" {symbols.dot} {total.model.label} {symbols.dot} {count}"
    scope = f" {symbols.dot} {total.scope}" if total.scope else ""
    room = max(8, cells - line_width(((scope + facts, Tone.TEXT),)) - 2)
    name = text.shorten(total.name, room, symbols.ellipsis)
    return ((f" {name}{scope}", Tone.STRONG), (facts, Tone.QUIET))


def listed_lines(totals: Sequence[Total], width: int, symbols: Symbols) -> Iterator[Line]:
    """Products in rows, in as many columns as there is room for."""
    columns = max(1, width // _LISTED)
    each, rows = width // columns, -(-len(totals) // columns)
    for row in range(rows):
        cells = [_listed(total, each, symbols) for total in totals[row::rows]]
        yield tuple(fragment for cell in cells for fragment in cell)


def _listed(total: Total, cells: int, symbols: Symbols) -> Line:
    counts = (text.format_sum(total, figure, symbols.at_least) for figure in FIGURES)
    of = " of ".join(counts)
    name = abbreviated(total.name, total.product)
    name = f"{name} {symbols.dot} {total.scope}" if total.scope else name
    name = text.pad(name, max(8, cells - 28), ellipsis=symbols.ellipsis)
    percent = percent_text(total.ratio, total.limits.ratios)
    tone = LEVEL_TONES[total.worst_level]
    line: Line = (
        (f" {symbols.level[total.worst_level]} ", tone),
        (f"{name} ", Tone.TEXT),
        (f"{of:>16} ", Tone.QUIET),
        (f"{percent:>5} ", tone),
    )
    return text.fit_line(line, cells)


def _problem_line(board: MergedBoard, now: float, symbols: Symbols) -> Line:
    line: list[Fragment] = []
    for status in board.servers:
        if status.state in text.NORMAL_STATES:
            continue
        state = status.state.replace("_", " ")
        age = "" if status.since is None else f" {text.format_coarse_age(now - status.since)}"
        tone = text.STATE_TONES[status.state]
        glyph = symbols.state[status.state]
        line.append((f" {glyph} {status.server.name} {state}{age} ", tone))
    return tuple(line)


def ticker_line(alerts: Sequence[AlertState], turn: int, cells: int, symbols: Symbols) -> Line:
    """One alert after the other: all critical ones, or if there is none, all of them."""
    if not alerts:
        return ((" no active alerts", Tone.QUIET),)
    shown = [alert for alert in alerts if alert.level in _SEVERE] or alerts
    alert = shown[turn % len(shown)]
    count = f" {turn % len(shown) + 1}/{len(shown)} "
    message = abbreviated(alert.message, alert.key.product)
    message = f"{symbols.level[alert.level]} {alert.key.server}: {message}"
    message = text.shorten(message, max(2, cells - len(count)), symbols.ellipsis, tail=0)
    return ((count, Tone.STRONG), (message, LEVEL_TONES[alert.level]))


_REDRAW: Final = 1.0  # seconds after which ages are brought up to date
_REPAINT: Final = 60.0  # seconds after which all is written again, whatever wrote over it
_TICKER: Final = 5.0  # seconds that an alert is shown
_SHIFT_INTERVAL: Final = 600.0  # seconds between two shifts against burn-in
_SHIFTS: Final = ((0, 0), (1, 0), (1, 1), (0, 1))


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
        self._trends: TrendCache[TotalKey] = TrendCache()
        self._trends.seconds = _MONTH * 86400
        self._known_alerts: frozenset[tuple[AlertKey, Level]] | None = None
        self._alerts: tuple[AlertState, ...] = ()

    def compose(self) -> ComposeResult:
        yield PageView()

    def on_mount(self) -> None:
        self.watch(self.app, "board", self._on_board)
        self.watch(self.app, "progress", self._draw, init=False)
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
        shifted = [()] * down + self._page(width - right, height - down)
        indent = ((" " * right, Tone.TEXT),) if right else ()
        self.query_one(PageView).view = tuple((*indent, *row) for row in shifted)

    def _page(self, width: int, height: int) -> list[Line]:
        app, now = self.lictui, self.current_time.now
        board, symbols = app.board, app.symbols
        if not board.servers:
            return [(), ((" No servers configured. Run: lictui servers add", Tone.QUIET),)]
        scale, pages = watch_pages(board.totals(GroupBy.GROUP), (width, height), symbols)
        index = self._turns % max(1, len(pages))
        page = pages[index] if pages else WatchPage()
        position = f"{index + 1}/{len(pages)}" if len(pages) > 1 else ""
        self._request_trends(page, now)
        lines: list[Line] = [self._headline(position, width)]
        for total in page.big:
            trend = self._trends.trends.get(total.key)
            lines += big_lines(total, board, trend, now, width, scale, symbols)
        lines += listed_lines(page.listed, width, symbols)
        if not pages:
            lines += [(), ((" no data yet", Tone.QUIET),)]
        turn = int(app.clock.monotonic() // _TICKER)
        ticker = ticker_line(self._alerts, turn, width, symbols)
        footer = [_problem_line(board, now, symbols), progress_line(app) or ticker]
        body = lines[: max(0, height - len(footer))]
        body += [()] * (height - len(footer) - len(body))
        return [fit_line(line, width) for line in (*body, *footer)]

    def _headline(self, position: str, cells: int) -> Line:
        app, now = self.lictui, self.current_time.now
        states = [s.state for s in app.board.servers if s.state is not State.DISABLED]
        up = states.count(State.UP)
        left: Line = (
            (" lictui", Tone.STRONG),
            (f"  {up}/{len(states)} up", Tone.OK if up == len(states) else Tone.CRITICAL),
            (f"  {position}", Tone.QUIET),
        )
        local = to_local(now, self.zone)
        right: Line = (
            (f"{local:%a} {local.day} {local:%b} ", Tone.TEXT),
            (f"{local:%H:%M}", Tone.STRONG),
            (f"  {self.last_poll} ", Tone.QUIET),
        )
        gap = max(1, cells - line_width(left) - line_width(right))
        return (*left, (" " * gap, Tone.TEXT), *right)

    def _request_trends(self, page: WatchPage, now: float) -> None:
        keys = tuple(total.key for total in page.big)
        for period, due in self._trends.due(keys, now, _MONTH):
            self._load_trends(period, due, now)

    @work(group="watch-trends")
    async def _load_trends(self, period: int, keys: tuple[TotalKey, ...], now: float) -> None:
        board = self.lictui.board
        pools = {key: board.total_pools(GroupBy.GROUP, *key) for key in keys}
        ignore = bool  # without an answer the page shows no trend, and asks again later
        if await self.fetch_trends(self._trends, period, pools, now, _MONTH, ignore):
            self._draw()
