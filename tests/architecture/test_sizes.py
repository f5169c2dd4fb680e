"""Files stay small enough to read in one go."""

from __future__ import annotations

from pathlib import Path

TOP = Path(__file__).parents[2]
LONGEST = 300
LONGEST_APP = 200


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_no_file_is_above_300_lines() -> None:
    files = [*(TOP / "src").rglob("*.py"), *(TOP / "tests").rglob("*.py")]
    assert {
        str(file.relative_to(TOP)): lines(file) for file in files if lines(file) > LONGEST
    } == {}


def test_the_app_is_below_200_lines() -> None:
    assert lines(TOP / "src/lictui/tui/app.py") < LONGEST_APP
