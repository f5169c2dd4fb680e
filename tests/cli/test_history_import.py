"""`lictui history import`: what it says, what it leaves alone, and how it says no."""

from __future__ import annotations

import io
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import run

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths

pytestmark = pytest.mark.usefixtures("paths")  # nobody's own folders
OF = ("--server", "lic-01", "--product", "XDT_PLT_CCS")
ROWS = (
    "Time,InUse,Total\n2024-05-01T10:00Z,1,500\n2024-05-01T10:05Z,x,500\n2024-05-01T10:10Z,3,500\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "usage.csv"
    file.write_text(ROWS)
    return file


def test_it_says_what_it_read_skipped_and_wrote(
    paths: Paths, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("history", "import", str(file), *OF) == 0
    shown = capsys.readouterr()
    assert shown.out == "read 3 rows, skipped 1, wrote 2\n"
    assert shown.err == "lictui: skipped line 3: in use is no whole number: 'x'\n"
    assert run("history", "export") == 0
    exported = capsys.readouterr().out
    assert exported.splitlines()[1:] == [
        "2024-05-01T10:00:00Z,lic-01,XDT_PLT_CCS,concurrent,,1,500,",
        "2024-05-01T10:10:00Z,lic-01,XDT_PLT_CCS,concurrent,,3,500,",
    ]
    assert run("history", "import", str(file), *OF) == 0
    assert capsys.readouterr().out == "read 3 rows, skipped 1, wrote 0, 2 already present\n"
    run("history", "export")
    assert capsys.readouterr().out == exported
    assert paths.history.stat().st_mode & 0o777 == 0o600


def test_what_export_wrote_comes_back_through_stdin(
    paths: Paths,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("history", "import", str(file), *OF)
    capsys.readouterr()
    run("history", "export")
    exported = capsys.readouterr().out
    paths.history.unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.encode())))
    assert run("history", "import", "-") == 0
    capsys.readouterr()
    run("history", "export")
    assert capsys.readouterr().out == exported


def test_nothing_that_could_be_read_is_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("Time,InUse\nsoon,1\n2024-05-01 10:00,many\n")
    assert run("history", "import", str(file), *OF) == 2
    err = capsys.readouterr().err
    assert "2 rows, 2 skipped" in err
    assert "line 2: no time can be read from 'soon'" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "none of lictui's own"),
        (("--server", "a", "--server", "b", "--product", "P"), "one of each"),
        ((*OF, "--tz", "Mars/Olympus"), "unknown time zone 'Mars/Olympus'"),
        ((*OF, "--columns", "used=3"), "--columns cannot say 'used=3'"),
        ((*OF, "--date-format", "dd.mm.yyyy"), "invalid date format"),
    ],
)
def test_usage_errors_say_what_to_say(
    paths: Paths, file: Path, args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("history", "import", str(file), *args) == 2
    assert said in capsys.readouterr().err
    assert run("history", "import", "nowhere.csv", *OF) == 2
    assert "cannot read nowhere.csv" in capsys.readouterr().err
    del paths


def test_a_figure_goes_to_the_only_pool_of_the_product(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dated = tmp_path / "dated.csv"
    run("history", "import", str(file), *OF, "--subscription-date", "2024-12-01")
    dated.write_text("Time,InUse\n2024-05-02T10:00Z,9\n")
    assert run("history", "import", str(dated), *OF) == 0
    capsys.readouterr()
    run("history", "export")
    assert "2024-05-02T10:00:00Z,lic-01,XDT_PLT_CCS,concurrent,2024-12-01,9,500," in (
        capsys.readouterr().out
    )
    run("history", "import", str(dated), *OF, "--subscription-date", "2025-12-01")
    assert run("history", "import", str(dated), *OF) == 2
    assert "2024-12-01, 2025-12-01" in capsys.readouterr().err


def test_times_are_those_of_the_configured_zone(
    paths: Paths, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text('timezone = "Asia/Tokyo"\n')
    file.write_text("Time,InUse\n2024-05-01 10:00,1\n")
    run("history", "import", str(file), *OF)
    run("history", "import", str(file), *OF, "--tz", "UTC")
    capsys.readouterr()
    run("history", "export")
    assert [line[:20] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "2024-05-01T01:00:00Z",
        "2024-05-01T10:00:00Z",
    ]


def test_while_another_program_writes_it_says_so_and_takes_nothing(
    paths: Paths,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("history", "import", str(file), *OF)
    run("history", "export")
    before = capsys.readouterr().out.split("wrote 2\n")[1]
    monkeypatch.setattr("lictui.history.database._PATIENCE", 0.05)
    file.write_text(ROWS + "2024-05-01T10:15Z,4,500\n")
    with closing(sqlite3.connect(paths.history, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert run("history", "import", str(file), *OF) == 2
        other.execute("ROLLBACK")
    assert "is locked by another program" in capsys.readouterr().err
    run("history", "export")
    assert capsys.readouterr().out == before
