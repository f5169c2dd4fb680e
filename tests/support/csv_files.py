"""CSV text as a file that is imported."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lictui.history.csv_import import read_csv
from lictui.history.csv_reader import (
    BucketColumns,
    CsvFile,
    ImportedPool,
    ImportOptions,
    ImportResult,
    ReadingColumns,
)


def read_text(
    csv: str | bytes, options: ImportOptions | None = None
) -> tuple[ImportResult, list[ImportedPool]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "usage.csv"
        path.write_bytes(csv.encode() if isinstance(csv, str) else csv)
        result = read_csv(CsvFile(path), options or ImportOptions())
        return result, list(result.pools)


def rows_of(columns: ReadingColumns | BucketColumns) -> list[tuple[Any, ...]]:
    """Imported columns as rows; None is an unknown count."""
    values = (getattr(columns, name).tolist() for name in columns.__slots__)
    return [tuple(None if v == -1 else v for v in row) for row in zip(*values, strict=True)]


def reading_columns(rows: Sequence[tuple[int, int, int | None]]) -> ReadingColumns:
    """Time, in use and installed of readings as columns."""
    times, in_use, installed = np.array(
        [(time, used, -1 if count is None else count) for time, used, count in rows], np.int64
    ).T
    return ReadingColumns(times, in_use, installed, np.full(len(times), -1))
