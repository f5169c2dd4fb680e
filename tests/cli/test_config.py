"""`lictui config` and `lictui info`."""

import socket
import stat
import tomllib

import pytest
from tests.cli.conftest import CVAD, WINRM, Cli
from tests.support.clock import START, FakeClock

from lictui.clock import iso
from lictui.config.registry import add_server
from lictui.config.settings import Retention
from lictui.history.store import History
from lictui.model import Server, SourceName
from lictui.paths import Paths


def test_path_prints_the_path_of_a_missing_file(paths: Paths, cli: Cli) -> None:
    assert cli("config", "path").out == f"{paths.config}\n"
    assert not paths.config_dir.exists()


def test_init_creates_a_private_file_and_never_overwrites(paths: Paths, cli: Cli) -> None:
    cli("config", "init")
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.config_dir.stat().st_mode) == 0o700
    paths.config.write_text("ascii = true")
    assert "already exists" in cli.refused("config", "init")
    assert paths.config.read_text() == "ascii = true"


def test_show_prints_effective_settings_as_toml(paths: Paths, cli: Cli) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("[polling]\ntimeout = 7\n")
    printed = tomllib.loads(cli("--theme", "nord", "config", "show").out)
    assert (printed["theme"], printed["polling"]["timeout"]) == ("nord", 7)


def test_show_origin_names_option_environment_file_and_default(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("theme = 'x'\nascii = true\ntimezone = 'UTC'\n")
    monkeypatch.setenv("LICTUI_THEME", "from the environment")
    monkeypatch.setenv("LICTUI_INTERVAL", "30")
    printed = {
        line.partition(" = ")[0]: " ".join(line.split())
        for line in cli("--theme", "nord", "config", "show", "--origin").rows
    }
    assert printed["theme"] == 'theme = "nord" # option --theme'
    assert printed["interval"] == "interval = 30 # environment LICTUI_INTERVAL"
    assert printed["timezone"] == f'timezone = "UTC" # file {paths.config}:3'
    assert printed["read_only"] == "read_only = false # default"


def test_show_origin_aligns_comments_and_omits_unset_values(paths: Paths, cli: Cli) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text(f"[history]\npath = '{'x' * 60}.db'\n")
    lines = cli("config", "show", "--origin").rows
    assert "# interval is not set" in lines
    assert len({line.index("  # ") for line in lines if " = " in line}) == 1


def test_info_counts_servers_without_names_or_secrets(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/run/socket")
    monkeypatch.setenv("TERM", "screen-256color")
    cli("servers", "add", "lic-01", *WINRM)
    cli("servers", "add", "ddc-01", *CVAD)
    out = " ".join(cli("info").out.split())
    assert "servers 2 (1 winrm, 1 cvad)" in out
    assert "terminal screen-256color" in out
    assert "in tmux" in out
    assert not any(word in out for word in ("lic-01", "lic01", "CORP", "env:P", "/run/socket"))


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (f"{socket.gethostname()}:123:a", "process 123 of this machine"),
        ("secret-host:123:a", "another machine"),
    ],
)
def test_info_shows_who_polls_without_the_name_of_a_machine(
    holder: str, expected: str, paths: Paths, cli: Cli
) -> None:
    with History(paths.history, Retention(), FakeClock(START)) as history:
        assert cli.json("info")["environment"]["polled by"] == "nobody"
        history.claim_lease((holder, START))
    printed = cli("info").out
    assert f"{expected}, last seen {iso(START)}" in printed
    assert "secret-host" not in printed


def test_info_shows_the_path_of_the_history(paths: Paths, cli: Cli) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("[history]\npath = 'elsewhere.db'\n")
    assert f"{paths.config_dir / 'elsewhere.db'} (does not exist)" in cli("info").out
    paths.config.write_text("broken")
    assert str(paths.history) in cli("info").out


def test_check_without_files_is_fine(paths: Paths, cli: Cli) -> None:
    assert cli("config", "check").out == "no problems, no warnings\n"
    assert not paths.config_dir.exists()


def test_check_prints_problems_of_all_files(paths: Paths, cli: Cli) -> None:
    paths.config_dir.mkdir()
    paths.config.write_text("theme = 'lictui-drak'\n[keymap]\nqiut = 'x'\n")
    paths.servers.write_text('[[server]]\nname = "a"\nsource = "winrn"\nurl = "https://a"\n')
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\npurchase = 5\n")
    out = cli("config", "check", code=2).out
    assert f'{paths.config}:1: theme: no theme is called "lictui-drak"' in out
    assert "did you mean lictui-dark?" in out
    assert "did you mean 'quit'?" in out
    assert f"{paths.servers}:3: server[0].source:" in out
    assert f"{paths.entitlements}:3: product[0].purchase: unknown key" in out
    assert "5 problems, no warnings" in out
    paths.config.write_text("theme = 'nord'\n[alerts]\nwarn = 80\n")
    problem = f"{paths.config}:3: alerts.warn: must be between 0 and 1, not 80 (write 0.8)"
    assert problem in cli("config", "check", code=2).rows
    assert problem in cli.refused("config", "show")


def test_check_warns_about_risks_and_unused_thresholds(
    paths: Paths, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW", "x")
    server = Server(
        "a", SourceName.CVAD, url="https://a", username="u", secret="env:PW", verify=False
    )
    add_server(paths, server)
    paths.config.write_text("[alerts.server.'b.c']\nwarn = 0.5\n[alerts.group.emea]\nwarn = 0.5\n")
    out = cli("config", "check").out
    assert "warning: a: verify = false" in out
    assert 'warning: [alerts.server."b.c"]: unknown server' in out
    assert "warning: [alerts.group.emea]: unknown group" in out
    assert "no problems, 3 warnings" in out


def test_check_warns_about_files_that_others_can_change(paths: Paths, cli: Cli) -> None:
    paths.config_dir.mkdir(mode=0o755)
    paths.config.touch(0o600)
    paths.servers.touch()
    paths.servers.chmod(0o666)
    assert f"warning: {paths.servers}: other users can change it" in cli("config", "check").out
    paths.servers.chmod(0o644)
    paths.config_dir.chmod(0o777)
    assert f"warning: {paths.config_dir}: other users can" in cli("config", "check").out


def test_check_reads_entitlements_and_same_as(paths: Paths, cli: Cli) -> None:
    site = {"url": "https://a", "username": "u", "secret": "env:PYTEST_CURRENT_TEST"}
    add_server(paths, Server("ddc", SourceName.CVAD, **site, same_as="lic"))  # type: ignore[arg-type]
    paths.entitlements.write_text("[[product]]\nproduct = 'P'\npurchased = 5\nserver = 'dcc'\n")
    printed = cli("config", "check").out
    assert "warning: ddc: same_as: unknown server lic" in printed
    assert "contract.toml: P: unknown server dcc (did you mean ddc?)" in printed
