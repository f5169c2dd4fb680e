"""README and docs: no dead links, every command runs, and the key page is current."""

import io
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.key_page import FILE, key_page
from tests.support.demo import run_demo

from lictui.cli.main import main
from lictui.paths import Paths

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md"))

# Commands that need a terminal, run until they are stopped, or change something that is not there.
PARSED_ONLY = (
    "--at",
    "--demo",
    "--read-only",
    "--replay",
    "alerts ack",
    "bundle",
    "collect",
    "config init",
    "history import",
    "history import-licenses",
    "history push",
    "serve",
    "servers edit",
    "servers remove",
    "simulate",
    "watch",
)
# Names in the documentation -> servers of the demo; `servers add` registers the name itself.
SERVERS = {"NAME": "lic-legal-01", "lic01": "lic-legal-01", "lic02": "branch-tokyo"}
_COMMAND = re.compile(r"(?<![\w/-])(?:\.venv/bin/)?lictui(?= -| [a-z]|`)([^`|&;\n]*)")


def commands() -> list[str]:
    """Return every `lictui ...` in a code span or code block, without what follows in a shell."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(
            r"^```(?:sh|console|crontab)\n(.*?)^```", text, re.MULTILINE | re.DOTALL
        )
        spans = re.findall(
            r"`(?:\.venv/bin/)?lictui(?: [^`]*)?`", re.sub(r"(?s)```.*?```", "", text)
        )
        for code in (*blocks, *spans):
            found |= {match.strip(): None for match in _COMMAND.findall(code)}
    return list(found)


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_docs_have_no_dead_link(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_file(), target
        assert not anchor or anchor in headings(file), target


def test_readme_has_one_command_to_run_and_one_to_test() -> None:
    text = README.read_text(encoding="utf-8")
    sections = {part.splitlines()[0]: part for part in text.split("\n## ")}
    for name in ("Run it", "Test it"):
        blocks = re.findall(r"^```\w*\n(.*?)^```", sections[name], re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1
        assert len(blocks[0].splitlines()) == 1
    assert len(text.splitlines()) <= 150


def test_key_page_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == key_page(), "run: python -m tests.key_page"


@pytest.fixture(scope="module")
def demo_paths() -> Iterator[Paths]:
    """A demo whose servers were polled once, as commands about the past need a reading."""
    with run_demo(speed=1.0, past=False) as demo:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LICTUI_CONFIG_DIR", str(demo.paths.config_dir))
            patch.setenv("LICTUI_DATA_DIR", str(demo.paths.data_dir))
            with pytest.raises(SystemExit):
                main(["status"])
        yield demo.paths


@pytest.mark.parametrize("command", commands())
def test_documented_command_runs(
    command: str, demo_paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config_dir = shutil.copytree(demo_paths.config_dir, tmp_path / "config")
    monkeypatch.setenv("LICTUI_CONFIG_DIR", str(config_dir))
    monkeypatch.setenv("LICTUI_DATA_DIR", str(demo_paths.data_dir))
    monkeypatch.setattr("sys.stdin", io.StringIO("a password\n"))
    arguments = shlex.split(command)
    if arguments[:2] != ["servers", "add"]:
        arguments = [SERVERS.get(word, word) for word in arguments]
    if not arguments or f"{command} ".startswith(tuple(f"{name} " for name in PARSED_ONLY)):
        arguments = [
            word for word in arguments if word not in {"--replay", "incident.lictui", "FILE"}
        ]
        arguments.append("--help")
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code in ((0, 1, 2) if arguments[:1] == ["check"] else (0, 1))
