"""What importing a module loads, at run time; import-linter checks the static graph."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lictui"
WITHOUT_SCREEN = ("report", "engine", "history", "analysis", "sources", "config", "simulator")


def modules_of(package: str) -> list[str]:
    """Return every module of a package and of its sub-packages."""
    return sorted(
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for file in (SOURCE / package).rglob("*.py")
    )


def loaded_by(*modules: str) -> set[str]:
    """Return what is in sys.modules after importing `modules` in a new process."""
    program = f"import sys, {', '.join(modules)}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_packages_below_the_screen_do_not_load_textual() -> None:
    modules = [module for package in WITHOUT_SCREEN for module in modules_of(package)]
    assert "lictui.sources.winrm.wsman" in modules
    assert loaded_by(*modules).isdisjoint({"textual", "plotext"})


@pytest.mark.parametrize("module", ["lictui.engine.engine", "lictui.config.registry"])
def test_engine_and_config_load_no_protocol_before_it_is_used(module: str) -> None:
    assert loaded_by(module).isdisjoint({"httpx", "spnego", "textual", "rich"})


def test_command_line_loads_only_what_every_command_needs() -> None:
    loaded = loaded_by("lictui.cli.main")
    assert loaded.isdisjoint({"textual", "rich", "httpx", "sqlite3", "spnego", "asyncio"})


@pytest.mark.parametrize(
    "module",
    ["lictui.cli.status", "lictui.engine.engine", "lictui.history.store", "lictui.tui.app"],
)
def test_numpy_is_not_loaded_before_it_is_used(module: str) -> None:
    """Neither `lictui status --cached` nor the first frame needs it."""
    assert "numpy" not in loaded_by(module)
