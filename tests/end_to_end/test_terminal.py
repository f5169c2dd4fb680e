"""The monitor and its terminal: stopped, written over, redirected, and given back as it was."""

import os
import signal
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow
FIRST_RUN = "No servers configured yet"


@pytest.fixture
def terminal(program: Program) -> Iterator[Terminal]:
    """The first-run screen; afterwards the terminal is as it was."""
    program.environment |= {"COLUMNS": "140", "LINES": "45"}
    with program.terminal() as running:
        before = running.attributes()
        running.wait_for(FIRST_RUN, "Quit")
        yield running
        assert running.wait_for_exit() == 0
        assert running.attributes() == before
        assert running.modes <= {7, 25}  # line wrap and cursor


def test_size_is_that_of_the_terminal(terminal: Terminal) -> None:
    """COLUMNS and LINES differ from it; the margin of the centered text tells the width."""
    terminal.wait_for(f"\n{' ' * 10}{FIRST_RUN}")
    terminal.clear()
    terminal.resize(60, 15)
    terminal.wait_for(f"\n{' ' * 2}{FIRST_RUN}", "Quit")
    terminal.send_keys("q")


def test_stop_from_outside_is_survived(terminal: Terminal) -> None:
    for _ in range(3):
        os.kill(terminal.process.pid, signal.SIGSTOP)
        os.waitpid(terminal.process.pid, os.WUNTRACED)
        changed = terminal.attributes()
        changed[3] |= termios.ECHO | termios.ICANON  # as a shell does
        terminal.set_attributes(changed)
        terminal.clear()
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.wait_for(FIRST_RUN, "Quit")
    assert not terminal.attributes()[3] & termios.ECHO
    terminal.send_keys("q")


@pytest.mark.parametrize("second", [signal.SIGCONT, signal.SIGTERM, signal.SIGHUP], ids=str)
def test_signals_in_a_row_give_the_terminal_back(
    terminal: Terminal, second: signal.Signals
) -> None:
    terminal.process.send_signal(signal.SIGTERM)
    terminal.process.send_signal(second)


@pytest.mark.parametrize("sent", [b"\xe9", b"\x1b[M\xff\xff\xff", b"\x1b", b"\x1b[", b"\x1b]"])
def test_input_that_is_not_a_key_does_not_end_the_monitor(terminal: Terminal, sent: bytes) -> None:
    terminal.clear()
    terminal.send(sent)
    for _ in range(50):  # a key that is read together with it may be lost
        terminal.send_keys("\x1b[27u\x0c")
        terminal.read(0.2)
        if FIRST_RUN in terminal.text:
            break
    terminal.wait_for(FIRST_RUN, "Quit")
    for _ in range(50):
        if terminal.process.poll() is None:
            terminal.send_keys("\x1b[27uq")
            terminal.read(0.2)


def test_ctrl_l_repaints_what_was_written_over(terminal: Terminal) -> None:
    terminal.clear()
    terminal.send_keys("\x0c")
    terminal.wait_for(FIRST_RUN, "Quit")
    terminal.send_keys("q")


def test_ctrl_z_returns_to_the_shell_if_there_is_one(program: Program, terminal: Terminal) -> None:
    terminal.send_keys("\x1a")
    terminal.wait_for("No shell to return to")
    terminal.send_keys("q")
    command = " ".join(program.command())
    with Terminal(["bash", "--norc", "-i"], environment=program.terminal_environment()) as shell:
        shell.send_keys(f"{command}\n")
        shell.wait_for(FIRST_RUN)
        shell.send_keys("\x1a")
        shell.wait_for("Stopped")
        shell.clear()
        shell.send_keys("fg\n")
        shell.wait_for(FIRST_RUN, "Quit")
        shell.clear()
        shell.send_keys("q")
        shell.wait_for("bash-")


def test_redirected_errors_do_not_blind_the_monitor(program: Program, tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    script = f'exec "$@" 2>{errors}'
    program.launcher = ("sh", "-c", script, "sh")
    with program.terminal() as terminal:
        terminal.wait_for(FIRST_RUN)
        terminal.send_keys("q")
        assert terminal.wait_for_exit() == 0
    assert errors.read_text() == ""


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "linux", "COLORTERM": ""}, {"PYTHONIOENCODING": "iso-8859-1"}],
    ids=["linux", "latin-1"],
)
def test_terminal_gets_the_symbols_that_it_has(
    program: Program, environment: dict[str, str]
) -> None:
    program.environment |= environment
    with program.terminal("--demo") as terminal:
        text = terminal.wait_for("demo", "lic-emea-01", "Provision")
        is_console = "TERM" in environment  # whose fonts have frames and blocks, but no eighths
        assert set("▏▁⚑✖◌").isdisjoint(text) if is_console else text.isascii()
        assert terminal.has_color("cyan") is is_console  # one of 16
        terminal.send_keys("q")
        assert terminal.wait_for_exit() == 0
