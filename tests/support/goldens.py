"""The text of a screen, and its comparison with a reviewed golden file.

`UPDATE=1` in the environment rewrites the goldens.
"""

import os
from pathlib import Path
from typing import Any

from textual.app import App

GOLDENS = Path(__file__).parents[1] / "screens" / "goldens"


def screen_text(app: App[Any]) -> str:
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def assert_golden(name: str, text: str) -> None:
    file = GOLDENS / f"{name}.txt"
    if os.environ.get("UPDATE") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"no golden {file}; look at the screen, then write it with UPDATE=1"
    assert text == file.read_text(encoding="utf-8")
