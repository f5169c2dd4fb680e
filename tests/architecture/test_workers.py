"""Workers of the screen: each names its group, and none cancels its neighbours."""

from __future__ import annotations

import ast
from pathlib import Path

import lictui.tui

FILES = sorted(Path(lictui.tui.__file__).parent.rglob("*.py"))


def workers(source: str) -> list[set[str]]:
    """The keywords of every `@work(...)` and `run_worker(...)`; a bare `@work` has none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("work") | ast.Attribute(attr="run_worker")):
                found.append({keyword.arg or "" for keyword in node.keywords})
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
                found += [set()] * names.count("work")
    return found


def test_every_worker_has_a_group_and_none_is_exclusive() -> None:
    all_workers = [(file.name, each) for file in FILES for each in workers(file.read_text())]
    assert all_workers
    assert [name for name, each in all_workers if "group" not in each or "exclusive" in each] == []


def test_the_check_sees_what_it_is_for() -> None:
    assert workers("@work\nasync def f(): ...") == [set()]
    assert workers("@work(exclusive=True)\nasync def f(): ...") == [{"exclusive"}]
    assert workers("self.run_worker(x, group='a')") == [{"group"}]
