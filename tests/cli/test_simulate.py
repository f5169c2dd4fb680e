"""`lictui simulate`: output, signals, directories."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lictui.config.registry import load_servers
from lictui.paths import Paths

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


class Simulate:
    """The command as a process, once it serves."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lictui", "simulate", "--no-history", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.first_line = self.process.stdout.readline()
        count = int(re.findall(r"\d+", self.first_line)[0])
        self.lines = [self.process.stdout.readline().rstrip() for _ in range(count + 3)]

    @property
    def paths(self) -> Paths:
        """Return the directories of the command that it prints."""
        config, data = re.findall(r"--(?:config|data)-dir (\S+)", self.lines[1])
        return Paths(Path(config), Path(data))

    def stop(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and stderr."""
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
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
        command.process.communicate()


@pytest.fixture(autouse=True)
def _no_directories(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command choose its directories."""
    del paths  # set before they are removed
    monkeypatch.delenv("LICTUI_CONFIG_DIR")
    monkeypatch.delenv("LICTUI_DATA_DIR")


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_simulate_serves_until_a_signal_and_removes_its_files(
    simulate: type[Simulate], number: int, code: int
) -> None:
    running = simulate("--seed", "3")
    servers = load_servers(running.paths)
    listed = [line.split(maxsplit=2) for line in running.lines[3:]]
    assert listed == [
        [server.name, server.source, server.url or server.address or shlex.join(server.command)]
        for server in servers
    ]
    assert running.stop(number) == (code, "")
    assert not running.paths.config_dir.parent.exists()


@posix
def test_simulate_keeps_given_directories(simulate: type[Simulate], tmp_path: Path) -> None:
    folders = ("--config-dir", str(tmp_path / "c"), "--data-dir", str(tmp_path / "d"))
    for _ in range(2):  # the directory of a simulator may be used again
        running = simulate(*folders, "--scale", "4")
        assert running.paths == Paths(tmp_path / "c", tmp_path / "d")
        assert running.stop(signal.SIGTERM)[0] == 0
        assert len(load_servers(running.paths)) == 4


def test_simulate_refuses_existing_files(tmp_path: Path, cli: Cli) -> None:
    registry, history = tmp_path / "servers.toml", tmp_path / "history.db"
    registry.write_text("# mine")
    history.write_bytes(b"mine")
    error = cli.refused("simulate", "--config-dir", str(tmp_path))
    assert "already contains servers.toml" in error
    error = cli.refused("simulate", "--data-dir", str(tmp_path))
    assert "already contains history.db" in error
    assert (registry.read_text(), history.read_bytes()) == ("# mine", b"mine")


def test_simulate_reports_unusable_directories_and_addresses(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").touch()
    error = cli.refused("simulate", "--config-dir", str(tmp_path / "file" / "c"))
    assert "cannot create" in error
    error = cli.refused("simulate", "--no-history", "--host", "192.0.2.1")
    assert "cannot listen on 192.0.2.1" in error
    assert "Traceback" not in error
