"""A bundle shows the same screens on another machine."""

from pathlib import Path

import pytest
from tests.end_to_end.conftest import Program

from lictui.clock import SystemClock, iso


def _screens(program: Program, *arguments: str) -> list[str]:
    """Return the dashboard, the products, the usage of the only one, and the alerts."""
    with program.terminal(*arguments, columns=120, rows=40) as terminal:
        terminal.wait_for("lic-01", "412")
        screens = []
        for key, words in (
            ("1", ["82 %"]),
            ("2", ["1/1"]),
            ("3", ["forecast"]),
            ("5", ["Event log"]),
        ):
            terminal.send_keys(key)
            terminal.wait_for(*words)
            while terminal.read(1.0):
                pass
            screens.append(terminal.text)
    return screens


@pytest.mark.slow
def test_bundle_shows_the_same_screens_in_a_fresh_installation(
    program: Program, tmp_path: Path
) -> None:
    file = str(tmp_path / "incident.lictui")
    program.record(60, username="u", secret="env:NONE", group="emea")
    assert program.run("bundle", "--from", "70d", "-o", file).returncode == 0
    at = iso(SystemClock().now() - 5)
    here = _screens(program, "--at", at)
    for path in (program.paths.config_dir, program.paths.data_dir):
        path.rename(path.with_suffix(".away"))
    assert _screens(program, "--replay", file, "--at", at) == here
