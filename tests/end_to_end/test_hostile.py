"""Names that attack a terminal: all output stays intact."""

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import Simulators, licenses

ATTACKS = "[/x][bold]\x1b[2J\x1b]0;title\x07\r\n\u202egnp.exe\u200b\x9b31m" + "W" * 300


@pytest.fixture
def hostile(program: Program, simulators: Simulators) -> Program:
    winrm = simulators.winrm(licenses(1, f"[/x]{'P' * 60}_CCU", ATTACKS))
    cvad = simulators.cvad(licenses(2, name=ATTACKS), site=ATTACKS)
    program.register(winrm.server("[/x] " + "n" * 290, auth="ntlm"), cvad.server("cvad"))
    return program


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv", "markdown"])
def test_output_contains_no_escape_sequences(hostile: Program, output_format: str) -> None:
    done = hostile.run("status", "--format", output_format)
    assert done.returncode == 0, done.stdout + done.stderr
    for character in "\x1b\x07\x9b\u202e\u200b\r":
        assert character not in done.stdout + done.stderr
