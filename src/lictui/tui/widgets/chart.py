"""The usage chart and the heat map. Times are UTC epoch seconds.

A chart is one frozen value with its geometry; only the drawing of it loads plotext.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import IntEnum
from itertools import accumulate, chain, groupby, pairwise
from math import ceil
from operator import itemgetter
from textwrap import wrap
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace
from textual.reactive import reactive

from lictui.analysis.series import day_bounds, day_of
from lictui.config.settings import Thresholds
from lictui.model import Level, MonthlyUsage, Reading, count_text, percent_text
from lictui.time_range import RangeLength, from_local
from lictui.tui.text import Fragment, Line, Tone, line_width
from lictui.tui.widgets.styled_text import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

    from lictui.analysis.series import Bucket
    from lictui.analysis.usage import HeatMatrix
    from lictui.tui.theme import Symbols


_LIMITS: Final = Thresholds()
_LOW: Final = 4  # usage below this part of the limit gets an axis of its own
_HALF_A_MONTH: Final = 15 * 86400  # seconds; a monthly value is drawn in the middle of its month


class LevelSegment(Struct, frozen=True):
    """A constant level from one time to another."""

    start: int
    end: int
    y: float


class MarkKind(IntEnum):
    """Kind of an event mark; of several in one column the first is drawn."""

    REMOVED = 0  # licenses removed
    LICENSES = 1  # licenses added, renewed, changed
    EXPIRY = 2  # licenses expire on that day
    SERVER_DOWN = 3  # server
    ACTIVATION = 4
    VERSION = 5
    CERTIFICATE = 6
    NOTICE = 7
    SERVER_UP = 8


class Mark(Struct, frozen=True):
    """An event, past or expected."""

    time: float
    kind: MarkKind
    text: str


class ForecastDay(Struct, frozen=True):
    """The forecast of one day."""

    start: int
    end: int
    expected: float
    low: float
    high: float
    installed: int | None  # on that day, without what has expired


class ChartView(Struct, frozen=True):
    """Everything the chart draws."""

    buckets: tuple[Bucket, ...] = ()
    start: int = 0
    end: int = 1  # exclusive
    length: RangeLength = RangeLength.WEEK
    tz: ZoneInfo | None = None
    assigned: bool = False  # draw the last value of a bucket, not its maximum
    limits: Thresholds = _LIMITS
    cursor: int | None = None  # index of the bucket under the cursor
    note: str = ""  # shown instead of a chart
    other_scale: bool = False  # than the one that fits
    monthly_usage: tuple[
        MonthlyUsage, ...
    ] = ()  # monthly values of the source, drawn where nothing was recorded
    previous: tuple[Bucket, ...] = ()  # the previous period, moved into this one
    previous_label: str = ""  # name of the previous period
    forecast: tuple[ForecastDay, ...] = ()  # forecast days up to `end`
    marks: tuple[Mark, ...] = ()

    def value(self, bucket: Bucket) -> float:
        return bucket.last if self.assigned else bucket.high

    def level(self, bucket: Bucket) -> Level:
        reading = Reading(round(self.value(bucket)), bucket.installed, bucket.overdraft)
        return reading.level(*self.limits.ratios)

    @property
    def limit(self) -> int:
        """The most that is installed."""
        buckets = (bucket.installed or 0 for bucket in self.buckets)
        return max(0, *buckets, *(day.installed or 0 for day in self.forecast), 0)

    @property
    def top(self) -> int:
        """The upper end of the value axis, a little above everything that is drawn.

        Below a quarter of what is installed the axis fits the usage; `other_scale` is the other
        choice.
        """
        tallest = max(
            0,
            *map(self.value, (*self.buckets, *self.previous)),
            *(y for _, y in self.monthly_points()),
            *(day.high for day in self.forecast),
        )
        if (tallest * _LOW < self.limit) == self.other_scale:
            totals = ((bucket.installed or 0) + (bucket.overdraft or 0) for bucket in self.buckets)
            tallest = max(tallest, self.limit, *totals)
        return max(1, ceil(tallest * 1.08))

    @property
    def label_width(self) -> int:
        return len(f"{self.top:,}") if self.buckets or self.monthly_points() else 1

    def monthly_points(self) -> tuple[tuple[int, int], ...]:
        """Return the source's monthly values before the first reading, for a year's chart."""
        if self.length is not RangeLength.YEAR:
            return ()
        first = self.buckets[0].start if self.buckets else self.end
        return tuple(
            (min(int(month.month_start) + _HALF_A_MONTH, first - 1), month.in_use)
            for month in self.monthly_usage
            if month.in_use is not None and self.start <= month.month_start < first
        )

    def value_ticks(self, height: int) -> tuple[int, ...]:
        unit, top = 1, self.top
        while True:
            for step in (unit, 2 * unit, 5 * unit):
                if top // step <= max(1, height // 4):
                    return tuple(range(0, top + 1, step))
            unit *= 10

    def recorded_runs(self) -> tuple[tuple[Bucket, ...], ...]:
        pairs = enumerate(pairwise(self.buckets), start=1)
        gaps = [index for index, (before, after) in pairs if after.start > before.end]
        bounds = pairwise([0, *gaps, len(self.buckets)])
        return tuple(self.buckets[left:right] for left, right in bounds if right)

    def level_segments(self, share: float, *, overdraft: bool = False) -> tuple[LevelSegment, ...]:
        """Return the level of a share of installed; it steps when licenses change."""
        segments: list[LevelSegment] = []
        buckets = ((b.start, b.end, b.installed, b.overdraft) for b in self.buckets)
        days = ((day.start, day.end, day.installed, None) for day in self.forecast)
        for start, end, installed, overdraft_then in chain(buckets, days):
            if installed is None or (overdraft and not overdraft_then):
                continue
            y = installed * share + (overdraft_then or 0 if overdraft else 0)
            if segments and segments[-1].y == y:
                segments[-1] = LevelSegment(segments[-1].start, end, y)
            else:
                segments.append(LevelSegment(start, end, y))
        return tuple(segments)

    def previous_bucket(self, bucket: Bucket) -> Bucket | None:
        middle = (bucket.start + bucket.end) / 2
        return next((past for past in self.previous if past.start <= middle < past.end), None)

    def marks_at_cursor(self, columns: int) -> tuple[Mark, ...]:
        """Return the marks under the cursor, for an axis of so many columns."""
        if self.cursor is None:
            return ()
        bucket, column = self.buckets[self.cursor], (self.end - self.start) / max(1, columns)
        middle = (bucket.start + bucket.end) / 2
        reach = max((bucket.end - bucket.start) / 2, column)
        marks = (mark for mark in self.marks if abs(mark.time - middle) <= reach)
        return tuple(sorted(marks, key=lambda mark: (mark.kind, mark.time)))

    def position(self, at: float) -> float:
        return (at - self.start) / (self.end - self.start)


# Ticks of the time axis


_STEPS: Final = {  # every so many hours, days or months, and their labels
    RangeLength.HOURS: [("hours", count, "%H:%M") for count in (1, 2, 3, 6)],
    RangeLength.DAY: [("hours", count, "%H:%M") for count in (2, 3, 4, 6, 12)],
    RangeLength.WEEK: [
        ("days", 1, "%a {day} %b"), ("days", 1, "%a {day}"), ("days", 2, "%a {day}"),
    ],
    RangeLength.MONTH: [("days", count, "{day} %b") for count in (2, 7, 14)],
    RangeLength.YEAR: [
        ("months", 1, "%b %Y"), *(("months", count, "%b") for count in (1, 2, 3, 6)),
    ],
}  # fmt: skip


def ticks(
    start: int, end: int, length: RangeLength, tz: tzinfo | None, columns: int
) -> tuple[tuple[int, str], ...]:
    """Return round local times within the range, with labels that fit into `columns`."""
    days = [day_of(midnight, tz) for midnight in day_bounds(start, end, tz)]
    for unit, count, form in _STEPS[length]:
        labels = tuple(
            (int(at), moment.strftime(form.format(day=moment.day)))
            for moment in _round_times(days, unit, count)
            if start <= (at := from_local(moment, tz)) < end
        )
        if sum(len(label) + 2 for _, label in labels) <= columns:
            return labels
    return ()


def _round_times(days: list[date], unit: str, count: int) -> Iterator[datetime]:
    """Yield every `count`-th hour, midnight or first of a month by the clock on the wall.

    Counted from a fixed origin, so that the ticks keep their places as time passes.
    """
    for day in days:
        number = day.toordinal() - 1 if unit == "days" else day.year * 12 + day.month - 1
        if unit == "hours":
            yield from (datetime.combine(day, time(hour)) for hour in range(0, 24, count))
        elif not number % count and (unit == "days" or day.day == 1):
            yield datetime.combine(day, time())


# Parts of a chart and the characters they are drawn with


_COLORS: Final = {
    "ok": "$success", "warn": "$warning", "critical": "$error", "unknown": "$secondary",
}  # fmt: skip
_STYLES: Final = {  # of each part, which is the name of a component class
    "frame": "color: $quiet",
    "installed": "color: $foreground",
    "total": "color: $over",
    "allowance": "color: $over 50%",
    "threshold": "color: $warning",
    "monthly": "color: $secondary",
    "previous": "color: $primary; text-style: bold",
    "forecast": "color: $accent; text-style: bold",
    "band": "color: $quiet",
    "mark": "color: $accent; text-style: bold",
    "cursor": "color: $accent; text-style: bold",
    **{f"area-{level}": f"color: {color} 45%" for level, color in _COLORS.items()},
    **{f"edge-{level}": f"color: {color}" for level, color in _COLORS.items()},
}
PARTS: Final = tuple(_STYLES)
_ABOVE: Final = {Level.OVERDRAFT: Level.CRITICAL, Level.EXHAUSTED: Level.CRITICAL}
AREA: Final = {level: f"area-{_ABOVE.get(level, level)}" for level in Level}
EDGE: Final = {level: f"edge-{_ABOVE.get(level, level)}" for level in Level}


_LEFT, _RIGHT = (0, 0x40, 0x44, 0x46, 0x47), (0, 0x80, 0xA0, 0xB0, 0xB8)  # dots from below
_MARK_GLYPHS: Final = {  # of events, on the time axis
    MarkKind.REMOVED: "◇", MarkKind.LICENSES: "◆", MarkKind.EXPIRY: "◊",
    MarkKind.SERVER_DOWN: "✖", MarkKind.SERVER_UP: "✔", MarkKind.ACTIVATION: "▣",
    MarkKind.VERSION: "▲", MarkKind.CERTIFICATE: "▤", MarkKind.NOTICE: "!",
}  # fmt: skip
_INSTALLED, _TOTAL, _THRESHOLD, _CURSOR = "━", "┅", "┈", "│"
_MONTHLY, _PREVIOUS, _FORECAST, _BAND = "●", "◦", "╌", "░"


_Cells = list[list[tuple[str, str]]]  # characters by line and column
_Row = tuple[tuple[str, Any], ...]  # pieces of text, each of one part or tone


class Chart(Drawing[ChartView]):
    """Usage over time."""

    DEFAULT_CSS = (
        "Chart {"
        + " ".join(f"& .tone--{part} {{ {style}; }}" for part, style in _STYLES.items())
        + " ".join(f"&:ansi .tone--area-{level} {{ text-style: dim; }}" for level in _COLORS)
        + "}"
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{part}" for part in PARTS}

    view: reactive[ChartView] = reactive(ChartView())

    def draw(self, view: ChartView, width: int, height: int) -> tuple[_Row, ...]:
        """Return the chart as rows of text, or the note that replaces it."""
        if view.note or not (view.buckets or view.monthly_points()):
            return _note(view.note, width, height)
        matrix = _Plot(view, width, height, self._symbols).figure.build()
        text = matrix.string(colorless=True).split("\n")[:height]
        cells: _Cells = [[] for _ in text]
        for y, line in enumerate(text):
            for x, character in enumerate(line):
                color = matrix.get(y, x).foreground()
                cells[y].append((character, PARTS[color[0]] if color else "frame"))
        _draw_area(view, cells, self._symbols.area)
        if view.limit > view.top:
            limit = f"{self._symbols.ascending} installed {view.limit:,} "[: max(0, width - 8)]
            cells[0][-len(limit) :] = [(character, "installed") for character in limit]
        _draw_marks(view, cells)
        _draw_cursor(view, cells)
        return tuple(
            tuple(
                ("".join(char for char, _ in run), part)
                for part, run in groupby(row, itemgetter(1))
            )
            for row in cells
        )

    def legend(self, width: int) -> Line:
        """Return each sign with its meaning, the least obvious first, as many as fit."""
        view, symbols, limits = self.view, self._symbols, self.view.limits
        line, area = symbols.curve, symbols.area
        line, area = ("⠉", "⣿") if line == "braille" else (line, area)
        marks = "".join(_MARK_GLYPHS[kind] for kind in sorted({mark.kind for mark in view.marks}))
        has_overdraft = any(bucket.overdraft for bucket in view.buckets)
        thresholds = f"{limits.warn * 100:g} and {limits.critical * 100:g} %"
        entries = (
            (line, Tone.OK, "last value" if view.assigned else "maximum"),
            (area, Tone.QUIET, "average"),
            (_INSTALLED, Tone.STRONG, "installed" * bool(view.limit)),
            (_TOTAL, Tone.OVER, "with overdraft" * has_overdraft),
            (_PREVIOUS, Tone.ACCENT, view.previous_label * bool(view.previous)),
            (_FORECAST, Tone.ACCENT, "forecast" * bool(view.forecast)),
            (_MONTHLY, Tone.TEXT, "monthly values of the source" * bool(view.monthly_points())),
            (marks, Tone.ACCENT, "events" * bool(marks)),
            (_THRESHOLD, Tone.WARN, thresholds * bool(view.limit)),
            ("", Tone.QUIET, "  arrow keys: inspect values"),
        )
        shown: list[Fragment] = []
        for sign, tone, meaning in entries:
            blank = "  " * bool(shown and sign)
            longer = [*shown, (blank + sign, tone), (f" {meaning}"[not sign :], Tone.QUIET)]
            if meaning and line_width(longer) > width:
                break
            shown = longer if meaning else shown
        return tuple(shown)


def _note(note: str, width: int, height: int) -> tuple[_Row, ...]:
    """Return what replaces a chart, in as many rows as it needs."""
    rows = wrap(note or "no data for this period", max(1, width - 2))
    blank: tuple[_Row, ...] = ((),) * max(0, (height - len(rows)) // 2)
    return (*blank, *(((row.center(width), Tone.FRAME),) for row in rows))


def _draw_area(view: ChartView, cells: _Cells, symbol: str) -> None:
    """Fill up to the averages, below all lines: plotext needs half a second for it."""
    left, rows, scale = view.label_width + 1, cells[-3::-1], 4 * (len(cells) - 2) / view.top
    _draw_allowance(view, rows, left, scale)
    dots = [(0, "")] * (2 * (len(cells[0]) - left))  # heights, and their parts
    for bucket in view.buckets:
        first, end = (int(view.position(at) * len(dots)) for at in (bucket.start, bucket.end))
        for x in range(max(0, first), min(max(end, first + 1), len(dots))):
            dots[x] = round(bucket.average * scale), AREA[view.level(bucket)]
    for x, (before, after) in enumerate(zip(dots[::2], dots[1::2], strict=True), start=left):
        part = before[1] or after[1]
        for y, row in enumerate(rows):
            heights = [min(4, max(0, height - 4 * y)) for height, _ in (before, after)]
            old, tone = row[x]
            if symbol != "braille":
                row[x] = (symbol, part) if old == " " and max(heights) > 1 else row[x]
            elif old == " " or "\u2800" <= old <= "\u28ff":
                bits = _LEFT[heights[0]] | _RIGHT[heights[1]] | ord(old) % 0x2800 * (old != " ")
                row[x] = (chr(0x2800 + bits), part if old == " " else tone) if bits else row[x]


def _draw_allowance(view: ChartView, rows: _Cells, left: int, scale: float) -> None:
    """Shade what may be used on top of the licenses: from installed to the overdraft's end."""
    for bucket in view.buckets if rows else ():
        if not bucket.installed or not bucket.overdraft:
            continue
        low, high = bucket.installed * scale, (bucket.installed + bucket.overdraft) * scale
        first, end = (_column(view, at, len(rows[0])) for at in (bucket.start, bucket.end))
        for row in rows[ceil(low / 4) : int(high / 4)]:
            for x in range(max(left, first), end + 1):
                row[x] = (_BAND, "allowance") if row[x][0] == " " else row[x]


