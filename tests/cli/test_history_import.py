"""`lictui history import` and `import-licenses`: what they report, write and refuse."""

import io
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, set_time
from tests.history.history_fixture import HistoryFixture
from tests.support.clock import START
from tests.support.values import poll, pool, server, snapshot

from lictui.history.pools import Capacity, capacities
from lictui.model import EventKind
from lictui.paths import Paths

OF = ("--server", "lic-01", "--product", "XDT_PLT_CCS")
ROWS = (
    "Time,InUse,Total\n2024-05-01T10:00Z,1,500\n2024-05-01T10:05Z,x,500\n2024-05-01T10:10Z,3,500\n"
)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    set_time(monkeypatch, START)


# lictui history import


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "usage.csv"
    file.write_text(ROWS)
    return file


def test_import_reports_rows_read_skipped_and_written(paths: Paths, file: Path, cli: Cli) -> None:
    shown = cli("history", "import", str(file), *OF)
    assert shown.out == "read 3 rows, skipped 1, wrote 2\n"
    assert shown.err == (
        "lictui: columns time=Time, in_use=InUse, installed=Total\n"
        "lictui: skipped line 3: in use is not a number: 'x'\n"
    )
    exported = cli("history", "export").out
    assert exported.splitlines()[1:] == [
        "2024-05-01T10:00:00Z,lic-01,XDT_PLT_CCS,concurrent,,1,500,",
        "2024-05-01T10:10:00Z,lic-01,XDT_PLT_CCS,concurrent,,3,500,",
    ]
    assert (
        cli("history", "import", str(file), *OF).out
        == "read 3 rows, skipped 1, wrote 0, 2 already present\n"
    )
    assert cli("history", "export").out == exported
    assert paths.history.stat().st_mode & 0o777 == 0o600


def test_import_reads_an_export_from_stdin(
    paths: Paths, file: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    cli("history", "import", str(file), *OF)
    exported = cli("history", "export").out
    paths.history.unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.encode())))
    cli("history", "import", "-")
    assert cli("history", "export").out == exported
    file.write_text(exported.replace("lic-01", "estate"))
    assert "name of all servers together" in cli.refused("history", "import", str(file))


def test_import_shows_its_progress_on_a_terminal(
    file: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    assert "rows/s" not in cli("history", "import", str(file), *OF).err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "] 4 rows, " in cli("history", "import", str(file), *OF).err


def test_import_reports_unused_columns_and_selects_rows(file: Path, cli: Cli) -> None:
    file.write_text(
        "Time,Farm,InUse,Note\n2024-05-01T10:00Z,East,1,a\n2024-05-01T10:00Z,West,2,b\n"
    )
    shown = cli("history", "import", str(file), *OF, "--where", "Farm=West")
    assert shown.out == "read 2 rows, skipped 0, wrote 1, skipped 1 of other series\n"
    assert shown.err == "lictui: columns time=Time, in_use=InUse; not used: Note\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "invalid time: 'soon'"),
        (("--date-format", "%d.%m.%Y"), "'soon' does not match the format '%d.%m.%Y'"),
        (("--date-format", "%d.%m.%Y %H:%M"), "'soon' does not match the format '%d.%m.%Y %H:%M'"),
    ],
)
def test_import_without_usable_rows_is_refused(
    file: Path, options: tuple[str, ...], reason: str, cli: Cli
) -> None:
    file.write_text("Time,InUse\nsoon,1\n2024-05-01 10:00,many\n")
    err = cli.refused("history", "import", str(file), *OF, *options)
    assert "2 rows, 2 skipped" in err
    assert f"line 2: {reason}" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "not a lictui export"),
        (("--server", "a", "--server", "b", "--product", "P"), "one of each"),
        (("--server", "Estate", *OF[2:]), "estate is the name of all servers together"),
        ((*OF, "--tz", "Mars/Olympus"), "unknown time zone 'Mars/Olympus'"),
        ((*OF, "--columns", "used=3"), "--columns: invalid entry 'used=3'"),
        ((*OF, "--columns", "instaled=Total"), "Did you mean 'installed'"),
        ((*OF, "--where", "East"), "--where: invalid condition 'East'"),
        *(
            ((*OF, "--date-format", text), f"invalid date format {text!r}")
            for text in ("dd.mm.yyyy", "%d.%m.%Q", "%H:%M %H")
        ),
    ],
)
def test_import_refuses_wrong_options(
    file: Path, args: tuple[str, ...], message: str, cli: Cli
) -> None:
    assert message in cli.refused("history", "import", str(file), *args)
    assert "cannot read nowhere.csv" in cli.refused("history", "import", "nowhere.csv", *OF)


