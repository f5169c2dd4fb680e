"""What a command is called in messages: its program, and for ssh the host it goes to.

Owns which words of a command may be shown: those behind may hold what is nobody's business. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lictui.sources.clean import text

if TYPE_CHECKING:
    from collections.abc import Sequence

_WITH_VALUE: Final = frozenset("BbcDEeFIiJLlmOopPQRSWw")  # options of ssh(1) that take another word
_HARMLESS: Final = re.compile(r"[\w./\\:~-]{1,60}")


def program(command: Sequence[str]) -> str:
    """The program's own name, without path and `.exe`, in lower case."""
    name = re.split(r"[\\/]", command[0])[-1].lower() if command else ""
    return name.removesuffix(".exe")


def ssh_host(command: Sequence[str]) -> str:
    """The destination of an ssh command as it stands there, `user@host` maybe; "" if it is none."""
    if program(command) != "ssh":
        return ""
    words = iter(command[1:])
    for word in words:
        if word == "--":
            return next(words, "")
        if not word.startswith("-"):
            return word
        taken = next((at for at, letter in enumerate(word[1:]) if letter in _WITH_VALUE), -1)
        if taken >= 0 and taken == len(word) - 2:
            next(words, None)
    return ""


def where(command: Sequence[str]) -> str:
    """`ssh lic01`, `lmutil lmstat`, `curl`: short, and without options and their values."""
    name = text(program(command), 60) or "the command"
    if name == "ssh":
        return f"{name} {text(ssh_host(command).rpartition('@')[2], 80)}".strip()
    first = command[1] if len(command) > 1 else ""
    shown = not first.startswith("-") and _HARMLESS.fullmatch(first) is not None
    return f"{name} {first}" if shown else name