def _draw_cursor(view: ChartView, cells: _Cells) -> None:
    if view.cursor is None:
        return
    bucket = view.buckets[view.cursor]
    for row in cells[:-2]:
        x = _column(view, (bucket.start + bucket.end) / 2, len(row))
        row[x] = (_CURSOR if row[x][0] == " " else row[x][0], "cursor")


def _draw_marks(view: ChartView, cells: _Cells) -> None:
    if len(cells) < 3:  # noqa: PLR2004 - an axis, its labels, and something above them
        return
    axis = cells[-2]
    for mark in sorted(view.marks, key=lambda mark: mark.kind, reverse=True):
        if view.start <= mark.time < view.end:
            axis[_column(view, mark.time, len(axis))] = (_MARK_GLYPHS[mark.kind], "mark")


def _column(view: ChartView, at: float, width: int) -> int:
    left = view.label_width + 1
    return left + int(view.position(at) * (width - left - 1))


class _Plot:
    """A plotext figure; its colors are numbers of parts, the theme's colors come later."""

    def __init__(self, view: ChartView, width: int, height: int, symbols: Symbols) -> None:
        import plotext

        plotext.terminal.limit(width=False, height=False)
        self._plotext = plotext
        self.figure = type(plotext.figure)(parent=plotext.terminal)
        self.figure.theme("colorless").plot_size(width, height)
        self._axes(view, width, height)
        for day in view.forecast:  # the band as one vertical stroke per day
            middle = (day.start + day.end) / 2
            self._draw([(middle, day.low, "band"), (middle, day.high, "band")], _BAND)
        for share in view.limits.ratios:
            self._levels(view, view.level_segments(share), _THRESHOLD, "threshold")
        for run in view.recorded_runs():  # the maxima as steps: a bucket is as wide as its time
            ends = [(at, bucket) for bucket in run for at in (bucket.start, bucket.end - 1)]
            steps = [(at, view.value(bucket), EDGE[view.level(bucket)]) for at, bucket in ends]
            self._draw(steps, symbols.curve)
        if points := view.monthly_points():
            self._draw([(*point, "monthly") for point in points], _MONTHLY, joined=False)
        before = (LevelSegment(past.start, past.end, view.value(past)) for past in view.previous)
        self._levels(view, before, _PREVIOUS, "previous")
        expected = (LevelSegment(day.start, day.end, day.expected) for day in view.forecast)
        self._levels(view, expected, _FORECAST, "forecast")
        self._levels(view, view.level_segments(1.0), _INSTALLED, "installed")
        self._levels(view, view.level_segments(1.0, overdraft=True), _TOTAL, "total")

    def _axes(self, view: ChartView, width: int, height: int) -> None:
        figure, label = self.figure, view.label_width
        moments = ticks(view.start, view.end, view.length, view.tz, width - label - 1)
        values = view.value_ticks(height)
        figure.ruler("x").lim(view.start, view.end).alignment(lim="edge")
        figure.ruler("x").ticks([at for at, _ in moments], [text for _, text in moments])
        figure.ruler("y").lim(0, view.top).alignment(lim="edge")
        figure.ruler("y").ticks(list(values), [f"{value:,}".rjust(label) for value in values])
        figure.axes(active=False, axis="x", side="upper")
        figure.axes(active=False, axis="y", side="right")

    def _levels(
        self, view: ChartView, lines: Iterable[LevelSegment], symbol: str, part: str
    ) -> None:
        for line in lines:
            if line.y <= view.top:
                self._draw([(at, line.y, part) for at in (line.start, line.end - 1)], symbol)

    def _draw(
        self, points: Sequence[tuple[float, float, str]], symbol: str, *, joined: bool = True
    ) -> None:
        """Draw points of a time, a value and a part."""
        times, values, parts = zip(*points, strict=True)
        colors = [self._plotext.pixel((PARTS.index(part), 0, 0)) for part in parts]
        markers = [self._plotext.marker(symbol, pixel=color) for color in colors]
        signal = self.figure.signal(list(times), list(values), marker=markers)
        self.figure.draw(signal.lines(active=True) if joined else signal)


