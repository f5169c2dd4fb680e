"""The doors: version, help, errors, pipes, the demo; as a shell sees them."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.simulated import licenses

from lictui import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Program
    from tests.support.simulated import Simulators

COMMANDS = ("watch", "status", "collect", "servers", "history", "simulate", "config", "info")


def test_version_and_help(program: Program) -> None:
    assert program.run("--version").stdout == f"lictui {__version__}\n"
    listed = program.run("--help")
    assert listed.returncode == 0
    assert all(f"\n  {command} " in listed.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_common_options(program: Program, command: str) -> None:
    said = program.run(command, "--help")
    assert said.returncode == 0
    for option in ("--config-dir", "--data-dir", "--log-level", "--no-color", "--version"):
        assert option in said.stdout


def test_a_wrong_word_is_a_usage_error_with_a_suggestion(program: Program) -> None:
    said = program.run("stauts")
    assert said.returncode == 2
    assert "Did you mean 'status'?" in said.stderr
    assert said.stdout == ""


def test_a_broken_file_is_a_configuration_error(program: Program) -> None:
    program.paths.config_dir.mkdir()
    program.paths.config.write_text("[alerts]\nwran = 0.8\ncritical = 90\n")
    said = program.run("status")
    assert said.returncode == 2
    assert f"{program.paths.config}:2: alerts.wran: no such key" in said.stderr
    assert f"{program.paths.config}:3: alerts.critical" in said.stderr


def test_no_server_is_no_failure(program: Program) -> None:
    assert program.json("status")["servers"] == []
    assert program.run("status").returncode == 0


def test_a_closed_pipe_ends_quietly(program: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        program.command("config", "show"),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""


def test_the_secret_is_in_no_file_and_no_output(program: Program, simulators: Simulators) -> None:
    one = simulators.winrm(licenses())
    added = program.run(
        *("servers", "add", "lic-01", "--source", "winrm", "--url", f"{one.listener.url}/wsman"),
        *("--username", "svc", "--secret", "hunter2-in-clear", "--auth", "basic"),
    )
    assert added.returncode == 2
    assert "hunter2" not in added.stdout + added.stderr
    assert not program.paths.servers.exists()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, None], ids=str)
def test_the_demo_leaves_nothing_behind(
    program: Program, tmp_path: Path, end: signal.Signals | None
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    program.environment["TMPDIR"] = str(folder)
    with program.terminal("--demo") as terminal:
        terminal.wait_for("lictui demo", "lic-emea-01", "Provision", "106 %")
        assert list(folder.iterdir())
        if end is None:
            terminal.type("q")
        else:
            terminal.process.send_signal(end)
        assert terminal.ended() == 0
    assert list(folder.iterdir()) == []
    assert not program.paths.data_dir.exists()
    assert not program.paths.config_dir.exists()
