"""Files for other monitoring systems that are templates with a few values of the configuration."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read_template(name: str, values: Mapping[str, str]) -> str:
    """Return a file of this package with every `@NAME@` replaced by a value."""
    text = files("lictui.export").joinpath(name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def icinga_command(program: Sequence[str]) -> str:
    """The CheckCommand of a program for Icinga 2."""
    words = ", ".join(json.dumps(word) for word in program)
    return read_template("icinga2.conf", {"COMMAND": words})
