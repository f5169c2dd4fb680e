"""The program as a shell sees it: version, help, errors, pipes, the demo."""

import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program
from tests.support.terminal import Terminal

from lictui import __version__


def test_version_and_help(program: Program) -> None:
    assert program.run("--version").stdout == f"lictui {__version__}\n"
    done = program.run("--help")
    assert done.returncode == 0
    assert "\n  status " in done.stdout


def test_invalid_config_is_a_configuration_error(program: Program) -> None:
    program.paths.config_dir.mkdir()
    program.paths.config.write_text("[alerts]\nwran = 0.8\ncritical = 90\n")
    done = program.run("status")
    assert done.returncode == 2
    assert f"{program.paths.config}:2: alerts.wran: unknown key" in done.stderr
    assert f"{program.paths.config}:3: alerts.critical" in done.stderr


def run_in_shell(program: Program, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bash in which `$lictui` is the program."""
    return subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {script}"],
        env={**program.terminal_environment(), "lictui": shlex.join(program.command())},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "code", "error"),
    [
        ("$lictui config show | true", 0, ""),
        ("$lictui --help | true", 0, ""),
        ("$lictui config show > /dev/full", 2, "lictui: cannot write the output: No space left"),
        ("$lictui check > /dev/full", 3, ""),
        ("$lictui secrets set x <&- >&-", 2, "lictui: the password is empty"),
    ],
    ids=["closed-pipe", "closed-pipe-of-help", "full-disk", "full-disk-of-plugin", "no-streams"],
)
def test_output_that_is_closed_or_full_ends_the_program(
    program: Program, script: str, code: int, error: str
) -> None:
    done = run_in_shell(program, script)
    assert done.returncode == code
    assert done.stderr.startswith(error)
    assert bool(done.stderr) == bool(error)
    assert done.stderr.count("\n") <= 1


@pytest.fixture
def demo(program: Program, tmp_path: Path) -> Iterator[Terminal]:
    """Run the demo; afterwards none of its files is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    program.environment["TMPDIR"] = str(folder)
    with program.terminal("--demo") as terminal:
        terminal.wait_for("demo", "lic-emea-01", "Provision", "/    80")
        assert list(folder.iterdir())
        yield terminal
    assert list(folder.iterdir()) == []
    assert not program.paths.data_dir.exists()
    assert not program.paths.config_dir.exists()


@pytest.mark.slow
def test_demo_exits_by_key(demo: Terminal) -> None:
    demo.send_keys("q")
    assert demo.wait_for_exit() == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_demo_exits_by_signal(demo: Terminal, number: signal.Signals) -> None:
    demo.process.send_signal(number)
    assert demo.wait_for_exit() == 0


@pytest.mark.slow
@pytest.mark.parametrize("unread", [0, 400], ids=["read", "stalled"])
def test_demo_exits_with_its_terminal(demo: Terminal, unread: int) -> None:
    """Stalled: the screen's thread is blocked in a write to a terminal that is not read."""
    for _ in range(unread):
        demo.send_keys("T")
    demo.process.poll()
    demo.disconnect()
    assert demo.process.wait(timeout=15) == 0


@pytest.mark.slow
def test_demo_exits_with_its_terminal_and_shell(demo: Terminal) -> None:
    """The terminal hangs up, and signals it; then the shell ends, which signals it again."""
    demo.process.poll()
    demo.disconnect()
    demo.process.send_signal(signal.SIGHUP)
    demo.process.send_signal(signal.SIGHUP)
    assert demo.process.wait(timeout=15) == 0


@pytest.mark.slow
def test_stalled_demo_exits_by_signal(demo: Terminal) -> None:
    for _ in range(400):
        demo.send_keys("T")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(timeout=15) == 0
