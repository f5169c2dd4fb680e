from __future__ import annotations

import subprocess
import sys
from itertools import combinations

from lictui.tui import commands


def test_no_key_means_two_things_on_one_screen() -> None:
    assert commands.keymap_problems({}) == ()


def test_a_remapped_key_that_is_taken_names_both_commands() -> None:
    (problem,) = commands.keymap_problems({"sort.next": "M"})
    assert "'M'" in problem
    assert "sort.next" in problem
    assert "maximise" in problem


def test_a_key_of_another_screen_is_free() -> None:
    assert (
        commands.keymap_problems({"sort.next": "h"}) == ()
    )  # the heat map's, on the product screen


def test_the_same_key_may_be_swapped() -> None:
    assert commands.keymap_problems({"sort.next": "M", "maximise": "s"}) == ()


def test_an_unknown_id_is_said_with_the_nearest() -> None:
    (problem,) = commands.keymap_problems({"sort.nxt": "M"})
    assert "sort.next" in problem


def test_ids_are_unique() -> None:
    assert all(one.id != other.id for one, other in combinations(commands.COMMANDS, 2))


def test_the_keys_of_the_contract_are_there() -> None:
    keys = {key for command in commands.COMMANDS for key in command.key_list}
    assert keys >= set("?:jk12345/sS[]dwmy<>rRpaetxMATEYq") - {"A"} | {
        "f1", "ctrl+p", "enter", "escape", "tab", "f5", "ctrl+c",
    }  # fmt: skip


def test_every_screen_gets_its_bindings_with_ids() -> None:
    for screen in ("", *commands.VIEWS):
        assert all(binding.id and binding.tooltip for binding in commands.bindings(screen))


def test_the_table_is_read_without_textual() -> None:
    code = (
        "import sys, lictui.tui.commands as commands; commands.keymap_problems({});"
        " sys.exit('textual' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
