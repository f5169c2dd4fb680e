"""`lictui servers list`, `show`, `test` and `holders`."""

from __future__ import annotations

import io
import json
import re
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import CVAD, WINRM, run, run_json

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths


# lictui servers list and show


def test_list_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    run("servers", "add", "lic", *WINRM, "--group", "emea")
    run("servers", "add", "ddc", *CVAD, "--verify", "sha256:" + "4F" * 32)
    command = 'command=["ssh", "lic01", "lmutil lmstat -a"]'
    run(
        "servers", "add", "cmd", "--source", "command", "--set", "format=lmstat", "--set", command
    )  # fmt: skip
    run("servers", "add", "flex", "--source", "lmstat", "--set", "address=27000@lic01")
    capsys.readouterr()
    assert run("servers", "list") == 0
    rows = [re.split(r"  +", line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["NAME", "SOURCE", "ADDRESS", "GROUP", "INTERVAL", "VERIFY", "ENABLED"],
        ["lic", "winrm", "https://lic01:5986/wsman", "emea", "900 s", "yes", "yes"],
        ["ddc", "cvad", "https://ddc", "-", "60 s", "pinned", "yes"],
        ["cmd", "command", "ssh lic01 'lmutil lmstat -a'", "-", "900 s", "-", "yes"],
        ["flex", "lmstat", "27000@lic01", "-", "900 s", "-", "yes"],
    ]
    *_, cmd, flex = run_json(capsys, "servers", "list")["servers"]
    assert (flex["address"], cmd["format"]) == ("27000@lic01", "lmstat")


def test_list_shows_the_effective_interval(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    run("servers", "add", "a", *WINRM)
    http = ("--interval", "30", "--url", "http://lic02:5985/wsman")
    run("servers", "add", "b", *WINRM, *http)
    paths.config.write_text("[polling]\ninterval = 120\n")
    capsys.readouterr()
    assert run("servers", "list") == 0
    _, a, b = capsys.readouterr().out.splitlines()
    assert "120 s  yes" in a
    assert "30 s  no TLS" in b
    paths.config.write_text("broken")
    listed = run_json(capsys, "servers", "list")["servers"]
    assert [server["every"] for server in listed] == [900, 30]


def test_list_without_servers_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "list") == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "No servers configured" in printed.err
    assert run_json(capsys, "servers", "list")["servers"] == []


def test_list_shows_valid_servers_next_to_problems(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    run("servers", "add", "lic", *WINRM)
    with paths.servers.open("a") as out:
        out.write('[[server]]\nname = "bad"\n')
    capsys.readouterr()
    assert run("servers", "list") == 2
    printed = capsys.readouterr()
    assert "lic01" in printed.out
    assert "server[1].source" in printed.err
    assert run("servers", "show", "lic") == 0


def test_show_is_toml_or_json_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    run("servers", "add", "ddc", *CVAD, "--set", "site=PROD", "--interval", "30")
    capsys.readouterr()
    assert run("servers", "show", "ddc") == 0
    printed = capsys.readouterr()
    assert tomllib.loads(printed.out)["site"] == "PROD"
    assert "warning: ddc: interval = 30" in printed.err
    document = run_json(capsys, "servers", "show", "ddc")
    assert (document["schema"], document["site"], document["every"]) == (
        "lictui.server/1",
        "PROD",
        30,
    )
    assert run("servers", "show", "dcd") == 2
    assert "Did you mean 'ddc'?" in capsys.readouterr().err


# lictui servers test


@pytest.fixture
def unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    """Add a server whose port is closed."""
    url = ("--url", "https://127.0.0.1:1")
    run("servers", "add", "ddc", *CVAD, *url)
    capsys.readouterr()


@pytest.mark.usefixtures("unreachable")
def test_test_prints_steps_with_time_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "test", "ddc") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Test ddc"
    assert re.fullmatch(r" ✔ resolve +\d+ ms  127\.0\.0\.1", lines[1])
    assert re.fullmatch(r" ✖ connect +\d+ ms  .*127\.0\.0\.1:1\b.*", lines[2])
    assert re.fullmatch(r" {22}→ .+", lines[3])
    assert len(lines) == 4


@pytest.mark.usefixtures("unreachable")
def test_test_prints_ascii_where_stdout_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert run("servers", "test", "ddc") == 1
    out.seek(0)
    assert " x connect" in out.read()


@pytest.mark.usefixtures("unreachable")
def test_test_json_has_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "servers", "test", "ddc", code=1)
    assert (document["schema"], document["server"], document["ok"]) == (
        "lictui.test/1",
        "ddc",
        False,
    )
    assert [step["step"] for step in document["steps"]] == ["resolve", "connect"]
    assert all(set(step) == {"step", "ok", "detail", "ms"} for step in document["steps"])
    assert all(isinstance(step["ms"], int) for step in document["steps"])


