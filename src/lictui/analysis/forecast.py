"""Forecast of usage: when it reaches thresholds, and where licenses run short.

`passage` computes the distribution of the day on which a threshold is first reached; `trend` the
pace and the direction. Screens read the values and words of this module without loading numpy.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from math import hypot
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lictui.model import Model

METHOD: Final = "back-tested mix of level, trend and yearly shape; paths from its own past errors"
MIN_DAYS: Final = 28  # length of the period that a trend may rest on
MAX_DAYS: Final = 800  # of history that a forecast rests on
_Z: Final = 1.96  # both sides of 95 %
_LIKELY: Final = 0.8  # probability
_CERTAIN: Final = 0.995  # which a forecast never is
MORE_LIKELY: Final = 0.5
_UNLIKELY: Final = 0.2
_NARROW: Final = timedelta(days=30)  # that hold half of the distribution of a date
_MONTH: Final = 30.4  # days
_MONTHS: Final = 12  # of a year
_MIN_PACE: Final = 0.1  # licenses per week that the text distinguishes


class ForecastStatus(StrEnum):
    """Direction of the usage."""

    GROWING = "growing"
    FLAT = "flat"
    FALLING = "falling"
    NOT_ENOUGH_DATA = "not_enough_data"


class ForecastInput(Struct, frozen=True, kw_only=True):
    """What usage is compared with: one product and model of a server, or of the estate."""

    scope: str  # a server's name, or "estate"
    product: str
    model: Model
    installed: int | None  # now; None if that of any pool is unknown: then there are no dates
    expiring: Mapping[date, int] = field(default_factory=dict)  # licenses by the day they expire
    warn: float = 0.80  # ratios
    critical: float = 0.90


class Trend(Struct, frozen=True):
    """Level and slope of the period since the last change of either."""

    last: int  # ordinal of the series' last day
    pivot: float  # the day on which the line is most certain
    level: float  # of the busiest weekday, at `last`
    slope: float  # per day; 0 if none is significant
    level_se: float  # standard error of the line's level at `pivot`
    slope_se: float  # standard error of the slope

    def level_at(self, day: float) -> float:
        """Return the level to expect on `day`, never below 0."""
        return max(0.0, self.level + self.slope * (day - self.last))

    def interval(self, day: float) -> tuple[float, float]:
        """Return the 95 % interval of that level."""
        level = self.level + self.slope * (day - self.last)
        half = _Z * hypot(self.level_se, self.slope_se * (day - self.pivot))
        return max(0.0, level - half), max(0.0, level + half)


class Reach(Struct, frozen=True):
    """When a threshold is reached next: on the first day whose peak is at or above it."""

    ratio: float  # of installed
    probability: float  # that it is reached within the horizon
    day: date | None = None  # where that is more likely than not
    half: tuple[date, date] | None = None  # between which half of the distribution lies
    band: tuple[date, date] | None = None  # 95 %: when, if it is reached within the horizon
    last_reached: date | None = None  # within the last four weeks

    @property
    def firm_day(self) -> date | None:
        """The day if it is certain enough for screens, alerts and reports."""
        is_narrow = self.half is not None and self.half[1] - self.half[0] <= _NARROW
        return self.day if self.is_likely or is_narrow else None

    @property
    def is_likely(self) -> bool:
        """Whether it is likely to be reached within the horizon."""
        return self.probability >= _LIKELY

    @property
    def is_uncertain(self) -> bool:
        """Whether it may be reached, but no day is certain enough."""
        return self.firm_day is None and self.probability >= _UNLIKELY


class Shortfall(Struct, frozen=True):
    """A day on which licenses expire and fewer remain than are expected to be in use."""

    date: date
    installed: int  # from that day on
    expected: int

    @property
    def short_by(self) -> int:
        """Licenses that are missing."""
        return self.expected - self.installed


class Forecast(Struct, frozen=True):
    """Trend, threshold dates and shortfalls of one product and model in one scope."""

    scope: str
    product: str
    model: Model
    status: ForecastStatus
    based_on_days: int  # from the first to the last
    trend: Trend | None = None  # None: not enough data since the last change
    horizon: date | None = None  # the last day of the forecast; None: not enough data
    warn: Reach | None = None  # None: unknown, as are the next two
    critical: Reach | None = None
    installed: Reach | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    basis: str = ""  # the method of most weight, with its error

    @property
    def per_week(self) -> float | None:
        """Change per week in licenses; 0 if flat, None without enough data."""
        return None if self.trend is None else self.trend.slope * 7

    @property
    def runs_out(self) -> date | None:
        """The first day on which licenses run short, if it is certain enough to be shown."""
        dates = [shortfall.date for shortfall in self.shortfalls]
        if self.installed and self.installed.firm_day:
            dates.append(self.installed.firm_day)
        return min(dates, default=None)

    @property
    def next_shortage(self) -> tuple[date, str] | None:
        """The first day ahead on which a threshold is reached or licenses run short, and why.

        That is "exp." where licenses expire, the share of a threshold, or "" if all are in use.
        """
        reached = (
            (reach.firm_day, "" if reach.ratio >= 1 else _share(reach))
            for reach in (self.warn, self.critical, self.installed)
            if reach and reach.firm_day and (reach.ratio >= 1 or not reach.last_reached)
        )
        expiring = ((shortfall.date, "exp.") for shortfall in self.shortfalls)
        return min((*expiring, *reached), default=None)

    @property
    def shown_basis(self) -> str:
        """The basis in words where a date is shown, else ""."""
        reaches = (self.warn, self.critical, self.installed)
        is_dated = any(reach is not None and reach.firm_day for reach in reaches)
        return f"based on {self.basis}" if is_dated and self.basis else ""

    def expected(self, day: date) -> float | None:
        """Return the usage on the busiest weekday about `day`; None without enough data."""
        return None if self.trend is None else self.trend.level_at(day.toordinal())

    def interval(self, day: date) -> tuple[float, float] | None:
        """Return the 95 % interval of the expected usage."""
        return None if self.trend is None else self.trend.interval(day.toordinal())


# The forecast as text


def describe_forecast(result: Forecast, today: date) -> str:
    """Return the forecast as one line without a full stop."""
    if result.horizon is None:
        days = result.based_on_days
        return (
            f"insufficient history ({days} of {MIN_DAYS} days)"
            if days < MIN_DAYS
            else ("insufficient history")
        )
    texts = [_pace_text(result), *_threshold_texts(result, today)]
    texts += [
        f"shortfall of {shortfall.short_by:,} on {_day(shortfall.date)}"
        for shortfall in result.shortfalls
    ]
    return "; ".join(filter(None, (texts[0], ", ".join(texts[1:]))))


def direction_text(result: Forecast, today: date) -> str:
    """Return what is expected in a word or two, where no date is certain enough to be shown."""
    if result.installed and result.installed.is_uncertain:
        return "uncertain"
    match result.status:
        case ForecastStatus.GROWING if result.installed and result.horizon:
            months = round((result.horizon - today).days / _MONTH)
            return f"> {months} months" if months < _MONTHS else "> 1 year"
        case ForecastStatus.FLAT:
            return "stable"
        case ForecastStatus.FALLING:
            return "declining"
        case ForecastStatus.GROWING:
            return "growing"
        case _:
            return "no forecast"


def _pace_text(result: Forecast) -> str:
    if result.per_week is None:
        return "level changed recently"
    if result.status is ForecastStatus.FLAT:
        return "stable"
    pace, sign = abs(result.per_week), "+" if result.per_week > 0 else "-"
    if pace >= 10:  # noqa: PLR2004 - two digits are precise enough
        return f"{sign}{pace:,.0f} per week"
    number = f"{pace:.1f}".removesuffix(".0") if pace >= _MIN_PACE else f"<{_MIN_PACE}"
    return f"{sign}{number} per week"


def _threshold_texts(result: Forecast, today: date) -> Iterator[str]:
    """Describe the highest threshold below 100 % that is in reach, and 100 %."""
    shortfall_days = {shortfall.date for shortfall in result.shortfalls}
    reaches = [reach for reach in (result.critical, result.warn) if reach and _in_reach(reach)]
    shown = [*reaches[:1], *([result.installed] if _in_reach(result.installed) else [])]
    if result.installed and _is_reached(result.installed, today):
        shown = [result.installed]
    texts = [
        _reach_text(reach, today) for reach in shown if reach and reach.day not in shortfall_days
    ]
    both_likely = all(text.startswith(_LIKELY_TO) for text in texts)
    yield from texts[:1]
    yield from (text.removeprefix(_LIKELY_TO * both_likely) for text in texts[1:])
    if not shown and result.warn and result.horizon:
        yield f"unlikely to reach {_share(result.warn)} within {(result.horizon - today).days} days"


def _in_reach(reach: Reach | None) -> bool:
    return reach is not None and bool(reach.last_reached or reach.probability >= _UNLIKELY)


def _is_reached(reach: Reach, today: date) -> bool:
    """Whether it was reached today. West of Greenwich the day of UTC may be tomorrow's."""
    return reach.last_reached is not None and reach.last_reached >= today


_LIKELY_TO: Final = "likely to reach "


def _reach_text(reach: Reach, today: date) -> str:
    """Return when a threshold is reached: the wording grows stronger with the probability."""
    share = "it again" if reach.last_reached else _share(reach)
    chance = f"chance {reach.probability:.0%}".replace("%", " %")
    chance = chance if reach.probability < _CERTAIN else "chance over 99 %"
    if reach.day is None or reach.band is None:
        sentence = f"uncertain: may reach {share} ({chance})"
    else:
        low, high = map(_day, reach.band)
        if reach.firm_day is None:
            sentence = f"may reach {share} between {low} and {high} ({chance})"
        else:
            verb = _LIKELY_TO if reach.is_likely else "may reach "
            sentence = f"{verb}{share} by {_day(reach.day)} ({chance}, {low} to {high})"
    if reach.last_reached is None:
        return sentence
    if _is_reached(reach, today):
        return f"{_share(reach)} reached today"
    reached = f"{_share(reach)} last reached on {_day(reach.last_reached)}"
    return reached if reach.ratio < 1 else f"{reached}, {sentence}"


def _share(reach: Reach) -> str:
    return f"{reach.ratio * 100:g} %"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
