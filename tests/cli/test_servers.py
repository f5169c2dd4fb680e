"""`lictui servers`: list, show, test, holders, add, edit and remove."""

import io
import json
import re
import stat
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CVAD, WINRM, Cli
from tests.support.clock import FakeClock
from tests.support.lmstat import CITRIX

from lictui.config.registry import load_servers
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Poll, Snapshot, Step, StepResult
from lictui.paths import Paths

ACCOUNT = ("--username", "id", "--secret", "env:P", "--set", "customer_id=acme")
COMMAND = ("--source", "command", "--set", "format=lmstat")
LMSTAT = ("--source", "lmstat", "--set", "address=27000@lic01")


def tables(paths: Paths) -> list[dict[str, Any]]:
    servers: list[dict[str, Any]] = tomllib.loads(paths.servers.read_text())["server"]
    return servers


# lictui servers list and show


def test_list_is_a_table(cli: Cli) -> None:
    cli("servers", "add", "lic", *WINRM, "--group", "emea")
    cli("servers", "add", "ddc", *CVAD, "--verify", "sha256:" + "4F" * 32)
    cli("servers", "add", "cmd", *COMMAND, "--set", 'command=["ssh", "lic01", "lmutil lmstat -a"]')
    cli("servers", "add", "flex", *LMSTAT)
    assert [re.split(r"  +", line) for line in cli("servers", "list").rows] == [
        ["NAME", "SOURCE", "ADDRESS", "GROUP", "INTERVAL", "VERIFY", "ENABLED"],
        ["lic", "winrm", "https://lic01:5986/wsman", "emea", "900 s", "yes", "yes"],
        ["ddc", "cvad", "https://ddc", "-", "60 s", "pinned", "yes"],
        ["cmd", "command", "ssh lic01 'lmutil lmstat -a'", "-", "900 s", "-", "yes"],
        ["flex", "lmstat", "27000@lic01", "-", "900 s", "-", "yes"],
    ]
    *_, cmd, flex = cli.json("servers", "list")["servers"]
    assert (flex["address"], cmd["format"]) == ("27000@lic01", "lmstat")


def test_list_shows_the_effective_interval(paths: Paths, cli: Cli) -> None:
    cli("servers", "add", "a", *WINRM)
    cli("servers", "add", "b", *WINRM, "--interval", "30", "--url", "http://lic02:5985/wsman")
    paths.config.write_text("[polling]\ninterval = 120\n")
    _, a, b = cli("servers", "list").rows
    assert "120 s  yes" in a
    assert "30 s  no TLS" in b
    paths.config.write_text("broken")
    listed = cli.json("servers", "list")["servers"]
    assert [server["every"] for server in listed] == [900, 30]


def test_list_without_servers_leaves_stdout_empty(cli: Cli) -> None:
    printed = cli("servers", "list")
    assert printed.out == ""
    assert "No servers configured" in printed.err
    assert cli.json("servers", "list")["servers"] == []


def test_list_shows_valid_servers_next_to_problems(paths: Paths, cli: Cli) -> None:
    cli("servers", "add", "lic", *WINRM)
    with paths.servers.open("a") as out:
        out.write('[[server]]\nname = "bad"\n')
    printed = cli("servers", "list", code=2)
    assert "lic01" in printed.out
    assert "server[1].source" in printed.err
    cli("servers", "show", "lic")


def test_show_is_toml_or_json_with_warnings(cli: Cli) -> None:
    cli("servers", "add", "ddc", *CVAD, "--set", "site=PROD", "--interval", "30")
    printed = cli("servers", "show", "ddc")
    assert tomllib.loads(printed.out)["site"] == "PROD"
    assert "warning: ddc: interval = 30" in printed.err
    document = cli.json("servers", "show", "ddc")
    assert (document["schema"], document["site"]) == ("lictui.server/1", "PROD")
    assert document["every"] == 30
    assert "Did you mean 'ddc'?" in cli.refused("servers", "show", "dcd")


@pytest.mark.parametrize("command", ["test", "show", "holders", "snippet"])
def test_unknown_server_is_a_usage_error(command: str, cli: Cli) -> None:
    assert "unknown server 'none'" in cli.refused("servers", command, "none")


# lictui servers test


@pytest.fixture
def unreachable(cli: Cli) -> None:
    """Add a server whose port is closed."""
    cli("servers", "add", "ddc", *CVAD, "--url", "https://127.0.0.1:1")


