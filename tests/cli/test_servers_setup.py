"""`lictui servers snippet`."""

import base64
import io
import shlex
import sys
import tomllib
from types import SimpleNamespace

import pytest
from tests.cli.conftest import CVAD, WINRM, Cli

from lictui.config.registry import load_servers
from lictui.config.server_schema import COMMAND_FORMATS
from lictui.paths import Paths

SAFE = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10")
CMDLETS = {
    "get-licinventory": "Get-LicInventory -AdminAddress 'https://lic01:8083'",
    "get-liclasinventory": "Get-LicLasInventory -AdminAddress 'https://lic01:8083'",
    "wmi-json": "Get-CimInstance -Namespace root/CitrixLicensing",
}


def add_command_source(
    cli: Cli, command_format: str, command: str = '["ssh", "-p", "2222", "adm@lic01", "x"]'
) -> None:
    sets = ("--set", f"command={command}", "--set", f"format={command_format}")
    cli("servers", "add", "s", "--source", "command", *sets)


def snippet(cli: Cli, *args: str) -> tuple[list[str], str]:
    out, err = cli("servers", "snippet", "s", *args)
    return out.splitlines(), err


@pytest.mark.parametrize("command_format", COMMAND_FORMATS)
def test_ssh_command_never_trusts_an_unknown_host(command_format: str, cli: Cli) -> None:
    add_command_source(cli, command_format)
    (line,), err = snippet(cli, "--as", "ssh")
    arguments = shlex.split(line)
    assert err.startswith("# ")
    if command_format == "checkmk":
        assert arguments == ["nc", "-w", "10", "lic01", "6556"]
        return
    assert arguments[0] == "ssh"
    assert set(SAFE) <= set(arguments)
    assert arguments[arguments.index("--") + 1] == "adm@lic01"
    assert len(arguments) == arguments.index("--") + 3
    assert "accept-new" not in line


@pytest.mark.parametrize("command_format", CMDLETS)
def test_powershell_script_is_sent_encoded(command_format: str, cli: Cli) -> None:
    add_command_source(cli, command_format)
    (script, line), _ = snippet(cli)
    assert CMDLETS[command_format] in script
    assert "ConvertTo-Json" in script
    assert '"' not in script
    remote_command = shlex.split(line)[-1].split()
    assert remote_command[:4] == ["powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand"]
    assert base64.b64decode(remote_command[4]).decode("utf-16-le") == script
    assert script.count("{") == script.count("}")
    assert script.count("(") == script.count(")")
    assert len(line) < 8191  # the longest line of cmd.exe


def test_powershell_script_converts_enums_and_dates(cli: Cli) -> None:
    add_command_source(cli, "get-licinventory")
    (script,), _ = snippet(cli, "--as", "powershell")
    assert "Add-PSSnapin Citrix.Licensing.Admin.V1;" in script
    assert "@{n='LicenseModel';e={[string]$_.LicenseModel}}" in script
    assert "@{n='LicenseExpirationDate';e={'{0:o}' -f $_.LicenseExpirationDate}}" in script
    assert "-CertHash" not in script
    (script,), _ = snippet(cli, "--as", "powershell", "--cert-hash", "AB:CD")
    assert " -CertHash 'AB:CD' |" in script


def test_toml_line_is_accepted_by_edit(cli: Cli, paths: Paths) -> None:
    add_command_source(cli, "get-liclasinventory")
    lines, _ = snippet(cli, "--as", "toml", "--host", "lic02")
    command = tomllib.loads("\n".join(lines))["command"]
    assert "lic02" in command
    cli("servers", "edit", "s", "--set", lines[0].replace("command = ", "command="))
    (server,) = load_servers(paths)
    assert list(server.command) == command


def test_unknown_host_is_a_placeholder(cli: Cli) -> None:
    add_command_source(cli, "udadmin", '["cat", "/tmp/x"]')
    (line,), err = snippet(cli)
    assert "LICENSE-SERVER" in line
    assert "--host" in err


@pytest.mark.parametrize(
    "option",
    [
        *(f"--host={host}" for host in ("-oProxyCommand=x", "a b", "a'b", "a;b", "")),
        "--cert-hash=x'; rm",
    ],
)
def test_target_and_hash_with_shell_characters_are_refused(option: str, cli: Cli) -> None:
    add_command_source(cli, "get-licinventory")
    cli.refused("servers", "snippet", "s", option)


def test_winrm_and_cvad_have_lines_for_the_administrator(cli: Cli) -> None:
    cli("servers", "add", "s", *WINRM)
    lines, err = snippet(cli)
    assert lines == [
        "winrm quickconfig -transport:https",
        "net localgroup 'Remote Management Users' 'CORP\\u' /add",
    ]
    assert r"root\CitrixLicensing" in err
    cli.refused("servers", "snippet", "s", "--as", "ssh")
    cli("servers", "edit", "s", "--username", "a'; x")
    cli.refused("servers", "snippet", "s")
    cli("servers", "remove", "--yes", "s")
    cli("servers", "add", "s", *CVAD)
    lines, err = snippet(cli)
    assert "'Read Only Administrator'" in lines[-1]
    assert "Delivery Controller" in err


def test_password_is_stored_where_the_user_says(
    cli: Cli, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring: dict[tuple[str, str], str] = {}
    fake = SimpleNamespace(set_password=lambda *at: keyring.update({at[:2]: at[2]}))
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    printed = cli("secrets", "set", "lic 01")
    file = paths.config_dir / "secrets" / "lic 01"
    assert printed.out == f"file:{file}\n"
    assert "hunter2" not in printed.err
    assert file.read_text() == "hunter2\n"
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    assert cli("secrets", "set", "lic", "--to", "keyring").out == "keyring:lictui/lic\n"
    assert keyring == {("lictui", "lic"): "hunter2"}
    for name, secret in (("../x", "a"), (".x", "a"), ("x", ""), ("x", "a\tb")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{secret}\n"))
        cli.refused("secrets", "set", name)


def test_lmstat_is_the_command_that_lictui_runs(cli: Cli) -> None:
    cli("servers", "add", "s", "--source", "lmstat", "--set", "address=27000@lic01")
    (line,), _ = snippet(cli)
    assert line == "lmutil lmstat -a -c 27000@lic01"


def test_cloud_account_has_remarks_only(cli: Cli) -> None:
    cloud = ("--source", "citrix-cloud", "--username", "id", "--secret", "env:P")
    cli("servers", "add", "s", *cloud, "--set", "customer_id=acme")
    lines, err = snippet(cli)
    assert lines == []
    assert "API" in err
