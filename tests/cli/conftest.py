"""Directories named by the environment, a call of the program, and options of two servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lictui.cli.main import main
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

WINRM = (
    "--source",
    "winrm",
    "--url",
    "https://lic01",
    "--username",
    "CORP\\u",
    "--secret",
    "env:P",
)
CVAD = ("--source", "cvad", "--url", "https://ddc", "--username", "u", "--secret", "env:P")


@pytest.fixture(autouse=True)
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Directories of the test, so that no test writes into those of the user."""
    paths = Paths(tmp_path / "config", tmp_path / "data")
    monkeypatch.setenv("LICTUI_CONFIG_DIR", str(paths.config_dir))
    monkeypatch.setenv("LICTUI_DATA_DIR", str(paths.data_dir))
    monkeypatch.setenv("P", "hunter2")
    return paths


def run(*args: str) -> int:
    """Run the program; return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(args)
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def run_json(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> dict[str, Any]:
    """Run the program with `--json`; return the document it prints."""
    capsys.readouterr()
    assert run(*args, "--json") == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def set_time(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    """Stop the clock of the program; `now` is in UTC epoch seconds."""
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: now)
