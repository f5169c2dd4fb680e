"""The README's table of keys, from the table of commands: `python -m tests.readme` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from lictui.tui import commands

FILE = Path(__file__).parents[1] / "README.md"
_KEYS = re.compile(r"(<!-- keys:.*?-->\n).*?(<!-- /keys -->)", re.DOTALL)


def with_keys(text: str) -> str:
    """`text` with the table as it is now."""
    return _KEYS.sub(lambda found: f"{found[1]}\n{commands.readme_table()}\n\n{found[2]}", text)


if __name__ == "__main__":
    FILE.write_text(with_keys(FILE.read_text(encoding="utf-8")), encoding="utf-8")
