"""What it is called when a command ends without an answer: exit codes and last words.

Owns the words of ssh, PowerShell and shells that mean something. Pure: must not know how a command
is run. A host key that is not the known one is `tls`: the server is `untrusted`, as with a
certificate that is not the pinned one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.clean import text
from lictui.sources.command.naming import program
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.sources.process import Output

_SSH_FAILED: Final = 255  # ssh(1): an error of its own, not of what it ran
_NOT_EXECUTABLE: Final = 126  # POSIX shells
_NOT_FOUND: Final = 127
_XML: Final = re.compile(r"<Objs|#< CLIXML|</?(?:Obj|MS|TN|PR)\b")
_XML_ERROR: Final = re.compile(r'<S S="Error">([^<]{1,300})')
_XML_ESCAPE: Final = re.compile(r"_x[0-9A-Fa-f]{4}_")


@dataclass(frozen=True, slots=True)
class _Meaning:
    words: str  # regular expression, found in the last line on stderr
    kind: FailureKind
    hint: str
    step: Step = Step.INVENTORY


# OpenSSH's own messages (sshconnect.c, ssh.c, packet.c).
_SSH: Final = (
    _Meaning(
        r"Host key verification failed|No .* host key is known|IDENTIFICATION HAS CHANGED",
        FailureKind.TLS,
        "lictui trusts no host by itself: connect once in a terminal as the same user, compare the"
        " key's fingerprint with the server's own, and accept it there.",
        Step.TLS,
    ),
    _Meaning(
        r"Permission denied|Too many authentication failures|authentication methods available",
        FailureKind.AUTH,
        "It must sign in by a key without a passphrase, or one an agent holds: nobody is there to"
        " type. Is the public key in authorized_keys there?",
        Step.AUTH,
    ),
    _Meaning(
        r"Could not resolve hostname",
        FailureKind.DNS,
        "Check the spelling of the host, this machine's DNS and ~/.ssh/config.",
        Step.RESOLVE,
    ),
    _Meaning(
        r"Connection refused|No route to host|Network is unreachable",
        FailureKind.REFUSED,
        "Is the OpenSSH server running there, and the port right? A firewall may refuse too.",
        Step.CONNECT,
    ),
    _Meaning(
        r"timed out|Timeout, server .* not responding",
        FailureKind.TIMEOUT,
        "Is the host up? A firewall that drops port 22 looks the same.",
        Step.CONNECT,
    ),
    _Meaning(
        r"Connection (?:closed|reset)|Broken pipe|kex_exchange_identification|no matching .* found",
        FailureKind.PROTOCOL,
        "The server or something on the way closed it; try ssh -v in a terminal.",
        Step.CONNECT,
    ),
)
# Errors of the cmdlets (delivery-controller-sdk, docs/Licensing), then those of PowerShell and cmd.
_POWERSHELL: Final = (
    _Meaning(
        r"UserNotAuthorized",
        FailureKind.FORBIDDEN,
        "Make this account an administrator of the license server, read-only, in Citrix Licensing"
        " Manager.",
    ),
    _Meaning(
        r"InvalidCertificate|CertificateVerificationFailed",
        FailureKind.TLS,
        "Compare what Get-LicCertificate shows with the server's own certificate, then give its"
        " hash: lictui servers snippet NAME --cert-hash HASH",
    ),
    _Meaning(
        r"CommunicationError|CitrixLicensingVendorOrServiceDown",
        FailureKind.UNAVAILABLE,
        "Are Citrix Licensing and Citrix Web Services for Licensing running there, on port 8083?",
    ),
    _Meaning(
        r"NoInventory",
        FailureKind.NO_DATA,
        "There are no licenses of this kind: try get-liclasinventory, or get-licinventory.",
    ),
    _Meaning(
        r"(?:PS)?[Ss]nap-?[Ii]n|Get-Lic\w+.*not recognized",
        FailureKind.COMMAND,
        "The snap-in Citrix.Licensing.Admin.V1 is not there: it comes with Studio and with the"
        " license server. Run the command where one of them is installed.",
    ),
    _Meaning(
        r"not recognized as|CommandNotFound|command not found|No such file or directory",
        FailureKind.COMMAND,
        "The program is not there, or not on the PATH of a session without a terminal: give its"
        " full path.",
    ),
    _Meaning(
        r"Access is denied|AccessDenied|UnauthorizedAccess",
        FailureKind.FORBIDDEN,
        "The account may sign in, but not read this; see lictui servers snippet NAME.",
    ),
)
_BY_STATUS: Final = {
    _NOT_FOUND: "The shell there does not find the program: give its full path.",
    _NOT_EXECUTABLE: "The program is there, but may not be executed by this user.",
}
_LOOK: Final = "Run it in a terminal as the same user to see what it prints."


def last_words(stderr: str) -> str:
    """The last line on stderr for a message; "" for progress that PowerShell serialised there."""
    if error := _XML_ERROR.search(stderr):
        return text(_XML_ESCAPE.sub(" ", error[1]))
    return "" if _XML.match(stderr.lstrip()) else text(stderr)


def failed(output: Output, command: Sequence[str], where: str) -> SourceError:
    """The failure for an exit code that is not 0, or for nothing but words on stderr."""
    words = last_words(output.stderr)
    if output.status == 0:
        message = f"{where} printed nothing but: {words}"
    elif output.status < 0:
        message = f"{where} was ended by signal {-output.status}"
    else:
        message = f"{where} ended with code {output.status}"
    if output.status and words:
        message += f": {words}"
    of_ssh = output.status == _SSH_FAILED and program(command) in ("ssh", "plink", "autossh")
    for meaning in _SSH if of_ssh else _POWERSHELL:
        if re.search(meaning.words, words):
            return SourceError(meaning.kind, message, meaning.hint, meaning.step)
    hint = _BY_STATUS.get(output.status, _LOOK)
    return SourceError(FailureKind.COMMAND, message, hint, Step.INVENTORY)


def silent(where: str) -> SourceError:
    """The failure for a command that ended well and printed nothing at all."""
    return SourceError(
        FailureKind.NO_DATA,
        f"{where} ended well, but printed nothing",
        "ConvertTo-Json prints nothing where there is no license. " + _LOOK,
        Step.INVENTORY,
    )
