"""The walls of the house, at run time: the static graph is import-linter's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lictui"
HEADLESS = sorted(
    ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)
    for room in ("report", "engine", "history", "analysis", "sources", "config", "simulator")
    for file in (SOURCE / room).glob("*.py")
)


def loaded_by(*modules: str) -> set[str]:
    """What stands in sys.modules after importing `modules` in a fresh process."""
    program = f"import sys, {', '.join(modules)}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_no_core_package_brings_a_screen_along() -> None:
    assert loaded_by(*HEADLESS).isdisjoint({"textual", "plotext"})


@pytest.mark.parametrize("room", ["lictui.engine.engine", "lictui.config.registry"])
def test_no_room_pays_for_a_protocol_before_it_is_asked_for(room: str) -> None:
    assert loaded_by(room).isdisjoint({"httpx", "spnego", "textual", "rich"})


def test_the_front_door_is_light() -> None:
    loaded = loaded_by("lictui.cli.main")
    assert loaded.isdisjoint({"textual", "rich", "httpx", "sqlite3", "spnego", "asyncio"})
