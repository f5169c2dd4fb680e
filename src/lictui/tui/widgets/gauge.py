"""Gauge and trend: how full a pool is, and how full it was, with a cache of trend data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lictui.analysis.series import Resolution, SeriesQuery
from lictui.clock import DAY
from lictui.model import Level, Reading
from lictui.tui.text import LEVEL_TONES, Fragment, Tone, merge_fragments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.analysis.columns import Series
    from lictui.config.settings import Thresholds
    from lictui.model import PoolKey
    from lictui.tui.theme import Symbols


K = TypeVar("K")
Pools = tuple[tuple[str, "PoolKey"], ...]

OVERDRAFT_CELLS: Final = 3  # cells beyond installed: the end mark and two of overdraft


def draw_gauge(
    reading: Reading, level: Level, peak: float | None, cells: int, symbols: Symbols
) -> list[Fragment]:
    """Return a gauge in exactly `cells` cells.

    The scale is 0 to installed. Usage beyond that is drawn behind the end mark on the scale of the
    overdraft, so that over-use never looks merely full.
    """
    inside = cells - OVERDRAFT_CELLS
    if inside < 1:
        return [(" " * max(cells, 0), Tone.FRAME)]
    if reading.installed is None or reading.in_use is None:
        missing = "installed" if reading.installed is None else "usage"
        words = (word for word in (f"{missing} unknown", "unknown") if len(word) < cells)
        return [(f"{next(words, ''):>{cells}}", Tone.QUIET)]
    used, installed = reading.in_use, reading.installed
    fill = _bar(min(used, installed), installed, inside, symbols)
    track = [symbols.track] * (inside - len(fill))
    if peak is not None and installed and used < peak <= installed:
        at = min(int(peak / installed * inside), inside - 1) - len(fill)
        if at >= 0:
            track[at] = symbols.peak
    room, over, overdraft = OVERDRAFT_CELLS - 1, used - installed, reading.overdraft or 0
    taken = 0 if over <= 0 else room
    if 0 < over < overdraft:
        taken = max(1, over * room // overdraft)
    free = (symbols.overdraft_free if overdraft else " ") * (room - taken)
    beyond = [(symbols.overdraft_used * taken, Tone.OVER)] * bool(taken) + [(free, Tone.FRAME)]
    return [(fill, LEVEL_TONES[level]), ("".join(track) + symbols.limit, Tone.FRAME), *beyond]


def _bar(value: int, of: int, cells: int, symbols: Symbols) -> str:
    """Return whole cells and one partial cell: any usage shows, only full usage fills the bar."""
    if value <= 0 or of <= 0:
        return ""
    parts = len(symbols.gauge_bars)
    eighths = max(1, value * cells * parts // of)
    whole, part = divmod(eighths, parts)
    return symbols.gauge_bars[-1] * whole + (symbols.gauge_bars[part - 1] if part else "")


# Trend: maxima per bucket on the fixed scale of 0 to installed


_STEPS: Final = (300, 3600, 86400)  # a bucket is a multiple of a resolution that the history keeps
_HEIGHTS: Final = 8
_LEAST_SPAN: Final = 0.1  # of the maximum: smaller changes are not blown up


class TrendData(Struct, frozen=True):
    """The maximum of each bucket, oldest first; None is a gap."""

    start: int = 0  # UTC epoch seconds
    bucket: int = DAY  # seconds
    maxima: tuple[float | None, ...] = ()
    installed: tuple[int | None, ...] = ()
    day: TrendData | None = None  # the last day, if this is longer
    own_scale: bool = False  # drawn from its lowest to its highest maximum, not up to installed

    @property
    def peak(self) -> float | None:
        return max((high for high in self.maxima if high is not None), default=None)

    @property
    def peak_of_day(self) -> float | None:
        """The maximum of the last day, whatever period is shown."""
        return self.day.peak if self.day else self.peak


def trend_bucket(cells: int, stretch: int = DAY) -> int:
    """Return the seconds per cell, so that `cells` cells show the last `stretch` seconds."""
    if cells < 1:
        return stretch
    least = -(-stretch // cells)
    steps = _STEPS[:1] if stretch == DAY else _STEPS
    step = max((step for step in steps if step <= least), default=_STEPS[0])
    return -(-least // step) * step


def trend_data(series: Series, now: float, cells: int, bucket: int) -> TrendData:
    """Return the series in `cells` buckets of `bucket` seconds; the last one contains `now`.

    Maxima are exact; a bucket of the series counts in the cell of its maximum.
    """
    last = int(now) // bucket * bucket
    start = last - (cells - 1) * bucket
    highs: list[float | None] = [None] * cells
    installed: list[int | None] = [None] * cells
    for series_bucket in series.buckets:
        moment = min(series_bucket.high_at, series_bucket.end - 1)
        at = (max(series_bucket.start, moment, start) - start) // bucket
        if 0 <= at < cells:
            highs[at] = max(highs[at] or series_bucket.high, series_bucket.high)
            installed[at] = series_bucket.installed
    return TrendData(start, bucket, tuple(highs), tuple(installed))


def draw_trend(
    trend: TrendData, installed: int | None, limits: Thresholds, cells: int, symbols: Symbols
) -> list[Fragment]:
    """Return a trend in exactly `cells` cells, the newest bucket at the right."""
    shown = list(zip(trend.maxima, trend.installed, strict=True))[-cells:] if cells > 0 else []
    known = [high for high, _ in shown if high is not None]
    base, span = 0.0, 0.0
    if known and (trend.own_scale or installed is None):
        low, peak = min(known) if trend.own_scale else 0.0, max(known)
        span = max(peak - low, _LEAST_SPAN * peak)  # a level line is drawn in the middle
        base = (peak + low - span) / 2
    runs: list[Fragment] = []
    for high, then in shown:
        limit = installed if then is None else then
        if high is None:
            runs.append((symbols.gap, Tone.FRAME))
            continue
        level = Reading(round(high), limit).level(limits.warn, limits.critical)
        tone = Tone.OVER if limit is not None and high > limit else LEVEL_TONES[level]
        runs.append((_trend_bar(high - base, span or limit or 0, symbols), tone))
    return [(symbols.gap * max(cells - len(shown), 0), Tone.FRAME), *merge_fragments(runs)]


def _trend_bar(high: float, scale: float, symbols: Symbols) -> str:
    if scale <= 0:
        return symbols.trend_bars[-1 if high > 0 else 0]
    height = -int(-round(high * _HEIGHTS / scale, 6) // 1)  # up, but for noise of floats
    return symbols.trend_bars[min(max(height, 1), _HEIGHTS) - 1]


# Cache of trend data: each row is fetched a few times per bucket, so that its newest one is current


NO_TREND: Final = TrendData()
_REFRESHES: Final = 12  # per bucket, and not more often than the history has a new one


class TrendCache(Generic[K]):
    """Trend data of the last day, for its peak, and of a longer period if one is selected."""

    def __init__(self) -> None:
        self.seconds = DAY  # the period shown
        self.own_scale = True
        self._data: dict[tuple[int, K], TrendData] = {}  # by period and key
        self._fetched: dict[tuple[int, K], tuple[int, int]] = {}

    @property
    def trends(self) -> Mapping[K, TrendData]:
        days = {key: data for (period, key), data in self._data.items() if period == DAY}
        is_day = self.seconds == DAY
        shown = ((key, self._data.get((self.seconds, key), NO_TREND)) for key in days)
        return {
            key: replace(data, day=None if is_day else days[key], own_scale=self.own_scale)
            for key, data in shown
        }

    def forget(self) -> None:
        """Let everything be fetched again."""
        self._data.clear()
        self._fetched.clear()

    def due(
        self, keys: Iterable[K], now: float, cells: int
    ) -> tuple[tuple[int, tuple[K, ...]], ...]:
        """Return the keys to fetch now for each period, and mark them as fetched."""
        keys, due = tuple(keys), []
        for period in dict.fromkeys((DAY, self.seconds)) if cells > 0 else ():
            bucket = trend_bucket(cells, period)
            mark = (bucket, int(now) // max(_STEPS[0], bucket // _REFRESHES))
            missing = tuple(key for key in keys if self._fetched.get((period, key)) != mark)
            self._fetched.update(((period, key), mark) for key in missing)
            due.append((period, missing))
        return tuple((period, missing) for period, missing in due if missing)

    def store(
        self, period: int, answers: Iterable[tuple[K, Series]], now: float, cells: int
    ) -> None:
        bucket = trend_bucket(cells, period)
        for key, series in answers:
            self._data[period, key] = trend_data(series, now, cells, bucket)


def trend_query(pools: Pools, now: float, cells: int, stretch: int = DAY) -> SeriesQuery:
    """Return the query for a trend of `cells` cells up to now; in days for long periods."""
    bucket = trend_bucket(cells, stretch)
    end = (int(now) // bucket + 1) * bucket
    return SeriesQuery(pools, end - cells * bucket, end, min(bucket, int(Resolution.DAY)))
