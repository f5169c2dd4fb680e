"""lictui as a program, with its own directories."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.csv_files import import_past
from tests.support.simulators import PASSWORD, Simulators
from tests.support.terminal import Terminal
from tests.support.values import poll, pool, server, snapshot

from lictui.clock import SystemClock
from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Model, Server
from lictui.paths import Paths


@dataclass
class Program:
    """`lictui` as a process, with a config and a data directory of the test."""

    paths: Paths
    environment: dict[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()  # another program that starts it

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        return [*self.launcher, sys.executable, "-m", "lictui", *arguments]

    def run(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run it until it exits, without a terminal."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=self.terminal_environment(),
            timeout=seconds,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON document that it prints."""
        done = self.run(*arguments, "--json")
        assert "Traceback" not in done.stderr, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it without a terminal."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.terminal_environment(),
        )

    def terminal(self, *arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Start it in a terminal."""
        return Terminal(
            self.command(*arguments),
            columns=columns,
            rows=rows,
            environment=self.terminal_environment(),
        )

    def register(self, *servers: Server) -> None:
        """Write servers.toml."""
        save_servers(self.paths, servers)

    def record(self, days: int = 0, **fields: Any) -> None:
        """Register a server with readings of so many days, the last from 30 seconds ago."""
        now = int(SystemClock().now())
        self.register(server(**fields))
        with History(self.paths.history, Retention(), SystemClock()) as history:
            past = [(at, 100 + at % 7, 500) for at in range(now - days * 86400, now - 60, 3600)]
            if past:
                import_past(history, "lic-01", "XDT_PLT_UD", past, Model.USER_DEVICE)
            history.append(server(), poll(snapshot(pool()), "lic-01", now - 30))

    def files(self) -> dict[Path, tuple[int, ...]]:
        """Return every file and folder: which it is, and when it was changed."""
        home = self.paths.config_dir.parent
        found = ((path, path.stat()) for path in (home, *home.rglob("*")))
        return {
            path: (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
            for path, status in found
        }

    def terminal_environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.paths.config_dir.parent),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "xterm-256color",
            "LICTUI_CONFIG_DIR": str(self.paths.config_dir),
            "LICTUI_DATA_DIR": str(self.paths.data_dir),
            "LICENSE_PASSWORD": PASSWORD,
            **self.environment,
        }


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return a lictui without any files."""
    return Program(Paths(tmp_path / "config", tmp_path / "data"))


@pytest.fixture
def simulators() -> Iterator[Simulators]:
    """Run simulated license servers during the test."""
    with Simulators() as running:
        yield running
