"""`lictui collect`: what it prints, and its options."""

from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lictui.cli.collect import ChangePrinter
from lictui.config.settings import Settings
from lictui.engine.board import Board
from lictui.engine.merge import merge_board
from lictui.paths import Paths


def test_notice_is_printed_once_whatever_it_counts(capsys: pytest.CaptureFixture[str]) -> None:
    locked, waiting = "the history h2.db is locked", "{} polls not written yet"
    printer = ChangePrinter(merge_board(Board((), (locked,))))
    boards = [(locked, waiting.format(1)), (locked, waiting.format(12)), (), (locked,)]
    for notices in boards:
        printer(merge_board(Board((), notices)), Settings())
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"lictui: {text}" for text in (locked, waiting.format(1), locked)]


def test_unit_has_the_options_of_the_command(cli: Cli, tmp_path: Path, paths: Paths) -> None:
    file = tmp_path / "lictui.prom"
    options = ("-n", "60", "--metrics-listen", "9877", "--textfile", str(file))
    unit = cli("collect", *options, "--print-unit").out
    folders = f"--config-dir {paths.config_dir} --data-dir {paths.data_dir}"
    arguments = f"collect {folders} --interval 60.0 --metrics-listen 9877 --textfile {file}"
    assert f"{arguments}\n" in unit
    assert f"\nReadWritePaths={paths.data_dir}\nReadWritePaths={tmp_path}\n" in unit
    assert "invalid address" in cli.refused("collect", "--metrics-listen", "x", "--print-unit")