@pytest.mark.usefixtures("unreachable")
def test_test_prints_steps_with_time_and_hint(cli: Cli) -> None:
    title, resolve, connect, hint = cli("servers", "test", "ddc", code=1).rows
    assert title == "Test ddc"
    assert re.fullmatch(r" ✔ resolve +\d+ ms  127\.0\.0\.1", resolve)
    assert re.fullmatch(r" ✖ connect +\d+ ms  .*127\.0\.0\.1:1\b.*", connect)
    assert re.fullmatch(r" {22}→ .+", hint)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_test_breaks_no_word_in_a_narrow_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    detail = f"pinned · {'CN=lic-01.corp.example, ' * 3}valid until 2036-11-28 · sha256:{'4f' * 32}"

    async def probe(*_: object) -> AsyncIterator[StepResult]:
        yield StepResult(Step.TLS, ok=True, detail=detail, seconds=0.05, hint="renew it, " * 9)

    monkeypatch.setattr("lictui.sources.probe.probe", probe)
    cli("servers", "add", "ddc", *CVAD)
    whole = cli("servers", "test", "ddc").out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = re.sub(r"\x1b\[\d*m", "", cli("servers", "test", "ddc").out).splitlines()
    assert " ".join(lines).split() == whole.split()
    assert max(len(line) for line in lines if "sha256" not in line) <= width
    (fingerprint,) = (line for line in lines if "sha256" in line)
    assert len(fingerprint) <= max(width, 80)


