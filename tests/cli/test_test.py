from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from lictui.cli.options import CommandContext
from lictui.cli.servers import test as command
from lictui.errors import UsageError
from lictui.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def context(tmp_path: Path) -> CommandContext:
    (tmp_path / "servers.toml").write_text(
        '[[server]]\nname = "ddc"\nsource = "cvad"\nurl = "https://127.0.0.1:1"\n'
        'username = "u"\nsecret = "env:LICTUI_TEST"\n'
    )
    return CommandContext(Paths(tmp_path, tmp_path))


def run(context: CommandContext, *arguments: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(command, arguments, obj=context, standalone_mode=False)


def test_the_steps_are_printed_with_time_and_hint(context: CommandContext) -> None:
    result = run(context, "ddc")
    assert result.return_value == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "Test ddc"
    assert re.fullmatch(r" ✔ resolve +\d+ ms  127\.0\.0\.1", lines[1])
    assert re.fullmatch(r" ✖ connect +\d+ ms  127\.0\.0\.1:1 refuses connections", lines[2])
    assert re.fullmatch(r" {22}→ .+", lines[3])
    assert len(lines) == 4


def test_where_only_7_bits_show(context: CommandContext) -> None:
    out = run(context, "ddc", charset="ascii").stdout
    assert out.isascii()
    assert " x connect" in out


def test_the_steps_as_json(context: CommandContext) -> None:
    result = run(context, "ddc", "--json")
    answer = json.loads(result.stdout)
    assert result.return_value == 1
    assert (answer["schema"], answer["server"], answer["ok"]) == ("lictui.test/1", "ddc", False)
    assert [step["step"] for step in answer["steps"]] == ["resolve", "connect"]
    assert all(set(step) == {"step", "ok", "detail", "ms"} for step in answer["steps"])
    assert all(isinstance(step["ms"], int) for step in answer["steps"])


def test_a_server_that_is_not_registered(context: CommandContext) -> None:
    result = run(context, "dcc")
    assert isinstance(result.exception, UsageError)
    assert "'ddc'" in result.exception.message
