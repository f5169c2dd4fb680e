"""`lictui simulate`: says where everything is, serves, and ends as it is told to."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lictui.cli.main import main
from lictui.config.registry import load_servers
from lictui.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator


posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


class Simulate:
    """The command in a process of its own, up to where it serves."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lictui", "simulate", "--no-history", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        count = int(re.findall(r"\d+", self.said)[0])
        self.lines = [self.process.stdout.readline().rstrip() for _ in range(count + 3)]

    @property
    def paths(self) -> Paths:
        """The folders of the command it tells the user to run."""
        config, data = re.findall(r"--(?:config|data)-dir (\S+)", self.lines[1])
        return Paths(Path(config), Path(data))

    def end(self, number: int) -> tuple[int, str]:
        """Its exit code and what it said on stderr, once told to end by a signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def simulate() -> Iterator[type[Simulate]]:
    started: list[Simulate] = []

    class Started(Simulate):
        def __init__(self, *options: str) -> None:
            super().__init__(*options)
            started.append(self)

    yield Started
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.fixture(autouse=True)
def _no_directories(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command choose its directories."""
    del paths  # set before they are removed
    monkeypatch.delenv("LICTUI_CONFIG_DIR")
    monkeypatch.delenv("LICTUI_DATA_DIR")


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_serves_until_a_signal_and_leaves_nothing(
    simulate: type[Simulate], number: int, code: int
) -> None:
    running = simulate("--seed", "3")
    servers = load_servers(running.paths)
    listed = [line.split(maxsplit=2) for line in running.lines[3:]]
    assert listed == [
        [server.name, server.source, server.url or server.address or shlex.join(server.command)]
        for server in servers
    ]
    assert running.end(number) == (code, "")
    assert not running.paths.config_dir.parent.exists()


@posix
def test_folders_that_were_named_stay(simulate: type[Simulate], tmp_path: Path) -> None:
    folders = ("--config-dir", str(tmp_path / "c"), "--data-dir", str(tmp_path / "d"))
    for _ in range(2):  # a simulator's own folder may be used again
        running = simulate(*folders, "--scale", "4")
        assert running.paths == Paths(tmp_path / "c", tmp_path / "d")
        assert running.end(signal.SIGTERM)[0] == 0
        assert len(load_servers(running.paths)) == 4


def _refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(["simulate", *options])
    assert left.value.code == 2
    return capsys.readouterr().err


def test_a_registry_of_somebody_else_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = tmp_path / "servers.toml"
    registry.write_text("# mine")
    assert "already contains servers.toml" in _refused(capsys, "--config-dir", str(tmp_path))
    assert registry.read_text() == "# mine"


def test_a_history_of_somebody_else_is_not_mixed_with_a_simulated_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "history.db").write_bytes(b"mine")
    assert "already contains history.db" in _refused(capsys, "--data-dir", str(tmp_path))
    assert (tmp_path / "history.db").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert "cannot create" in _refused(capsys, "--config-dir", str(tmp_path / "file" / "c"))


def test_a_place_that_cannot_be_listened_on_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    errors = _refused(capsys, "--no-history", "--host", "192.0.2.1")
    assert "cannot listen on 192.0.2.1" in errors
    assert "Traceback" not in errors