@pytest.mark.usefixtures("unreachable")
def test_test_prints_ascii_where_stdout_is_ascii(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    cli("servers", "test", "ddc", code=1)
    out.seek(0)
    assert " x connect" in out.read()


@pytest.mark.usefixtures("unreachable")
def test_test_json_has_the_keys_of_the_contract(cli: Cli) -> None:
    document = cli.json("servers", "test", "ddc", code=1)
    steps = document.pop("steps")
    assert document == {"schema": "lictui.test/1", "server": "ddc", "ok": False}
    assert [step["step"] for step in steps] == ["resolve", "connect"]
    assert all(set(step) == {"step", "ok", "detail", "ms"} for step in steps)
    assert all(isinstance(step["ms"], int) for step in steps)


# lictui servers holders

UDADMIN_OUTPUT = """Usage data is 0 minutes old. Next update in 15 minutes.
Users:
 ann XDT_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
 bob MPS_ENT_UD 2017.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 pad01 XDT_ENT_UD 2017.1201
"""


@pytest.fixture
def license_users(tmp_path: Path, cli: Cli) -> None:
    """Add a license server with a second source that reports users, and one without."""
    file = tmp_path / "output"
    file.write_text(UDADMIN_OUTPUT)
    command = f"command={json.dumps(['cat', str(file)])}"
    source = ("--source", "command", "--set", command, "--set", "format=udadmin")
    cli("servers", "add", "lic", *WINRM)
    cli("servers", "add", "ud", *source, "--set", "same_as=lic")
    cli("servers", "add", "alone", *WINRM)


def set_privacy(paths: Paths, users: str) -> None:
    paths.config.write_text(f'timezone = "UTC"\n[privacy]\nusers = "{users}"\n')


@pytest.mark.usefixtures("license_users")
def test_holders_hides_names_by_default(cli: Cli) -> None:
    printed = cli("servers", "holders", "lic")
    assert "user 1" in printed.out
    assert "host 1" in printed.out
    assert "ann" not in printed.out
    assert "udadmin -f" not in printed.out
    assert 'users = "hide"' in printed.err


@pytest.mark.usefixtures("license_users")
def test_holders_with_names_shows_the_release_command(paths: Paths, cli: Cli) -> None:
    set_privacy(paths, "show")
    printed = cli("servers", "holders", "ud", "--product", "XDT_ENT_UD")
    head, ann, pad = printed.rows
    assert head.split() == ["PRODUCT", "USER", "HOST", "SINCE", "COUNT", "IDLE"]
    assert ann.startswith("XDT_ENT_UD  ann")
    assert "2017-09-14 13:41" in ann
    assert "udadmin -f XDT_ENT_UD -user ann -delete" in ann
    assert pad.split() == ["XDT_ENT_UD", "-", "pad01", "?", "1", "-"]
    assert printed.err == ""


@pytest.mark.usefixtures("license_users")
def test_holders_json_has_every_key(paths: Paths, cli: Cli) -> None:
    set_privacy(paths, "hash")
    document = cli.json("servers", "holders", "lic")
    assert (document["schema"], document["server"]) == ("lictui.holders/1", "lic")
    assert (document["told_by"], document["users"]) == (["ud"], "hash")
    (first, *_) = document["holders"]
    assert list(first) == [
        "product", "user", "host", "since", "count", "assigned", "subscription_date", "idle",
        "release",
    ]  # fmt: skip
    assert (first["since"], first["release"]) == ("2017-09-14T13:41:07Z", None)
    assert (first["assigned"], first["idle"]) == (True, True)


def test_holders_lists_reserved_licenses(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "output").write_text(CITRIX)
    command = f"command={json.dumps(['cat', str(tmp_path / 'output')])}"
    cli("servers", "add", "flex", *COMMAND, "--set", command)
    printed = cli("servers", "holders", "flex", "--product", "XDT_ENT_UD")
    assert "note: 5 licenses of XDT_ENT_UD are reserved for group night" in printed.err
    reservations = cli.json("servers", "holders", "flex")["reservations"]
    assert reservations[0] == {
        "product": "XDT_ENT_UD", "count": 5, "for": "group", "name": "night"
    }  # fmt: skip


@pytest.mark.usefixtures("license_users")
def test_holders_without_a_source_or_without_use(cli: Cli) -> None:
    printed = cli("servers", "holders", "alone", code=1)
    assert printed.out == ""
    assert "lictui: alone: winrm" in printed.err
    (failure,) = cli.json("servers", "holders", "alone", code=1)["failures"]
    assert failure["kind"] == "no_data"
    printed = cli("servers", "holders", "lic", "--product", "NONE")
    assert (printed.out, printed.err) == ("", "No licenses of lic are in use.\n")


# lictui servers add


@pytest.fixture
def _working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_add_writes_the_keys_of_the_contract(paths: Paths, cli: Cli) -> None:
    printed = cli("servers", "add", "lic", *WINRM, "--group", "emea", "--interval", "900")
    assert tables(paths) == [
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
    assert printed.out == ""
    assert printed.err == "Added lic. Test it with: lictui servers test lic\n"


def test_add_sets_keys_of_a_source(paths: Paths, cli: Cli) -> None:
    more = ("--set", "site=PROD", "--set", 'overview_paths=["/a", "/{site}"]')
    cli("servers", "add", "ddc", *CVAD, "--verify", "False", *more)
    more = ("--set", "experimental=true", "--set", "quantity_divisor=2")
    cli("servers", "add", "daas", "--source", "citrix-cloud", *ACCOUNT, *more)
    cli("servers", "add", "two", *CVAD, "--set", "overview_paths=/a, /b", "--interval", "5m")
    site, cloud, two = tables(paths)
    assert (two["overview_paths"], two["interval"]) == (["/a", "/b"], 300)
    assert (site["site"], site["overview_paths"]) == ("PROD", ["/a", "/{site}"])
    assert site["verify"] is False
    assert (cloud["url"], cloud["quantity_divisor"]) == ("https://api.cloud.com", 2)
    assert cloud["experimental"] is True


@pytest.mark.parametrize("name", ["[/x]", "\"a\" 'b'", "ümläut 北京", "-dash", "a\\b", "#"])
def test_name_may_contain_any_printable_character(name: str, paths: Paths, cli: Cli) -> None:
    cli("servers", "add", *WINRM, "--", name)
    assert [server["name"] for server in cli.json("servers", "list")["servers"]] == [name]
    cli("servers", "edit", "--group", "g", "--", name)
    cli("servers", "show", "--", name)
    cli("servers", "remove", "--yes", "--", name)
    assert load_servers(paths) == ()


def test_add_refuses_invalid_values_together(paths: Paths, cli: Cli) -> None:
    arguments = ("--url", "lic", "--interval", "soon", "--set", "sitte=1", "--set", "auth=x")
    error = cli.refused("servers", "add", "a\nb", *WINRM, *arguments)
    for key in ("name:", "url:", "interval:", "sitte:", "auth:"):
        assert key in error
    for assignment in ("site", "=x", "name=x", "enabled=false"):
        error = cli.refused("servers", "add", "ddc", *CVAD, "--set", assignment)
        assert "--set requires KEY=VALUE" in error
    assert not paths.servers.exists()
    cli("servers", "add", "lic", *WINRM)
    assert "server lic already exists" in cli.refused("servers", "add", "lic", *CVAD)


def test_password_instead_of_a_reference_is_refused_and_not_printed(paths: Paths, cli: Cli) -> None:
    for secret in (("--secret", "hunter2"), ("--set", "secret=hunter2")):
        error = cli.refused("servers", "add", "lic", *WINRM, *secret)
        assert "hunter2" not in error
        assert "env:NAME" in error
    assert not paths.servers.exists()


def test_add_ignores_the_variables_of_the_monitor(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_INTERVAL", "5")
    monkeypatch.setenv("LICTUI_GROUP", "us")
    cli("servers", "add", "lic", *WINRM)
    (table,) = tables(paths)
    assert table.keys().isdisjoint({"interval", "group"})


def test_add_prints_warnings_without_secrets(cli: Cli) -> None:
    error = cli("servers", "add", "a", *COMMAND, "--set", "command=cat --password=hunter2").err
    assert "warning: a: command appears to contain a secret" in error
    assert "hunter2" not in error
    same_as = ("--set", "same_as=lic02")
    error = cli("servers", "add", "part", *LMSTAT, *same_as).err
    assert "warning: part: same_as: unknown server lic02" in error
    cli("servers", "add", "lic02", *WINRM)
    assert "same_as" not in cli("servers", "edit", "part", "--group", "g").err


@pytest.mark.usefixtures("_working_directory")
def test_relative_paths_start_at_the_current_directory(paths: Paths, cli: Cli) -> None:
    cli("servers", "add", "ddc", *CVAD[:-1], "file:pw", "--verify", "ca.pem")
    cli("servers", "add", "flex", *LMSTAT, "--set", "lmutil=bin/lmutil")
    ddc, flex = load_servers(paths)
    assert (ddc.secret, ddc.verify) == (f"file:{Path.cwd()}/pw", f"{Path.cwd()}/ca.pem")
    assert flex.lmutil == f"{Path.cwd()}/bin/lmutil"


def test_command_is_a_toml_list_or_split_with_a_note(paths: Paths, cli: Cli) -> None:
    printed = cli("servers", "add", "a", *COMMAND, "--set", 'command=["cat", "a b"]')
    assert "note:" not in printed.err
    printed = cli("servers", "add", "b", *COMMAND, "--set", "command=cat 'a b' --x=1")
    assert "without a shell (3 arguments)" in printed.err
    assert [table["command"] for table in tables(paths)] == [
        ["cat", "a b"],
        ["cat", "a b", "--x=1"],
    ]
    error = cli.refused("servers", "add", "c", *COMMAND, "--set", "command=cat 'a")
    assert "must be a list of arguments" in error


def test_add_help_has_an_example_per_source(cli: Cli) -> None:
    printed = cli("servers", "add", "--help").out
    for source in ("winrm", "cvad", "citrix-cloud", "partner", "lmstat", "command"):
        assert f"--source {source}" in printed


# lictui servers edit and remove


def test_edit_changes_only_the_given_keys(paths: Paths, cli: Cli) -> None:
    cli("servers", "add", "lic", *WINRM, "--group", "emea", "--interval", "900")
    cli("servers", "edit", "lic", "--interval", "1800", "--disable")
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (1800, False, "emea")
    cli("servers", "edit", "lic", "--group", "", "--interval", "", "--enable")
    (server,) = load_servers(paths)
    assert (server.interval, server.enabled, server.group) == (None, True, "")
    assert "nothing to change" in cli.refused("servers", "edit", "lic")


def test_edit_repairs_an_invalid_server(paths: Paths, cli: Cli) -> None:
    cli("servers", "add", "lic", *WINRM)
    paths.servers.write_text(paths.servers.read_text().replace("https://lic01:5986", "lic01"))
    cli("servers", "edit", "lic", "--url", "https://lic02")
    assert load_servers(paths)[0].url == "https://lic02:5986/wsman"


def test_edit_of_the_name_keeps_the_history(paths: Paths, cli: Cli, clock: FakeClock) -> None:
    cli("servers", "add", "lic", *WINRM)
    cli("servers", "add", "other", *CVAD)
    server, _ = load_servers(paths)
    with History(paths.history, Retention(), clock) as history:
        history.append(server, Poll("lic", clock.now(), 0.1, Snapshot(())))
    cli.refused("servers", "edit", "lic", "--name", "other")
    cli("servers", "edit", "lic", "--name", "new")
    assert [server.name for server in load_servers(paths)] == ["new", "other"]
    with History(paths.history, Retention(), clock) as history:
        assert list(history.last_polls()) == ["new"]
    assert "unknown server lic" in cli.refused("servers", "edit", "lic", "--group", "g")


def test_remove_asks_for_confirmation(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("servers", "add", "lic", *WINRM)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    cli("servers", "remove", "lic", code=1)
    assert len(load_servers(paths)) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert cli("servers", "remove", "lic").out == ""
    assert load_servers(paths) == ()
    cli.refused("servers", "remove", "lic", "--yes")
