"""config.toml as text: the commented one to begin with, and the one that holds.

Owns how settings are spelled. Must not know where they came from.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictui.config import values
from lictui.config.document import dotted
from lictui.config.schema import BY_NAME, KEYS
from lictui.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.config.lines import Path as KeyPath
    from lictui.config.origin import Setting

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_INTRODUCTION: Final = """\
# The settings of lictui. It reads this file and never writes it; an edit is picked up at once.
# Every line that begins with #key shows a default: take the # away to change it.
# `lictui config check` says what is wrong, `lictui config show --origin` what holds and why.
"""
_OVERRIDES: Final = """
# Thresholds for one group, server or product; the last of these that says something wins.
#[alerts.group.emea]
#warn = 0.75
#[alerts.server."lic01.corp.example"]
#critical = 0.95
#[alerts.product.XDT_PLT_UD]
#expiry_warn = 120
"""
_ACTIONS: Final = """
# What is done when an alert is raised, gets worse, lasts or is cleared; as many as you like.
#[actions.pager]
# Kinds of alert: usage · expiry · subscription · activation · grace · server · data · unusual.
#on = ["usage", "server"]
# The least level: warn · critical · overdraft · exhausted.
#level = "critical"
#groups = ["emea"]
#servers = ["lic01.corp.example"]
# Run without a shell, the event as JSON on its standard input, ended after `timeout` seconds.
#command = ["/usr/local/bin/page", "--from-lictui"]
#timeout = 10
# Posted as JSON, tried again a few times, signed with the secret (X-Lictui-Signature).
#webhook = "https://hooks.corp.example/lictui"
#secret = "env:LICTUI_HOOK"
# In the terminal of a monitor: its bell, or a notification (OSC 9).
#bell = true
#osc9 = true
"""
_KEYMAP: Final = """
# Other keys for commands; `?` in the monitor names them all.
[keymap]
#quit = "q,ctrl+q"
"""


def template() -> str:
    """A config.toml with every key, what it is for and its default."""
    parts = [_INTRODUCTION]
    defaults = Settings()
    for table, keys in groupby(KEYS, key=lambda key: key.table):
        parts.append(f"\n[{table}]\n" if table else "\n")
        for key in keys:
            value = key.of(defaults)
            shown = key.example if value is None else value
            parts.append(f"# {key.says}\n#{spelled(tuple(key.name.split('.')), shown)}\n")
        if table == "alerts":
            parts.append(_OVERRIDES)
    return "".join((*parts, _ACTIONS, _KEYMAP))


def listing(settings: Iterable[Setting], *, origins: bool = False) -> str:
    """The settings as TOML; with `origins`, each line says where its value came from."""
    said = [(setting, spelled(setting.path, setting.value)) for setting in settings]
    column = max((len(line) for _, line in said), default=0)
    lines = []
    for table, of_table in groupby(said, key=lambda each: each[0].path[:-1]):
        if table:
            lines += ["", f"[{dotted(table)}]"]
        for setting, line in of_table:
            origin = f"{setting.origin} {setting.where}".rstrip()
            told = origins and setting.value is not None
            lines.append(f"{line:<{column}}  # {origin}" if told else line)
    return "\n".join(lines) + "\n"


def spelled(path: KeyPath, value: object) -> str:
    """`key = value` for the setting at `path`; a comment where there is no value."""
    import tomli_w  # noqa: PLC0415 - reading needs no writer

    key, last = BY_NAME.get(dotted(path)), str(path[-1])
    match value:
        case None:
            return f"# {last} is not set"
        case float() if key is not None and key.kind is values.duration:
            value = _duration(value)
        case float() if value.is_integer():
            value = int(value)
        case Path():
            value = str(value)
        case _:
            pass
    return tomli_w.dumps({last: value}).rstrip("\n")


def _duration(seconds: float) -> str:
    length, unit = next(
        (each for each in _UNITS if seconds % each[0] == 0 and seconds >= each[0]), (1, "s")
    )
    return f"{seconds / length:g}{unit}"
