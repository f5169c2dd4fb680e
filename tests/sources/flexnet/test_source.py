from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.clock import FakeClock
from tests.support.lmstat import CITRIX

from lictui.config.settings import Limits
from lictui.model import FailureKind, Server, Snapshot, SourceName, Step
from lictui.sources import open_source
from lictui.sources.flexnet.source import LmstatSource
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from pathlib import Path


SERVER = Server("lic01", SourceName.LMSTAT, address="27000@lic01")


def program(folder: Path, body: str, name: str = "lmutil") -> str:
    """A program that notes how it is called, then does `body`."""
    path = folder / name
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"json.dump([sys.argv[1:], dict(os.environ)], open({str(folder / 'called')!r}, 'w'))\n"
        + textwrap.dedent(body)
    )
    path.chmod(0o755)
    return str(path)


def printing(text: bytes) -> str:
    return f"sys.stdout.buffer.write({text!r})"


async def fetch(server: Server) -> tuple[Snapshot, list[tuple[Step, str]]]:
    steps: list[tuple[Step, str]] = []
    source = open_source(server, Limits(timeout=20.0), FakeClock())
    assert isinstance(source, LmstatSource)
    snapshot = await source.fetch(lambda step, detail: steps.append((step, detail)))
    await source.aclose()
    return snapshot, steps


async def failing(server: Server) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await fetch(server)
    return caught.value


async def test_lmutil_is_asked_for_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LM_LICENSE_FILE", "CITRIX_LICENSE_FILE", "lm_license_file"):
        monkeypatch.setenv(name, "27000@elsewhere")
    monkeypatch.setenv("KEPT", "yes")
    lmutil = program(tmp_path, printing(CITRIX.encode()))
    snapshot, steps = await fetch(replace(SERVER, lmutil=lmutil, address="1@a,2@b,3@c"))
    argv, environment = json.loads((tmp_path / "called").read_text())
    assert argv == ["lmstat", "-a", "-c", "1@a,2@b,3@c"]
    assert not [name for name in environment if name.upper().endswith("LICENSE_FILE")]
    assert environment["KEPT"] == "yes"
    assert len(snapshot.pools) == 4
    assert [step for step, _ in steps] == [Step.INVENTORY, Step.PARSE]
    assert steps[-1][1] == "4 features"


async def test_lmstat_is_a_program_of_its_own(tmp_path: Path) -> None:
    lmstat = program(tmp_path, printing(CITRIX.encode("utf-16")), "lmstat")
    snapshot, _ = await fetch(replace(SERVER, lmutil=lmstat))
    argv, _ = json.loads((tmp_path / "called").read_text())
    assert argv == ["-a", "-c", "27000@lic01"]
    assert snapshot.pools


async def test_lmutil_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, printing(CITRIX.encode()))
    monkeypatch.setenv("PATH", str(tmp_path))
    snapshot, _ = await fetch(SERVER)
    assert snapshot.reported_name == "lic01"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    error = (await failing(SERVER)).failure
    assert error.kind is FailureKind.COMMAND
    assert "lmutil" in error.message


async def test_a_program_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    half = printing(CITRIX[: len(CITRIX) // 2].encode())
    for end in ("sys.stdout.flush(); os.kill(os.getpid(), 9)", "sys.exit(137)", "sys.exit(143)"):
        lmutil = program(tmp_path, f"{half}\n{end}")
        failure = (await failing(replace(SERVER, lmutil=lmutil))).failure
        assert failure.kind is FailureKind.COMMAND
        assert "killed" in failure.message


async def test_any_exit_code_is_an_answer_if_something_was_told(tmp_path: Path) -> None:
    lmutil = program(tmp_path, printing(CITRIX.encode()) + "\nsys.exit(1)")
    snapshot, _ = await fetch(replace(SERVER, lmutil=lmutil))
    assert snapshot.pools


async def test_what_lmstat_cannot_reach(tmp_path: Path) -> None:
    said = b'Error getting status: Cannot connect to license server. (-15,570:111 "refused")\n'
    lmutil = program(tmp_path, printing(said) + "\nsys.exit(241)")
    error = (await failing(replace(SERVER, lmutil=lmutil))).failure
    assert (error.kind, error.step) == (FailureKind.REFUSED, Step.CONNECT)


async def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    lmutil = program(tmp_path, "sys.exit('cannot open shared object file')")
    error = (await failing(replace(SERVER, lmutil=lmutil))).failure
    assert error.kind is FailureKind.COMMAND
    assert "code 1: cannot open shared object file" in error.message


async def test_a_program_that_is_none_of_flexnets(tmp_path: Path) -> None:
    lmutil = program(tmp_path, "print('hello')")
    error = (await failing(replace(SERVER, lmutil=lmutil))).failure
    assert (error.kind, error.step) == (FailureKind.PARSE, Step.PARSE)


async def test_no_address() -> None:
    assert (await failing(replace(SERVER, address=""))).failure.kind is FailureKind.CONFIG
