"""`lictui history`: what it prints, what it writes, and how it says no."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import run
from tests.history.history_fixture import HOUR, MIDNIGHT, HistoryFixture

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    """Two servers with two hours of past."""
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(MIDNIGHT, [1, 2, 3, 4], "lic-01", every=1800)
        desk.line(MIDNIGHT, [5, 6, 7, 8], "lic-02", every=1800)
    return paths


def test_export_writes_every_reading(recorded: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    del recorded
    assert run("history", "export", "--format", "csv") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.splitlines()
    assert lines[0] == "at,server,product,model,subscription_date,in_use,installed,overdraft"
    assert lines[1] == "2026-11-24T00:00:00Z,lic-01,XDT_PLT_UD,user_device,,1,500,50"
    assert len(lines) == 9


def test_export_of_a_resolution_a_server_and_a_time(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    args = ("--resolution", "hour", "--server", "lic-02", "--product", "XDT_PLT_UD")
    times = ("--since", "2026-11-24T01:00", "--until", "2026-11-25")
    assert run("history", "export", *args, *times) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        (
            "from,to,server,product,model,subscription_date,in_use_min,in_use_avg,in_use_max,max_at,"
            "installed,overdraft,samples"
        ),
        (
            "2026-11-24T01:00:00Z,2026-11-24T02:00:00Z,lic-02,XDT_PLT_UD,user_device,,7,7.5,8,"
            "2026-11-24T01:30:00Z,500,50,2"
        ),
    ]


def test_export_of_what_sources_tell_of_their_months(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("history", "export", "--resolution", "month") == 0
    head = "month,server,product,model,subscription_date,in_use,installed,newly,released\n"
    assert capsys.readouterr().out == head


def test_export_to_a_file_leaves_nothing_half(
    recorded: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    file = tmp_path / "out.csv"
    assert run("history", "export", "-o", str(file)) == 0
    assert capsys.readouterr().out == ""
    assert len(file.read_text().splitlines()) == 9
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "out.csv"]
    assert run("history", "export", "-o", str(tmp_path / "nowhere" / "out.csv")) == 2
    assert "cannot write" in capsys.readouterr().err


def test_export_to_what_is_no_file_leaves_it_what_it_is(recorded: Paths, tmp_path: Path) -> None:
    del recorded
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("history", "export", "-o", str(pipe)) == 0
    assert os.read(reader, 1 << 16).startswith(b"at,server,")
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "real.csv")
    assert run("history", "export", "-o", str(link)) == 0
    assert link.is_symlink()
    assert (tmp_path / "real.csv").read_bytes().startswith(b"at,server,")


def test_a_server_the_history_does_not_know_is_an_error_that_suggests(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("history", "export", "--server", "lic-1") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "contains no server 'lic-1'. Did you mean 'lic-01'?" in shown.err


@pytest.mark.parametrize("command", ["export", "stats", "compact"])
def test_without_a_history_it_says_so_and_begins_none(
    paths: Paths, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run("history", command) == 2
    assert f"no history database at {paths.history}" in capsys.readouterr().err
    assert not paths.data_dir.exists()


def test_stats_for_a_person_and_for_a_program(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("history", "stats", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    size = found.pop("bytes")
    assert size > 0
    assert found == {
        "schema": "lictui.history/1",
        "path": str(recorded.history),
        "journal_mode": "wal",
        "schema_version": 4,
        "servers": 2,
        "pools": 2,
        "readings": 8,
        "events": 0,
        "first": "2026-11-24T00:00:00Z",
        "last": "2026-11-24T01:30:00Z",
        "bytes_per_reading": size / 8,
    }
    assert run("history", "stats") == 0
    assert "readings           8\n" in capsys.readouterr().out


def test_compact_keeps_what_is_to_be_kept(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    run("history", "export", "--resolution", "day")
    before = capsys.readouterr().out
    assert run("history", "compact") == 0
    assert capsys.readouterr().out.startswith(f"{recorded.history}: ")
    run("history", "export", "--resolution", "day")
    assert capsys.readouterr().out == before


def test_compact_sets_a_damaged_history_aside_and_begins_a_new_one(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(HistoryFixture(paths.history)) as desk:
        for number in range(50):
            desk.line(MIDNIGHT, range(100), f"lic-{number}")
        desk.move_to(MIDNIGHT + 5 * HOUR)
    whole = paths.history.read_bytes()
    half = len(whole) // 2
    paths.history.write_bytes(whole[:half] + b"\xa5" * (len(whole) - half))
    assert run("history", "export") == 2
    shown = capsys.readouterr()
    assert "is damaged" in shown.err
    assert "Traceback" not in shown.err
    assert run("history", "compact") == 0
    assert "was corrupt; moved to" in capsys.readouterr().err
    assert run("history", "stats") == 0


def test_the_history_may_be_elsewhere(
    paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    with closing(HistoryFixture(elsewhere)) as desk:
        desk.read(MIDNIGHT, 5)
    paths.config_dir.mkdir()
    paths.config.write_text(f'[history]\npath = "{elsewhere}"\n')
    assert run("history", "stats") == 0
    assert str(elsewhere) in capsys.readouterr().out
