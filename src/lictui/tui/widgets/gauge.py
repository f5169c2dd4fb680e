"""The gauge: how full a pool is, with the overdraft apart and a tick at the peak of the day.

Owns the drawing of one gauge. Pure: must not know Textual, themes or where figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import Level, Reading
from lictui.tui.text import LEVEL_TONES, Fragment, Tone, merge_fragments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.analysis.series import Bucket, Series
    from lictui.config.settings import Thresholds
    from lictui.tui.theme import Symbols


OVERDRAFT_CELLS: Final = 3  # cells past the end of installed: the end itself and two of overdraft
MINIMUM_GAUGE: Final = 6  # cells below which a gauge says nothing


def draw_gauge(
    reading: Reading, level: Level, peak: float | None, cells: int, symbols: Symbols
) -> list[Fragment]:
    """A gauge in exactly `cells` cells.

    The scale is 0 to installed; what is in use beyond stands past the end mark, where the scale
    is the overdraft's own, so that nothing is ever clamped into looking merely full.
    """
    inside = cells - OVERDRAFT_CELLS
    if inside < 1:
        return [(" " * max(cells, 0), Tone.FRAME)]
    if reading.installed is None or reading.in_use is None:
        return [(symbols.track * inside + symbols.limit + "  ", Tone.FRAME)]
    used, installed = reading.in_use, reading.installed
    fill = _bar(min(used, installed), installed, inside, symbols)
    track = [symbols.track] * (inside - len(fill))
    if peak is not None and installed and used < peak <= installed:
        at = min(int(peak / installed * inside), inside - 1) - len(fill)
        if at >= 0:
            track[at] = symbols.peak
    tone = LEVEL_TONES[level]
    beyond = _beyond(used - installed, reading.overdraft, symbols)
    return [
        (fill, tone),
        ("".join(track) + symbols.limit, Tone.FRAME),
        *beyond,
    ]


def _bar(value: int, of: int, cells: int, symbols: Symbols) -> str:
    """Whole cells and one part: more than nothing shows, less than all never fills."""
    if value <= 0 or of <= 0:
        return ""
    parts = len(symbols.gauge_bars)
    eighths = max(1, value * cells * parts // of)
    whole, rest = divmod(eighths, parts)
    return symbols.gauge_bars[-1] * whole + (symbols.gauge_bars[rest - 1] if rest else "")


def _beyond(over: int, overdraft: int | None, symbols: Symbols) -> list[Fragment]:
    room = OVERDRAFT_CELLS - 1
    if over <= 0:
        allowed = symbols.overdraft_free if overdraft else " "
        return [(allowed * room, Tone.FRAME)]
    taken = room if not overdraft or over >= overdraft else max(1, over * room // overdraft)
    left = symbols.overdraft_free if overdraft else " "
    return [(symbols.overdraft_used * taken, Tone.OVER), (left * (room - taken), Tone.FRAME)]


# The trend: how full a pool was, bucket by bucket, on the fixed domain of 0 to installed


DEFAULT_TREND_SECONDS: Final = (
    86400  # seconds of the past that are drawn unless somebody wants more
)
_STEPS: Final = (300, 3600, 86400)  # what a bucket is a multiple of: what is kept of the past
_HEIGHTS: Final = 8


@dataclass(frozen=True, slots=True)
class TrendData:
    """The maximum of each bucket, oldest first; None is a gap."""

    start: int = 0  # UTC epoch seconds
    bucket: int = DEFAULT_TREND_SECONDS  # seconds
    maxima: tuple[float | None, ...] = ()
    installed: tuple[int | None, ...] = ()
    day: TrendData | None = None  # the last day, where this is longer

    @property
    def peak(self) -> float | None:
        """The highest of all that is shown."""
        return max((high for high in self.maxima if high is not None), default=None)

    @property
    def peak_of_day(self) -> float | None:
        """The highest of the last day, however long the stretch is that is shown."""
        return self.day.peak if self.day else self.peak


def trend_bucket(cells: int, stretch: int = DEFAULT_TREND_SECONDS) -> int:
    """How many seconds one cell stands for, so that `cells` of them show the last `stretch`."""
    if cells < 1:
        return stretch
    least = -(-stretch // cells)
    step = max((step for step in _STEPS if step <= least), default=_STEPS[0])
    if stretch == DEFAULT_TREND_SECONDS:
        step = _STEPS[0]
    return -(-least // step) * step


def trend_data(series: Series, now: float, cells: int, bucket: int) -> TrendData:
    """The series in `cells` buckets of `bucket` seconds that end with the one `now` is in.

    A maximum is kept exactly; a bucket of the series lies in the cell that its start is in.
    """
    last = int(now) // bucket * bucket
    start = last - (cells - 1) * bucket
    highs: list[float | None] = [None] * cells
    installed: list[int | None] = [None] * cells
    for found in series.buckets:
        at = (_moment(found, start) - start) // bucket
        if 0 <= at < cells:
            before = highs[at]
            highs[at] = found.high if before is None else max(before, found.high)
            installed[at] = found.installed
    return TrendData(start, bucket, tuple(highs), tuple(installed))


def _moment(found: Bucket, start: int) -> int:
    """Where a bucket counts: where its maximum was, unless that lies before what is shown."""
    return max(found.start, min(found.high_at, found.end - 1), start)


def with_reading(before: TrendData, at: float, reading: Reading) -> TrendData:
    """The past with what was read just now; moved on when a new bucket has begun."""
    if reading.in_use is None or not before.maxima:
        return before
    cells = len(before.maxima)
    index = (int(at) - before.start) // before.bucket
    if index < 0:
        return before
    moved = max(0, index - cells + 1)
    highs = (list(before.maxima) + [None] * moved)[moved:][-cells:]
    installed = (list(before.installed) + [None] * moved)[moved:][-cells:]
    if len(highs) < cells:  # longer ago than everything shown
        highs, installed = [None] * cells, [None] * cells
    index -= moved
    known = highs[index]
    highs[index] = float(reading.in_use) if known is None else max(known, float(reading.in_use))
    installed[index] = reading.installed
    return TrendData(
        before.start + moved * before.bucket, before.bucket, tuple(highs), tuple(installed)
    )


def draw_trend(
    before: TrendData, installed: int | None, limits: Thresholds, cells: int, symbols: Symbols
) -> list[Fragment]:
    """A trend in exactly `cells` cells, the newest bucket at the right."""
    shown = list(zip(before.maxima, before.installed, strict=True))[-cells:] if cells > 0 else []
    peak = before.peak
    runs: Iterable[Fragment] = (
        _cell(high, then if then is not None else installed, peak, limits, symbols)
        for high, then in shown
    )
    return [(symbols.gap * max(cells - len(shown), 0), Tone.FRAME), *merge_fragments(runs)]


def _cell(
    high: float | None,
    installed: int | None,
    peak: float | None,
    limits: Thresholds,
    symbols: Symbols,
) -> Fragment:
    if high is None:
        return symbols.gap, Tone.FRAME
    if installed is None:  # no end of the scale is known: the day's own shape, in no level's tone
        return _bar_trend(high, peak or 1.0, symbols), Tone.QUIET
    level = Reading(round(high), installed).level(limits.warn, limits.critical)
    tone = Tone.OVER if high > installed else LEVEL_TONES[level]
    return _bar_trend(high, installed, symbols), tone


def _bar_trend(high: float, scale: float, symbols: Symbols) -> str:
    if scale <= 0:
        return symbols.trend_bars[-1 if high > 0 else 0]
    return symbols.trend_bars[min(max(-int(-high * _HEIGHTS // scale), 1), _HEIGHTS) - 1]