# Heat map: usage per hour and weekday


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: Final = 24
HEAT_LABEL: Final = 5  # columns of a weekday name
_TWO_DIGITS: Final = 3  # columns of a cell for two digits
_SHADES: Final = 4  # of what is below the first threshold
# With 16 colors nothing can be shaded: high values are filled, and every cell has its figure.
_HEAT: Final = {  # background and text, of themes and of the terminal's colors
    "heat-0": ("$success 6%", "$foreground", "ansi_default", "ansi_green"),
    "heat-1": ("$success 18%", "$foreground", "ansi_default", "ansi_green"),
    "heat-2": ("$success 31%", "$foreground", "ansi_green", "ansi_black"),
    "heat-3": ("$success 44%", "$foreground", "ansi_green", "ansi_black"),
    "heat-warn": ("$warning", "$background", "ansi_yellow", "ansi_black"),
    "heat-critical": ("$error", "$background", "ansi_red", "ansi_bright_white"),
    "heat-cursor": ("$accent", "$background", "ansi_cyan", "ansi_black"),
}
_HEAT_CSS: Final = " ".join(
    f"& > .tone--{tone} {{ background: {back}; color: {text}; }}"
    f" &:ansi > .tone--{tone} {{ background: {ansi_back}; color: {ansi_text}; }}"
    for tone, (back, text, ansi_back, ansi_text) in _HEAT.items()
)