@pytest.mark.parametrize("command", ["test", "show", "holders", "snippet"])
def test_unknown_server_is_a_usage_error(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", command, "none") == 2
    assert "unknown server 'none'" in capsys.readouterr().err


# lictui servers holders

UDADMIN_OUTPUT = """Usage data is 0 minutes old. Next update in 15 minutes.
Users:
 ann XDT_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
 bob MPS_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 pad01 XDT_ENT_UD 2017.1201
"""


@pytest.fixture
def license_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Add a license server with a second source that reports users, and one without."""
    file = tmp_path / "output"
    file.write_text(UDADMIN_OUTPUT)
    command = f"command={json.dumps(['cat', str(file)])}"
    run("servers", "add", "lic", *WINRM)
    source = ("--source", "command", "--set", command, "--set", "format=udadmin")
    run("servers", "add", "ud", *source, "--set", "same_as=lic")
    run("servers", "add", "alone", *WINRM)
    capsys.readouterr()


def set_privacy(paths: Paths, users: str) -> None:
    paths.config.write_text(f'timezone = "UTC"\n[privacy]\nusers = "{users}"\n')


@pytest.mark.usefixtures("license_users")
def test_holders_hides_names_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "lic") == 0
    printed = capsys.readouterr()
    assert "user 1" in printed.out
    assert "host 1" in printed.out
    assert "ann" not in printed.out
    assert "udadmin -f" not in printed.out
    assert 'users = "hide"' in printed.err


@pytest.mark.usefixtures("license_users")
def test_holders_with_names_shows_the_release_command(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    set_privacy(paths, "show")
    assert run("servers", "holders", "ud", "--product", "XDT_ENT_UD") == 0
    printed = capsys.readouterr()
    head, ann, pad = printed.out.splitlines()
    assert head.split() == ["PRODUCT", "USER", "HOST", "SINCE", "COUNT", "IDLE"]
    assert ann.startswith("XDT_ENT_UD  ann")
    assert "2017-09-14 13:41" in ann
    assert "udadmin -f XDT_ENT_UD -user ann -delete" in ann
    assert pad.split() == ["XDT_ENT_UD", "-", "pad01", "?", "1", "-"]
    assert printed.err == ""


@pytest.mark.usefixtures("license_users")
def test_holders_json_has_every_key(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    set_privacy(paths, "hash")
    document = run_json(capsys, "servers", "holders", "lic")
    assert (document["schema"], document["server"]) == ("lictui.holders/1", "lic")
    assert (document["told_by"], document["users"]) == (["ud"], "hash")
    (first, *_) = document["holders"]
    assert list(first) == [
        "product", "user", "host", "since", "count", "assigned", "subscription_date", "idle",
        "release",
    ]  # fmt: skip
    assert first["since"] == "2017-09-14T13:41:07Z"
    assert first["release"] is None
    assert (first["assigned"], first["idle"]) == (True, True)


@pytest.mark.usefixtures("license_users")
def test_holders_without_a_reporting_source_is_a_no(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "alone") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "lictui: alone: winrm" in printed.err
    (failure,) = run_json(capsys, "servers", "holders", "alone", code=1)["failures"]
    assert failure["kind"] == "no_data"


@pytest.mark.usefixtures("license_users")
def test_holders_of_an_unused_product(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "holders", "lic", "--product", "NONE") == 0
    assert capsys.readouterr() == ("", "No licenses of lic are in use.\n")
