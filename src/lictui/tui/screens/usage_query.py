"""What a product's chart asks of the past, and what is drawn of the answer.

Owns the widths that are asked for, the bounds of calendar days, and the period before. Pure: must
not know Textual, nor how a question is answered. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Bucket, Series, SeriesQuery, day_of, day_start, rebucket
from lictui.engine.board import MergedBoard, ServerStatus, is_reporting, sum_readings
from lictui.model import DEFAULT_INTERVAL, Level, Model, Pool, PoolKey, Reading
from lictui.tui.text import Line, Tone, shorten, strip_controls
from lictui.tui.time_range import RangeLength, TimeRange, bucket_seconds, format_moment, to_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from lictui.config.settings import Settings, Thresholds
    from lictui.tui.theme import Symbols


_HOUR: Final = 3600
_LONG: Final = 62 * 86400  # seconds from which a history aligns its sums by the hour
_DAY: Final = 86400
_FEW: Final = 4  # pools that may be asked for a year by five minutes; a sum takes a second each
_SLICES: Final = 12  # parts that a long question about many pools is asked in
_MANY: Final = 8
_BEFORE: Final = {  # days back to the period before, on the same weekdays where it has weeks
    RangeLength.DAY: (1, "day before"),
    RangeLength.WEEK: (7, "week before"),
    RangeLength.MONTH: (28, "4 weeks before"),
    RangeLength.YEAR: (364, "year before"),
}


@dataclass(frozen=True, slots=True)
class ChartQuery:
    """A stretch of time: what is asked for it, and the bounds of the buckets that are drawn."""

    span: TimeRange
    bucket: int  # seconds of one that is drawn; days are the calendar's, be they 23 or 25 hours
    bounds: tuple[int, ...]
    question: SeriesQuery  # in buckets of an hour or less where there are readings for it
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
        if found.width == self.bucket < _DAY or found.width > self.bucket:
            return found.buckets
        return rebucket(found.buckets, self.bounds)

    @property
    def compared(self) -> str:
        """What the period before is called."""
        return _BEFORE[self.span.length][1]

    @property
    def before(self) -> SeriesQuery:
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
            here = to_local(each.start, self.zone)
            later = (here.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=self.zone)
            start = int((later if self.zone else later.astimezone()).timestamp())
            by = start - each.start
            yield each._replace(start=start, end=each.end + by, high_at=each.high_at + by)


def chart_query(
    about: ProductSelection, span: TimeRange, columns: int, now: float, zone: ZoneInfo | None
) -> ChartQuery:
    """What to ask of the past for a chart of so many columns."""
    bucket = bucket_seconds(span.length, columns, about.every)
    if bucket >= _DAY:
        return _in_days(about, span, bucket // _DAY, now, zone)
    start, end = span.bounds(now, bucket)
    fine = next((width for width in (_HOUR, 2 * _HOUR) if width >= 2 * about.every), bucket)
    if bucket % fine:
        fine = bucket
    question = SeriesQuery(_owners(about), start, end, fine)
    return ChartQuery(span, bucket, tuple(range(start, end + 1, bucket)), question, zone)


def daily_year(about: ProductSelection, now: float, zone: ZoneInfo | None) -> ChartQuery:
    """The last year in days where the user is: what a forecast rests on."""
    return _in_days(about, TimeRange(RangeLength.YEAR), 1, now, zone)


def _in_days(
    about: ProductSelection, span: TimeRange, count: int, now: float, zone: ZoneInfo | None
) -> ChartQuery:
    owners, bounds = _owners(about), span.days(now, count, zone)
    fine = _HOUR if len(owners) > _FEW or _full_hours(bounds) else 300
    question = SeriesQuery(owners, bounds[0], bounds[-1], fine)
    return ChartQuery(span, count * _DAY, bounds, question, zone)


def _owners(about: ProductSelection) -> tuple[tuple[str, PoolKey], ...]:
    return tuple(dict.fromkeys(status.history_key(pool.key) for status, pool in about.pools))


def _full_hours(bounds: Iterable[int]) -> bool:
    """Whether every bound is a full hour of UTC, too: not so where clocks are half an hour off."""
    return all(at % _HOUR == 0 for at in bounds)


def heat_map_query(asked: ChartQuery) -> SeriesQuery:
    """What a map of the week is folded from: the stretch shown, and a week at least, by the hour.

    By five minutes where the hours of the wall clock begin at other moments than those of UTC.
    """
    start = min(asked.start, asked.end - 7 * _DAY)
    odd = not _full_hours((day_start(day_of(start, asked.zone), asked.zone),))
    few = asked.span.length is not RangeLength.YEAR or len(asked.question.pools) <= _FEW
    return replace(asked.question, start=start, width=300 if odd and few else _HOUR)


def is_upper_bound(asked: SeriesQuery, *, coarse: bool) -> bool:
    """Whether the answer sums maxima of hours or days: as high as the true sum, or higher.

    The past of a long stretch is aligned by the hour, what is older by the day; `coarse` says that.
    """
    return len(asked.pools) > 1 and (coarse or asked.end - asked.start > _LONG)


def with_earlier_pools(
    asked: SeriesQuery,
    ever: Iterable[tuple[str, PoolKey]],
    without: frozenset[tuple[str, PoolKey]] = frozenset(),
) -> SeriesQuery:
    """The same question about the pools that were `ever` read too, `without` some of them.

    A license that was renewed is a pool of its own on the board; its curve is one with the old.
    """
    old = (pool for pool in ever if pool not in without)
    return replace(asked, pools=tuple(dict.fromkeys((*asked.pools, *old))))


def slices(question: SeriesQuery) -> tuple[SeriesQuery, ...]:
    """A long question about many pools in parts: whoever answers has other things to do, too."""
    length = question.end - question.start
    if len(question.pools) <= _MANY or length <= _LONG:
        return (question,)
    step = -(-length // _SLICES // _DAY) * _DAY
    return tuple(
        replace(question, start=at, end=min(at + step, question.end))
        for at in range(question.start, question.end, step)
    )


# One product over some servers: what is known of it now, and what it is called


ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)
MODELS: Final = {
    Model.CONCURRENT: "concurrent",
    Model.USER_DEVICE: "user/device",
    Model.NAMED_USER: "named user",
    Model.SERVER: "per server",
    Model.ENABLER: "enabler",
    Model.OTHER: "other",
}


@dataclass(frozen=True, slots=True)
class ProductSelection:
    """The product, and every pool of it on these servers as last read."""

    product: str
    servers: tuple[str, ...]
    pools: tuple[tuple[ServerStatus, Pool], ...]
    thresholds: Thresholds
    every: float  # seconds between two polls of the slowest of its servers

    @property
    def name(self) -> str:
        """The friendly name; the code when nothing was read yet."""
        return strip_controls(self.pools[0][1].name) if self.pools else strip_controls(self.product)

    @property
    def model(self) -> Model:
        """How it is counted."""
        return self.pools[0][1].model if self.pools else Model.OTHER

    @property
    def assigned(self) -> bool:
        """Whether its figures are assignments, not licenses checked out."""
        return self.model in ASSIGNED

    @property
    def live(self) -> tuple[Pool, ...]:
        """The pools whose figures are those of now."""
        return tuple(pool for status, pool in self.pools if is_reporting(status, pool))

    @property
    def owners(self) -> tuple[str, ...]:
        """The registered servers whose history is the product's; of all where none is known."""
        owners = dict.fromkeys(status.history_key(pool.key)[0] for status, pool in self.pools)
        holding = {status.server.name for status, _ in self.pools}
        return (*owners, *(name for name in self.servers if name not in holding | owners.keys()))

    @property
    def stand_ins(self) -> frozenset[tuple[str, PoolKey]]:
        """Pools that are recorded as well, and read what another one's history has already."""
        statuses = {status.server.name: status for status, _ in self.pools}.values()
        owned = {status.history_key(pool.key) for status, pool in self.pools}
        return frozenset(
            (part.server.name, pool.key)
            for status in statuses
            for part in status.members
            for pool in (part.snapshot.pools if part.snapshot else ())
            if (part.server.name, pool.key) not in owned
        )

    @property
    def reading(self) -> Reading:
        """The sum of what is known now."""
        return sum_readings(list(self.live))

    @property
    def level(self) -> Level:
        """How full it is."""
        return self.reading.level(self.thresholds.warn, self.thresholds.critical)


