from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import CVAD, WINRM, run

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths


@pytest.fixture(autouse=True)
def _here(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del paths  # the environment names them
    monkeypatch.chdir(tmp_path)


def servers(*args: str) -> int:
    return run("servers", *args)


def test_list_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM, "--group", "emea")
    servers("add", "ddc", *CVAD, "--verify", "sha256:" + "4F" * 32)
    capsys.readouterr()
    assert servers("list") == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "SOURCE", "ADDRESS", "GROUP", "INTERVAL", "VERIFY", "ENABLED"]
    assert first.split() == [
        *("lic", "winrm", "https://lic01:5986/wsman", "emea"),
        *("900", "s", "yes", "yes"),
    ]
    assert second.split() == ["ddc", "cvad", "https://ddc", "-", "60", "s", "pinned", "yes"]


def test_list_says_how_often_a_server_is_really_polled(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    servers("add", "a", *WINRM)
    servers("add", "b", *WINRM, "--interval", "30", "--url", "http://lic02:5985/wsman")
    paths.config.write_text("[polling]\ninterval = 120\n")
    capsys.readouterr()
    assert servers("list") == 0
    _, a, b = capsys.readouterr().out.splitlines()
    assert "120 s  yes" in a
    assert "30 s  no TLS" in b
    paths.config.write_text("broken")
    assert servers("list", "--json") == 0
    assert [each["every"] for each in json.loads(capsys.readouterr().out)["servers"]] == [900, 30]


def test_list_keeps_stdout_for_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("list") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "No servers configured" in said.err
    assert servers("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["servers"] == []


def test_a_bad_server_does_not_hide_the_good_ones(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    servers("add", "lic", *WINRM)
    with paths.servers.open("a") as out:
        out.write('[[server]]\nname = "bad"\n')
    capsys.readouterr()
    assert servers("list") == 2
    said = capsys.readouterr()
    assert "lic01" in said.out
    assert "server[1].source: is missing" in said.err
    assert servers("show", "lic") == 0


def test_show_prints_the_server_as_toml_and_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers("add", "ddc", *CVAD, "--set", "site=PROD", "--interval", "30")
    capsys.readouterr()
    assert servers("show", "ddc") == 0
    said = capsys.readouterr()
    assert tomllib.loads(said.out)["site"] == "PROD"
    assert "warning: ddc: interval = 30" in said.err
    assert servers("show", "ddc", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["schema"], shown["site"], shown["every"]) == ("lictui.server/1", "PROD", 30)
    assert servers("show", "dcd") == 2
    assert "ddc" in capsys.readouterr().err
