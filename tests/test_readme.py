from __future__ import annotations

import re

from tests.readme import FILE, with_keys

TEXT = FILE.read_text(encoding="utf-8")


def test_the_keys_are_those_of_the_program() -> None:
    assert with_keys(TEXT) == TEXT, "python -m tests.readme writes them"


def test_run_it_and_test_it_hold_one_command_block_each() -> None:
    sections = {part.splitlines()[0]: part for part in TEXT.split("\n## ")}
    for name in ("Run it", "Test it"):
        blocks = re.findall(r"^```\w*\n(.*?)^```", sections[name], re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1
        assert len(blocks[0].splitlines()) == 1


def test_every_picture_is_there() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (FILE.parent / picture).is_file(), picture
