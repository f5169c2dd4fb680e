"""What of a server may be done, and had better not: read in the clear, too often, by anyone.

Owns these sentences. Must not refuse anything: `entry` does.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from lictui.config.sources import DEFAULTS, OVER_HTTP
from lictui.model import DEFAULT_INTERVAL, SourceName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lictui.model import Server

_WHY_SO_SELDOM: Final = {
    SourceName.WINRM: " (Citrix asks for no more)",
    SourceName.LMSTAT: " (Citrix asks for no more)",
    SourceName.COMMAND: " (Citrix asks for no more)",
    SourceName.PARTNER: " (license servers report once a day)",
}
_WORD: Final = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key)"
_WITH_VALUE: Final = re.compile(rf"(?i)(?:^|[-_/.\W]){_WORD}[=:].|://[^/@:]+:[^/@]+@")
_OPTION: Final = re.compile(rf"(?i)(?:-{{1,2}}|/)(?:[\w-]*[-_])?{_WORD}")


def warnings(server: Server) -> tuple[str, ...]:
    """What may be done, and had better not."""
    return tuple(_warnings(server))


def _warnings(server: Server) -> Iterator[str]:
    yield from _in_the_clear(server)
    least = DEFAULT_INTERVAL[server.source]
    if server.interval is not None and server.interval < least:
        why = _WHY_SO_SELDOM.get(server.source, "")
        yield f"interval = {server.interval:g}: {least:g} s is the shortest advised{why}"
    match server.source:
        case SourceName.WINRM if server.auth == "negotiate" and not server.username:
            yield "no username: signs in as the user that lictui runs as"
        case SourceName.PARTNER:
            yield from _elsewhere(server)
        case SourceName.LMSTAT:
            yield from _not_found("lmutil", server.lmutil or "lmutil")
        case SourceName.COMMAND if server.command:
            yield from _not_found("command", server.command[0])
            yield from _in_sight(server.command)
        case _:
            pass


def _in_the_clear(server: Server) -> Iterator[str]:
    if server.source not in OVER_HTTP:
        if server.verify is not True:
            yield f"verify is of no use: {server.source} speaks no HTTP (take it out)"
        return
    plain = server.url.startswith("http://")
    if server.verify is False and not plain:
        yield "verify = false: anyone in between may pose as the server; pin its certificate"
    # Over plain HTTP, WinRM itself encrypts the messages, except with Basic.
    if plain and (server.source is not SourceName.WINRM or server.auth == "basic"):
        what = "password" if server.source in (SourceName.WINRM, SourceName.CVAD) else "secret"
        yield f"http://: the {what} travels readable; use https://"
    if server.trust_url.startswith("http://") and not plain:
        yield "trust_url is http://: the secret travels readable; use https://"


def _elsewhere(server: Server) -> Iterator[str]:
    """A secret that goes to Citrix while the figures come from somewhere else."""
    usual = DEFAULTS[SourceName.PARTNER]
    if server.trust_url == usual["trust_url"] and server.url != usual["url"]:
        yield f"the secret is sent to {server.trust_url}; set trust_url if tokens are elsewhere"


def _not_found(key: str, program: str) -> Iterator[str]:
    if shutil.which(program) is None:
        where = "nothing there can be run" if "/" in program else "not on this machine's PATH"
        yield f"{key}: {program}: {where}"


def _in_sight(words: tuple[str, ...]) -> Iterator[str]:
    """A word that looks like a secret; the word itself is not repeated."""
    for word, after in zip(words, (*words[1:], ""), strict=True):
        named = _OPTION.fullmatch(word) and after and not after.startswith("-")
        if named or _WITH_VALUE.search(word):
            yield "command holds what looks like a secret: every user here sees it while it runs"
            return
