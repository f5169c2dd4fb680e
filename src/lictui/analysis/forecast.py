"""When licenses will run short: a trend held against what is installed, and what of it leaves.

Owns which dates may be said, and the sentence for people. Pure: must not know where figures come
from, nor the time. What is not sure enough for a date has none: no date lies further ahead than
half the history it rests on, nor is one given whose own 95 % interval is wider than `_SURE_WITHIN`.
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

_SURE_WITHIN: Final = 0.10  # of the horizon, before and after a date that is given
_LATE: Final = 14  # days: what is said of today has been so on one of them
_ALIKE: Final = 0.9  # of what is installed now, or as much more: such days tell of today best
_WEEKEND: Final = 2  # days: as few with what is installed now need not tell of a working day
_LEAST_PACE: Final = 0.1  # a week that words tell from none
_ONE: Final = 0.5  # licenses: more is one, where nothing at all is installed


class ForecastStatus(StrEnum):
    """Where the licenses in use are going."""

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
    daily_figures: Mapping[
        date, float
    ]  # of days that are over: the peak, or what was assigned last
    installed: int | None  # now; None is unknown, and unknown stay the dates
    expiring: Mapping[date, int] = field(default_factory=dict)  # licenses that expire, by date
    warn: float = 0.80  # ratios
    critical: float = 0.90
    installed_by_day: Mapping[date, int] = field(
        default_factory=dict
    )  # installed on those days, where known


@dataclass(frozen=True, slots=True)
class ThresholdDates:
    """The first days on which as much is expected in use; None: none that is sure enough."""

    warn: date | None = None
    critical: date | None = None
    installed: date | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A day on which licenses leave, and more are expected in use than stay."""

    date: date
    installed: int  # from then on
    expected: int

    @property
    def short_by(self) -> int:
        """Licenses missing then."""
        return self.expected - self.installed


@dataclass(frozen=True, slots=True)
class Forecast:
    """What may be said of the time ahead."""

    scope: str
    product: str
    model: Model
    status: ForecastStatus
    based_on_days: int  # since the last step or bend
    warn: float  # the ratios that `reaches` are about
    critical: float
    trend: Trend | None = None  # None: not enough data
    horizon: date | None = None  # the last day that anything is said of
    reaches: ThresholdDates = ThresholdDates()
    band: tuple[date, date] | None = None  # the 95 % interval of `reaches.installed`
    shortfalls: tuple[Shortfall, ...] = ()

    @property
    def per_week(self) -> float | None:
        """By how much it changes in a week; 0 if flat, None without enough data."""
        return None if self.trend is None else self.trend.slope * 7

    def expected(self, day: date) -> float | None:
        """In use on the busiest weekday about `day`; None without enough data."""
        return None if self.trend is None else self.trend.level_at(day.toordinal())

    def interval(self, day: date) -> tuple[float, float] | None:
        """The 95 % interval of what is expected."""
        return None if self.trend is None else self.trend.interval(day.toordinal())


def forecast(given: ForecastInput, today: date) -> Forecast:
    """What may be said as of `today`, a date where the user is."""
    found = fit_trend({day.toordinal(): figure for day, figure in given.daily_figures.items()})
    if not isinstance(found, Trend):
        return _said(given, ForecastStatus.NOT_ENOUGH_DATA, found.days)
    now = today.toordinal()
    half = found.days // 2
    until = min(found.last, now) + half
    if until < now:  # silent for so long that the past says nothing of today
        return _said(given, ForecastStatus.NOT_ENOUGH_DATA, found.days)
    status = ForecastStatus.FLAT
    if found.significant:
        status = ForecastStatus.GROWING if found.slope > 0 else ForecastStatus.FALLING
    ahead = _Ahead(found, given, now, until, int(half * _SURE_WITHIN))
    return replace(
        _said(given, status, found.days),
        trend=found,
        horizon=date.fromordinal(until),
        reaches=ThresholdDates(*map(ahead.reached, (given.warn, given.critical, 1.0))),
        band=ahead.band(),
        shortfalls=ahead.shortfalls(),
    )


def _said(given: ForecastInput, status: ForecastStatus, days: int) -> Forecast:
    return Forecast(
        given.scope, given.product, given.model, status, days, given.warn, given.critical
    )


