from __future__ import annotations

import csv
import io
import stat
from typing import TYPE_CHECKING

import pytest

from lictui.tui.text import csv_document, export_csv

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_document([[cell]]), newline=""))
    assert row == [f"'{cell}".replace("\t", " ").replace("\r", " ")]


def test_numbers_stay_numbers_and_unknown_is_empty() -> None:
    assert csv_document([["name", "free"], ["a,b", -3], ["c", None]]) == 'name,free\n"a,b",-3\nc,\n'


def test_the_file_is_named_after_view_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = export_csv([["a"], ["b"]], "wall", 1795500000.0)
    assert file == tmp_path / "lictui-wall-20261124T060000Z.csv"
    assert file.read_text() == "a\nb\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
