"""What lmstat says when it has nothing to tell: FlexNet's error as a failure.

Owns the meaning of FlexNet's error numbers. Pure: must not know how lmstat was run.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.source import SourceError

# `(-15,570:111 "Connection refused")`: FlexNet's error, its place, the system's error and words
_CODE: Final = re.compile(r"\(-(\d{1,4}),(\d{1,6})(?::(\d{1,6}))?")
_REFUSED: Final = re.compile(r"refused|no route|unreachable", re.IGNORECASE)
_SILENT: Final = re.compile(r"timed? ?out|in progress|not responding", re.IGNORECASE)
_NAMELESS: Final = re.compile(
    r"(?:host|name|node)\w* (?:or service )?(?:is )?(?:not (?:known|found)|unknown)"
    r"|unknown host|cannot find SERVER|can't resolve|cannot resolve",
    re.IGNORECASE,
)


class _Meaning(NamedTuple):
    kind: FailureKind
    hint: str
    step: Step = Step.INVENTORY


_NO_NAME: Final = _Meaning(
    FailureKind.DNS,
    "Check the host's name in the address, and the DNS of the machine that runs lmstat.",
    Step.RESOLVE,
)
_NO_SERVICE: Final = _Meaning(
    FailureKind.REFUSED,
    "Is the license service running, and the port right? The vendor daemon has a port of its own,"
    " which a firewall must let pass too.",
    Step.CONNECT,
)
_NO_ANSWER: Final = _Meaning(
    FailureKind.TIMEOUT,
    "Is the host up? A firewall that drops the port of the license manager or of the vendor daemon"
    " looks the same.",
    Step.CONNECT,
)
_NO_FILE: Final = _Meaning(
    FailureKind.CONFIG, "Check the address: PORT@HOST, 27000@lic01 for example."
)
_NO_DAEMON: Final = _Meaning(
    FailureKind.UNAVAILABLE, "Start the vendor daemon; the license server's log says why it ended."
)
_NO_SENSE: Final = _Meaning(
    FailureKind.PROTOCOL, "Is this the port of a FlexNet license manager? Its log may say more."
)
_OTHER: Final = _Meaning(
    FailureKind.COMMAND, "Run it in a terminal; FlexNet's number for the error is in parentheses."
)
# Numbers as FlexNet's own header and its list of errors have them.
_MEANINGS: Final = {
    1: _NO_FILE,  # cannot find license file
    2: _NO_FILE,  # invalid license file syntax
    13: _NO_FILE,  # no SERVER lines in license file
    14: _NO_NAME,  # cannot find SERVER hostname in network database
    15: _NO_SERVICE,  # cannot connect to license server system
    16: _NO_SENSE,  # cannot read data from license server system
    17: _NO_SENSE,  # cannot write data to license server system
    95: _NO_NAME,  # network connect to THIS_HOST failed
    96: _NO_ANSWER,  # server node is down or not responding
    97: _NO_DAEMON,  # the desired vendor daemon is down
}
# errno of Linux and of Windows Sockets
_SYSTEM: Final = {
    110: _NO_ANSWER,
    115: _NO_ANSWER,  # the connection was still being made when lmstat gave up
    10060: _NO_ANSWER,
    10035: _NO_ANSWER,
    111: _NO_SERVICE,
    113: _NO_SERVICE,
    101: _NO_SERVICE,
    10061: _NO_SERVICE,
    10065: _NO_SERVICE,
    11001: _NO_NAME,
}
_CONNECTING: Final = (15, 96)  # the numbers behind which the system's own says more


def refused(said: str, where: str) -> SourceError:
    """The failure for an error that lmstat printed about `where`."""
    meaning = _meaning(said)
    return SourceError(
        meaning.kind, f"lmstat says of {where}: {text(said, 160)}", meaning.hint, meaning.step
    )


def at_rest(vendor: str, said: str, where: str) -> SourceError:
    """The failure for a license manager that runs at `where` without any of its vendor daemons."""
    why = f": {text(said, 120)}" if said else ""
    return SourceError(
        _NO_DAEMON.kind,
        f"vendor daemon {text(vendor, 60)} at {where} is down{why}",
        _NO_DAEMON.hint,
        _NO_DAEMON.step,
    )


def _meaning(said: str) -> _Meaning:
    found = _CODE.search(said)
    number = int(found[1]) if found else 0
    system = int(found[3]) if found and found[3] else 0
    if number in _CONNECTING and system in _SYSTEM:
        return _SYSTEM[system]
    if number in _CONNECTING or not number:
        for words, meaning in (
            (_NAMELESS, _NO_NAME),
            (_REFUSED, _NO_SERVICE),
            (_SILENT, _NO_ANSWER),
        ):
            if words.search(said):
                return meaning
    if not number and "cannot connect" in said.lower():
        return _NO_SERVICE
    if not number and "cannot find license file" in said.lower():
        return _NO_FILE  # its number stands on another line
    return _MEANINGS.get(number, _OTHER)
