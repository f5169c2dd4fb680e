"""What a product's chart asks of the past, and what is drawn of the answer.

Owns the widths that are asked for, the bounds of calendar days, and the period before. Pure: must
not know Textual, nor how a question is answered. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Question, begins, day_of, joined
from lictui.tui.span import Length, Span, bucket_seconds, local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.analysis.series import Bucket, Series
    from lictui.model import PoolKey
    from lictui.tui.screens.product_view import Subject

_HOUR: Final = 3600
_LONG: Final = 62 * 86400  # seconds from which a history aligns its sums by the hour
_DAY: Final = 86400
_FEW: Final = 4  # pools that may be asked for a year by five minutes; a sum takes a second each
_SLICES: Final = 12  # parts that a long question about many pools is asked in
_MANY: Final = 8
_BEFORE: Final = {  # days back to the period before, on the same weekdays where it has weeks
    Length.DAY: (1, "day before"),
    Length.WEEK: (7, "week before"),
    Length.MONTH: (28, "4 weeks before"),
    Length.YEAR: (364, "year before"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A stretch of time: what is asked for it, and the bounds of the buckets that are drawn."""

    span: Span
    bucket: int  # seconds of one that is drawn; days are the calendar's, be they 23 or 25 hours
    bounds: tuple[int, ...]
    question: Question  # in buckets of an hour or less where there are readings for it
    zone: ZoneInfo | None

    @property
    def start(self) -> int:
        """Its first moment."""
        return self.bounds[0]

    @property
    def end(self) -> int:
        """Its end, exclusive."""
        return self.bounds[-1]

    def drawn(self, found: Series) -> tuple[Bucket, ...]:
        """The answer in the buckets that are drawn; what is kept in wider ones stays so."""
        if found.bucket == self.bucket < _DAY or found.bucket > self.bucket:
            return found.buckets
        return joined(found.buckets, self.bounds)

    @property
    def compared(self) -> str:
        """What the period before is called."""
        return _BEFORE[self.span.length][1]

    @property
    def before(self) -> Question:
        """The same question about the period before, an hour more at each end for the seasons."""
        back = _BEFORE[self.span.length][0] * _DAY
        asked = self.question
        return replace(asked, start=asked.start - back - _HOUR, end=asked.end - back + _HOUR)

    def shifted(self, found: Series) -> tuple[Bucket, ...]:
        """The period before, in the time of this one: the same wall clock, that many days later."""
        days = _BEFORE[self.span.length][0]
        moved = replace(found, buckets=tuple(sorted(self._moved(found.buckets, days))))
        within = (each for each in self.drawn(moved) if self.start <= each.start < self.end)
        return tuple(within)

    def _moved(self, buckets: Iterable[Bucket], days: int) -> Iterator[Bucket]:
        for each in buckets:
            here = local(each.start, self.zone)
            later = (here.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=self.zone)
            start = int((later if self.zone else later.astimezone()).timestamp())
            by = start - each.start
            yield each._replace(start=start, end=each.end + by, high_at=each.high_at + by)


def ask(about: Subject, span: Span, columns: int, now: float, zone: ZoneInfo | None) -> Asked:
    """What to ask of the past for a chart of so many columns."""
    bucket = bucket_seconds(span.length, columns, about.every)
    if bucket >= _DAY:
        return _in_days(about, span, bucket // _DAY, now, zone)
    start, end = span.bounds(now, bucket)
    fine = next((width for width in (_HOUR, 2 * _HOUR) if width >= 2 * about.every), bucket)
    if bucket % fine:
        fine = bucket
    question = Question(_owners(about), start, end, fine)
    return Asked(span, bucket, tuple(range(start, end + 1, bucket)), question, zone)


def year_of_days(about: Subject, now: float, zone: ZoneInfo | None) -> Asked:
    """The last year in days where the user is: what a forecast rests on."""
    return _in_days(about, Span(Length.YEAR), 1, now, zone)


def _in_days(about: Subject, span: Span, count: int, now: float, zone: ZoneInfo | None) -> Asked:
    owners, bounds = _owners(about), span.days(now, count, zone)
    fine = _HOUR if len(owners) > _FEW or _full_hours(bounds) else 300
    question = Question(owners, bounds[0], bounds[-1], fine)
    return Asked(span, count * _DAY, bounds, question, zone)


def _owners(about: Subject) -> tuple[tuple[str, PoolKey], ...]:
    return tuple(dict.fromkeys(status.owner(pool.key) for status, pool in about.pools))


def _full_hours(bounds: Iterable[int]) -> bool:
    """Whether every bound is a full hour of UTC, too: not so where clocks are half an hour off."""
    return all(at % _HOUR == 0 for at in bounds)


def weeks_of(asked: Asked) -> Question:
    """What a map of the week is folded from: the stretch shown, and a week at least, by the hour.

    By five minutes where the hours of the wall clock begin at other moments than those of UTC.
    """
    start = min(asked.start, asked.end - 7 * _DAY)
    odd = not _full_hours((begins(day_of(start, asked.zone), asked.zone),))
    few = asked.span.length is not Length.YEAR or len(asked.question.pools) <= _FEW
    return replace(asked.question, start=start, bucket=300 if odd and few else _HOUR)


def bound(asked: Question, *, coarse: bool) -> bool:
    """Whether the answer sums maxima of hours or days: as high as the true sum, or higher.

    The past of a long stretch is aligned by the hour, what is older by the day; `coarse` says that.
    """
    return len(asked.pools) > 1 and (coarse or asked.end - asked.start > _LONG)


def reaching_back(
    asked: Question,
    ever: Iterable[tuple[str, PoolKey]],
    without: frozenset[tuple[str, PoolKey]] = frozenset(),
) -> Question:
    """The same question about the pools that were `ever` read too, `without` some of them.

    A license that was renewed is a pool of its own on the board; its curve is one with the old.
    """
    old = (pool for pool in ever if pool not in without)
    return replace(asked, pools=tuple(dict.fromkeys((*asked.pools, *old))))


def sliced(question: Question) -> tuple[Question, ...]:
    """A long question about many pools in parts: whoever answers has other things to do, too."""
    length = question.end - question.start
    if len(question.pools) <= _MANY or length <= _LONG:
        return (question,)
    step = -(-length // _SLICES // _DAY) * _DAY
    return tuple(
        replace(question, start=at, end=min(at + step, question.end))
        for at in range(question.start, question.end, step)
    )
