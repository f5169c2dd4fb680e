"""A file of readings, whoever wrote it: lictui's own CSV, or any with columns to be recognised.

Owns which of the two it is, and what must be said for each. Pure: bytes in, an account out.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from difflib import get_close_matches
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from lictui import products as known_products
from lictui.analysis.series import Resolution
from lictui.errors import UsageError
from lictui.history import csv_reader
from lictui.history.csv_export import HEADER, MONTH_HEADER, RAW_HEADER, unguarded
from lictui.history.csv_reader import (
    ImportedBucket,
    ImportedPool,
    ImportedReading,
    ImportResult,
    ParsedTime,
    Row,
    RowError,
    plain,
)
from lictui.history.readings import FOREVER
from lictui.history.rollup import Rollup
from lictui.model import Model, MonthlyUsage, PoolKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence


# lictui's own CSV back: every reading, or the buckets of five minutes, an hour or a day


_MOST: Final = 2**31
_WIDTHS: Final = {int(width): width for width in Resolution if width}
_ASSIGNED: Final = (Model.USER_DEVICE, Model.NAMED_USER)  # whose source may tell of months
_HEADERS: Final = (RAW_HEADER, HEADER, MONTH_HEADER)


def is_own(header: Sequence[str]) -> bool:
    """Whether lictui wrote a file with this header."""
    return tuple(cell.strip() for cell in header) in _HEADERS


def read_own(
    header: Sequence[str],
    rows: Iterator[Row],
    servers: Collection[str] = (),
    products: Collection[str] = (),
    until: float = FOREVER,
) -> ImportResult:
    """Everything below the header, or only what is of these servers and products."""
    names = tuple(cell.strip() for cell in header)
    take = {RAW_HEADER: _point, HEADER: _stretch, MONTH_HEADER: _month}[names]
    account = ImportResult()
    pools: dict[tuple[str, PoolKey], ImportedPool] = {}
    at = names.index("server")
    for line, cells in rows:
        account.read += 1
        try:
            if len(cells) != len(names):
                raise RowError(f"has {len(cells)} cells where the header has {len(names)}")  # noqa: TRY301 - one place that skips
            server, product, model, day = map(unguarded, cells[at : at + 4])
            if (servers and server not in servers) or (products and product not in products):
                account.filtered_out += 1
                continue
            key = PoolKey(product, _date(day))
            if (pool := pools.get((server, key))) is None:
                pool = ImportedPool(_named(server, "server"), key, _model(model))
                _named(product, "product")
            begins = _month_start if take is _month else _moment
            if begins(cells[0]) > until:
                raise RowError("lies in the future")  # noqa: TRY301 - as above
            take(pool, cells)
            pools[server, key] = pool
        except RowError as why:
            account.skip(line, str(why))
    account.pools = list(pools.values())
    for pool in account.pools:
        _parted(pool)
    return account


def _point(pool: ImportedPool, cells: Sequence[str]) -> None:
    at, *_, in_use, installed, overdraft = cells
    pool.readings.append(
        ImportedReading(_moment(at), _figure(in_use), _figure(installed), _figure(overdraft))
    )


def _stretch(pool: ImportedPool, cells: Sequence[str]) -> None:
    start, end = _moment(cells[0]), _moment(cells[1])
    low, average, high, at, installed, overdraft, samples = cells[6:]
    width = _WIDTHS.get(end - start)
    if width is None or start % width:
        raise RowError("is no five minutes, hour or day of UTC")
    lowest, highest, n = _needed(low), _needed(high), _needed(samples)
    high_at = _moment(at)
    mean = _mean(average)
    if not (n > 0 and lowest <= mean <= highest and start <= high_at < end):
        raise RowError("its figures contradict each other")
    # The last figure is not in the file: the one that a bucket of one reading has, else the mean.
    last = min(max(round(mean), lowest), highest)
    tally = Rollup(start, lowest, round(mean * n), highest, high_at, last, n)
    held = pool.buckets.setdefault(width, [])
    held.append(ImportedBucket(tally, _figure(installed), _figure(overdraft)))


def _month(pool: ImportedPool, cells: Sequence[str]) -> None:
    in_use, installed, newly, released = map(_figure, cells[5:])
    at = _month_start(cells[0])
    pool.months.append(MonthlyUsage(pool.key, at, in_use, installed, newly, released))


def _month_start(cell: str) -> int:
    return _moment(f"{cell.strip()}-01T00:00:00Z")


def _parted(pool: ImportedPool) -> None:
    """Months that the source told of lead the readings of a pool: they are none themselves.

    Exported together they look alike, but only such a month stands alone at its first moment.
    """
    if pool.model not in _ASSIGNED:
        return
    count = 0
    for point, following in zip_longest(pool.readings, pool.readings[1:]):
        day = datetime.fromtimestamp(point.at, UTC)
        alone = following is None or following.at - point.at >= Resolution.DAY
        if not alone or day.day != 1 or point.at % Resolution.DAY or point.overdraft is not None:
            break
        pool.months.append(MonthlyUsage(pool.key, point.at, point.in_use, point.installed))
        count += 1
    del pool.readings[:count]


def _named(name: str, what: str) -> str:
    if not name:
        raise RowError(f"names no {what}")
    return name


def _moment(cell: str) -> int:
    try:
        found = datetime.fromisoformat(cell.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise RowError(f"no time can be read from {cell[:40]!r}")
    return int(found.timestamp())


def _date(cell: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat() if cell else ""
    except ValueError:
        raise RowError(f"is no subscription date: {cell[:40]!r}") from None


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
        raise RowError(f"no figure can be read from {cell[:40]!r}") from None
    if abs(found) >= _MOST:
        raise RowError(f"is no number of licenses: {cell[:40]!r}")
    return found


def _mean(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise RowError(f"no average can be read from {cell[:40]!r}") from None


# Somebody else's CSV of one pool, with columns that can be recognised


_SHOWN = 6  # products that are named where only one can be meant


class _Line(NamedTuple):
    """One row that has figures and a time of some form."""

    number: int
    time: ParsedTime
    figures: ImportedReading  # its moment is not known yet


def read_foreign(
    columns: Columns,
    rows: Iterator[Row],
    pool: ImportedPool,
    zone: tzinfo | None = None,
    date_format: str = "",
    until: float = FOREVER,
) -> ImportResult:
    """Everything below the header as `pool`'s; `zone` is the one of times that name none.

    Raises UsageError where day and month, or several products, cannot be told apart.
    """
    account = ImportResult(pools=[pool])
    lines = list(_lines(columns, rows, pool.key.product, account, date_format))
    day_first = csv_reader.day_first(line.time for line in lines)
    days = csv_reader.whole_days(line.time for line in lines)
    local = _settled(lines, account, day_first=day_first)
    order = range(len(local))
    zoned = csv_reader.Zoned(UTC if columns.utc else zone)
    found: dict[int, ImportedReading | ImportedBucket] = {}
    for index in reversed(order) if _falls(local) else order:
        line, at = local[index]
        try:
            taken = _taken(line, at, zoned, daily=days or line.time.clock is None)
            if (taken.at if isinstance(taken, ImportedReading) else taken.tally.start) > until:
                raise RowError(f"lies in the future: {at:%Y-%m-%d %H:%M}")  # noqa: TRY301 - one place that skips
            found[index] = taken
        except RowError as why:
            account.skip(line.number, str(why))
    for index in order:  # the later of two rows stands, so that the file's own order counts
        match found.get(index):
            case ImportedReading() as point:
                pool.readings.append(point)
            case ImportedBucket() as stretch:
                pool.buckets.setdefault(Resolution.DAY, []).append(stretch)
    return account


def _lines(
    columns: Columns, rows: Iterator[Row], product: str, account: ImportResult, date_format: str
) -> Iterator[_Line]:
    wanted = _is_of(columns, product)
    others: set[str] = set()
    for number, cells in rows:
        account.read += 1
        named = _cell(cells, columns.product)
        if not wanted(named):
            others.add(named)
            account.filtered_out += 1
            continue
        try:
            time = " ".join(_cell(cells, place).strip() for place in columns.times)
            figure = ImportedReading(
                0,
                csv_reader.whole(_cell(cells, columns.in_use), "in use"),
                csv_reader.known(_cell(cells, columns.installed), "installed"),
                csv_reader.known(_cell(cells, columns.overdraft), "overdraft"),
            )
            yield _Line(number, csv_reader.written(time, date_format), figure)
        except RowError as why:
            account.skip(number, str(why))
    if account.read and account.filtered_out == account.read:
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
    lines: Sequence[_Line], account: ImportResult, *, day_first: bool
) -> list[tuple[_Line, datetime]]:
    found = []
    for line in lines:
        try:
            found.append((line, csv_reader.settled(line.time, day_first=day_first)))
        except RowError as why:
            account.skip(line.number, str(why))
    return found


def _falls(local: Sequence[tuple[_Line, datetime]]) -> bool:
    """Whether the newest row stands first."""
    return bool(local) and local[0][1] > local[-1][1]


def _taken(
    line: _Line, at: datetime, zoned: csv_reader.Zoned, *, daily: bool
) -> ImportedReading | ImportedBucket:
    figure = line.figures
    if not daily:
        return figure._replace(at=zoned.moment(at, line.time.offset))
    value = figure.in_use or 0
    noon = zoned.day(at.date())
    start = noon // Resolution.DAY * Resolution.DAY
    tally = Rollup(start, value, value, value, noon, value, 1)
    return ImportedBucket(tally, figure.installed, figure.overdraft)


# Which column of somebody else's CSV is what


# What a column is for -> the names it goes by, the surest first.
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "moment": (
        *("timestamp", "datetime", "dateandtime", "at", "when", "recorded"),
        *("collectedat", "collected", "sampletime", "timegenerated"),
    ),
    "date": ("date", "day", "usagedate", "datum"),
    "time": ("time", "timeofday", "hour", "uhrzeit"),
    "in_use": (
        *("inuse", "licensesinuse", "licenseinuse", "inusecount", "inuselicenses", "used"),
        *("licensesused", "usedlicenses", "usedcount", "currentlyinuse", "usage", "licenseusage"),
        *("assigned", "licensesassigned", "checkedout", "consumed", "inusemax", "maxinuse"),
        *("maximuminuse", "peakinuse", "peakusage", "peak"),
    ),
    "installed": (
        *("installed", "licensesinstalled", "installedlicenses", "licensesowned", "owned", "total"),
        *(
            "totallicenses",
            "licensestotal",
            "totalinstalled",
            "totalcount",
            "licenses",
            "purchased",
        ),
    ),
    "overdraft": ("overdraft", "overdraftlicenses", "licensesoverdraft", "overdraftallowance"),
    "product": ("product", "productcode", "pld", "feature", "licenseproduct"),
}
_OTHERS: Final = ("installed", "overdraft", "product")
_SAID: Final = ("time", "date", "in_use", "installed", "overdraft", "product")


@dataclass(frozen=True, slots=True)
class Columns:
    """The places of the columns in a row; None for one that the file does not have."""

    times: tuple[int, ...]  # one, or a date and a time of day
    in_use: int
    installed: int | None = None
    overdraft: int | None = None
    product: int | None = None
    utc: bool = False  # the name of a time's column says so


def parse_column_option(option: str) -> dict[str, str]:
    """`time=Zeit,in_use=Belegt` as what is said of which column. Raises UsageError."""
    found: dict[str, str] = {}
    for part in next(csv.reader([option], skipinitialspace=True), []):
        what, equals, name = part.partition("=")
        what = what.strip().lower().replace(" ", "_").replace("-", "_")
        if not equals or not name.strip() or what not in _SAID:
            close = get_close_matches(what, _SAID, n=1)
            near = f", did you mean {close[0]!r}?" if close and close[0] != what else ""
            raise UsageError(
                f"--columns cannot say {part.strip()!r}{near}",
                f"it is a list of WHAT=COLUMN, with WHAT one of {', '.join(_SAID)}",
            )
        found[what] = name.strip()
    return found


def recognised(header: Sequence[str], told: Mapping[str, str]) -> Columns | None:
    """The columns of a header, `told` ones before those that are recognised; None: too few."""
    names = [plain(cell) for cell in header]
    bare = ["timestamp" if name == "utc" else name.removesuffix("utc") for name in names]
    places = {
        what: next((bare.index(each) for each in known if each in bare), None)
        for what, known in _NAMES.items()
    }
    for what, name in told.items():
        place = _place(name, names, header)
        if place is None:
            return None
        places[what] = place
    in_use = places["in_use"]
    times = _times(places, told)
    if in_use is None or not times:
        return None
    utc = any(names[place].endswith("utc") for place in times)
    installed, overdraft, product = (places[what] for what in _OTHERS)
    return Columns(times, in_use, installed, overdraft, product, utc)


def _times(places: Mapping[str, int | None], told: Mapping[str, str]) -> tuple[int, ...]:
    date, time = places["date"], places["time"]
    if "time" in told and "date" not in told:
        return () if time is None else (time,)
    if "date" not in told and places["moment"] is not None:
        return (places["moment"],)
    return tuple(place for place in (date, time) if place is not None)


def _place(name: str, names: Sequence[str], header: Sequence[str]) -> int | None:
    """A column by its name, or by its number from 1."""
    cells = [cell.strip() for cell in header]
    if name in cells:
        return cells.index(name)
    if plain(name) and plain(name) in names:
        return names.index(plain(name))
    if name.isascii() and name.isdecimal() and 0 < int(name) <= len(names):
        return int(name) - 1
    return None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What was said about a file that it does not say itself."""

    servers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    subscription_date: str = ""  # ISO; of somebody else's file
    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""  # strptime's
    zone: tzinfo | None = None  # of times that name none; None: the system's
    until: float = FOREVER  # UTC epoch seconds; later is no time that a reading can have


def read_csv(data: bytes, ask: ImportOptions) -> ImportResult:
    """Everything in the file. Raises UsageError when it cannot be gone by as a whole."""
    text = csv_reader.decode_text(data)
    if not text.strip():
        raise UsageError("the file is empty", "did the program that was to write it fail?")
    found = csv_reader.exact(text, is_own)
    if found and not ask.columns:
        return read_own(*found, ask.servers, ask.products, ask.until)
    if len(ask.servers) != 1 or len(ask.products) != 1:
        raise UsageError(
            "the file is none of lictui's own, so it does not say whose figures it has",
            "say it: --server NAME --product CODE, one of each",
        )
    header, below = csv_reader.headed(text, lambda row: _score(row, ask))
    chosen = recognised(header, ask.columns)
    assert chosen is not None  # noqa: S101 - that is how the header was found
    ((server,), (product,)) = ask.servers, ask.products
    model = known_products.describe(product).model
    pool = ImportedPool(server, PoolKey(product, ask.subscription_date), model)
    return read_foreign(chosen, below, pool, ask.zone, ask.date_format, ask.until)


def _score(row: list[str], ask: ImportOptions) -> int:
    found = recognised(row, ask.columns)
    return len(row) if found else 0