def test_import_goes_to_the_only_pool_of_the_product(file: Path, tmp_path: Path, cli: Cli) -> None:
    dated = tmp_path / "dated.csv"
    cli("history", "import", str(file), *OF, "--subscription-date", "2024-12-01")
    dated.write_text("Time,InUse\n2024-05-02T10:00Z,9\n")
    cli("history", "import", str(dated), *OF)
    row = "2024-05-02T10:00:00Z,lic-01,XDT_PLT_CCS,concurrent,2024-12-01,9,500,"
    assert row in cli("history", "export").rows
    cli("history", "import", str(dated), *OF, "--subscription-date", "2025-12-01")
    assert "2024-12-01, 2025-12-01" in cli.refused("history", "import", str(dated), *OF)


def test_import_uses_the_configured_time_zone(paths: Paths, file: Path, cli: Cli) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text('timezone = "Asia/Tokyo"\n')
    file.write_text("Time,InUse\n2024-05-01 10:00,1\n")
    cli("history", "import", str(file), *OF)
    cli("history", "import", str(file), *OF, "--tz", "UTC")
    assert [line[:20] for line in cli("history", "export").rows[1:]] == [
        "2024-05-01T01:00:00Z",
        "2024-05-01T10:00:00Z",
    ]


def test_import_into_a_locked_database_writes_nothing(
    paths: Paths, file: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    cli("history", "import", str(file), *OF)
    before = cli("history", "export").out
    monkeypatch.setattr("lictui.history.database._BUSY_TIMEOUT", 0.05)
    file.write_text(ROWS + "2024-05-01T10:15Z,4,500\n")
    with closing(sqlite3.connect(paths.history, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        assert "is locked by another program" in cli.refused("history", "import", str(file), *OF)
        locker.execute("ROLLBACK")
    assert cli("history", "export").out == before


# lictui history import-licenses

LINE = (
    "INCREMENT XDT_PLT_UD CITRIX {css} {until} {count} \\\n"
    "\tVENDOR_STRING=;LT=Retail;GP=720;SA=0;ODP=0 \\\n"
    '\tDUP_GROUP=V ISSUED=01-Feb-2025 SN=LA-{serial}:1 START={start} SIGN="{serial}"\n'
)
HEAD = "# a license file\nSERVER this_host HOSTNAME=LIC01\nVENDOR CITRIX\nUSE_SERVER\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "MyFiles"
    folder.mkdir()
    common = {"css": "2026.1201", "until": "31-mar-2027"}
    first = LINE.format(count=100, serial="1", start="6-feb-2025", **common)
    second = LINE.format(count=50, serial="2", start="1-mar-2026", **common)
    old = LINE.format(css="2026.1201", until="30-jun-2026", count=7, serial="3", start="6-feb-2025")
    startup = "INCREMENT CITRIX CITRIX 2026.1201 permanent 10 ISSUED=01-Feb-2025 SN=X\n"
    (folder / "one.LIC").write_text(HEAD + first)
    (folder / "two.lic").write_text(HEAD + second + old + startup)
    (folder / "copy of two.lic").write_text(HEAD + second)
    (folder / "notes.txt").write_text(LINE.format(count=9999, serial="9", start="", **common))
    return folder


def stamp(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


CAPACITIES = [
    (stamp(2025, 2, 6), 107),
    (stamp(2026, 3, 1), 157),
    (stamp(2026, 7, 1), 150),
]


def stored_capacities(paths: Paths) -> list[Capacity]:
    with closing(HistoryFixture(paths.history)) as fixture:
        pools = fixture.history.pools()
        (pool_id,) = [stored.id for stored in pools if stored.product == "XDT_PLT_UD"]
        return capacities(fixture.history._db, pool_id)


def test_license_dry_run_lists_licenses(paths: Paths, folder: Path, cli: Cli) -> None:
    printed = cli("history", "import-licenses", str(folder), "--server", "lic", "--dry-run")
    lines = printed.rows
    shown = [line.split() for line in lines]
    dates = ["2026-12-01", "2025-02-06", "2027-03-31"]
    assert ["XDT_PLT_UD", "user/device", "100", *dates, "Retail", "LA-1:1"] in shown
    assert printed.err == "4 licenses in 3 files, dry run, nothing imported\n"
    args = ("--server", "lic", "--dry-run")
    one = cli("history", "import-licenses", str(folder / "one.LIC"), *args)
    assert one.err == "1 license in 1 file, dry run, nothing imported\n"
    assert not paths.history.exists()


def test_license_import_sets_capacity_but_no_readings(paths: Paths, folder: Path, cli: Cli) -> None:
    args = ("history", "import-licenses", str(folder), "--server", "lic")
    document = cli.json(*args)
    assert (document["schema"], document["new"], document["files"]) == ("lictui.licenses/1", 3, 3)
    assert {item["product"]: item["taken"] for item in document["licenses"]} == {
        "XDT_PLT_UD": True,
        "CITRIX": False,
    }
    assert [
        (capacity.valid_from, capacity.installed) for capacity in stored_capacities(paths)
    ] == CAPACITIES
    with closing(HistoryFixture(paths.history)) as fixture:
        assert fixture.readings() == []
        events = fixture.history.events(10)
        assert [(event.time, event.kind) for event in events] == [
            (stamp(2026, 3, 1), EventKind.LICENSES),
            *[(stamp(2025, 2, 6), EventKind.LICENSES)] * 2,
        ]
        assert "50 licenses from 2026-03-01 to 2027-03-31" in events[0].message
    assert cli.json(*args)["new"] == 0
    assert [
        (capacity.valid_from, capacity.installed) for capacity in stored_capacities(paths)
    ] == CAPACITIES
    with closing(HistoryFixture(paths.history)) as fixture:
        assert len(fixture.history.events(10)) == 3


def test_license_import_fills_unknown_counts_and_keeps_polled_ones(
    paths: Paths, folder: Path, cli: Cli
) -> None:
    until = date(2026, 12, 1)
    with closing(HistoryFixture(paths.history)) as fixture:
        for at, installed in ((stamp(2026, 2, 1), None), (stamp(2026, 8, 1), 999)):
            dated = pool("XDT_PLT_UD", 5, installed, None, subscription=until)
            fixture.history.append(server("lic"), poll(snapshot(dated), "lic", at))
    cli("history", "import-licenses", str(folder), "--server", "lic")
    assert [(capacity.valid_from, capacity.installed) for capacity in stored_capacities(paths)] == [
        (stamp(2025, 2, 6), 107),
        (stamp(2026, 2, 1), 107),
        (stamp(2026, 3, 1), 157),
        (stamp(2026, 7, 1), 150),
        (stamp(2026, 8, 1), 999),
    ]


def test_license_import_refuses_files_without_licenses(tmp_path: Path, cli: Cli) -> None:
    for path, name, message in (
        (tmp_path, "lic", "no licenses found in"),
        (Path(__file__), "lic", "no licenses found in"),
        (tmp_path / "nowhere.lic", "lic", "cannot read"),
        (tmp_path, "lic\x1b[31m", "name with control characters: 'lic\\x1b[31m'"),
        (tmp_path, "estate", "estate is the name of all servers together"),
    ):
        assert message in cli.refused("history", "import-licenses", str(path), "--server", name)
