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


@pytest.fixture(autouse=True)
def _here(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del paths  # the environment names them
    monkeypatch.chdir(tmp_path)


def servers(*args: str) -> int:
    return run("servers", *args)


def file(paths: Paths) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = tomllib.loads(paths.servers.read_text())["server"]
    return tables


def test_add_writes_what_servers_toml_promises(
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
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Added lic. Test it with: lictui servers test lic\n"


def test_add_sets_the_keys_of_one_source(paths: Paths) -> None:
    more = ("--set", "site=PROD", "--set", 'overview_paths=["/a", "/{site}"]')
    assert servers("add", "ddc", *CVAD, "--verify", "False", *more) == 0
    (table,) = file(paths)
    assert (table["site"], table["overview_paths"]) == ("PROD", ["/a", "/{site}"])
    assert table["verify"] is False


@pytest.mark.parametrize(
    "name", ["[/x]", "\"a\" 'b'", "ümläut 北京", "x" * 300, "-dash", "a\\b", "[bold]", "#"]
)
def test_a_name_may_hold_anything_that_shows(
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
def test_a_name_that_would_spoil_a_screen_is_refused(
    name: str, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", name, *WINRM) == 2
    assert not paths.servers.exists()
    assert capsys.readouterr().err.startswith("lictui: name: ")


def test_a_secret_itself_is_refused_and_not_repeated(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    assert servers("add", "lic", *WINRM[:-1], "hunter2") == 2
    assert servers("add", "lic", *WINRM, "--set", "secret=hunter2") == 2
    assert not paths.servers.exists()
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "env:NAME" in said.err


def test_a_second_server_of_a_name_is_refused(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    servers("add", "lic", *WINRM)
    before = paths.servers.read_bytes()
    assert servers("add", "lic", *CVAD) == 2
    assert paths.servers.read_bytes() == before
    assert "named lic already" in capsys.readouterr().err


def test_everything_that_is_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ("--source", "winrm", "--url", "lic", "--interval", "soon", "--set", "sitte=1")
    assert servers("add", "lic", *wrong) == 2
    said = capsys.readouterr().err
    for key in ("url:", "interval:", "sitte:"):
        assert key in said


def test_the_environment_of_the_monitor_does_not_slip_into_the_registry(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_INTERVAL", "5")
    monkeypatch.setenv("LICTUI_GROUP", "us")
    servers("add", "lic", *WINRM)
    (table,) = file(paths)
    assert table.keys().isdisjoint({"interval", "group"})


def test_risks_are_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("add", "lic", *WINRM, "--interval", "60", "--verify", "false") == 0
    said = capsys.readouterr().err
    assert "warning: lic: verify = false" in said
    assert "warning: lic: interval = 60" in said


def test_paths_are_taken_from_where_they_were_typed(paths: Paths) -> None:
    assert servers("add", "ddc", *CVAD[:-1], "file:pw", "--verify", "ca.pem") == 0
    (server,) = load_servers(paths)
    assert server.secret == f"file:{Path.cwd()}/pw"
    assert server.verify == f"{Path.cwd()}/ca.pem"


def test_edit_changes_only_what_is_said(paths: Paths) -> None:
    servers("add", "lic", *WINRM, "--group", "emea", "--interval", "900")
    assert servers("edit", "lic", "--interval", "1800", "--disable") == 0
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (1800, False, "emea")
    assert servers("edit", "lic", "--group", "", "--interval", "", "--enable") == 0
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (None, True, "")


def test_edit_can_change_the_source(paths: Paths) -> None:
    servers("add", "x", *WINRM, "--auth", "ntlm")
    assert servers("edit", "x", "--source", "cvad", "--url", "https://ddc") == 0
    (table,) = file(paths)
    assert table["source"] == "cvad"
    assert "auth" not in table


def test_edit_mends_a_server_that_cannot_be_used(paths: Paths) -> None:
    servers("add", "lic", *WINRM)
    paths.servers.write_text(paths.servers.read_text().replace("https://lic01:5986", "lic01"))
    assert servers("edit", "lic", "--url", "https://lic02") == 0
    assert load_servers(paths)[0].url == "https://lic02:5986/wsman"


def test_edit_renames(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM)
    servers("add", "other", *CVAD)
    assert servers("edit", "lic", "--name", "other") == 2
    assert servers("edit", "lic", "--name", "new") == 0
    assert [server.name for server in load_servers(paths)] == ["new", "other"]
    capsys.readouterr()
    assert servers("edit", "lic", "--group", "g") == 2
    assert "no server is named lic" in capsys.readouterr().err


def test_a_new_name_keeps_the_history(paths: Paths, clock: FakeClock) -> None:
    servers("add", "lic", *WINRM)
    (server,) = load_servers(paths)
    with History.open(paths.history, Retention(), clock) as history:
        history.append(server, Poll("lic", clock.now(), 0.1, Snapshot(())))
    assert servers("edit", "lic", "--name", "new") == 0
    with History.open(paths.history, Retention(), clock) as history:
        assert list(history.last_polls()) == ["new"]


def test_edit_with_nothing_to_change_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    servers("add", "lic", *WINRM)
    assert servers("edit", "lic") == 2
    assert "nothing to change" in capsys.readouterr().err


def test_remove_asks_first(
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


def test_set_takes_a_key_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("site", "=x", "name=x", "enabled=false"):
        assert servers("add", "ddc", *CVAD, "--set", wrong) == 2
        assert "--set requires KEY=VALUE" in capsys.readouterr().err


def test_testing_is_attached(capsys: pytest.CaptureFixture[str]) -> None:
    assert servers("test", "none") == 2
    assert "unknown server" in capsys.readouterr().err
