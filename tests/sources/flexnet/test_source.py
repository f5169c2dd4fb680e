from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.clock import FakeClock
from tests.support.lmstat import CITRIX, HEAD, notice, parse_error, parse_output
from tests.support.polls import failure_from
from tests.support.programs import program

from lictui.config.settings import Limits
from lictui.model import FailureKind, Level, Server, Snapshot, SourceName, Step
from lictui.sources import open_source
from lictui.sources.flexnet.source import LmstatSource

SERVER = Server("lic01", SourceName.LMSTAT, address="27000@lic01")


async def fetch(server: Server) -> tuple[Snapshot, list[tuple[Step, str]]]:
    steps: list[tuple[Step, str]] = []
    source = open_source(server, Limits(timeout=20.0), FakeClock())
    assert isinstance(source, LmstatSource)
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    await source.aclose()
    return snapshot, steps


async def test_lmstat_runs_with_all_options_and_without_foreign_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LM_LICENSE_FILE", "CITRIX_LICENSE_FILE", "lm_license_file"):
        monkeypatch.setenv(name, "27000@elsewhere")
    monkeypatch.setenv("KEPT", "yes")
    then = f'echo "$@" >{tmp_path}/options; /usr/bin/env >{tmp_path}/environment'
    lmutil = program(tmp_path / "lmutil", CITRIX.encode(), then=then)
    snapshot, steps = await fetch(replace(SERVER, lmutil=lmutil, address="1@a,2@b,3@c"))
    assert (tmp_path / "options").read_text() == "lmstat -a -c 1@a,2@b,3@c\n"
    environment = (tmp_path / "environment").read_text()
    assert "license_file" not in environment.lower()
    assert "KEPT=yes\n" in environment
    assert len(snapshot.pools) == 4
    assert [step for step, _ in steps] == [Step.INVENTORY, Step.PARSE]
    assert steps[-1][1] == "4 features"


async def test_lmstat_may_be_a_program_of_its_own(tmp_path: Path) -> None:
    then = f'echo "$@" >{tmp_path}/options; exit 1'  # a complete output is enough
    lmstat = program(tmp_path / "lmstat", CITRIX.encode("utf-16"), then=then)
    snapshot, _ = await fetch(replace(SERVER, lmutil=lmstat))
    assert (tmp_path / "options").read_text() == "-a -c 27000@lic01\n"
    assert snapshot.pools


async def test_lmstat_program_is_searched_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "lmutil", CITRIX.encode())
    monkeypatch.setenv("PATH", str(tmp_path))
    snapshot, _ = await fetch(SERVER)
    assert snapshot.reported_name == "lic01"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    failure = await failure_from(fetch(SERVER))
    assert failure.kind is FailureKind.COMMAND
    assert "lmutil" in failure.message
    without_address = await failure_from(fetch(replace(SERVER, address="")))
    assert without_address.kind is FailureKind.CONFIG


