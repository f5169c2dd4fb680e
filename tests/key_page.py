"""The page of keys, from the table of commands: `python -m tests.key_page` writes docs/keys.md."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from lictui.tui.commands import COMMANDS, Command

FILE = Path(__file__).parents[1] / "docs" / "keys.md"
_SCREENS = {
    "dashboard": "Dashboard",
    "products": "Products",
    "usage": "Usage",
    "servers": "Servers",
    "server": "One server",
    "alerts": "Alerts",
    "snooze": "Snooze dialog",
    "form": "Server form",
    "confirm": "Confirmation dialog",
    "cloud_assistant": "Citrix Cloud assistant",
    "license_users": "License users",
    "entitlements": "Entitlements",
    "data_sources": "Data sources",
    "first_run": "First start",
    "help": "Help",
}
_EVERYWHERE = "Everywhere"
_HEAD = """\
# Keys

`?` in the monitor shows the signs, then all keys. Every key can be changed in `config.toml`,
by the id of its command; several keys are separated by commas. Two commands with the same key on
one screen are an error.

```toml
[keymap]
"poll.server" = "P"
quit = "q,ctrl+q"
```
"""


def key_page() -> str:
    """Return the page as Markdown."""
    return "\n".join((_HEAD, *_sections())) + "\n"


def _sections() -> Iterator[str]:
    by_screens = sorted(COMMANDS, key=_title)
    order = list(dict.fromkeys(map(_title, COMMANDS)))
    groups = {title: list(commands) for title, commands in groupby(by_screens, key=_title)}
    for title in sorted(order, key=lambda title: (title != _EVERYWHERE, order.index(title))):
        yield f"## {title}\n"
        yield "| key | command | what it does | id |\n|---|---|---|---|"
        yield from map(_row, groups[title])
        yield ""


def _title(command: Command) -> str:
    return ", ".join(_SCREENS[screen] for screen in command.screens) or _EVERYWHERE


def _row(command: Command) -> str:
    keys = " ".join(f"`{key}`" for key in command.key_list)
    return f"| {keys} | {command.title} | {command.help} | `{command.id}` |"


if __name__ == "__main__":
    FILE.write_text(key_page(), encoding="utf-8")
