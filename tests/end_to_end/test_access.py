"""A user who may only read: everything is shown, and nothing is written.

Modes of files do not stop the superuser, unless it gives up its capabilities.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from tests.end_to_end.conftest import Program


@pytest.fixture
def readable(program: Program) -> Iterator[Program]:
    """A server with a history, in files and folders that cannot be written."""
    if os.geteuid() == 0:
        if not (setpriv := shutil.which("setpriv")):
            pytest.skip("runs as root, and there is no setpriv")
        program.launcher = (setpriv, "--bounding-set=-all", "--inh-caps=-all")
    program.record(60, username="u", secret="env:NONE")
    _set_modes(program, 0o500, 0o400)
    yield program
    _set_modes(program, 0o700, 0o600)


def _set_modes(program: Program, folder_mode: int, file_mode: int) -> None:
    for folder in (program.paths.config_dir, program.paths.data_dir):
        for path in (folder, *folder.iterdir()):
            path.chmod(folder_mode if path == folder else file_mode)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "--cached"), "412"),
        (("forecast",), "XDT_PLT_UD"),
        (("report", "--format", "md", "-o", "-"), "XDT_PLT_UD"),
        (("history", "peaks"), "XDT_PLT_UD"),
        (("history", "export", "-o", "-"), "XDT_PLT_UD"),
        (("history", "stats"), "readings"),
        (("alerts",), ""),
        (("servers", "list"), "lic-01"),
    ],
)
def test_command_reads_without_writing(
    readable: Program, arguments: tuple[str, ...], words: str
) -> None:
    before = readable.files()
    done = readable.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    assert readable.files() == before


@pytest.mark.slow
def test_read_only_monitor_shows_what_is_recorded_without_writing(readable: Program) -> None:
    before = readable.files()
    with readable.terminal("--read-only") as terminal:
        terminal.wait_for("lic-01", "412", "read-only")
        for view in "2345":
            terminal.send_keys(view)
            terminal.wait_until(lambda text: text.splitlines()[-1].strip() != "", "a footer")
        terminal.send_keys("q")
        assert terminal.wait_for_exit() == 0
    assert "Traceback" not in terminal.text
    assert readable.files() == before
