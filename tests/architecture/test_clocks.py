"""No wall clock, no random and no sleep outside clock.py: found in the syntax tree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lictui"
FORBIDDEN = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "sleep"),
    ("asyncio", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("random", "random"),
    ("random", "randint"),
    ("random", "choice"),
}


def calls(file: Path) -> set[tuple[str, str]]:
    return {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    }


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(SOURCE.rglob("*.py")) if file.name != "clock.py"],
    ids=lambda file: str(file.relative_to(SOURCE)),
)
def test_time_passes_in_clock_alone(file: Path) -> None:
    assert calls(file) & FORBIDDEN == set()


def test_the_search_finds_what_it_looks_for() -> None:
    assert ("time", "time") in calls(SOURCE / "clock.py")