class _Ahead:
    """The days ahead, one by one: what is expected on each, and what is installed then."""

    def __init__(
        self, found: Trend, given: ForecastInput, now: int, until: int, margin: int
    ) -> None:
        self._now, self._until, self._margin = now, until, margin
        self._leaving = {day.toordinal(): many for day, many in sorted(given.expiring.items())}
        days = range(now, until + margin + 1)
        self._installed = self._capacity(given.installed, days)
        late = {
            day: y for day, y in given.daily_figures.items() if day.toordinal() > found.last - _LATE
        }
        alike = [
            y for day, y in late.items() if _alike(given.installed_by_day.get(day), given.installed)
        ]
        self._newest = max(alike if len(alike) > _WEEKEND else late.values())
        steady = not found.slope and len(set(self._installed)) == 1
        if steady:
            self._installed = self._installed[:1]
        shown = days[: len(self._installed)]
        self._expected = [found.level_at(day) for day in shown]
        between = [found.interval(day) for day in shown]
        self._low = [low for low, _ in between]
        self._high = [high for _, high in between]

    def _capacity(self, installed: int | None, days: Iterable[int]) -> list[int]:
        """What is installed on each day; nothing is known where that of now is not."""
        if installed is None:
            return []
        found = []
        for day in days:
            if day in self._leaving:
                installed = max(0, installed - self._leaving[day])
            found.append(installed)
        return found

    def reached(self, share: float) -> date | None:
        """When `share` of what is installed is reached, if that is sure enough to be said."""
        likely = self._first(self._expected, share)
        if likely is None or self._now + likely > self._until or self._unseen(likely, share):
            return None
        if likely > 0:
            soonest, latest = self._first(self._high, share), self._first(self._low, share)
            if soonest is None or latest is None:
                return None
            if max(likely - soonest, latest - likely) > self._margin:
                return None
        return date.fromordinal(self._now + likely)

    def band(self) -> tuple[date, date] | None:
        """Between when and when all that is installed is reached, if both lie near enough."""
        soonest, latest = self._first(self._high, 1.0), self._first(self._low, 1.0)
        if soonest is None or latest is None or self._now + latest > self._until:
            return None
        if self._unseen(latest, 1.0):
            return None
        return date.fromordinal(self._now + soonest), date.fromordinal(self._now + latest)

    def _unseen(self, days: int, share: float) -> bool:
        """Whether it should be so today, but was on no day of late: use may have just fallen."""
        return days == 0 and self._newest < share * self._installed[0]

    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Each day on which licenses leave and too few stay."""
        return tuple(
            Shortfall(date.fromordinal(day), self._installed[day - self._now], expected)
            for day in self._leaving
            if self._now <= day <= self._until and day - self._now < len(self._installed)
            for expected in (round(self._expected[day - self._now]),)
            if expected > self._installed[day - self._now]
        )

    def _first(self, figures: Sequence[float], share: float) -> int | None:
        """Days until a figure is at `share` of what is installed; of nothing, one is more."""
        pairs = enumerate(zip(figures, self._installed, strict=True))
        return next((at for at, (y, of) in pairs if y >= (share * of or _ONE)), None)


def _alike(then: int | None, now: int | None) -> bool:
    """Whether a day tells of today: use moves with licenses that move to another server."""
    return then is None or now is None or min(then, now) >= _ALIKE * max(then, now)


def describe_forecast(found: Forecast, today: date) -> str:
    """The forecast in a sentence without a full stop."""
    days = found.based_on_days
    if found.per_week is None:
        return "not enough data" + (f": {days} of {MIN_DAYS} days" if days < MIN_DAYS else "")
    by = _pace(abs(found.per_week))
    said = {
        ForecastStatus.GROWING: f"grows by {by} a week",
        ForecastStatus.FALLING: f"falls by {by} a week",
    }
    when = [*_reached(found, today), *map(_short, found.shortfalls)]
    return ": ".join(filter(None, (said.get(found.status, "flat"), ", ".join(when))))


def _pace(pace: float) -> str:
    if pace >= 10:  # noqa: PLR2004 - two digits say enough
        return f"{pace:,.0f}"
    return f"{pace:.1f}".removesuffix(".0") if pace >= _LEAST_PACE else f"less than {_LEAST_PACE}"


def _reached(found: Forecast, today: date) -> Iterator[str]:
    """The highest threshold that has a date, and all; not again what a shortfall says as well."""
    told = {each.date for each in found.shortfalls}
    full = found.reaches.installed
    if full == today and today not in told:
        yield "full now"
        return
    thresholds = (
        (found.critical, found.reaches.critical),
        (found.warn, found.reaches.warn),
    )
    ratio, day = next((each for each in thresholds if each[1] is not None), (0.0, None))
    if day is not None and day not in told:
        share = f"{ratio * 100:g} %"
        yield f"above {share} now" if day == today else f"{share} on {_day(day)}"
    if full is not None:
        if full not in told:
            yield f"full on {_day(full)}"
    elif found.band is not None:
        yield f"full between {_day(found.band[0])} and {_day(found.band[1])}"


def _short(shortfall: Shortfall) -> str:
    return f"short by {shortfall.short_by:,} on {_day(shortfall.date)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