async def test_lmstat_output_of_a_killed_program_is_not_used(tmp_path: Path) -> None:
    half = CITRIX[: len(CITRIX) // 2].encode()
    for then in ("kill -9 $$", "exit 137", "exit 143"):
        lmutil = program(tmp_path / "lmutil", half, then=then)
        failure = await failure_from(fetch(replace(SERVER, lmutil=lmutil)))
        assert failure.kind is FailureKind.COMMAND
        assert "killed" in failure.message


@pytest.mark.parametrize(
    ("then", "kind", "message"),
    [
        ("echo no shared object >&2; exit 1", FailureKind.COMMAND, "code 1: no shared object"),
        ("echo hello", FailureKind.PARSE, "not the output of lmstat -a: hello"),
        ("echo hello; exit 3", FailureKind.COMMAND, "exited with code 3"),
    ],
)
async def test_lmstat_program_without_an_answer_fails_with_its_reason(
    tmp_path: Path, then: str, kind: FailureKind, message: str
) -> None:
    lmutil = program(tmp_path / "lmutil", then=then)
    failure = await failure_from(fetch(replace(SERVER, lmutil=lmutil)))
    assert failure.kind is kind
    assert message in failure.message


# Errors in the output


@pytest.mark.parametrize(
    ("error", "kind", "step"),
    [
        ('(-15,570:111 "Connection refused")', FailureKind.REFUSED, Step.CONNECT),
        ('(-15,570:115 "Operation now in progress")', FailureKind.TIMEOUT, Step.CONNECT),
        ("without a number: connection timed out", FailureKind.TIMEOUT, Step.CONNECT),
        ("", FailureKind.REFUSED, Step.CONNECT),
        ('(-14,7:2 "No such file or directory")', FailureKind.DNS, Step.RESOLVE),
        ("(-96,287)", FailureKind.TIMEOUT, Step.CONNECT),
        ("(-16,287)", FailureKind.PROTOCOL, Step.INVENTORY),
        ("(-97,121)", FailureKind.UNAVAILABLE, Step.INVENTORY),
        ("(-999,1)", FailureKind.COMMAND, Step.INVENTORY),
    ],
)
@pytest.mark.parametrize("start", ["Error getting status: ", "lmgrd is not running: ", "lic01: "])
def test_lmstat_error_has_its_kind_and_step(
    start: str, error: str, kind: FailureKind, step: Step
) -> None:
    failure = parse_error(
        "lmutil - Copyright (c) 1989-2026 Flexera. All Rights Reserved.\n"
        f"License server status: 27000@lic01\n{start}Cannot connect to license server {error}\n"
    )
    assert (failure.kind, failure.step) == (kind, step)
    assert "27000@lic01" in failure.message
    assert failure.hint


def test_lmstat_error_without_a_number_has_its_kind() -> None:
    text = "Error getting status: Cannot find license file.\nFilename: /nope.lic\n"
    assert parse_error(text).kind is FailureKind.CONFIG
    text = "License server status: 1@a,1@b\na: license server DOWN\nb: license server DOWN v11\n"
    assert parse_error(text).kind is FailureKind.REFUSED


def test_lmstat_other_servers_error_is_a_notice() -> None:
    text = CITRIX + '\nError getting status: Cannot connect (-15,570:111 "Connection refused")\n'
    assert len(parse_output(text).pools) == 4
    assert notice(text, "did not answer").level is Level.WARN


def test_lmstat_without_features_is_no_data() -> None:
    failure = parse_error(HEAD.format(vendor="CITRIX"))
    assert failure.kind is FailureKind.NO_DATA
    assert failure.message.startswith("27000@lic01: the license server is up")


LMSTAT_I = """lmutil - Copyright (c) 1989-2017 Flexera Software LLC. All Rights Reserved.
Mon 5/6/2026 18:20

NOTE: lmstat -i does not give information from the server,
      but only reads the license file.

Feature                         Version     #licenses    Vendor        Expires
_______                         _________   _________    ______        ________
XDT_ENT_UD                      2026.1201    5           CITRIX        28-jun-2027
"""


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "no output of lmstat", "lmstat -a"),
        ("\0\x1b[31m", "not the output of lmstat -a: [31m", "lmstat -a"),
        (
            "lmhostid - Copyright (c) 1989-2026 Flexera.\nThe host ID is 0a\n",
            "not the output of lmstat -a: The host ID is 0a",
            "lmstat -a",
        ),
        (LMSTAT_I, "lmstat -i, which reads a license file and asks no server", "instead of"),
        (
            "\n".join(line for line in LMSTAT_I.splitlines() if "lmstat -i" not in line),
            "lmstat -i, which reads a license file and asks no server",
            "instead of",
        ),
    ],
    ids=range(5),
)
def test_lmstat_other_text_is_refused(text: str, message: str, hint: str) -> None:
    failure = parse_error(text)
    assert failure.kind is FailureKind.PARSE
    assert failure.message.startswith("27000@lic01: ")
    assert message in failure.message
    assert failure.message.isprintable()
    assert hint in failure.hint