class HeatMapView(Struct, frozen=True):
    """A heat map and its scale."""

    heat: HeatMatrix | None = None
    installed: int | None = None  # latest; without it the busiest hour is the scale
    limits: Thresholds = _LIMITS
    cursor: tuple[int, int] | None = None  # weekday (0 is Monday), hour
    note: str = ""  # shown instead of a map

    @property
    def scale(self) -> float:
        if self.installed:
            return self.installed
        rows = self.heat.peak if self.heat else ()
        return max((value for row in rows for value in row if value is not None), default=0) or 1


class HeatMap(Drawing[HeatMapView]):
    """Usage by hour and weekday."""

    DEFAULT_CSS = "HeatMap {" + _HEAT_CSS + "}"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{tone}" for tone in _HEAT}

    view: reactive[HeatMapView] = reactive(HeatMapView())

    def draw(self, view: HeatMapView, width: int, height: int) -> list[_Row]:
        return draw_heat_map(view, width, height, self._symbols)

    def move_cursor(self, hours: int) -> None:
        """Move the cursor, Monday 8:00 at first; the week wraps around."""
        day, hour = self.view.cursor or (0, 8 - hours)
        place = (day * HOURS + hour + hours) % (7 * HOURS)
        self.view = replace(self.view, cursor=divmod(place, HOURS))


