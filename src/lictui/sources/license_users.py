"""Who holds a license: asked of the sources that know, when somebody wants to see it.

Owns which sources can tell, and how an assignment would be released. Must not keep an answer, nor
ever release anything itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, LicenseUser, Server, SourceName, Step
from lictui.sources.sanitize import sanitize as cleaned
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.clock import Clock
    from lictui.config.settings import Limits
    from lictui.sources.process import ProgramOutput

_FORMATS: Final = ("lmstat", "udadmin")


async def read_license_users(
    server: Server, limits: Limits, clock: Clock
) -> tuple[LicenseUser, ...]:
    """Everybody who holds a license of `server`, read now; raises SourceError.

    `no_data` where the source does not tell: the sources that do are lmstat, and command with the
    formats lmstat and udadmin.
    """
    if server.source is SourceName.LMSTAT:
        from lictui.sources.flexnet.source import run_lmstat  # noqa: PLC0415 - one protocol only

        return _read(await run_lmstat(server, limits), _reader("lmstat", clock))
    if server.source is SourceName.COMMAND and server.format in _FORMATS:
        from lictui.sources.process import run_program  # noqa: PLC0415 - one protocol only

        return _read(await run_program(server.command, limits), _reader(server.format, clock))
    what = f"a command in the format {server.format}" if server.format else f"{server.source}"
    raise SourceError(
        FailureKind.NO_DATA,
        f"{cleaned(what)} does not tell who holds a license; lmstat and udadmin do",
        'Register the license server with source "lmstat" as well, or with source "command" and'
        ' format "udadmin", and name this one in its same_as.',
        Step.INVENTORY,
    )


def _reader(form: str, clock: Clock) -> Callable[[str], tuple[LicenseUser, ...]]:
    if form == "udadmin":
        from lictui.sources.flexnet.udadmin import udadmin_license_users  # noqa: PLC0415 - as above

        return udadmin_license_users
    from lictui.sources.flexnet.source import lmstat_license_users  # noqa: PLC0415 - as above

    return lambda text: lmstat_license_users(text, clock.now())


def _read(
    output: ProgramOutput, read: Callable[[str], tuple[LicenseUser, ...]]
) -> tuple[LicenseUser, ...]:
    from lictui.sources.flexnet.source import read_output  # noqa: PLC0415 - as above
    from lictui.sources.process import decode_output  # noqa: PLC0415 - as above

    return read_output(output, lambda: read(decode_output(output.stdout)))


def release_command(holder: LicenseUser) -> str:
    """The command that would release an assignment, to be read and run by somebody else.

    For a Command Prompt on the license server; "" where there is nothing to release: a license
    that is checked out goes back by itself. `udadmin -f FEATURE -user NAME -delete`, or -device
    (Citrix, "License administration commands", udadmin).
    """
    what, name = ("-user", holder.user) if holder.user else ("-device", holder.device)
    if not holder.assigned or not name:
        return ""
    words = _quoted(holder.product), _quoted(name)
    return f"udadmin -f {words[0]} {what} {words[1]} -delete" if all(words) else ""


_PLAIN: Final = frozenset("._-$@\\")  # beside letters and digits: what cmd.exe leaves alone
_NEVER: Final = frozenset('"%')  # what quotes do not keep cmd.exe from reading


def _quoted(word: str) -> str:
    """`word` as one argument at a Windows prompt; "" if no quoting makes it harmless."""
    if not word.isprintable() or _NEVER & set(word) or word.startswith("-"):
        return ""
    if all(letter.isalnum() or letter in _PLAIN for letter in word):
        return word
    ends = word[len(word.rstrip("\\")) :]  # backslashes before a quote count double
    return f'"{word}{ends}"'
