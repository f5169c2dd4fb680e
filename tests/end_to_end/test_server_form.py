"""Adding a server by keyboard: test, pin, save, poll, restart."""

import stat
import tomllib

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import USER, Simulators, licenses
from tests.support.terminal import Terminal

TAB = "\t"


def press(terminal: Terminal, *keys: str) -> None:
    """Send keys one by one; the program responds to each before the next."""
    for key in keys:
        terminal.send_keys(key)
        while terminal.read(0.2):
            pass


@pytest.mark.slow
def test_server_is_added_by_keyboard(program: Program, simulators: Simulators) -> None:
    simulated = simulators.winrm(licenses(412))
    address = f"{simulated.listener.url}/wsman"
    with program.terminal() as terminal:
        terminal.wait_for("Add a server", "Start demo")
        press(terminal, "a")
        terminal.wait_for("Address", "Password")
        press(terminal, address, TAB, "lic-emea-01", TAB, TAB, USER, TAB)
        press(terminal, "env:LICENSE_PASSWORD")
        press(terminal, "\x14")  # ctrl+t
        terminal.wait_for("Press ^y")
        press(terminal, "\x19")  # ctrl+y
        press(terminal, "\x14")
        terminal.wait_for("parse", "pool")
        press(terminal, "\x13")  # ctrl+s
        terminal.wait_for("lic-emea-01", "412", "500", "82 %")
        press(terminal, "q")
        assert terminal.wait_for_exit() == 0

    registry = program.paths.servers
    assert stat.S_IMODE(registry.stat().st_mode) == 0o600
    assert stat.S_IMODE(registry.parent.stat().st_mode) == 0o700
    (server,) = tomllib.loads(registry.read_text())["server"]
    assert server["name"] == "lic-emea-01"
    assert server["verify"] == simulated.pin
    assert server["secret"] == "env:LICENSE_PASSWORD"
    before = program.json("history", "stats")["readings"]
    assert before >= 1

    simulated.inventory = (licenses(433),)
    with program.terminal() as terminal:
        terminal.wait_for("lic-emea-01", "412")  # the stored value: 15 minutes have not passed
        press(terminal, "r")
        terminal.wait_for("433")
        press(terminal, "q")
        assert terminal.wait_for_exit() == 0
    assert program.json("history", "stats")["readings"] == before + 1


@pytest.mark.slow
def test_monitor_without_a_terminal_is_refused(program: Program) -> None:
    done = program.run()
    assert done.returncode == 2
    assert "needs an interactive terminal" in done.stderr
    assert done.stdout == ""
