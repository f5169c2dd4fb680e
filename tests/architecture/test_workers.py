"""Textual workers: each names its group, and none cancels another one."""

import ast
from pathlib import Path

import lictui.tui

FILES = sorted(Path(lictui.tui.__file__).parent.rglob("*.py"))


def workers(source: str) -> list[set[str]]:
    """Return the keywords of every `@work(...)` and `run_worker(...)`; a bare `@work` has none."""
    calls = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("work") | ast.Attribute(attr="run_worker")):
                calls.append({keyword.arg or "" for keyword in node.keywords})
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
                calls += [set()] * names.count("work")
    return calls


def test_every_worker_has_a_group_and_none_is_exclusive() -> None:
    all_workers = [
        (file.name, keywords) for file in FILES for keywords in workers(file.read_text())
    ]
    assert all_workers
    assert [
        name for name, keywords in all_workers if "group" not in keywords or "exclusive" in keywords
    ] == []


def test_workers_are_found_in_every_form() -> None:
    assert workers("@work\nasync def f(): ...") == [set()]
    assert workers("@work(exclusive=True)\nasync def f(): ...") == [{"exclusive"}]
    assert workers("self.run_worker(x, group='a')") == [{"group"}]
