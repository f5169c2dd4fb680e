"""Rules on the source tree that neither ruff nor import-linter checks."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parents[2] / "src" / "lictui"
FILES: Final = sorted(SOURCE.rglob("*.py"))
_CLOCK_CALLS: Final = {
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


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def reads_clock(file: Path) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in _CLOCK_CALLS
        for node in ast.walk(tree(file))
    )


def test_only_clock_module_reads_the_time_sleeps_or_draws_random_numbers() -> None:
    assert [name_of(file) for file in FILES if reads_clock(file)] == ["clock.py"]


def test_public_class_names_are_unique() -> None:
    names = Counter(
        node.name
        for file in FILES
        for node in tree(file).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_functions_have_at_most_50_lines() -> None:
    assert [
        f"{name_of(file)}: {node.name}"
        for file in FILES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 50
    ] == []


def test_suppressed_checks_and_late_imports_stay_few() -> None:
    lines = [line for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
    assert sum("PLC0415" in line for line in lines) <= 25
    assert sum("noqa" in line for line in lines) <= 80


def test_parameters_of_sql_are_not_numbered() -> None:
    numbered = re.compile(r"\s\?\d")  # Python 3.12 before 3.12.4 warns of them
    history = (SOURCE / "history").glob("*.py")
    assert [file for file in history if numbered.search(file.read_text(encoding="utf-8"))] == []