def draw_heat_map(view: HeatMapView, width: int, height: int, symbols: Symbols) -> list[_Row]:
    """Return the map as lines of text: the hours, then the same number of lines per weekday."""
    if view.note or view.heat is None or not any(map(any, view.heat.weeks)):
        return list(_note(view.note, width, height))
    room = max(0, width - HEAT_LABEL)
    room -= room % HOURS if room < 3 * HOURS else 0  # narrow cells of two widths look ragged
    edges = [HEAT_LABEL + room * hour // HOURS for hour in range(HOURS + 1)]
    cells = [end - start for start, end in pairwise(edges)]
    every = next(n for n in (1, 2, 3, 6, 12, 24) if n * min(cells) > 2 or n == HOURS)  # noqa: PLR2004
    hours = " " * HEAT_LABEL
    for hour in range(0, HOURS, every):
        hours = f"{hours.ljust(edges[hour] + (cells[hour] - 1) // 2)}{hour:02}"
    lines: list[_Row] = [((hours[:width], Tone.QUIET),)]
    rows = max(1, (height - 1) // len(_DAYS))
    for day, name in enumerate(_DAYS):
        tone = Tone.ACCENT if view.cursor and view.cursor[0] == day else Tone.QUIET
        drawn = [_cell(view, (day, hour), cells, symbols) for hour in range(HOURS)]
        blank = tuple((" " * len(text), tone) for text, tone in drawn)
        day_lines: list[_Row] = [((" " * HEAT_LABEL, tone), *blank)] * rows
        day_lines[(rows - 1) // 2] = ((f" {name} ", tone), *drawn)
        lines += day_lines
    return lines


def _cell(
    view: HeatMapView, place: tuple[int, int], cells: list[int], symbols: Symbols
) -> tuple[str, str]:
    """A cell with its figure: the percentage, or its tens where cells are narrow."""
    width = cells[place[1]]
    value = view.heat.average[place[0]][place[1]] if view.heat else None
    text, kind = "", ""
    if value is not None:
        share = round(value) / view.scale
        text = f"{share * 100:.0f}" if min(cells) >= _TWO_DIGITS else f"{min(9, int(share * 10))}"
        text = "++" if len(text) >= min(cells) > 1 else text  # figures must not touch each other
        level = Reading(round(value), view.installed).level(*view.limits.ratios)
        shade = f"{min(_SHADES - 1, int(share * (_SHADES + 1)))}"
        kind = {Level.OK: shade, Level.UNKNOWN: shade, Level.WARN: "warn"}.get(level, "critical")
    text = text.rjust(min(2, width)).center(width)
    if place == view.cursor:
        text, kind = symbols.cursor + text[1:], "cursor"
    return text, f"heat-{kind}" if kind else Tone.TEXT


def read_off(view: HeatMapView, symbols: Symbols) -> Line:
    """Return the cell under the cursor in words."""
    if view.heat is None or view.cursor is None:
        return ()
    day, hour = view.cursor
    when = (f"{symbols.ascending} {_DAYS[day]} {hour:02}:00  ", Tone.ACCENT)
    average, peak = view.heat.average[day][hour], view.heat.peak[day][hour]
    if average is None or peak is None:
        return (when, ("no data", Tone.QUIET))
    share = ""
    if view.installed:
        share = f" ({percent_text(round(average) / view.installed, view.limits.ratios)})"
    weeks = view.heat.weeks[day][hour]
    most = f", max {peak:,.0f} ({count_text(weeks, 'week')})"
    return (when, (f"{average:,.0f}{share} on average", Tone.STRONG), (most, Tone.TEXT))


def legend(view: HeatMapView, width: int, key: str) -> Line:
    """Return the legend, with the keys that fit into `width` columns; `key` opens the chart."""
    scale = "installed" if view.installed else "the busiest hour"
    cell = (width + 2 - HEAT_LABEL) // HOURS  # columns
    unit = "tens of %" if cell < _TWO_DIGITS else "%"
    line = f"average of hourly peaks in {unit} of {scale}"
    averages = chain.from_iterable(view.heat.average if view.heat else ())
    if cell == _TWO_DIGITS and any((value or 0) >= view.scale for value in averages):
        line += "  ++: 100+"
    keys = "  arrow keys: inspect values", f"  {key}: chart"
    longer = accumulate((line, *keys))
    return (
        (max((text for text in longer if len(text) <= width), key=len, default=line), Tone.QUIET),
    )
