"""How fast CSV files are imported, next to `sqlite3 .import` of the same files."""

import resource
import shutil
import subprocess
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
_ROUNDS = 5
_FOREIGN = ImportOptions(("lic-01",), ("XDT_PLT_CCS",), zone=ZoneInfo("Europe/Berlin"))


def rates(folder: Path) -> Iterator[tuple[str, float, float]]:
    """Yield a name, the rows a second of lictui, and those of sqlite3; nothing without sqlite3.

    Seconds are those of the processor, the least of a few rounds: other programs do not count.
    """
    program = shutil.which("sqlite3")
    if program is None:
        return
    folder.mkdir()
    for name, options in (("export", ImportOptions()), ("foreign", _FOREIGN)):
        path = folder / f"{name}.csv"
        path.write_text("".join(_export() if name == "export" else _foreign()))
        ours, theirs = [], []
        for turn in range(_ROUNDS):
            database, started = str(folder / f"{name}{turn}"), _used()
            with History(Path(f"{database}.db"), Retention(), SystemClock()) as history:
                counts = history.import_readings(read_csv(CsvFile(path), options).pools)
            assert counts.written > 0.9 * _ROWS
            ours.append(_used() - started)
            started = _used()
            command = [program, f"{database}.sqlite", ".mode csv", f".import {path} t"]
            subprocess.run(command, check=True)
            theirs.append(_used() - started)
        yield name, _ROWS / min(ours), _ROWS / min(theirs)


def _used() -> float:
    """Return the seconds of the processor that this process and its children used."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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
