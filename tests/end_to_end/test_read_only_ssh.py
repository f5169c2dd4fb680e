"""The recipe of docs/install.md for a forced command: no key and no request leads out of it."""

import getpass
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program
from tests.support.sshd import SSHD, Sshd
from tests.support.terminal import Terminal

from lictui.tui.commands import COMMANDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(SSHD).exists(), reason=f"OpenSSH server required: {SSHD}"),
]
_RECIPE = (Path(__file__).parents[2] / "docs" / "install.md").read_text()
_ESCAPE = "\x1b[27u"  # unlike a single byte, no part of the next key
_KEYS = {"escape": _ESCAPE, "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "space": " "}
_VIEWS = {"dashboard": "1", "products": "2", "usage": "3", "servers": "4", "alerts": "5"}
_VARIABLES = {
    "LICTUI_DEMO": "1",
    "LICTUI_READ_ONLY": "0",
    "TEXTUAL_DRIVER": "textual.drivers.headless_driver:HeadlessDriver",
    "TEXTUAL_LOG": "{home}/left",
    "TEXTUAL_SCREENSHOT": "0",
    "PYTHONINSPECT": "1",
    "BASH_ENV": "$(touch {home}/left)",
    "EDITOR": "touch {home}/left",
}


def _keys(name: str) -> str:
    """Return what a terminal sends for a key of the command table; "" for a key to move with."""
    if control := re.fullmatch(r"ctrl\+(\w)", name):
        return chr(ord(control[1]) & 0x1F)
    return _KEYS.get(name, name if len(name) == 1 else "")


@pytest.fixture
def home(program: Program) -> Path:
    program.record()
    return program.paths.config_dir.parent


@pytest.fixture
def sshd(program: Program, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The recipe, with the paths of the test, on a server that accepts every variable."""
    (recipe,) = re.findall(r"```text\n(Match User .*?)```", _RECIPE, re.DOTALL)
    for documented, real in (
        ("lictui-view", getpass.getuser()),
        ("/usr/local/bin/lictui", f"cd {home}; exec {sys.executable} -m lictui"),
        ("exec cd", "cd"),
        ("/srv/lictui", str(program.paths.data_dir)),
        ("/etc/lictui", str(program.paths.config_dir)),
    ):
        assert documented in recipe
        recipe = recipe.replace(documented, real)
    extra = f"AcceptEnv *\nSubsystem sftp internal-sftp\n{recipe}"
    with Sshd(tmp_path_factory.mktemp("ssh"), extra) as running:
        yield running


def _attempts(sshd: Sshd, home: Path) -> dict[str, tuple[str, ...]]:
    """Requests for something other than the monitor."""
    ssh, *options, target = sshd.command()
    touch = f"touch {shlex.quote(str(home / 'left'))}"
    copy = [word if word != "-p" else "-P" for word in options]
    file = str(sshd.folder / "user_key.pub")
    return {
        "command": (ssh, *options, target, touch),
        "command with a terminal": (ssh, "-tt", *options, target, touch),
        "shell": (ssh, *options, target, "-l", "sh"),
        "RemoteCommand": (ssh, *options, "-o", f"RemoteCommand={touch}", target),
        "subsystem": (ssh, *options, "-s", target, "sftp"),
        "scp": ("scp", *copy, file, f"{target}:{home}/left"),
        "scp, old protocol": ("scp", "-O", *copy, file, f"{target}:{home}/left"),
        "sftp": ("sftp", *copy, f"{target}:{home}/config/servers.toml", str(sshd.folder / "got")),
        "forwarding": (ssh, *options, "-W", f"127.0.0.1:{sshd.port}", target),
        "reverse": (ssh, "-N", "-R", "0:x:1", "-o", "ExitOnForwardFailure=yes", *options, target),
    }


def test_read_only_recipe_answers_no_other_request(
    program: Program, sshd: Sshd, home: Path
) -> None:
    before = program.files()
    for name, command in _attempts(sshd, home).items():
        if name == "command with a terminal":
            with Terminal(command) as terminal:
                terminal.wait_for("lic-01", "read-only")  # the monitor, whatever is asked
            continue
        done = subprocess.run(
            command, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode != 0, name
        assert b"lic-01" not in done.stdout, name
    assert program.files() == before
    assert not (sshd.folder / "got").exists()


def test_read_only_recipe_ignores_variables_of_the_client(
    program: Program, sshd: Sshd, home: Path
) -> None:
    before = program.files()
    ssh, *options = sshd.command()
    variables = {name: value.format(home=home) for name, value in _VARIABLES.items()}
    environment = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", **variables}
    send = [word for name in variables for word in ("-o", f"SendEnv={name}")]
    with Terminal([ssh, "-tt", *send, *options], environment=environment) as terminal:
        terminal.wait_for("lic-01", "read-only")
        terminal.send_keys("q")
        terminal.wait_for_exit()
    assert ">>>" not in terminal.text
    assert program.files() == before


def test_read_only_recipe_has_no_key_that_leads_out(program: Program, sshd: Sshd) -> None:
    before = program.files()
    ssh, *options = sshd.command()
    keys = {
        (view, _keys(key))
        for command in COMMANDS
        for view in {_VIEWS.get(screen, "") for screen in command.screens or _VIEWS}
        for key in command.key_list
    }
    # Without those that end the monitor. ctrl+\\ is a signal where the terminal line is not raw.
    keys = {pair for pair in keys if "" not in pair and pair[1] not in "q\x03"} | {("1", "\x1c")}
    with Terminal([ssh, "-tt", *options]) as terminal:
        terminal.wait_for("lic-01", "read-only")
        for view, key in sorted(keys):
            terminal.send_keys(f"{view}{key}{_ESCAPE * 3}1")
            while terminal.read(0.1):  # a loaded machine takes its time
                pass
        while terminal.read(3.0):
            pass
        terminal.send_keys(f":screenshot\r{_ESCAPE * 3}1E")
        terminal.wait_for("nothing is written")
        terminal.send_keys("q")
        assert terminal.wait_for_exit() == 0, terminal.text
    assert not [word for word in ("Traceback", "unexpected error") if word in terminal.text]
    assert program.files() == before
