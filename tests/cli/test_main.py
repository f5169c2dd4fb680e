"""The table of commands, the form of the help, and the words of `--format`."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.cli.conftest import WINRM, Cli

from lictui.cli.main import COMMANDS, lictui
from lictui.cli.options import FORMATS, MONITORING_FORMATS

REPORT_FORMATS = {"html", "xlsx", "markdown", "csv", "png"}
IMPORTED = """
import sys
from lictui.cli.main import lictui
lictui.main(sys.argv[1:], standalone_mode=False)
print([name for name in sys.modules if name.startswith("lictui.")])
"""


def commands(
    group: click.Group = lictui, path: str = "lictui"
) -> Iterator[tuple[str, click.Command]]:
    """Return every command with its path: `lictui servers add`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


ALL = {"lictui": lictui, **dict(commands())}


def summary(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


@pytest.mark.parametrize("path", ALL)
def test_help_of_a_command_and_its_options_is_a_sentence_each(path: str) -> None:
    command = ALL[path]
    texts = [summary(command), *(option.help or "" for option in options(command))]
    for text in texts:
        assert text[:1].isupper(), text
        assert text.endswith("."), text
        assert text.split()[0] not in {"Only", "Which", "Whose", "How", "Where", "What"}, text


@pytest.mark.parametrize("path", ALL)
def test_help_fits_a_terminal_of_80_columns_and_cuts_nothing(path: str) -> None:
    context = click.Context(ALL[path], info_name=path, terminal_width=80)
    lines = ALL[path].get_help(context).splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines[1:] if line.endswith("...")]


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_the_common_options(path: str) -> None:
    names = {name for option in options(ALL[path]) for name in option.opts}
    assert {"--config-dir", "--data-dir", "--log-level", "--no-color", "--version"} <= names


@pytest.mark.parametrize("group", COMMANDS)
def test_table_shows_the_first_sentence_of_each_command(group: str) -> None:
    path = "lictui" if group == "lictui" else f"lictui {group}"
    assert COMMANDS[group] == {name: summary(ALL[f"{path} {name}"]) for name in COMMANDS[group]}


@pytest.mark.parametrize("arguments", [["--help"], ["servers", "--help"], ["history", "-h"]])
def test_help_of_a_group_imports_no_command(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments], capture_output=True, text=True, check=True
    )
    imported = {name for name in done.stdout.split("'") if name.startswith("lictui.")}
    assert imported == {
        "lictui.cli",
        "lictui.cli.main",
        "lictui.cli.options",
        "lictui.errors",
        "lictui.paths",
    }


def test_format_has_the_same_words_in_every_command() -> None:
    formats = {
        path: option.type
        for path, command in ALL.items()
        for option in options(command)
        if "--format" in option.opts
    }
    expected = {path: set(FORMATS) for path in formats}
    expected["lictui report"] = REPORT_FORMATS
    expected["lictui renewal"] = {"html", "xlsx"}
    expected["lictui status"] |= set(MONITORING_FORMATS)
    expected["lictui history export"] = {"csv"}
    words_by_command = {}
    for path, words in formats.items():
        assert isinstance(words, click.Choice)
        words_by_command[path] = set(words.choices)
        if "markdown" in words.choices:
            assert words.convert("md", None, None) == "markdown"
    assert words_by_command == expected
    with_json = {
        path
        for path, command in ALL.items()
        if any("--json" in option.opts for option in options(command))
    }
    without = {"lictui report", "lictui renewal", "lictui history export"}
    assert with_json == (formats.keys() - without) - {"lictui history journal"} | {
        "lictui servers show",
        "lictui servers test",
    }


def test_deleted_working_directory_is_reported(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    cli("info")
    for args in (
        ("--config-dir", "c", "info"),
        ("servers", "add", "a", *WINRM, "--set", "secret=file:x"),
        ("history", "export", "-o", "x"),
    ):
        assert cli.refused(*args).startswith("lictui: ")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [(["stauts"], "status"), (["servers", "lst"], "list"), (["history", "peak"], "peaks")],
)
def test_unknown_command_suggests_a_similar_one(
    arguments: list[str], command: str, cli: Cli
) -> None:
    assert f"Did you mean '{command}'?" in cli.refused(*arguments)


@pytest.mark.parametrize(
    ("variable", "value", "arguments"),
    [
        ("LICTUI_FORMAT", "yaml", ("info",)),
        ("LICTUI_GROUP", "nowhere", ("status",)),
        ("LICTUI_TIMEOUT", "0", ("status",)),
        ("LICTUI_THEME", "nope", ()),
    ],
)
def test_error_names_the_variable_that_a_value_comes_from(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv(variable, value)
    error = cli.refused(*arguments)
    assert value in error
    assert f"the environment variable {variable}\n" in error


def test_option_counts_more_than_the_environment_wherever_it_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICTUI_DATA_DIR", "/environment")
    assert "/environment/history.db" in cli("info").out
    for arguments in (("--data-dir", str(tmp_path), "info"), ("info", "--data-dir", str(tmp_path))):
        assert f"{tmp_path}/history.db" in cli(*arguments).out


def test_unknown_theme_is_refused(cli: Cli) -> None:
    assert "did you mean lictui-dark?" in cli.refused("--theme", "lictui-drak")


def test_terminal_shows_what_is_being_done_until_it_is_done(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    error = cli("status", code=2).err
    assert error.startswith("lictui: starting …\r")
    assert "\rlictui: reading 0 servers …\r" in error
    assert error.rpartition("\r")[2] == "No servers configured. Run: lictui servers add --help\n"


@pytest.mark.parametrize("path", ALL)
def test_help_of_every_command_has_an_example_that_is_right(path: str) -> None:
    command = ALL[path]
    if path.removeprefix("lictui ") in COMMANDS and path != "lictui":
        return  # a group whose commands have examples
    examples = (command.epilog or "").replace("\\\n", "").splitlines()
    lines = [
        line.removeprefix("Example: ").strip() for line in examples if f"{path} " in f"{line} "
    ]
    assert lines
    for line in lines:
        words = shlex.split(line.partition("     (")[0])[len(path.split()) :]
        command.make_context(path, words)  # raises UsageError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stauts",), "Did you mean 'status'?"),
        (("status", "--grup", "x"), "Did you mean '--group'?"),
        (("report", "--format", "htm"), "Did you mean 'html'?"),
        (("export", "grafanna"), "Did you mean 'grafana'?"),
        (("status", "--format", "x"), "'influx'.\n"),
    ],
)
def test_error_for_a_misspelled_word_names_a_similar_one(
    words: tuple[str, ...], message: str, cli: Cli
) -> None:
    assert message in cli.refused(*words)
