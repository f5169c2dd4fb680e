"""`lictui report`: which month, where it goes, and what is said when it cannot be made."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import WINRM, run
from tests.history.history_fixture import HOUR, HistoryFixture
from tests.report.report_fixture import timestamp
from tests.support.clock import FakeClock

from lictui.clock import iso
from lictui.installation import extra_command

if TYPE_CHECKING:
    from lictui.paths import Paths

NOW = timestamp("2026-11-03T09:00")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: NOW)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def recorded(paths: Paths) -> Paths:
    with closing(HistoryFixture(paths.history, FakeClock(NOW))) as desk:
        desk.line(timestamp("2026-10-01T00:00"), [70] * 744, "lic-01", every=HOUR)
        desk.line(timestamp("2026-11-01T00:00"), [80] * 50, "lic-01", every=HOUR)
    return paths


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)


def test_the_last_month_that_is_over_as_html_to_stdout(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("report", "--tz", "UTC") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("<!DOCTYPE html>")
    assert "<h1>Citrix licenses in October 2026</h1>" in shown.out
    assert shown.err == ""


def test_in_a_zone_where_the_month_has_not_ended_it_is_the_one_before(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(HistoryFixture(paths.history)) as desk:
        desk.line(timestamp("2026-09-10T00:00"), [70] * 5, "lic-01", every=HOUR)
    early = timestamp("2026-11-01T02:00")
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: early)
    assert run("report", "--format", "md", "--tz", "America/New_York") == 0
    assert capsys.readouterr().out.startswith("# Citrix licenses in September 2026")


@pytest.mark.parametrize("form", ["html", "md", "csv", "xlsx", "png"])
def test_every_format_goes_to_a_file_whole(
    recorded: Paths, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    file = Path(f"out.{form}")
    assert run("report", "--month", "2026-10", "--format", form, "-o", str(file)) == 0
    starts = {"html": b"<!DOCTYPE", "md": b"# ", "csv": b"month,", "xlsx": b"PK", "png": b"\x89PNG"}
    assert file.read_bytes().startswith(starts[form])
    assert not Path(f"out.{form}.part").exists()
    assert capsys.readouterr().out == ""


def test_bytes_go_to_a_pipe(recorded: Paths, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    del recorded
    assert run("report", "--format", "xlsx") == 0
    assert capfdbinary.readouterr().out.startswith(b"PK")


def test_on_a_terminal_html_becomes_a_file_and_bytes_are_refused(
    recorded: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del recorded
    on_a_terminal(monkeypatch)
    assert run("report", "--tz", "UTC") == 0
    assert "lictui-report-2026-10.html" in capsys.readouterr().err
    assert Path("lictui-report-2026-10.html").exists()
    assert run("report", "--format", "png") == 2
    assert "-o" in capsys.readouterr().err


def test_a_month_without_readings_is_a_no(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("report", "--month", "2024-10", "-o", "out.html") == 1
    assert "no data was recorded in 2024-10" in capsys.readouterr().err
    assert not Path("out.html").exists()


@pytest.mark.parametrize(
    ("month", "said"),
    [
        ("October", "invalid month"),
        ("2026-13", "invalid month"),
        ("0001-01", "invalid month"),
        ("9999-12", "invalid month"),
        ("2026-12", "is in the future"),
    ],
)
def test_what_is_no_month_is_refused(
    recorded: Paths, month: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("report", "--month", month) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("form", "module", "name"),
    [("xlsx", "xlsxwriter", "XlsxWriter"), ("png", "matplotlib", "matplotlib")],
)
def test_a_missing_extra_is_said_with_what_to_type(
    recorded: Paths,
    form: str,
    module: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del recorded
    monkeypatch.setattr(
        "lictui.cli.report.find_spec", lambda asked: None if asked == module else object()
    )
    assert run("report", "--format", form, "-o", "out") == 2
    said = capsys.readouterr().err
    assert name in said
    assert extra_command("report") in said


def test_groups_narrow_it_and_unknown_ones_are_named(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    run("servers", "add", "lic-01", *WINRM, "--group", "emea")
    capsys.readouterr()
    assert run("report", "--group", "emea", "--format", "md", "--tz", "UTC") == 0
    assert capsys.readouterr().out.startswith("# Citrix licenses in October 2026, emea")
    assert run("report", "--group", "emae") == 2
    assert "Did you mean 'emea'?" in capsys.readouterr().err


def test_the_contract_beside_the_registry_is_read(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.config_dir.mkdir(parents=True, exist_ok=True)
    recorded.entitlements.write_text('[[product]]\nproduct = "XDT_PLT_UD"\npurchased = 60\n')
    assert run("report", "--format", "csv", "--tz", "UTC") == 0
    out = capsys.readouterr().out
    assert ",contract,estate,XDT_PLT_UD," in out
    assert f"assigned,70,{iso(timestamp('2026-10-31T23:59:59'))}" in out
    recorded.entitlements.write_text("[[product]]\nproduct = 3\n")
    assert run("report") == 2


def test_a_file_that_cannot_be_written_is_said(
    recorded: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del recorded
    assert run("report", "-o", "no/such/folder.html") == 2
    assert "cannot write no/such/folder.html" in capsys.readouterr().err


def test_without_a_history_it_says_where_one_begins(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    del paths
    assert run("report") == 2
    assert "no history database" in capsys.readouterr().err
