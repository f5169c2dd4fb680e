"""`lictui history import-licenses`: what files grant, when, and what stays as it was read."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import run
from tests.history.history_fixture import MIDNIGHT, HistoryFixture
from tests.support.clock import START
from tests.support.values import poll, pool, server, snapshot

from lictui.history.pools import Capacity, terms
from lictui.model import EventKind

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths

LINE = (
    "INCREMENT XDT_PLT_UD CITRIX {css} {until} {count} \\\n"
    "\tVENDOR_STRING=;LT=Retail;GP=720;SA=0;ODP=0 \\\n"
    '\tDUP_GROUP=V ISSUED=01-Feb-2025 SN=LA-{serial}:1 START={start} SIGN="{serial}"\n'
)
HEAD = "# a license file\nSERVER this_host HOSTNAME=LIC01\nVENDOR CITRIX\nUSE_SERVER\n"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch, paths: Paths) -> None:
    del paths
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "MyFiles"
    folder.mkdir()
    common = {"css": "2026.1201", "until": "31-mar-2027"}
    one = LINE.format(count=100, serial="1", start="6-feb-2025", **common)
    two = LINE.format(count=50, serial="2", start="1-mar-2026", **common)
    old = LINE.format(css="2026.1201", until="30-jun-2026", count=7, serial="3", start="6-feb-2025")
    startup = "INCREMENT CITRIX CITRIX 2026.1201 permanent 10 ISSUED=01-Feb-2025 SN=X\n"
    (folder / "one.LIC").write_text(HEAD + one)
    (folder / "two.lic").write_text(HEAD + two + old + startup)
    (folder / "copy of two.lic").write_text(HEAD + two)
    (folder / "notes.txt").write_text(LINE.format(count=9999, serial="9", start="", **common))
    return folder


def stamp(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


BEFORE = [
    (stamp(2025, 2, 6), 107),
    (stamp(2026, 3, 1), 157),
    (stamp(2026, 7, 1), 150),
]


def held(paths: Paths) -> list[Capacity]:
    with closing(HistoryFixture(paths.history)) as desk:
        (known,) = [each for each in desk.history.pools() if each.product == "XDT_PLT_UD"]
        return terms(desk.history._db, known.id)


def test_it_shows_serials_dates_counts_and_models(
    paths: Paths, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("history", "import-licenses", str(folder), "--server", "lic", "--dry-run") == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    shown = [line.split() for line in lines]
    dates = ["2026-12-01", "2025-02-06", "2027-03-31"]
    assert ["XDT_PLT_UD", "user/device", "100", *dates, "Retail", "LA-1:1"] in shown
    assert printed.err == "4 licenses in 3 files, dry run, nothing imported\n"
    assert not paths.history.exists()


def test_terms_follow_from_start_to_expiry_and_no_reading_is_made_up(
    paths: Paths, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("history", "import-licenses", str(folder), "--server", "lic", "--json")
    assert run(*args) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["new"], said["files"]) == ("lictui.licenses/1", 3, 3)
    assert {each["product"]: each["taken"] for each in said["licenses"]} == {
        "XDT_PLT_UD": True,
        "CITRIX": False,
    }
    assert [(each.at, each.installed) for each in held(paths)] == BEFORE
    with closing(HistoryFixture(paths.history)) as desk:
        assert desk.readings() == []
        events = desk.history.events(10)
        assert [(each.time, each.kind) for each in events] == [
            (stamp(2026, 3, 1), EventKind.LICENSES),
            *[(stamp(2025, 2, 6), EventKind.LICENSES)] * 2,
        ]
        assert "50 licenses from 2026-03-01 to 2027-03-31" in events[0].message
    assert run(*args) == 0
    assert json.loads(capsys.readouterr().out)["new"] == 0
    assert [(each.at, each.installed) for each in held(paths)] == BEFORE
    with closing(HistoryFixture(paths.history)) as desk:
        assert len(desk.history.events(10)) == 3


def test_what_was_read_stands_and_what_was_not_read_is_filled(paths: Paths, folder: Path) -> None:
    until = date(2026, 12, 1)
    with closing(HistoryFixture(paths.history)) as desk:
        for at, installed in ((stamp(2026, 2, 1), None), (stamp(2026, 8, 1), 999)):
            found = pool("XDT_PLT_UD", 5, installed, None, subscription=until)
            desk.history.append(server("lic"), poll(snapshot(found), "lic", at))
    run("history", "import-licenses", str(folder), "--server", "lic")
    assert [(each.at, each.installed) for each in held(paths)] == [
        (stamp(2025, 2, 6), 107),
        (stamp(2026, 2, 1), 107),
        (stamp(2026, 3, 1), 157),
        (stamp(2026, 7, 1), 150),
        (stamp(2026, 8, 1), 999),
    ]


def test_polls_go_on_and_sums_do_not_wait_for_what_was_never_read(
    paths: Paths, folder: Path
) -> None:
    run("history", "import-licenses", str(folder), "--server", "lic")
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT, [5, 6], "other", every=300)
        pools = [(each.server, each.key) for each in desk.history.pools()]
        assert len(pools) == 2
        (hour,) = desk.buckets(MIDNIGHT, MIDNIGHT + 3600, 3600, "other")
        assert hour.high == 6
    assert run("history", "peaks") == 0


@pytest.mark.parametrize("name", ["empty", "notes.txt"])
def test_no_license_at_all_is_2(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    else:
        path.write_text("hello")
    assert run("history", "import-licenses", str(path), "--server", "lic") == 2
    assert "no licenses found in" in capsys.readouterr().err
    assert run("history", "import-licenses", "nowhere.lic", "--server", "lic") == 2
    assert "cannot read nowhere.lic" in capsys.readouterr().err