def select_product(
    board: MergedBoard, servers: tuple[str, ...], product: str, settings: Settings
) -> ProductSelection:
    """What the board says of this product on these servers."""
    statuses = list({it.server.name: it for name in servers if (it := board.find(name))}.values())
    pools = tuple(
        (status, pool)
        for status in statuses
        for pool in (status.snapshot.pools if status.snapshot else ())
        if pool.product == product
    )
    alone = statuses[0].server if len(statuses) == 1 else None
    return ProductSelection(
        product,
        servers,
        pools,
        settings.alerts.thresholds_for(
            group=alone.group if alone else "", server=alone.name if alone else "", product=product
        ),
        max(
            (
                it.server.interval or settings.interval or DEFAULT_INTERVAL[it.server.source]
                for it in statuses
            ),
            default=900.0,
        ),
    )


def title(about: ProductSelection, width: int, symbols: Symbols) -> Line:
    """Whose chart this is, in at most so many columns."""
    dot = f" {symbols.dot} "
    count = len(about.servers)
    where = strip_controls(about.servers[0]) if count == 1 else f"{count} servers"
    said = f"{dot}{MODELS[about.model]}{dot}{shorten(where, max(8, width // 4), symbols.ellipsis)}"
    code = f"{dot}{strip_controls(about.product)}"
    if about.name != about.product and len(about.name + said + code) <= width:
        said += code
    name = shorten(about.name, max(8, width - len(said)), symbols.ellipsis)
    return ((name, Tone.STRONG), (said, Tone.QUIET))


def stretch(asked: ChartQuery, about: ProductSelection) -> Line:
    """Which time is shown, and what a bucket of it stands for."""
    span = asked.span
    year = span.length is RangeLength.YEAR
    until = format_moment(asked.end - year, asked.zone, year=year) if span.offset else "now"
    what = "last figure" if about.assigned else "peak"
    said = f"{span.length.name.lower()} to {until}, {what} of each {_width(asked.bucket)}"
    return ((said, Tone.QUIET),)


def week(asked: ChartQuery) -> Line:
    """Which time is folded into a map of the week."""
    span = asked.span
    length = max(span.length, RangeLength.WEEK, key=lambda length: length.value)
    until = (
        format_moment(asked.end, asked.zone, year=length is RangeLength.YEAR)
        if span.offset
        else "now"
    )
    return ((f"{length.name.lower()} to {until}, each hour of the week", Tone.QUIET),)


def _width(bucket: int) -> str:
    for unit, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if bucket % unit == 0:
            count = bucket // unit
            return word if count == 1 else f"{count} {word}s"
    return f"{bucket} seconds"
