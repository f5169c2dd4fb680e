"""Names that attack a terminal: all output stays intact."""

from typing import Any

import pytest
from tests.end_to_end.conftest import Program
from tests.support.simulators import USER, Simulators, licenses

from lictui.model import Server, SourceName

ATTACKS = "[/x][bold]\x1b[2J\x1b]0;title\x07\r\n\u202egnp.exe\u200b\x9b31m" + "W" * 300


@pytest.fixture
def hostile(program: Program, simulators: Simulators) -> Program:
    winrm = simulators.winrm(licenses(1, f"[/x]{'P' * 60}_CCU", ATTACKS))
    cvad = simulators.cvad(licenses(2, name=ATTACKS), site=ATTACKS)
    common: dict[str, Any] = {"username": USER, "secret": "env:LICENSE_PASSWORD"}
    program.register(
        Server(
            "[/x] " + "n" * 290,
            SourceName.WINRM,
            url=f"{winrm.listener.url}/wsman",
            verify=winrm.pin,
            auth="ntlm",
            **common,
        ),
        Server("cvad", SourceName.CVAD, url=cvad.listener.url, verify=cvad.pin, **common),
    )
    return program


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv", "markdown"])
def test_output_contains_no_escape_sequences(hostile: Program, output_format: str) -> None:
    done = hostile.run("status", "--format", output_format)
    assert done.returncode == 0, done.stdout + done.stderr
    for character in "\x1b\x07\x9b\u202e\u200b\r":
        assert character not in done.stdout + done.stderr
