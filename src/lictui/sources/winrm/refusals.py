"""What a license server's refusals are called: faults, statuses, answers of another kind.

Owns the words and hints for everything that WinRM says instead of an inventory. Pure: must not
know how the answer came.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.source import SourceError
from lictui.sources.winrm.reply import looks_like_a_web_page

if TYPE_CHECKING:
    from lictui.sources.http import Reply
    from lictui.sources.winrm.reply import Fault, NotAReplyError

PERHAPS_LAS: Final = (
    "Most likely this server moved to the License Activation Service, where WMI has no pools:"
    " register its site with source cvad instead."
    " If it did not, restart its service Citrix_GTLicensingProv."
)

_IS_THIS_IT: Final = "Is this the address of WinRM, https://HOST:5986/wsman?"


@dataclass(frozen=True, slots=True)
class _Meaning:
    codes: frozenset[int]
    subcode: str
    kind: FailureKind
    words: str
    hint: str


# Codes in decimal are WS-Management's (a captured fault each, but the time-out: Microsoft's
# wsmerror.h), those in hexadecimal HRESULTs of WMI (wbemcli.h); 5 is Windows' ERROR_ACCESS_DENIED.
# Subcodes are those of DSP0226.
_MEANINGS: Final = (
    _Meaning(
        frozenset({5, 0x80070005, 0x80041003}),
        "AccessDenied",
        FailureKind.FORBIDDEN,
        words="lets this account in, but not at its licenses",
        hint="The account needs Remote Management Users, and Remote Enable on the WMI namespace"
        r" root\CitrixLicensing; or local administrator rights.",
    ),
    _Meaning(
        frozenset({2150858778, 0x80041010, 0x8004100E}),
        "DestinationUnreachable",
        FailureKind.NO_DATA,
        words="has no Citrix license classes",
        hint=PERHAPS_LAS,
    ),
    _Meaning(
        frozenset({2150859173, 2150859174}),
        "QuotaLimit",
        FailureKind.RATE_LIMITED,
        words="is at WinRM's limit of requests",
        hint="Others poll with this account too: give lictui one of its own, or raise"
        " MaxConcurrentOperationsPerUser in winrm/config/service.",
    ),
    _Meaning(
        frozenset({2150858793}),
        "TimedOut",
        FailureKind.TIMEOUT,
        words="did not have its licenses together in time",
        hint="Its WMI is slow: look at the server's load, or raise timeout in [polling].",
    ),
    _Meaning(
        frozenset(),
        "EncodingLimit",
        FailureKind.TOO_LARGE,
        words="has an inventory larger than it may send",
        hint="Raise MaxEnvelopeSizekb in winrm/config on the server.",
    ),
)


def faulted(fault: Fault, where: str) -> SourceError:
    """The failure that `fault` means, told by the endpoint `where`."""
    said = f": {fault.message}" if fault.message else ""
    for meaning in _MEANINGS:
        if fault.codes & meaning.codes or meaning.subcode in fault.subcodes:
            message = f"{where} {meaning.words}{said}"
            return SourceError(meaning.kind, message, meaning.hint, Step.INVENTORY)
    codes = "".join(f" {code}" for code in sorted(fault.codes)[:1])
    return SourceError(
        FailureKind.UNAVAILABLE,
        f"{where} answers with WinRM fault{codes}{said}",
        "Restart the service Citrix_GTLicensingProv on the server; WinRM's event log says more.",
        Step.INVENTORY,
    )


def unreadable(error: NotAReplyError, where: str, kind: FailureKind) -> SourceError:
    """The failure for an answer with status 200 that is not one of WS-Management."""
    if error.web_page:
        return _web_page(where, Step.INVENTORY)
    return SourceError(
        kind,
        f"{where} gives an answer that WinRM would not give: {error}",
        _IS_THIS_IT,
        Step.INVENTORY,
    )


def broken_off(where: str, reason: str, kind: FailureKind) -> SourceError:
    """The failure for an enumeration that came to no proper end."""
    return SourceError(
        kind,
        f"{where} does not end its list of licenses: {reason}",
        "A restart of the server's service Citrix_GTLicensingProv may help.",
        Step.INVENTORY,
    )


def by_status(reply: Reply, where: str, step: Step) -> SourceError:
    """The failure for a status, other than 401, that came without an envelope."""
    match reply.status:
        case HTTPStatus.FORBIDDEN:
            kind, words = FailureKind.FORBIDDEN, "forbids it"
            hint = "A firewall, proxy or the listener's address filter refuses this machine."
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            kind, words = FailureKind.NO_DATA, "has nothing at this address"
            hint = "WinRM answers at /wsman: is the url https://HOST:5986/wsman?"
        case HTTPStatus.TOO_MANY_REQUESTS:
            kind, words = FailureKind.RATE_LIMITED, "asks to be left alone for a while"
            hint = "Poll less often: Citrix asks for no more than every 15 minutes."
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind, words = FailureKind.UNAVAILABLE, "cannot answer now"
            hint = "Is the service WinRM running, and the server not starting up or overloaded?"
        case _ if looks_like_a_web_page(reply.body):
            return _web_page(where, step)
        case _:
            kind, words = FailureKind.PROTOCOL, "answers as WinRM would not"
            hint = _IS_THIS_IT
    return SourceError(kind, f"{where} {words} (HTTP {reply.status})", hint, step)


def _web_page(where: str, step: Step) -> SourceError:
    return SourceError(
        FailureKind.PROTOCOL,
        f"{where} answers with a web page, not as WinRM does",
        f"{_IS_THIS_IT} A portal or proxy may be in between.",
        step,
    )
