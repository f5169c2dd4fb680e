from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import WINRM, run

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths

PRINTED = """Usage data is 0 minutes old. Next update in 15 minutes.
Users:
 ann XDT_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
 bob MPS_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 pad01 XDT_ENT_UD 2017.1201
"""


@pytest.fixture(autouse=True)
def _registered(paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "printed"
    file.write_text(PRINTED)
    command = json.dumps(["cat", str(file)])
    run("servers", "add", "lic", *WINRM)
    told = ("--source", "command", "--set", f"command={command}", "--set", "format=udadmin")
    run("servers", "add", "ud", *told, "--set", "same_as=lic")
    run("servers", "add", "alone", *WINRM)
    capsys.readouterr()
    assert paths.servers.exists()


def users(paths: Paths, how: str) -> None:
    paths.config.write_text(f'timezone = "UTC"\n[privacy]\nusers = "{how}"\n')


def test_names_are_hidden_unless_they_are_to_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "lic") == 0
    said = capsys.readouterr()
    assert "user 1" in said.out
    assert "host 1" in said.out
    assert "ann" not in said.out
    assert "udadmin -f" not in said.out
    assert 'users = "hide"' in said.err


def test_names_that_are_shown_come_with_what_would_release_them(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    users(paths, "show")
    assert run("servers", "holders", "ud", "--product", "XDT_ENT_UD") == 0
    said = capsys.readouterr()
    head, ann, pad = said.out.splitlines()
    assert head.split() == ["PRODUCT", "USER", "HOST", "SINCE", "COUNT", "IDLE"]
    assert ann.startswith("XDT_ENT_UD  ann")
    assert "2017-09-14 13:41" in ann
    assert "udadmin -f XDT_ENT_UD -user ann -delete" in ann
    assert pad.split() == ["XDT_ENT_UD", "-", "pad01", "?", "1", "-"]
    assert said.err == ""


def test_json_has_every_key(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    users(paths, "hash")
    assert run("servers", "holders", "lic", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["schema"], answer["server"]) == ("lictui.holders/1", "lic")
    assert (answer["told_by"], answer["users"]) == (["ud"], "hash")
    (first, *_) = answer["holders"]
    assert list(first) == [
        "product", "user", "host", "since", "count", "assigned", "subscription_date", "idle",
        "release",
    ]  # fmt: skip
    assert first["since"] == "2017-09-14T13:41:07Z"
    assert first["release"] is None
    assert (first["assigned"], first["idle"]) == (True, True)


def test_nobody_who_tells_is_the_answer_no(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "alone") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "winrm does not tell who holds a license" in said.err
    assert run("servers", "holders", "alone", "--json") == 1
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert failure["kind"] == "no_data"


def test_a_server_that_is_not_registered_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "none") == 2
    assert "unknown server" in capsys.readouterr().err


def test_a_product_nobody_holds_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "lic", "--product", "NONE") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "No licenses of lic are in use" in said.err
