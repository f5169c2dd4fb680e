"""CSV text as a file that is imported."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from lictui.history.csv_import import read_csv
from lictui.history.csv_reader import CsvFile, ImportedPool, ImportOptions, ImportResult


def read_text(
    csv: str | bytes, options: ImportOptions | None = None
) -> tuple[ImportResult, list[ImportedPool]]:
    """The result and the pools of a CSV file with this content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "usage.csv"
        path.write_bytes(csv.encode() if isinstance(csv, str) else csv)
        result = read_csv(CsvFile(path), options or ImportOptions())
        return result, list(result.pools)
