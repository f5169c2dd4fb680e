import pytest

from lictui.tui import commands


@pytest.mark.parametrize(
    ("keymap", "words"),
    [
        ({}, ()),
        ({"sort.next": "h"}, ()),  # the key of the heat map, which is on another screen
        ({"sort.next": "M", "maximise": "s"}, ()),
        ({"sort.next": "M"}, ("'M'", "sort.next", "maximise")),
        ({"sort.nxt": "M"}, ("sort.next",)),
    ],
)
def test_keymap_problems_name_clashes_and_unknown_ids(
    keymap: dict[str, str], words: tuple[str, ...]
) -> None:
    problems = commands.keymap_problems(keymap)
    assert len(problems) == bool(words)
    assert all(word in problems[0] for word in words)


def test_command_ids_are_unique() -> None:
    ids = [command.id for command in commands.COMMANDS]
    assert len(set(ids)) == len(ids)


def test_commands_have_the_documented_keys() -> None:
    keys = {key for command in commands.COMMANDS for key in command.key_list}
    assert keys >= set("?:jk12345/sS[]dwmy<>rRpaetxMATEYq") | {
        "f1", "ctrl+p", "enter", "escape", "tab", "f5", "ctrl+c",
    }  # fmt: skip
