"""License users: who has a license checked out or assigned, read on request.

Only the sources lmstat, and command with the formats lmstat and udadmin, report them. Nothing is
stored, and lictui never releases an assignment itself.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from lictui.model import LicenseUser, LicenseUserList, Server, SourceName
from lictui.sources.command.formats import udadmin_license_users
from lictui.sources.flexnet.source import lmstat_license_users
from lictui.sources.program import read_output, run_for
from lictui.sources.program_errors import command_label
from lictui.sources.sanitize import sanitize
from lictui.sources.source import no_data_error

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.config.settings import Limits


async def read_license_users(server: Server, limits: Limits, clock: Clock) -> LicenseUserList:
    """Return everybody who has a license of `server` now, and what is reserved."""
    form = "lmstat" if server.source is SourceName.LMSTAT else server.format
    if form not in {"lmstat", "udadmin"}:
        source = f"a command in the format {form}" if form else server.source
        raise no_data_error(
            f"{sanitize(source)} cannot report license users; lmstat and udadmin can",
            'Add the license server also with source "lmstat", or with source "command" and format'
            ' "udadmin", and set its same_as to this server.',
        )
    label = server.address or command_label(server.command)
    parse = partial(lmstat_license_users, address=label, now=clock.now())
    if form == "udadmin":
        parse = partial(udadmin_license_users, label=label)
    return await read_output(await run_for(server, limits), server, parse)


def release_command(user: LicenseUser) -> str:
    """Return the command that would release an assignment, for someone else to check and run.

    It is for a Command Prompt or PowerShell on the license server (Citrix, "License administration
    commands", udadmin); "" for a license that is checked out, which returns by itself.
    """
    option, name = ("-user", user.user) if user.user else ("-device", user.device)
    if not user.assigned or not name:
        return ""
    product, name = _quote(user.product), _quote(name)
    return f"udadmin -f {product} {option} {name} -delete" if product and name else ""


_PLAIN: Final = re.compile(r"[\w.\\-][\w.$@\\-]*")
# Interpreted within quotes: by cmd.exe, and by PowerShell, which also knows typographic quotes and
# takes typographic dashes for an option.
_UNSAFE: Final = re.compile(r'["%`“”„]|\$(?=\S)|^[-\u2013\u2014\u2015]')


def _quote(word: str) -> str:
    """Return `word` as one argument for both shells; "" if no quoting makes it safe."""
    if not word.isprintable() or _UNSAFE.search(word):
        return ""
    if _PLAIN.fullmatch(word):
        return word
    backslashes = word[len(word.rstrip("\\")) :]  # before a closing quote they count double
    return f'"{word}{backslashes}"'
