"""Folders that the environment names, a way into the program, and two servers to register."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths = Paths(tmp_path / "config", tmp_path / "data")
    monkeypatch.setenv("LICTUI_CONFIG_DIR", str(paths.config_dir))
    monkeypatch.setenv("LICTUI_DATA_DIR", str(paths.data_dir))
    monkeypatch.setenv("P", "hunter2")
    return paths


def run(*args: str) -> int:
    """Run the program; its exit code."""
    with pytest.raises(SystemExit) as left:
        main(args)
    assert isinstance(left.value.code, int)
    return left.value.code
