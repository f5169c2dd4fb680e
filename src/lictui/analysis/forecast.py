"""Forecast of usage: when it reaches thresholds, and where licenses run short.

A trend is compared with what is installed on each day to come. No date lies further ahead than
half the history it rests on, and no date is given whose own 95 % interval is wider than
`_MAX_UNCERTAINTY` of that horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from lictui.analysis.trend import MIN_DAYS, Trend, fit_trend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lictui.model import Model

_MAX_UNCERTAINTY: Final = 0.10  # of the horizon, before and after a date that is given
_RECENT_DAYS: Final = 14  # a threshold is reached today only if one of these days reached it
_MIN_SIMILARITY: Final = 0.9  # of installed then and now, for a recent day to tell of today
_WEEKEND: Final = 2  # so few similar days need not contain a working day
_MIN_PACE: Final = 0.1  # licenses per week that the text distinguishes
_MIN_USAGE: Final = 0.5  # licenses that reach a threshold where nothing is installed


class ForecastStatus(StrEnum):
    """Direction of the usage."""

    GROWING = "growing"
    FLAT = "flat"
    FALLING = "falling"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class ForecastInput:
    """What a forecast rests on: one product and model of a server, or of the estate."""

    scope: str  # a server's name, or "estate"
    product: str
    model: Model
    daily_figures: Mapping[date, float]  # of complete days: peak, or the last assigned figure
    installed: int | None  # now; None is unknown, and leaves all dates unknown
    expiring: Mapping[date, int] = field(default_factory=dict)  # licenses by the day they expire
    warn: float = 0.80  # ratios
    critical: float = 0.90
    installed_by_day: Mapping[date, int] = field(default_factory=dict)  # where known


@dataclass(frozen=True, slots=True)
class ThresholdDates:
    """The first days on which a threshold is expected to be reached; None: no certain date."""

    warn: date | None = None
    critical: date | None = None
    installed: date | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A day on which licenses expire and fewer remain than are expected to be in use."""

    date: date
    installed: int  # from that day on
    expected: int

    @property
    def short_by(self) -> int:
        """Licenses that are missing."""
        return self.expected - self.installed


@dataclass(frozen=True, slots=True)
class Forecast:
    """Trend, threshold dates and shortfalls of one product and model in one scope."""

    scope: str
    product: str
    model: Model
    status: ForecastStatus
    based_on_days: int  # since the last change of level or direction
    warn: float  # the ratios that `reaches` refers to
    critical: float
    trend: Trend | None = None  # None: not enough data
    horizon: date | None = None  # the last day of the forecast
    reaches: ThresholdDates = ThresholdDates()
    band: tuple[date, date] | None = None  # 95 % interval of `reaches.installed`
    shortfalls: tuple[Shortfall, ...] = ()

    @property
    def per_week(self) -> float | None:
        """Change per week in licenses; 0 if flat, None without enough data."""
        return None if self.trend is None else self.trend.slope * 7

    def expected(self, day: date) -> float | None:
        """Return the usage on the busiest weekday about `day`; None without enough data."""
        return None if self.trend is None else self.trend.level_at(day.toordinal())

    def interval(self, day: date) -> tuple[float, float] | None:
        """Return the 95 % interval of the expected usage."""
        return None if self.trend is None else self.trend.interval(day.toordinal())


def forecast(inputs: ForecastInput, today: date) -> Forecast:
    """Return the forecast as of `today`, a date where the user is."""
    trend = fit_trend({day.toordinal(): figure for day, figure in inputs.daily_figures.items()})
    if not isinstance(trend, Trend):
        return _without_dates(inputs, ForecastStatus.NOT_ENOUGH_DATA, trend.days)
    now = today.toordinal()
    half_history = trend.days // 2
    horizon = min(trend.last, now) + half_history
    if horizon < now:  # no figures for so long that the past says nothing about today
        return _without_dates(inputs, ForecastStatus.NOT_ENOUGH_DATA, trend.days)
    status = ForecastStatus.FLAT
    if trend.significant:
        status = ForecastStatus.GROWING if trend.slope > 0 else ForecastStatus.FALLING
    projection = _Projection(trend, inputs, now, horizon, int(half_history * _MAX_UNCERTAINTY))
    return replace(
        _without_dates(inputs, status, trend.days),
        trend=trend,
        horizon=date.fromordinal(horizon),
        reaches=ThresholdDates(
            projection.reached(inputs.warn),
            projection.reached(inputs.critical),
            projection.reached(1.0),
        ),
        band=projection.band(),
        shortfalls=projection.shortfalls(),
    )


def _without_dates(inputs: ForecastInput, status: ForecastStatus, days: int) -> Forecast:
    return Forecast(
        inputs.scope, inputs.product, inputs.model, status, days, inputs.warn, inputs.critical
    )


