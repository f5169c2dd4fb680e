"""Every screen by its name. Owns that table; a screen's module is imported when first wanted."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from textual.screen import Screen

SCREENS: Final = {
    "wall": "lictui.tui.screens.wall:WallScreen",
    "estate": "lictui.tui.screens.estate:EstateScreen",
    "product": "lictui.tui.screens.product:ProductScreen",
    "servers": "lictui.tui.screens.servers:ServersScreen",
    "alerts": "lictui.tui.screens.alerts:AlertsScreen",
    "help": "lictui.tui.screens.help:HelpScreen",
    "form": "lictui.tui.screens.form:FormScreen",
    "holders": "lictui.tui.screens.holders:HoldersScreen",
    "assistant": "lictui.tui.screens.assistant:AssistantScreen",
    "first_run": "lictui.tui.screens.first_run:FirstRunScreen",
    "contract": "lictui.tui.screens.contract:ContractScreen",
    "why": "lictui.tui.screens.why:WhyScreen",
    "watch": "lictui.tui.screens.watch:WatchScreen",
}
STAY: Final = ("wall", "estate", "servers", "alerts")  # one of these is always at the bottom


def make(name: str, **kwargs: Any) -> Screen[Any]:
    """The screen of that name, made with these arguments."""
    module, _, attribute = SCREENS[name].partition(":")
    made = getattr(import_module(module), attribute)(**kwargs)
    if not isinstance(made, Screen):
        raise TypeError(f"{attribute} is no screen")
    return made
