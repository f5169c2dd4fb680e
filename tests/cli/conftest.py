"""Directories named by the environment, a call of the program, and options of two servers."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lictui.cli.main import main
from lictui.paths import Paths

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


class Printed(NamedTuple):
    """What a command printed."""

    out: str
    err: str

    @property
    def rows(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


class Cli:
    """Runs the program in this process; a call checks the exit code and returns the output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str, code: int = 0) -> Printed:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main(args)
        printed = Printed(*self._capsys.readouterr())
        assert exit_.value.code == code, printed.err
        return printed

    def json(self, *args: str, code: int = 0) -> dict[str, Any]:
        """Run it with `--json`; return the document."""
        document: dict[str, Any] = json.loads(self(*args, "--json", code=code).out)
        return document

    def refused(self, *args: str) -> str:
        """Run it, with an error as a result; return the message. Nothing goes to stdout."""
        printed = self(*args, code=2)
        assert printed.out == ""
        return printed.err


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def set_time(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    """Stop the clock of the program; `now` is in UTC epoch seconds."""
    monkeypatch.setattr("lictui.clock.SystemClock.now", lambda _: now)
