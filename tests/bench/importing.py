"""How fast CSV files are imported, next to `sqlite3 .import` of the same files."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lictui.clock import SystemClock
from lictui.config.settings import Retention
from lictui.history.csv_import import read_csv
from lictui.history.csv_reader import CsvFile, ImportOptions
from lictui.history.store import History

_ROWS = 200_000
_POOLS = 5
_FOREIGN = ImportOptions(("lic-01",), ("XDT_PLT_CCS",), zone=ZoneInfo("Europe/Berlin"))


def rates(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield a name, the rows a second of lictui, and those of sqlite3; nothing without sqlite3."""
    program = shutil.which("sqlite3")
    if program is None:
        return
    folder.mkdir()
    for name, options in (("export", ImportOptions()), ("foreign", _FOREIGN)):
        path = folder / f"{name}.csv"
        path.write_text("".join(_export() if name == "export" else _foreign()))
        started = time.perf_counter()
        with History(folder / f"{name}.db", Retention(), SystemClock()) as history:
            counts = history.import_readings(read_csv(CsvFile(path), options).pools)
        ours = time.perf_counter() - started
        assert counts.written > 0.9 * _ROWS
        started = time.perf_counter()
        statement = f".import {path} t"
        subprocess.run(
            [program, str(folder / f"{name}.sqlite"), ".mode csv", statement], check=True
        )
        yield name, _ROWS / ours, _ROWS / (time.perf_counter() - started)


def _times(count: int) -> Iterator[datetime]:
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return (last - timedelta(minutes=5 * (count - turn)) for turn in range(count))


def _export() -> Iterator[str]:
    yield "at,server,product,model,subscription_date,in_use,installed,overdraft\n"
    for pool in range(_POOLS):
        for turn, at in enumerate(_times(_ROWS // _POOLS)):
            in_use = 100 + turn * 7 % 53
            yield f"{at:%Y-%m-%dT%H:%M:%SZ},lic-01,P{pool}_CCS,concurrent,,{in_use},500,50\n"


def _foreign() -> Iterator[str]:
    yield "Date,Time,In Use,Total\n"
    for turn, at in enumerate(_times(_ROWS)):
        yield f"{at:%d.%m.%Y},{at:%H:%M:%S},{100 + turn * 7 % 53},500\n"
