"""lictui's own CSV back: every reading, or the buckets of five minutes, an hour or a day.

Owns that the guard against spreadsheets is undone, and that what does not add up is skipped. Pure.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from lictui.analysis.series import Resolution
from lictui.history.columns import HEADER, MONTH_HEADER, RAW_HEADER, unguarded
from lictui.history.intake.given import Account, Given, Point, Stretch, Unreadable
from lictui.history.retention import FOREVER
from lictui.history.rollup import Tally
from lictui.model import Model, PoolKey, Told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lictui.history.intake.cells import Row

_MOST: Final = 2**31
_WIDTHS: Final = {int(width): width for width in Resolution if width}
_ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)  # whose source may tell of months
_HEADERS: Final = (RAW_HEADER, HEADER, MONTH_HEADER)


def is_own(header: Sequence[str]) -> bool:
    """Whether lictui wrote a file with this header."""
    return tuple(cell.strip() for cell in header) in _HEADERS


def read(
    header: Sequence[str],
    rows: Iterator[Row],
    servers: Collection[str] = (),
    products: Collection[str] = (),
    until: float = FOREVER,
) -> Account:
    """Everything below the header, or only what is of these servers and products."""
    names = tuple(cell.strip() for cell in header)
    take = {RAW_HEADER: _point, HEADER: _stretch, MONTH_HEADER: _month}[names]
    account = Account()
    pools: dict[tuple[str, PoolKey], Given] = {}
    at = names.index("server")
    for line, cells in rows:
        account.read += 1
        try:
            if len(cells) != len(names):
                raise Unreadable(f"has {len(cells)} cells where the header has {len(names)}")  # noqa: TRY301 - one place that skips
            server, product, model, day = map(unguarded, cells[at : at + 4])
            if (servers and server not in servers) or (products and product not in products):
                account.left_out += 1
                continue
            key = PoolKey(product, _date(day))
            if (pool := pools.get((server, key))) is None:
                pool = Given(_named(server, "server"), key, _model(model))
                _named(product, "product")
            begins = _month_start if take is _month else _moment
            if begins(cells[0]) > until:
                raise Unreadable("lies in the future")  # noqa: TRY301 - as above
            take(pool, cells)
            pools[server, key] = pool
        except Unreadable as why:
            account.skip(line, str(why))
    account.pools = list(pools.values())
    for pool in account.pools:
        _parted(pool)
    return account


def _point(pool: Given, cells: Sequence[str]) -> None:
    at, *_, in_use, installed, overdraft = cells
    pool.points.append(Point(_moment(at), _figure(in_use), _figure(installed), _figure(overdraft)))


def _stretch(pool: Given, cells: Sequence[str]) -> None:
    start, end = _moment(cells[0]), _moment(cells[1])
    low, average, high, at, installed, overdraft, samples = cells[6:]
    width = _WIDTHS.get(end - start)
    if width is None or start % width:
        raise Unreadable("is no five minutes, hour or day of UTC")
    lowest, highest, n = _needed(low), _needed(high), _needed(samples)
    high_at = _moment(at)
    mean = _mean(average)
    if not (n > 0 and lowest <= mean <= highest and start <= high_at < end):
        raise Unreadable("its figures contradict each other")
    # The last figure is not in the file: the one that a bucket of one reading has, else the mean.
    last = min(max(round(mean), lowest), highest)
    tally = Tally(start, lowest, round(mean * n), highest, high_at, last, n)
    held = pool.stretches.setdefault(width, [])
    held.append(Stretch(tally, _figure(installed), _figure(overdraft)))


def _month(pool: Given, cells: Sequence[str]) -> None:
    in_use, installed, newly, released = map(_figure, cells[5:])
    at = _month_start(cells[0])
    pool.months.append(Told(pool.key, at, in_use, installed, newly, released))


def _month_start(cell: str) -> int:
    return _moment(f"{cell.strip()}-01T00:00:00Z")


def _parted(pool: Given) -> None:
    """Months that the source told of lead the readings of a pool: they are none themselves.

    Exported together they look alike, but only such a month stands alone at its first moment.
    """
    if pool.model not in _ASSIGNED:
        return
    count = 0
    for point, following in zip_longest(pool.points, pool.points[1:]):
        day = datetime.fromtimestamp(point.at, UTC)
        alone = following is None or following.at - point.at >= Resolution.DAY
        if not alone or day.day != 1 or point.at % Resolution.DAY or point.overdraft is not None:
            break
        pool.months.append(Told(pool.key, point.at, point.in_use, point.installed))
        count += 1
    del pool.points[:count]


def _named(name: str, what: str) -> str:
    if not name:
        raise Unreadable(f"names no {what}")
    return name


def _moment(cell: str) -> int:
    try:
        found = datetime.fromisoformat(cell.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Unreadable(f"no time can be read from {cell[:40]!r}")
    return int(found.timestamp())


def _date(cell: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat() if cell else ""
    except ValueError:
        raise Unreadable(f"is no subscription date: {cell[:40]!r}") from None


def _model(cell: str) -> Model:
    try:
        return Model(cell)
    except ValueError:
        return Model.OTHER


def _figure(cell: str) -> int | None:
    return _needed(cell) if cell.strip() else None


def _needed(cell: str) -> int:
    try:
        found = int(cell)
    except ValueError:
        raise Unreadable(f"no figure can be read from {cell[:40]!r}") from None
    if abs(found) >= _MOST:
        raise Unreadable(f"is no number of licenses: {cell[:40]!r}")
    return found


def _mean(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise Unreadable(f"no average can be read from {cell[:40]!r}") from None
