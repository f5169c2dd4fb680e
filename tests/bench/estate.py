"""A registry and a history of any size, as if lictui had watched it for a year."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lictui.analysis.series import Resolution
from lictui.clock import SystemClock
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.csv_reader import ImportedPool, Rows, imported_rows
from lictui.history.store import History
from lictui.model import Poll, Pool, PoolKey, Reading, Server, Snapshot, SourceName
from lictui.paths import Paths
from lictui.products import describe

PRODUCTS = ("XDT_PLT_UD", "XDT_PLT_CCS", "MPS_ENT_CCU", "PVS_STD_CCS", "XDT_ADV_UD")


def names(count: int) -> list[str]:
    """The names of the servers."""
    return [f"lic-bench-{number:04}" for number in range(count)]


def write(folder: Path, servers: int, days: int = 365) -> Paths:
    """Register `servers` servers of 5 pools each in `folder`, with `days` days of history."""
    paths = Paths(folder / "config", folder / "data")
    clock = SystemClock()
    registry = [
        Server(
            name, SourceName.WINRM, url="https://127.0.0.1:9/wsman", username="u", secret="env:X"
        )
        for name in names(servers)
    ]
    save_servers(paths, registry)
    history = History(paths.history, Retention(), clock)
    now = clock.now()
    history.import_readings(_past(names(servers), now, days))
    history.append_many(
        [(server, Poll(server.name, now, 0.1, _snapshot(server.name)), ()) for server in registry]
    )
    history.close()
    return paths


def _snapshot(name: str) -> Snapshot:
    pools = tuple(
        Pool(
            product,
            describe(product).name,
            describe(product).model,
            Reading(_figure(name, product, 0), 500, 50),
        )
        for product in PRODUCTS
    )
    return Snapshot(pools, reported_name=name.upper())


def _figure(name: str, product: str, at: int) -> int:
    """Something between 100 and 520 that differs everywhere and repeats."""
    return 100 + (hash((name, product)) + at // Resolution.HOUR * 37) % 420


def _past(servers: list[str], now: float, days: int) -> Iterator[ImportedPool]:
    for server in servers:
        for product in PRODUCTS:
            rows = [
                _buckets(server, product, range(end - count * width, end, width))
                for width, count in ((Resolution.HOUR, 48), (Resolution.DAY, days))
                for end in (int(now) // width * width,)
            ]
            model = describe(product).model
            yield ImportedPool(server, PoolKey(product), model, np.concatenate(rows))


def _buckets(server: str, product: str, starts: range) -> Rows:
    start = np.array(starts)
    high = np.array([_figure(server, product, at) for at in starts])
    counts = {"samples": 96, "installed": 500, "overdraft": 50}
    figures = {"low": high - 50, "average": high - 20.5, "in_use": high, "last": high - 10}
    times = {"time": start, "high_at": start + starts.step // 2, "width": starts.step}
    return imported_rows(len(start), **times, **figures, **counts)
