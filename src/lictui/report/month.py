"""The figures of one scope in one month: daily and monthly usage, percentiles, assignments.

Of concurrent licenses the peak counts, of assigned ones the number at the end of a day or month.
Servers are added one after another: five minutes of all of them would fill the memory.
"""

from __future__ import annotations

from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lictui.analysis.assignments import observed_changes
from lictui.analysis.columns import Series, SumBuilder
from lictui.analysis.peaks import PeakAccumulator, Window
from lictui.analysis.series import ALIGNMENT
from lictui.analysis.usage_stats import days_reaching
from lictui.report.model import DaysAbove, MonthSpan, PeriodFigure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lictui.analysis.columns import BoolArray, FloatArray, SumPart


class ServerMonth(Struct, frozen=True):
    """The readings of one server by five minutes, or as finely as they are stored."""

    since: int  # UTC epoch seconds; a sum needs the server from then on
    until: int | None  # None: still
    parts: Sequence[SumPart]  # what sums add
    series: Series  # their sum, not empty
    before: int | None  # last figure of the month before


class ScopeMonth:
    """A sum of servers in one month: add the servers, then ask for figures."""

    def __init__(self, span: MonthSpan, *, several: bool = True) -> None:
        self.span = span
        self.servers: list[str] = []  # with data
        self.silent_servers: list[str] = []  # expected, but without data
        self.sum_of_peaks = 0
        self.newly_assigned = self.released = 0  # at least: seen between readings
        self._bounds = span.day_bounds
        self._sum = SumBuilder(span.start, span.end) if several else None
        self._single = Series.empty(int(ALIGNMENT))
        # Of every part: its entitlement, and for each day whether a figure is expected at its end,
        # and the last figures by column; NaN without one.
        self._day_ends: list[tuple[str, BoolArray, dict[str, FloatArray]]] = []
        self._since: list[int] = []
        self._until: list[int | None] = []
        self._latest = 0  # end of the last reading

    def add(self, server: str, part: ServerMonth | None) -> None:
        """Add a server; None if it has no data."""
        if part is None:
            self.silent_servers.append(server)
            return
        series = part.series
        self.servers.append(server)
        self.sum_of_peaks += int(series.high.max())
        before = [] if part.before is None else [part.before]
        new, released = observed_changes(np.append(before, series.last))
        self.newly_assigned += new
        self.released += released
        self._since.append(part.since)
        self._until.append(part.until)
        self._latest = max(self._latest, int(series.end[-1]))
        if self._sum is None:
            self._single = series
        for each in part.parts:
            if self._sum is not None:
                self._sum.add(*each)
            self._add_day_ends(*each)

    def _add_day_ends(
        self, series: Series, since: int, until: int | None, entitlement: str
    ) -> None:
        days = np.array(self._bounds)
        is_expected = since < days[1:]
        if until is not None:
            is_expected &= until >= days[1:]
        # The last entry that starts on each day, or the one that is appended
        last = series.start.searchsorted(days[1:]) - 1
        place = np.where(np.append(series.start, -1)[last] >= days[:-1], last, -1)
        columns = ("last", "installed", "overdraft")
        ends = {name: np.append(getattr(series, name), np.nan)[place] for name in columns}
        self._day_ends.append((entitlement, is_expected, ends))

    @cached_property
    def total(self) -> Series:
        """The sum where each of the servers has data."""
        return self._single if self._sum is None else self._sum.series()

    def at_day_ends(
        self, column: str, *, licenses: bool = True, zero_if_unknown: bool = False
    ) -> dict[int, int]:
        """Return the sum of a column at the end of each day, by the start of the day.

        Only days on which every part that is expected at their end has a value. Of `licenses` of
        one entitlement, the highest number counts once; what is in use adds up.
        """
        parts: dict[str, Any] = {}
        expected = np.zeros(len(self._bounds) - 1, dtype=bool)
        for number, (entitlement, is_expected, ends) in enumerate(self._day_ends):
            values = ends[column]
            if zero_if_unknown:
                values = np.where(np.isnan(ends["last"]), np.nan, np.nan_to_num(values))
            values = np.where(is_expected, values, 0)
            key = entitlement if entitlement and licenses else f" {number}"
            parts[key] = np.maximum(parts[key], values) if key in parts else values
            expected |= is_expected
        sums = np.where(expected, sum(parts.values()), np.nan).tolist()
        of_days = zip(self._bounds[:-1], sums, strict=True)
        return {start: round(value) for start, value in of_days if not isnan(value)}

    def overdraft_at_day_ends(self) -> dict[int, int]:
        """Return the overdraft at the end of each day.

        An unknown overdraft counts as none where that of another server is known.
        """
        if all(np.isnan(ends["overdraft"]).all() for _, _, ends in self._day_ends):
            return {}
        return self.at_day_ends("overdraft", zero_if_unknown=True)

    def peak(self) -> PeriodFigure:
        """Return the peak of the month."""
        if not len(self.total):
            return PeriodFigure(self.span.first_day)
        ends = [end for end in self._until if end is not None]
        end = self.span.end if len(ends) < len(self._until) else min(self.span.end, max(ends))
        windows = (Window("month", self.span.start),)
        accumulator = PeakAccumulator(windows, min(self._since), end - 1)
        accumulator.add(self.total)
        (peak,) = accumulator.peaks()
        return PeriodFigure(
            self.span.first_day,
            peak.peak,
            peak.peak_at,
            peak.installed_at_peak,
            peak.average,
            peak.bound,
            coverage=peak.coverage,
            alignment=peak.alignment,
            highest=peak.peak,
            highest_is_bound=peak.bound,
        )

    def daily_peaks(self) -> tuple[PeriodFigure, ...]:
        """Return every day of the month with its peak."""
        overdraft = self.overdraft_at_day_ends()
        peaks = {entry.start: entry for entry in self.total.joined(self._bounds).buckets}
        days = []
        for first_day, start in self.span.days:
            day = PeriodFigure(first_day)
            if entry := peaks.get(start):
                day = PeriodFigure(
                    day.first_day,
                    round(entry.high),
                    entry.high_at,
                    entry.installed,
                    entry.average,
                    entry.bound,
                    overdraft.get(start),
                )
            days.append(day)
        return tuple(days)

    def daily_assigned(self) -> tuple[PeriodFigure, ...]:
        """Return every day of the month with the licenses assigned at its end."""
        assigned = self.at_day_ends("last", licenses=False)
        installed = self.at_day_ends("installed")
        overdraft = self.overdraft_at_day_ends()
        return tuple(
            PeriodFigure(
                day,
                assigned.get(start),
                installed=installed.get(start),
                overdraft=overdraft.get(start),
            )
            for day, start in self.span.days
        )

    def assigned(self) -> PeriodFigure:
        """Return the licenses assigned at the end of the last day with data."""
        peak = self.peak()
        figure = PeriodFigure(
            self.span.first_day,
            coverage=peak.coverage,
            highest=peak.highest,
            highest_is_bound=peak.highest_is_bound,
        )
        days = (day for day in reversed(self.daily_assigned()) if day.figure is not None)
        if (last := next(days, None)) is None:
            return figure
        return replace(
            figure,
            figure=last.figure,
            timestamp=min(self._latest, self.span.end - 1),
            installed=last.installed,
            alignment=int(ALIGNMENT),
        )

    def days_with_peak_above(self, limits: tuple[float, float]) -> DaysAbove:
        """Return on how many days warn, critical and installed were reached at any time."""
        is_known = ~np.isnan(self.total.installed)
        with_data, compared = (
            len(series.joined(self._bounds)) for series in (self.total, self.total.select(is_known))
        )
        counts = (days_reaching(self.total, self._bounds, ratio) for ratio in (*limits, 1.0))
        warn, critical, full = counts if compared else (None, None, None)
        is_partial = compared > 0 and not is_known.all()
        return DaysAbove(warn, critical, full, with_data, compared, is_partial)


def days_with_assigned_above(
    days: Iterable[PeriodFigure], limits: tuple[float, float]
) -> DaysAbove:
    """Return on how many days warn, critical and installed were reached at the end."""
    with_data = [day for day in days if day.figure is not None]
    ratios = [day.ratio or 0.0 for day in with_data if day.installed is not None]
    counts = (sum(ratio >= limit for ratio in ratios) for limit in (*limits, 1.0))
    warn, critical, full = counts if ratios else (None, None, None)
    is_partial = 0 < len(ratios) < len(with_data)
    return DaysAbove(warn, critical, full, len(with_data), len(ratios), is_partial)
