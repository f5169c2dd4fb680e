"""`make bench`: every budget of the house, measured as a ratio in this run, and printed.

`python -m tests.bench small rounds` measures some of the groups only. Ratios of times mean little
on a machine that does something else: the load is printed, too.
"""

import compileall
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

from tests.bench import estate, forecast, importing, past, polling, screen
from tests.bench.yardstick import Yardstick
from tests.history import storage_cost

import lictui
from lictui.analysis.columns import Series
from lictui.analysis.series import SeriesQuery
from lictui.analysis.usage_stats import heat_matrix, usage_stats
from lictui.clock import DAY, SystemClock
from lictui.config.settings import Retention
from lictui.history.peaks import PeakQuery, find_peaks
from lictui.history.store import History
from lictui.model import PoolKey
from lictui.paths import Paths

YEAR = 365 * 86400


def main() -> None:
    """Print a line a budget, as each is measured."""
    # As installed: pip compiles what it installs, while a checkout may be compiled at every start.
    compileall.compile_dir(Path(lictui.__file__).parent, quiet=2)
    groups = (_small, _large, _years, _rounds, _disk, _imports, _forecasts)
    names = sys.argv[1:]
    chosen = [group for group in groups if not names or group.__name__[1:] in names]
    load = f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()}"
    _line("what", "measured", "budget", load)
    with tempfile.TemporaryDirectory(prefix="lictui-bench-") as folder:
        for measure in chosen:
            for what, figure, budget, met in measure(Path(folder)):
                _line(what, figure, budget, "met" if met else "MISSED")


def _line(what: str, figure: str, budget: str, verdict: str) -> None:
    sys.stdout.write(f"{what:<58} {figure:>26}  {budget:<18} {verdict}\n")
    sys.stdout.flush()


_Row = tuple[str, str, str, bool]


def _small(folder: Path) -> Iterator[_Row]:
    paths = estate.write(folder / "small", 200)
    word = estate.names(1)[0]
    ours, _, bare, _ = screen.start(paths, word)
    yield _ratio("first frame with data, 200 servers x 5 pools", ours, bare, 1.3, "s")
    idle = screen.idle_bytes(paths, word)
    yield "bytes a second, nothing changing", f"{idle:.0f}", "<= 60", idle <= 60
    wire = screen.bytes_of_a_round()
    yield "bytes of a round that changes every row, 80x24", f"{wire:.0f}", "<= 4096", wire <= 4096
    ours = screen.key_to_frame(screen.lictui(paths), word)
    bare = screen.key_to_frame([*screen.BARE, "list"], "option 1")
    yield _ratio("key to frame, p95, 200 servers", ours, bare, 1.0, "s")
    yield from _questions(paths, folder)


def _large(folder: Path) -> Iterator[_Row]:
    paths = estate.write(folder / "large", 1000, days=30)
    ours, memory, bare, bare_memory = screen.start(paths, estate.names(1)[0])
    yield _ratio("first frame with data, 1,000 servers x 5 pools", ours, bare, 1.5, "s")
    yield _ratio("resident memory, 1,000 servers", memory / 1024, bare_memory / 1024, 1.6, "MiB")


def _questions(paths: Paths, folder: Path) -> Iterator[_Row]:
    clock = SystemClock()
    now = int(clock.now())
    keys = [(name, PoolKey(code)) for name in estate.names(200) for code in estate.PRODUCTS]
    year = [SeriesQuery((key,), now - YEAR, now, 86400) for key in keys]
    with History(paths.history, Retention(), clock) as history:
        one = _milliseconds(lambda: history.series(year[7]))
        yield "a year of daily peaks, one product", f"{one:.1f} ms", "<= 20 ms", one <= 20
        many = _milliseconds(lambda: history.series_batch(year))
    some = 10  # of 1,000 pools: plain SQL goes through the rows of one after those of another
    sql = storage_cost.plain(folder, some, 365) * 1000 * len(year) / some
    yield (
        "the same, 1,000 pools at once, over plain SQL",
        f"{many:.0f} ms / {sql:.0f} ms = {many / sql:.2f}",
        "<= 250 ms or 1 x",
        many <= max(250, sql),
    )


def _years(folder: Path) -> Iterator[_Row]:
    """A year of 1,000 pools by five minutes, one product: what the estate and its chart ask."""
    clock, pools = SystemClock(), 1000
    now = int(clock.now())
    place = folder / "years"
    place.mkdir()
    past.write(place / "history.db", clock, pools, 365)
    end = now // DAY * DAY
    duckdb = Yardstick(place, pools, past.MOLDS, range(end - YEAR, end, past.EVERY))
    names = past.names(pools)
    keys = tuple((name, PoolKey(past.PRODUCT)) for name in names)
    wanted = PeakQuery(now, UTC, names, scopes={"estate": names}, per_server=False)
    with History(place / "history.db", Retention(), clock) as history:

        def series(width: int) -> Series:
            return history.series(SeriesQuery(keys, now - YEAR, now, width))

        answers: dict[str, Callable[[], object]] = {
            "peaks": lambda: list(find_peaks(history, wanted)),
            "chart": lambda: series(86400),
            "heat map": lambda: heat_matrix(series(3600), UTC),
            "percentiles": lambda: usage_stats(series(300)),
        }
        for question, answer in answers.items():
            began = time.perf_counter()
            answer()
            took = time.perf_counter() - began
            what = f"{question} of a year, the sum of 1,000 pools, over DuckDB"
            yield _ratio(what, took, duckdb.seconds(question), 2.0, "s")


def _rounds(_folder: Path) -> Iterator[_Row]:
    ours, bare = polling.rounds(500)
    yield _ratio("a poll round of 500 HTTP servers", ours, bare, 1.15, "s")


def _disk(folder: Path) -> Iterator[_Row]:
    for every, days in ((60.0, 30), (900.0, 365)):
        with storage_cost.live(folder / f"disk-{every:.0f}", every, days) as history:
            history.compact_all()
            size = history.stats().bytes_per_reading or 0.0
        what = f"bytes on disk a reading, {days} days at {every:.0f} s"
        yield what, f"{size:.1f}", "<= 3", size <= 3


def _imports(folder: Path) -> Iterator[_Row]:
    for name, ours, sqlite in importing.rates(folder / "imports"):
        ratio = ours / sqlite
        what = f"import of {name} CSV, rows a second"
        yield what, f"{ours:,.0f} / {sqlite:,.0f} = {ratio:.2f} x", ">= 0.3 x sqlite3", ratio >= 0.3


def _forecasts(_folder: Path) -> Iterator[_Row]:
    result = forecast.back_test(forecast.simulated())
    others = max(result.naive.net, result.theta.net)
    net = result.likely.net
    yield "forecast dates: right minus false alarms", str(net), f"> {others} (simple)", net > others
    hold = result.bands_hold
    yield "forecast bands hold", f"{hold:.0%}", "88 % to 98 %", 0.88 <= hold <= 0.98
    days = next(iter(forecast.simulated()))
    past = {day: float(peak) for day, peak in list(days.items())[-366:-1]}
    spent = min(
        _milliseconds(lambda: forecast.forecast_of(past, 1000, max(days))) for _ in range(10)
    )
    yield "forecast of a product, a year of daily peaks", f"{spent:.1f} ms", "<= 5 ms", spent <= 5


def _ratio(what: str, ours: float, bare: float, budget: float, unit: str) -> _Row:
    ratio = ours / bare
    figure = f"{ours:.3g} {unit} / {bare:.3g} {unit} = {ratio:.2f}"
    return what, figure, f"<= {budget:g} x", ratio <= budget


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