class _Projection:
    """The days to come: expected usage with its interval, and installed licenses, day by day."""

    def __init__(
        self, trend: Trend, inputs: ForecastInput, now: int, horizon: int, margin: int
    ) -> None:
        self._now, self._horizon, self._margin = now, horizon, margin
        self._expiring = {day.toordinal(): count for day, count in sorted(inputs.expiring.items())}
        days = range(now, horizon + margin + 1)
        self._installed = self._installed_on(inputs.installed, days)
        recent = {
            day: figure
            for day, figure in inputs.daily_figures.items()
            if day.toordinal() > trend.last - _RECENT_DAYS
        }
        similar = [
            figure
            for day, figure in recent.items()
            if _is_similar(inputs.installed_by_day.get(day), inputs.installed)
        ]
        self._recent_peak = max(similar if len(similar) > _WEEKEND else recent.values())
        # Nothing changes: one day stands for all.
        if not trend.slope and len(set(self._installed)) == 1:
            self._installed = self._installed[:1]
        days = days[: len(self._installed)]
        self._expected = [trend.level_at(day) for day in days]
        intervals = [trend.interval(day) for day in days]
        self._low = [low for low, _ in intervals]
        self._high = [high for _, high in intervals]

    def _installed_on(self, installed: int | None, days: Iterable[int]) -> list[int]:
        """Return what is installed on each day; nothing where today's figure is unknown."""
        if installed is None:
            return []
        by_day = []
        for day in days:
            if day in self._expiring:
                installed = max(0, installed - self._expiring[day])
            by_day.append(installed)
        return by_day

    def reached(self, share: float) -> date | None:
        """Return when `share` of installed is reached; None if that is not certain enough."""
        likely = self._first_day(self._expected, share)
        if likely is None or self._now + likely > self._horizon:
            return None
        if self._is_not_observed(likely, share):
            return None
        if likely > 0:
            soonest, latest = self._first_day(self._high, share), self._first_day(self._low, share)
            if soonest is None or latest is None:
                return None
            if max(likely - soonest, latest - likely) > self._margin:
                return None
        return date.fromordinal(self._now + likely)

    def band(self) -> tuple[date, date] | None:
        """Return when all licenses are in use at the earliest and latest, if within the horizon."""
        soonest, latest = self._first_day(self._high, 1.0), self._first_day(self._low, 1.0)
        if soonest is None or latest is None or self._now + latest > self._horizon:
            return None
        if self._is_not_observed(latest, 1.0):
            return None
        return date.fromordinal(self._now + soonest), date.fromordinal(self._now + latest)

    def _is_not_observed(self, days: int, share: float) -> bool:
        """Whether it should be reached today but was on no recent day: usage may have dropped."""
        return days == 0 and self._recent_peak < share * self._installed[0]

    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Return each day on which licenses expire and too few remain."""
        return tuple(
            Shortfall(date.fromordinal(day), self._installed[day - self._now], expected)
            for day in self._expiring
            if self._now <= day <= self._horizon and day - self._now < len(self._installed)
            for expected in (round(self._expected[day - self._now]),)
            if expected > self._installed[day - self._now]
        )

    def _first_day(self, figures: Sequence[float], share: float) -> int | None:
        """Return the days until a figure reaches `share` of installed."""
        pairs = enumerate(zip(figures, self._installed, strict=True))
        return next(
            (
                days
                for days, (figure, installed) in pairs
                if figure >= (share * installed or _MIN_USAGE)
            ),
            None,
        )


def _is_similar(installed_then: int | None, installed_now: int | None) -> bool:
    """Whether a past day tells of today: usage moves along when licenses change servers."""
    if installed_then is None or installed_now is None:
        return True
    low, high = sorted((installed_then, installed_now))
    return low >= _MIN_SIMILARITY * high


# The forecast as text


def describe_forecast(result: Forecast, today: date) -> str:
    """Return the forecast as one line without a full stop."""
    days = result.based_on_days
    if result.per_week is None:
        known = f" ({days} of {MIN_DAYS} days)" if days < MIN_DAYS else ""
        return f"insufficient history{known}"
    pace = "stable"
    if result.status in (ForecastStatus.GROWING, ForecastStatus.FALLING):
        sign = "+" if result.per_week > 0 else "-"
        pace = f"{sign}{_pace(abs(result.per_week))} per week"
    shortfalls = (
        f"shortfall of {shortfall.short_by:,} on {_day(shortfall.date)}"
        for shortfall in result.shortfalls
    )
    dates = ", ".join((*_threshold_texts(result, today), *shortfalls))
    return f"{pace}; {dates}" if dates else pace


def _pace(pace: float) -> str:
    if pace >= 10:  # noqa: PLR2004 - two digits are precise enough
        return f"{pace:,.0f}"
    return f"{pace:.1f}".removesuffix(".0") if pace >= _MIN_PACE else f"<{_MIN_PACE}"


def _threshold_texts(result: Forecast, today: date) -> Iterator[str]:
    """Describe the highest threshold that has a date, and exhaustion, but no day of a shortfall."""
    shortfall_days = {shortfall.date for shortfall in result.shortfalls}
    exhausted = result.reaches.installed
    if exhausted == today and today not in shortfall_days:
        yield "exhausted"
        return
    thresholds = (
        (result.critical, result.reaches.critical),
        (result.warn, result.reaches.warn),
    )
    ratio, day = next((pair for pair in thresholds if pair[1] is not None), (0.0, None))
    if day is not None and day not in shortfall_days:
        share = f"{ratio * 100:g} %"
        figure = "assignments" if result.model.is_assigned else "daily peak"
        yield f"{figure} already above {share}" if day == today else f"{share} on {_day(day)}"
    if exhausted is not None:
        if exhausted not in shortfall_days:
            yield f"exhausted on {_day(exhausted)}"
    elif result.band is not None:
        yield f"exhausted between {_day(result.band[0])} and {_day(result.band[1])}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
