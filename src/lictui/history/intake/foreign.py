"""Somebody else's CSV of one pool, with columns that can be recognised.

A row with a time is a reading. A row with a day alone, or files whose every row stands at midnight,
tell of days: such a row is the bucket of that day with one reading in it, not a reading at
midnight. Owns that rule. Pure: must not know files or SQL.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history.intake import figures, moments
from lictui.history.intake.given import Account, Point, Stretch, Unreadable
from lictui.history.retention import FOREVER
from lictui.history.rollup import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from lictui.history.intake.cells import Row
    from lictui.history.intake.columns import Columns
    from lictui.history.intake.given import Given
    from lictui.history.intake.moments import Written

_SHOWN = 6  # products that are named where only one can be meant


class _Line(NamedTuple):
    """One row that has figures and a time of some form."""

    number: int
    time: Written
    figures: Point  # its moment is not known yet


def read(
    columns: Columns,
    rows: Iterator[Row],
    pool: Given,
    zone: tzinfo | None = None,
    date_format: str = "",
    until: float = FOREVER,
) -> Account:
    """Everything below the header as `pool`'s; `zone` is the one of times that name none.

    Raises UsageError where day and month, or several products, cannot be told apart.
    """
    account = Account(pools=[pool])
    lines = list(_lines(columns, rows, pool.key.product, account, date_format))
    day_first = moments.day_first(line.time for line in lines)
    days = moments.whole_days(line.time for line in lines)
    local = _settled(lines, account, day_first=day_first)
    order = range(len(local))
    zoned = moments.Zoned(UTC if columns.utc else zone)
    found: dict[int, Point | Stretch] = {}
    for index in reversed(order) if _falls(local) else order:
        line, at = local[index]
        try:
            taken = _taken(line, at, zoned, daily=days or line.time.clock is None)
            if (taken.at if isinstance(taken, Point) else taken.tally.start) > until:
                raise Unreadable(f"lies in the future: {at:%Y-%m-%d %H:%M}")  # noqa: TRY301 - one place that skips
            found[index] = taken
        except Unreadable as why:
            account.skip(line.number, str(why))
    for index in order:  # the later of two rows stands, so that the file's own order counts
        match found.get(index):
            case Point() as point:
                pool.points.append(point)
            case Stretch() as stretch:
                pool.stretches.setdefault(Resolution.DAY, []).append(stretch)
    return account


def _lines(
    columns: Columns, rows: Iterator[Row], product: str, account: Account, date_format: str
) -> Iterator[_Line]:
    wanted = _is_of(columns, product)
    others: set[str] = set()
    for number, cells in rows:
        account.read += 1
        named = _cell(cells, columns.product)
        if not wanted(named):
            others.add(named)
            account.left_out += 1
            continue
        try:
            time = " ".join(_cell(cells, place).strip() for place in columns.times)
            figure = Point(
                0,
                figures.whole(_cell(cells, columns.in_use), "in use"),
                figures.known(_cell(cells, columns.installed), "installed"),
                figures.known(_cell(cells, columns.overdraft), "overdraft"),
            )
            yield _Line(number, moments.written(time, date_format), figure)
        except Unreadable as why:
            account.skip(number, str(why))
    if account.read and account.left_out == account.read:
        names = ", ".join(sorted(others)[:_SHOWN])
        raise UsageError(
            f"no row is of the product {product!r}; the file has {names}",
            "spell it as the file does, or leave its column out with --columns",
        )


def _is_of(columns: Columns, product: str) -> Callable[[str], bool]:
    """Which rows of a file with a column for the product are meant; others are left out."""
    if columns.product is None:
        return lambda _: True
    code = product.strip().lower()
    return lambda named: named.strip().lower() in ("", code)


def _cell(cells: Sequence[str], place: int | None) -> str:
    """A cell; "" for a column that the file does not have, or a row that ends before it."""
    return cells[place] if place is not None and place < len(cells) else ""


def _settled(
    lines: Sequence[_Line], account: Account, *, day_first: bool
) -> list[tuple[_Line, datetime]]:
    found = []
    for line in lines:
        try:
            found.append((line, moments.settled(line.time, day_first=day_first)))
        except Unreadable as why:
            account.skip(line.number, str(why))
    return found


def _falls(local: Sequence[tuple[_Line, datetime]]) -> bool:
    """Whether the newest row stands first."""
    return bool(local) and local[0][1] > local[-1][1]


def _taken(line: _Line, at: datetime, zoned: moments.Zoned, *, daily: bool) -> Point | Stretch:
    figure = line.figures
    if not daily:
        return figure._replace(at=zoned.moment(at, line.time.offset))
    value = figure.in_use or 0
    noon = zoned.day(at.date())
    start = noon // Resolution.DAY * Resolution.DAY
    tally = Tally(start, value, value, value, noon, value, 1)
    return Stretch(tally, figure.installed, figure.overdraft)
