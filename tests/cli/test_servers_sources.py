"""The sources that are not read over a URL of the user's, registered from the command line."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import WINRM, run

from lictui.config.registry import load_servers

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.paths import Paths

ACCOUNT = ("--username", "id", "--secret", "env:P", "--set", "customer_id=acme")
COMMAND = ("--source", "command", "--set", "format=lmstat")


@pytest.fixture(autouse=True)
def _here(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del paths  # the environment names them
    monkeypatch.chdir(tmp_path)


def servers(*args: str) -> int:
    return run("servers", *args)


def written(paths: Paths) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(paths.servers.read_text())["server"][-1]
    return table


def test_a_cloud_account_needs_no_url(paths: Paths) -> None:
    more = ("--set", "experimental=true", "--set", "quantity_divisor=2")
    assert servers("add", "daas", "--source", "citrix-cloud", *ACCOUNT, *more) == 0
    table = written(paths)
    assert table["url"] == "https://api.cloud.com"
    assert table["experimental"] is True
    assert table["quantity_divisor"] == 2


def test_a_partner_needs_no_url(paths: Paths) -> None:
    one = ("--url", "https://h:8443", "--set", "trust_url=https://h:8443")
    assert servers("add", "csp", "--source", "partner", *ACCOUNT) == 0
    assert written(paths)["trust_url"] == "https://trust.citrixworkspacesapi.net"
    assert servers("edit", "csp", *one) == 0
    table = written(paths)
    assert (table["url"], table["trust_url"]) == ("https://h:8443",) * 2


def test_a_flexnet_server_is_an_address(paths: Paths, tmp_path: Path) -> None:
    more = ("--set", "address=27000@a, @b", "--set", "lmutil=bin/lmutil")
    assert servers("add", "lic", "--source", "lmstat", *more) == 0
    table = written(paths)
    assert table["address"] == "27000@a,@b"
    assert table["lmutil"] == str(tmp_path / "bin/lmutil")
    assert table.keys().isdisjoint({"url", "verify", "secret"})


def test_a_command_is_a_list_of_words(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "a", *COMMAND, "--set", 'command=["cat", "a b"]') == 0
    assert written(paths)["command"] == ["cat", "a b"]
    assert "note:" not in capsys.readouterr().err


def test_a_command_in_one_text_is_split_and_said(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", "a", *COMMAND, "--set", "command=cat 'a b' --x=1") == 0
    assert written(paths)["command"] == ["cat", "a b", "--x=1"]
    assert "without a shell (3 arguments)" in capsys.readouterr().err
    assert servers("add", "b", *COMMAND, "--set", "command=cat 'a") == 2
    assert "must be a list of arguments" in capsys.readouterr().err


def test_flags_and_numbers_that_are_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ("--set", "experimental=yes", "--set", "quantity_divisor=two")
    assert servers("add", "daas", "--source", "citrix-cloud", *ACCOUNT, *wrong) == 2
    said = capsys.readouterr().err
    assert 'experimental: must be true or false, not "yes"' in said
    assert 'quantity_divisor: must be a whole number, not "two"' in said


def test_a_secret_in_a_command_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "a", *COMMAND, "--set", "command=cat --password=hunter2") == 0
    said = capsys.readouterr().err
    assert "appears to contain a secret" in said
    assert "hunter2" not in said


def test_the_list_says_where_a_server_without_url_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers("add", "lic", "--source", "lmstat", "--set", "address=27000@lic01")
    servers("add", "cmd", *COMMAND, "--set", 'command=["ssh", "lic01", "lmutil lmstat -a"]')
    capsys.readouterr()
    assert servers("list") == 0
    said = capsys.readouterr().out
    assert "27000@lic01" in said
    assert "ssh lic01 'lmutil lmstat -a'" in said
    assert servers("list", "--json") == 0
    lic, cmd = json.loads(capsys.readouterr().out)["servers"]
    assert (lic["address"], cmd["format"]) == ("27000@lic01", "lmstat")
    assert servers("show", "cmd") == 0
    assert tomllib.loads(capsys.readouterr().out)["command"][0] == "ssh"


def test_another_source_takes_the_old_one_s_keys_away(paths: Paths) -> None:
    assert servers("add", "x", *WINRM, "--set", "same_as=ddc") == 0
    assert servers("edit", "x", "--source", "lmstat", "--set", "address=@lic01") == 0
    table = written(paths)
    assert table.keys().isdisjoint({"url", "username", "secret", "auth", "verify"})
    assert table["same_as"] == "ddc"
    (server,) = load_servers(paths)
    assert server.address == "@lic01"


def test_help_shows_how_each_source_is_added(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "--help") == 0
    said = capsys.readouterr().out
    for source in ("winrm", "cvad", "citrix-cloud", "partner", "lmstat", "command"):
        assert f"--source {source}" in said


def test_a_part_of_nobody_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--source", "lmstat", "--set", "address=@a", "--set", "same_as=lic02")
    assert servers("add", "part", *more) == 0
    assert "warning: part: same_as: no server is named lic02" in capsys.readouterr().err
    servers("add", "lic02", *WINRM)
    capsys.readouterr()
    assert servers("edit", "part", "--group", "g") == 0
    assert "same_as" not in capsys.readouterr().err
