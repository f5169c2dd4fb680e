"""What is shown, as a CSV file for a spreadsheet.

Owns the file's form: a text cell that a spreadsheet would run gets a quote before it. Must not
know what the table is about.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictui.paths import write_private
from lictui.tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Cell = str | int | float | None
Table = tuple[tuple[Cell, ...], ...]  # the first row names the columns

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: Iterable[Sequence[Cell]]) -> str:
    """The table as CSV; numbers stay numbers, what could not be read is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_harmless(cell) for cell in row] for row in table)
    return out.getvalue()


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    return clean(f"'{cell}" if cell.startswith(_RUNS) else cell)


def write_csv(table: Iterable[Sequence[Cell]], view: str, now: float) -> Path:
    """Write the table into the current folder and say where. Raises OSError if that fails."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    file = Path.cwd() / f"lictui-{view}-{stamp}.csv"
    write_private(file, csv_text(table).encode())
    return file
