"""`lictui help`, the manual, and what a shell completes."""

import pytest
from click.shell_completion import BashComplete
from tests.cli.conftest import WINRM, Cli
from tests.cli.test_main import commands
from tests.history.history_fixture import MIDNIGHT, HistoryFixture

from lictui.cli.main import lictui
from lictui.paths import Paths


def test_help_shows_a_command_by_its_path(cli: Cli) -> None:
    assert cli("help", "history", "import").out.startswith("Usage: lictui history import")
    assert "Commands:" in cli("help").out
    assert "Did you mean 'import'?" in cli("help", "history", "inport", code=2).err
    assert "No such command 'status x'" in cli("help", "status", "x", code=2).err


def test_manual_has_every_command_and_option(cli: Cli) -> None:
    text = cli("help", "--man").out
    for path, command in commands():
        if not hasattr(command, "commands"):
            assert f'.SS "{path.replace("-", chr(92) + "-")}' in text
    assert r"\fB\-\-read\-only\fR" in text
    assert not [line for line in text.splitlines() if line.startswith("'")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(cli: Cli, shell: str) -> None:
    assert f"_LICTUI_COMPLETE={shell}_complete" in cli("completion", shell).out


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("his", ["history"]),
        ("--theme lictui-d", ["lictui-dark"]),
        ("status --server lic", ["lic-01"]),
        ("status --group ", ["emea"]),
        ("servers show ", ["lic-01"]),
        ("servers add ", []),
        ("forecast --product XDT", ["XDT_PLT_UD"]),
        ("report --format ht", ["html"]),
    ],
)
def test_completion_knows_values(cli: Cli, paths: Paths, words: str, values: list[str]) -> None:
    cli("servers", "add", "lic-01", *WINRM, "--group", "emea")
    fixture = HistoryFixture(paths.history)
    fixture.record(MIDNIGHT, 5)
    fixture.close()
    *args, incomplete = words.split(" ")
    found = BashComplete(lictui, {}, "lictui", "_LICTUI_COMPLETE").get_completions(args, incomplete)
    assert [item.value for item in found] == values
