"""`lictui servers add`, `edit` and `remove`."""

from __future__ import annotations

import io
import json
import stat
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import CVAD, WINRM, run

from lictui.config.registry import load_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Poll, Snapshot

if TYPE_CHECKING:
    from tests.support.clock import FakeClock

    from lictui.paths import Paths


ACCOUNT = ("--username", "id", "--secret", "env:P", "--set", "customer_id=acme")
COMMAND = ("--source", "command", "--set", "format=lmstat")


@pytest.fixture(autouse=True)
def _working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def servers(*args: str) -> int:
    return run("servers", *args)


def file(paths: Paths) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = tomllib.loads(paths.servers.read_text())["server"]
    return tables


def test_add_writes_the_keys_of_the_contract(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", "lic", *WINRM, "--group", "emea", "--interval", "900") == 0
    assert file(paths) == [
        {
            "name": "lic",
            "source": "winrm",
            "url": "https://lic01:5986/wsman",
            "username": "CORP\\u",
            "secret": "env:P",
            "auth": "negotiate",
            "verify": True,
            "group": "emea",
            "interval": 900,
            "enabled": True,
        }
    ]
    assert stat.S_IMODE(paths.servers.stat().st_mode) == 0o600
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "Added lic. Test it with: lictui servers test lic\n"


def test_add_sets_keys_of_a_source(paths: Paths) -> None:
    more = ("--set", "site=PROD", "--set", 'overview_paths=["/a", "/{site}"]')
    assert servers("add", "ddc", *CVAD, "--verify", "False", *more) == 0
    (table,) = file(paths)
    assert (table["site"], table["overview_paths"]) == ("PROD", ["/a", "/{site}"])
    assert table["verify"] is False


@pytest.mark.parametrize(
    "name", ["[/x]", "\"a\" 'b'", "ümläut 北京", "x" * 300, "-dash", "a\\b", "[bold]", "#"]
)
def test_name_may_contain_any_printable_character(
    name: str, capsys: pytest.CaptureFixture[str], paths: Paths
) -> None:
    assert servers("add", *WINRM, "--", name) == 0
    capsys.readouterr()
    assert servers("list", "--json") == 0
    (server,) = json.loads(capsys.readouterr().out)["servers"]
    assert server["name"] == name
    assert servers("edit", "--group", "g", "--", name) == 0
    assert servers("show", "--", name) == 0
    assert servers("remove", "--yes", "--", name) == 0
    assert load_servers(paths) == ()


@pytest.mark.parametrize("name", ["", "a\x1b[31m", "a\u202eb", "a\nb"])
def test_name_with_control_characters_is_refused(
    name: str, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", name, *WINRM) == 2
    assert not paths.servers.exists()
    assert capsys.readouterr().err.startswith("lictui: name: ")


def test_password_instead_of_a_reference_is_refused_and_not_printed(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", "lic", *WINRM[:-1], "hunter2") == 2
    assert servers("add", "lic", *WINRM, "--set", "secret=hunter2") == 2
    assert not paths.servers.exists()
    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err
    assert "env:NAME" in printed.err


def test_duplicate_name_is_refused(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM)
    before = paths.servers.read_bytes()
    assert servers("add", "lic", *CVAD) == 2
    assert paths.servers.read_bytes() == before
    assert "server lic already exists" in capsys.readouterr().err


def test_add_reports_all_errors_together(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--source", "winrm", "--url", "lic", "--interval", "soon", "--set", "sitte=1")
    assert servers("add", "lic", *arguments) == 2
    printed = capsys.readouterr().err
    for key in ("url:", "interval:", "sitte:"):
        assert key in printed


def test_add_ignores_the_variables_of_the_monitor(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_INTERVAL", "5")
    monkeypatch.setenv("LICTUI_GROUP", "us")
    servers("add", "lic", *WINRM)
    (table,) = file(paths)
    assert table.keys().isdisjoint({"interval", "group"})


def test_add_prints_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "lic", *WINRM, "--interval", "60", "--verify", "false") == 0
    printed = capsys.readouterr().err
    assert "warning: lic: verify = false" in printed
    assert "warning: lic: interval = 60" in printed


def test_relative_paths_are_relative_to_the_current_directory(paths: Paths) -> None:
    assert servers("add", "ddc", *CVAD[:-1], "file:pw", "--verify", "ca.pem") == 0
    (server,) = load_servers(paths)
    assert server.secret == f"file:{Path.cwd()}/pw"
    assert server.verify == f"{Path.cwd()}/ca.pem"


def test_edit_changes_only_the_given_keys(paths: Paths) -> None:
    servers("add", "lic", *WINRM, "--group", "emea", "--interval", "900")
    assert servers("edit", "lic", "--interval", "1800", "--disable") == 0
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (1800, False, "emea")
    assert servers("edit", "lic", "--group", "", "--interval", "", "--enable") == 0
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (None, True, "")


def test_edit_of_the_source_drops_its_keys(paths: Paths) -> None:
    servers("add", "x", *WINRM, "--auth", "ntlm")
    assert servers("edit", "x", "--source", "cvad", "--url", "https://ddc") == 0
    (table,) = file(paths)
    assert table["source"] == "cvad"
    assert "auth" not in table


def test_edit_repairs_an_invalid_server(paths: Paths) -> None:
    servers("add", "lic", *WINRM)
    paths.servers.write_text(paths.servers.read_text().replace("https://lic01:5986", "lic01"))
    assert servers("edit", "lic", "--url", "https://lic02") == 0
    assert load_servers(paths)[0].url == "https://lic02:5986/wsman"


def test_edit_renames_a_server(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM)
    servers("add", "other", *CVAD)
    assert servers("edit", "lic", "--name", "other") == 2
    assert servers("edit", "lic", "--name", "new") == 0
    assert [server.name for server in load_servers(paths)] == ["new", "other"]
    capsys.readouterr()
    assert servers("edit", "lic", "--group", "g") == 2
    assert "unknown server lic" in capsys.readouterr().err


def test_edit_of_the_name_keeps_the_history(paths: Paths, clock: FakeClock) -> None:
    servers("add", "lic", *WINRM)
    (server,) = load_servers(paths)
    with History.open(paths.history, Retention(), clock) as history:
        history.append(server, Poll("lic", clock.now(), 0.1, Snapshot(())))
    assert servers("edit", "lic", "--name", "new") == 0
    with History.open(paths.history, Retention(), clock) as history:
        assert list(history.last_polls()) == ["new"]


def test_edit_without_changes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM)
    assert servers("edit", "lic") == 2
    assert "nothing to change" in capsys.readouterr().err


def test_remove_asks_for_confirmation(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    servers("add", "lic", *WINRM)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert servers("remove", "lic") == 1
    assert len(load_servers(paths)) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert servers("remove", "lic") == 0
    assert load_servers(paths) == ()
    assert capsys.readouterr().out == ""
    assert servers("remove", "lic", "--yes") == 2


def test_set_requires_a_key_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    for assignment in ("site", "=x", "name=x", "enabled=false"):
        assert servers("add", "ddc", *CVAD, "--set", assignment) == 2
        assert "--set requires KEY=VALUE" in capsys.readouterr().err


# Servers without a URL of their own


def last_table(paths: Paths) -> dict[str, Any]:
    return file(paths)[-1]


def written(paths: Paths) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(paths.servers.read_text())["server"][-1]
    return table


def test_add_cloud_account_without_url(paths: Paths) -> None:
    more = ("--set", "experimental=true", "--set", "quantity_divisor=2")
    assert servers("add", "daas", "--source", "citrix-cloud", *ACCOUNT, *more) == 0
    table = last_table(paths)
    assert table["url"] == "https://api.cloud.com"
    assert table["experimental"] is True
    assert table["quantity_divisor"] == 2


def test_add_partner_without_url(paths: Paths) -> None:
    urls = ("--url", "https://h:8443", "--set", "trust_url=https://h:8443")
    assert servers("add", "csp", "--source", "partner", *ACCOUNT) == 0
    assert last_table(paths)["trust_url"] == "https://trust.citrixworkspacesapi.net"
    assert servers("edit", "csp", *urls) == 0
    table = last_table(paths)
    assert (table["url"], table["trust_url"]) == ("https://h:8443",) * 2


def test_add_flexnet_server_by_address(paths: Paths, tmp_path: Path) -> None:
    more = ("--set", "address=27000@a, @b", "--set", "lmutil=bin/lmutil")
    assert servers("add", "lic", "--source", "lmstat", *more) == 0
    table = last_table(paths)
    assert table["address"] == "27000@a,@b"
    assert table["lmutil"] == str(tmp_path / "bin/lmutil")
    assert table.keys().isdisjoint({"url", "verify", "secret"})


def test_command_is_a_toml_list(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "a", *COMMAND, "--set", 'command=["cat", "a b"]') == 0
    assert last_table(paths)["command"] == ["cat", "a b"]
    assert "note:" not in capsys.readouterr().err


def test_command_text_is_split_with_a_note(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", "a", *COMMAND, "--set", "command=cat 'a b' --x=1") == 0
    assert last_table(paths)["command"] == ["cat", "a b", "--x=1"]
    assert "without a shell (3 arguments)" in capsys.readouterr().err
    assert servers("add", "b", *COMMAND, "--set", "command=cat 'a") == 2
    assert "must be a list of arguments" in capsys.readouterr().err


def test_invalid_flags_and_numbers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--set", "experimental=yes", "--set", "quantity_divisor=two")
    assert servers("add", "daas", "--source", "citrix-cloud", *ACCOUNT, *arguments) == 2
    printed = capsys.readouterr().err
    assert 'experimental: must be true or false, not "yes"' in printed
    assert 'quantity_divisor: must be an integer, not "two"' in printed


def test_secret_in_a_command_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "a", *COMMAND, "--set", "command=cat --password=hunter2") == 0
    printed = capsys.readouterr().err
    assert "appears to contain a secret" in printed
    assert "hunter2" not in printed


def test_edit_to_a_source_without_url_drops_url_keys(paths: Paths) -> None:
    assert servers("add", "x", *WINRM, "--set", "same_as=ddc") == 0
    assert servers("edit", "x", "--source", "lmstat", "--set", "address=@lic01") == 0
    table = last_table(paths)
    assert table.keys().isdisjoint({"url", "username", "secret", "auth", "verify"})
    assert table["same_as"] == "ddc"
    (server,) = load_servers(paths)
    assert server.address == "@lic01"


def test_add_help_has_an_example_per_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "--help") == 0
    printed = capsys.readouterr().out
    for source in ("winrm", "cvad", "citrix-cloud", "partner", "lmstat", "command"):
        assert f"--source {source}" in printed


def test_unknown_same_as_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--source", "lmstat", "--set", "address=@a", "--set", "same_as=lic02")
    assert servers("add", "part", *more) == 0
    assert "warning: part: same_as: unknown server lic02" in capsys.readouterr().err
    servers("add", "lic02", *WINRM)
    capsys.readouterr()
    assert servers("edit", "part", "--group", "g") == 0
    assert "same_as" not in capsys.readouterr().err
