"""The console view: for a screen on the wall that nobody touches for months.

Owns rotation, the beep, the exit and the shift against burn-in. Must not know what a page says
(`watch_view`), nor where figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from textual import work
from textual.screen import Screen

from lictui.analysis.series import SeriesQuery
from lictui.engine.alerts import AlertView, alert_views
from lictui.engine.board import MergedBoard, ServerStatus, is_reporting, sum_readings
from lictui.errors import LictuiError
from lictui.model import AlertKey, Level, Model, Pool, PoolKey, Reading, State
from lictui.tui.screens.usage_query import ASSIGNED, MODELS
from lictui.tui.text import (
    LEVEL_TONES,
    Fragment,
    Line,
    Tone,
    fit_line,
    format_age,
    format_coarse_age,
    format_count,
    format_percent,
    line_width,
    shorten,
    strip_controls,
)
from lictui.tui.theme import ASCII_SYMBOLS, Symbols
from lictui.tui.time_range import time_zone, to_local
from lictui.tui.widgets.gauge import draw_gauge
from lictui.tui.widgets.styled_text import StyledBlock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textual.app import ComposeResult

    from lictui.config.settings import Settings
    from lictui.tui.app import LictuiApp, WatchOptions


# Big digits: figures that can be read from across a room


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
    """Rows that `big` makes."""
    return DIGIT_ROWS * scale if ascii_only else (DIGIT_ROWS * scale + 1) // 2


def big_digits(text: str, *, ascii_only: bool = False, scale: int = 1) -> tuple[str, ...]:
    """`text`, of digits and `,?-`, as rows of equal width; others become `?`."""
    glyphs = [_FONT.get(character, _FONT["?"]).split("/") for character in text]
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


# What the console view shows: pages of one group each, as frozen values and lines of text


_FIXED: Final = 3  # rows of a block beside its digits: title, gauge, a blank one
_FRAME: Final = 3  # rows of a page beside its blocks: head, servers, alerts
_ROOMY: Final = (120, 44)  # columns and rows from which digits are twice as big
_QUIET: Final = (State.UP, State.WAITING, State.DISABLED)

Peaks = dict[str, tuple[int, str]]  # by block: today's peak and its hour


@dataclass(frozen=True, slots=True)
class WatchBlock:
    """One product over the servers of a group."""

    product: str
    name: str
    model: Model
    pools: tuple[tuple[str, PoolKey], ...]
    reading: Reading  # as last known
    level: Level  # unknown when no figure is of now
    servers: tuple[int, int]  # with figures of now, and all that hold it
    answered_at: float | None  # the oldest answer it rests on


@dataclass(frozen=True, slots=True)
class WatchPage:
    """What is seen at one time."""

    group: str
    blocks: tuple[WatchBlock, ...]
    servers: tuple[ServerStatus, ...]


def watch_pages(
    board: MergedBoard, settings: Settings, size: tuple[int, int], symbols: Symbols
) -> tuple[WatchPage, ...]:
    """A page for each group, several where its products need more room than there is."""
    tall = digits_height(ascii_only=symbols is ASCII_SYMBOLS, scale=scale(size))
    room = max(1, (size[1] - _FRAME) // (_FIXED + tall))
    found: list[WatchPage] = []
    enabled = [status for status in board.servers if status.state is not State.DISABLED]
    for group in dict.fromkeys(status.server.group for status in enabled):
        servers = tuple(status for status in enabled if status.server.group == group)
        blocks = tuple(_blocks(group, servers, settings))
        for first in range(0, max(1, len(blocks)), room):
            page = WatchPage(strip_controls(group), blocks[first : first + room], servers)
            found.append(page)
    return tuple(found)


def scale(size: tuple[int, int]) -> int:
    """How big the digits are on a terminal of this size."""
    return 2 if size[0] >= _ROOMY[0] and size[1] >= _ROOMY[1] else 1


def _blocks(
    group: str, servers: Sequence[ServerStatus], settings: Settings
) -> Iterator[WatchBlock]:
    held: dict[tuple[str, Model], list[tuple[ServerStatus, Pool]]] = {}
    for status in servers:
        for pool in status.snapshot.pools if status.snapshot else ():
            if pool.counted:
                held.setdefault((pool.product, pool.model), []).append((status, pool))
    for (product, model), pools in held.items():
        live = [pool for status, pool in pools if is_reporting(status, pool)]
        reading = sum_readings(live or [pool for _, pool in pools])
        limits = settings.alerts.thresholds_for(group=group, server="", product=product)
        names = {status.server.name for status, _ in pools}
        known = {status.server.name for status, pool in pools if is_reporting(status, pool)}
        yield WatchBlock(
            product,
            strip_controls(pools[0][1].name),
            model,
            tuple(status.history_key(pool.key) for status, pool in pools),
            reading,
            reading.level(limits.warn, limits.critical) if live else Level.UNKNOWN,
            (len(known), len(names)),
            min(
                (s.last_success_at for s, _ in pools if s.last_success_at is not None), default=None
            ),
        )


def lines(
    page: WatchPage,
    alerts: Sequence[AlertView],
    peaks: Mapping[str, tuple[int, str]],
    now: float,
    size: tuple[int, int],
    symbols: Symbols,
    place: str,
) -> list[Line]:
    """The page as exactly so many rows of exactly so many columns."""
    cells, rows = size
    found: list[Line] = [_head(page, now, cells, place)]
    for block in page.blocks:
        found += _block(block, peaks.get(block.product), now, size, symbols)
    if not page.blocks:
        found += [(), ((" no figures yet", Tone.QUIET),)]
    foot = [_unwell(page, now, cells, symbols), _alerts(alerts, cells, symbols)]
    body = found[: max(0, rows - len(foot))]
    body += [()] * (rows - len(foot) - len(body))
    return [fit_line(line, cells) for line in (*body, *foot)]


def _head(page: WatchPage, now: float, cells: int, place: str) -> Line:
    polled = max((s.polled_at for s in page.servers if s.polled_at is not None), default=None)
    when = "never polled" if polled is None else f"polled {format_age(now - polled)} ago"
    left: Line = ((f" {page.group or 'servers'}", Tone.STRONG), (f"  {place}", Tone.QUIET))
    gap = max(1, cells - line_width(left) - len(when) - 1)
    return (*left, (" " * gap, Tone.TEXT), (when, Tone.TEXT))


def _block(
    block: WatchBlock,
    peak: tuple[int, str] | None,
    now: float,
    size: tuple[int, int],
    symbols: Symbols,
) -> Iterator[Line]:
    reading, cells = block.reading, size[0]
    live = block.level is not Level.UNKNOWN or block.servers[0] > 0
    tone = LEVEL_TONES[block.level] if live else Tone.QUIET
    yield _title(block, cells, symbols)
    digits = big_digits(
        "?" if reading.in_use is None else f"{reading.in_use:,}",
        ascii_only=symbols is ASCII_SYMBOLS,
        scale=scale(size),
    )
    beside = list(_beside(block, peak, now, symbols, live=live))
    skip = max(0, (len(digits) - len(beside)) // 2)
    for row, dots in enumerate(digits):
        said = beside[row - skip] if 0 <= row - skip < len(beside) else ()
        yield ((f" {dots}  ", tone), *said)
    yield (
        (" ", Tone.TEXT),
        *draw_gauge(reading, block.level, peak and peak[0], cells - 2, symbols),
    )
    yield ()


def _title(block: WatchBlock, cells: int, symbols: Symbols) -> Line:
    known, held = block.servers
    count = f"{known} of {held} servers" if held > 1 else "1 server"
    said = f" {symbols.dot} {MODELS[block.model]} {symbols.dot} {count}"
    name = shorten(block.name, max(8, cells - len(said) - 2), symbols.ellipsis)
    return ((f" {name}", Tone.STRONG), (said, Tone.QUIET))


def _beside(
    block: WatchBlock, peak: tuple[int, str] | None, now: float, symbols: Symbols, *, live: bool
) -> Iterator[Line]:
    reading, assigned = block.reading, block.model in ASSIGNED
    verb = " assigned" if assigned else ""
    yield ((f"of {format_count(reading.installed)}{verb}", Tone.TEXT),)
    mark = symbols.level[block.level].strip()
    share = f"{format_percent(reading.ratio)} {mark}".rstrip()
    free = f"  {format_count(reading.free)} free" if reading.free is not None else ""
    yield ((share, LEVEL_TONES[block.level] if live else Tone.QUIET), (free, Tone.TEXT))
    if not live:
        ago = format_age(now - block.answered_at) if block.answered_at is not None else "?"
        yield ((f"last known, {ago} ago", Tone.CRITICAL),)
    elif peak is not None:
        word = "most" if assigned else "peak"
        yield ((f"{word} today {peak[0]:,} at {peak[1]}", Tone.QUIET),)


def _unwell(page: WatchPage, now: float, cells: int, symbols: Symbols) -> Line:
    said: list[Fragment] = []
    for status in page.servers:
        if status.state in _QUIET:
            continue
        word = status.state.replace("_", " ")
        since = "" if status.since is None else f" {format_coarse_age(now - status.since)}"
        tone = Tone.WARN if status.state in (State.STALE, State.NO_DATA) else Tone.CRITICAL
        glyph = symbols.state[status.state]
        said.append((f" {glyph} {strip_controls(status.server.name)} {word}{since} ", tone))
    return fit_line(said, cells)


def _alerts(alerts: Sequence[AlertView], cells: int, symbols: Symbols) -> Line:
    if not alerts:
        return ((" no alerts", Tone.QUIET),)
    worst = alerts[0]
    count = f" {len(alerts)} alert{'s' if len(alerts) > 1 else ''} "
    server, message = strip_controls(worst.key.server), strip_controls(worst.message)
    said = f"{symbols.level[worst.level]} {server}: {message}"
    line: Line = ((count, Tone.STRONG), (said, LEVEL_TONES[worst.level]))
    return fit_line(line, cells)


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
        self._known: frozenset[tuple[AlertKey, Level]] | None = None
        self._alerts: tuple[AlertView, ...] = ()

    @property
    def lictui(self) -> LictuiApp:
        """The application, as what it is."""
        return cast("LictuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Nothing but the page."""
        yield StyledBlock()

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

    def _board_came(self, board: MergedBoard) -> None:
        app = self.lictui
        now = app.clock.now()
        today = to_local(now, time_zone(app.settings.timezone)).date()
        found = alert_views(board, today, now)
        self._alerts = tuple(each for each in found if each.needs_attention)
        known = frozenset((it.key, it.level) for it in self._alerts)
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
        board = app.board
        pages = watch_pages(board, app.settings, size, app.symbols)
        if not pages:
            rows = [(), ((" no server is registered: lictui servers add", Tone.QUIET),)]
        else:
            at = self._turned % len(pages)
            page = pages[at]
            self._ask(page, now)
            peaks = self._peaks.get(page.group, {})
            place = f"{at + 1}/{len(pages)}" if len(pages) > 1 else ""
            rows = lines(page, self._alerts, peaks, now, size, app.symbols, place)
        shifted = [(), *rows] if down else rows
        self.query_one(StyledBlock).show_lines(
            [((" " * right, Tone.TEXT), *row) for row in shifted] if right else shifted
        )

    def _ask(self, page: WatchPage, now: float) -> None:
        """Ask for the peaks of the day, once in a while for each page."""
        key = f"{page.group}/{page.blocks[0].product if page.blocks else ''}"
        if page.blocks and now - self._asked.get(key, -_PEAKS) >= _PEAKS:
            self._asked[key] = now
            self._read_peaks(page, now)

    @work(group="watch-peaks")
    async def _read_peaks(self, page: WatchPage, now: float) -> None:
        tz = time_zone(self.lictui.settings.timezone)
        midnight = to_local(now, tz).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = int(midnight.timestamp()), int(now) + 1
        questions = tuple(SeriesQuery(block.pools, start, end, 300) for block in page.blocks)
        try:
            answers = await self.lictui.engine.many(questions)
        except LictuiError:
            return  # the page says less, and is asked for again later
        found = self._peaks.setdefault(page.group, {})
        for block, series in zip(page.blocks, answers, strict=True):
            if series.buckets:
                top = max(series.buckets, key=lambda bucket: bucket.high)
                found[block.product] = (round(top.high), f"{to_local(top.high_at, tz):%H:%M}")
        self._draw()
