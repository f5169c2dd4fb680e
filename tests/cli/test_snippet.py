from __future__ import annotations

import base64
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import CVAD, WINRM, run

from lictui.config.registry import load_servers
from lictui.config.server_schema import COMMAND_FORMATS

if TYPE_CHECKING:
    from lictui.paths import Paths

SAFE = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10")
CMDLETS = {
    "get-licinventory": "Get-LicInventory -AdminAddress 'https://lic01:8083'",
    "get-liclasinventory": "Get-LicLasInventory -AdminAddress 'https://lic01:8083'",
    "wmi-json": "Get-CimInstance -Namespace root/CitrixLicensing",
}


@pytest.fixture(autouse=True)
def _here(paths: Paths) -> None:
    del paths  # the environment names them


def added(form: str, command: str = '["ssh", "-p", "2222", "adm@lic01", "x"]') -> None:
    sets = ("--set", f"command={command}", "--set", f"format={form}")
    assert run("servers", "add", "s", "--source", "command", *sets) == 0


def said(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[list[str], str]:
    capsys.readouterr()
    assert run("servers", "snippet", "s", *args) == 0
    out, err = capsys.readouterr()
    return out.splitlines(), err


@pytest.mark.parametrize("form", COMMAND_FORMATS)
def test_every_format_has_a_line_that_trusts_no_host_by_itself(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added(form)
    (line,), err = said(capsys, "--as", "ssh")
    words = shlex.split(line)
    assert err.startswith("# ")
    if form == "checkmk":
        assert words == ["nc", "-w", "10", "lic01", "6556"]
        return
    assert words[0] == "ssh"
    assert set(SAFE) <= set(words)
    assert words[words.index("--") + 1] == "adm@lic01"
    assert len(words) == words.index("--") + 3
    assert "accept-new" not in line


@pytest.mark.parametrize("form", CMDLETS)
def test_powershell_is_shown_and_sent_as_what_no_shell_can_spoil(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added(form)
    (script, line), _ = said(capsys)
    assert CMDLETS[form] in script
    assert "ConvertTo-Json" in script
    assert '"' not in script
    run_there = shlex.split(line)[-1].split()
    assert run_there[:4] == ["powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand"]
    assert base64.b64decode(run_there[4]).decode("utf-16-le") == script
    assert script.count("{") == script.count("}")
    assert script.count("(") == script.count(")")
    assert len(line) < 8191  # the longest line of cmd.exe


def test_enums_become_text_and_days_iso(capsys: pytest.CaptureFixture[str]) -> None:
    added("get-licinventory")
    (script,), _ = said(capsys, "--as", "powershell")
    assert "Add-PSSnapin Citrix.Licensing.Admin.V1;" in script
    assert "@{n='LicenseModel';e={[string]$_.LicenseModel}}" in script
    assert "@{n='LicenseExpirationDate';e={'{0:o}' -f $_.LicenseExpirationDate}}" in script
    assert "-CertHash" not in script
    (script,), _ = said(capsys, "--as", "powershell", "--cert-hash", "AB:CD")
    assert " -CertHash 'AB:CD' |" in script


def test_toml_can_be_pasted_and_registered(
    capsys: pytest.CaptureFixture[str], paths: Paths
) -> None:
    added("get-liclasinventory")
    lines, _ = said(capsys, "--as", "toml", "--host", "lic02")
    command = tomllib.loads("\n".join(lines))["command"]
    assert "lic02" in command
    assert run("servers", "edit", "s", "--set", lines[0].replace("command = ", "command=")) == 0
    (server,) = load_servers(paths)
    assert list(server.command) == command


def test_where_no_host_is_known_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    added("udadmin", '["cat", "/tmp/x"]')
    (line,), err = said(capsys)
    assert "LICENSE-SERVER" in line
    assert "--host" in err


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "a'b", "a;b", ""])
def test_a_host_that_a_shell_would_run_is_refused(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    added("lmstat")
    assert run("servers", "snippet", "s", f"--host={host}") == 2
    assert capsys.readouterr().out == ""


def test_a_hash_that_ends_the_quotes_is_refused() -> None:
    added("get-licinventory")
    assert run("servers", "snippet", "s", "--cert-hash", "x'; rm") == 2


def test_winrm_and_cvad_say_what_an_administrator_sets_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("servers", "add", "s", *WINRM)
    lines, err = said(capsys)
    assert lines == [
        "winrm quickconfig -transport:https",
        "net localgroup 'Remote Management Users' 'CORP\\u' /add",
    ]
    assert r"root\CitrixLicensing" in err
    assert run("servers", "snippet", "s", "--as", "ssh") == 2
    run("servers", "remove", "--yes", "s")
    run("servers", "add", "s", *CVAD)
    lines, err = said(capsys)
    assert "'Read Only Administrator'" in lines[-1]
    assert "Delivery Controller" in err


def test_a_username_with_quotes_gets_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    run("servers", "add", "s", *WINRM, "--username", "a'; x")
    assert run("servers", "snippet", "s") == 2
    assert capsys.readouterr().out == ""


def test_lmstat_is_the_line_that_lictui_runs(capsys: pytest.CaptureFixture[str]) -> None:
    run("servers", "add", "s", "--source", "lmstat", "--set", "address=27000@lic01")
    (line,), _ = said(capsys)
    assert line == "lmutil lmstat -a -c 27000@lic01"


def test_a_cloud_account_needs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = ("--source", "citrix-cloud", "--username", "id", "--secret", "env:P")
    run("servers", "add", "s", *cloud, "--set", "customer_id=acme")
    lines, err = said(capsys)
    assert lines == []
    assert "API" in err


def test_help_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("servers", "--help") == 0
    assert "snippet" in capsys.readouterr().out
