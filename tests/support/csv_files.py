"""CSV text as a file that is imported, and a past that was not polled here."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lictui.history.csv_import import read_csv
from lictui.history.csv_reader import (
    CsvFile,
    ImportedPool,
    ImportOptions,
    ImportResult,
    Rows,
    imported_rows,
)
from lictui.history.store import History
from lictui.model import Model, PoolKey
from lictui.paths import Paths


def read_text(
    csv: str | bytes, options: ImportOptions | None = None
) -> tuple[ImportResult, list[ImportedPool]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "usage.csv"
        path.write_bytes(csv.encode() if isinstance(csv, str) else csv)
        result = read_csv(CsvFile(path), options or ImportOptions())
        return result, list(result.pools)


def rows_of(
    rows: Rows, names: Sequence[str] = ("time", "in_use", "installed", "overdraft")
) -> list[tuple[Any, ...]]:
    """Imported rows as tuples; None is an unknown count."""
    return [tuple(None if v == -1 else v for v in row) for row in rows[list(names)].tolist()]


def import_past(
    history: History,
    name: str,
    product: str,
    rows: Sequence[tuple[int, int, int | None]],
    model: Model = Model.CONCURRENT,
) -> None:
    """Import readings of one pool: time, in use and installed."""
    pool = ImportedPool(name, PoolKey(product), model, reading_rows(rows))
    history.import_readings([pool])


def forget_last_poll(paths: Paths, name: str) -> None:
    """Leave the pools of a server, but not what its last poll returned."""
    with closing(sqlite3.connect(paths.history)) as db:
        db.execute("DELETE FROM last_poll WHERE server = ?", (name,))
        db.commit()


def reading_rows(rows: Sequence[tuple[int, int, int | None]]) -> Rows:
    """Time, in use and installed of readings as imported rows."""
    time, in_use, installed = np.array(
        [(time, used, -1 if count is None else count) for time, used, count in rows], np.int64
    ).T
    return imported_rows(len(rows), time=time, in_use=in_use, installed=installed, width=0)
