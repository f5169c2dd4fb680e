"""Names of commands in messages, and their failures: exit codes and the last line on stderr."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Step
from lictui.sources.sanitize import sanitize
from lictui.sources.source import ErrorRule, find_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.sources.process import ProgramOutput
    from lictui.sources.source import SourceError


# The command's name in messages: its program, and for ssh the host

_SSH_OPTIONS_WITH_VALUE: Final = frozenset("BbcDEeFIiJLlmOopPQRSWw")  # ssh(1)
_SAFE_ARGUMENT: Final = re.compile(r"[\w./\\:~-]{1,60}")


def program_name(command: Sequence[str]) -> str:
    """Return the program without path and `.exe`, in lower case."""
    name = re.split(r"[\\/]", command[0])[-1].lower() if command else ""
    return name.removesuffix(".exe")


def ssh_host(command: Sequence[str]) -> str:
    """Return the destination of an ssh command, possibly `user@host`; "" for other commands."""
    if program_name(command) != "ssh":
        return ""
    words = iter(command[1:])
    for word in words:
        if word == "--":
            return next(words, "")
        if not word.startswith("-"):
            return word
        with_value = next(
            (i for i, letter in enumerate(word[1:], 1) if letter in _SSH_OPTIONS_WITH_VALUE), 0
        )
        if with_value and with_value == len(word) - 1:  # the value is the next word
            next(words, None)
    return ""


def command_label(command: Sequence[str]) -> str:
    """Return `ssh lic01`, `lmutil lmstat`, `curl`: short, and without options and their values."""
    name = sanitize(program_name(command), 60) or "the command"
    if name == "ssh":
        return f"{name} {sanitize(ssh_host(command).rpartition('@')[2], 80)}".strip()
    first = command[1] if len(command) > 1 else ""
    is_safe = not first.startswith("-") and _SAFE_ARGUMENT.fullmatch(first) is not None
    return f"{name} {first}" if is_safe else name


# Failures: exit codes and the last line on stderr

_SSH_ERROR: Final = 255  # ssh(1): an error of ssh itself, not of the remote command
_SHELL_SIGNAL: Final = 128  # a shell's exit code for a killed program is this plus the signal
_CLIXML: Final = re.compile(r"<Objs|#< CLIXML|</?(?:Obj|MS|TN|PR)\b")
_CLIXML_ERROR: Final = re.compile(r'<S S="Error">([^<]{1,300})')
_CLIXML_ESCAPE: Final = re.compile(r"_x[0-9A-Fa-f]{4}_")
RUN_IT: Final = "Run it in a terminal as the same user to see what it prints."

# Messages of OpenSSH (sshconnect.c, ssh.c, packet.c)
_SSH_RULES: Final = (
    ErrorRule(
        r"Host key verification failed|No .* host key is known|IDENTIFICATION HAS CHANGED",
        FailureKind.TLS,
        hint="lictui never accepts a host key: connect once in a terminal as the same user, compare"
        " the fingerprint with the server's, and accept it there.",
    ),
    ErrorRule(
        r"Permission denied|Too many authentication failures"
        r"|authentication methods available",
        FailureKind.AUTH,
        hint="The session is not interactive: use a key without a passphrase, or one in an agent,"
        " and add the public key to authorized_keys on the server.",
    ),
    ErrorRule(
        r"Could not resolve hostname",
        FailureKind.DNS,
        hint="Check the host name, this machine's DNS and ~/.ssh/config.",
    ),
    ErrorRule(
        r"Connection refused|No route to host|Network is unreachable",
        FailureKind.REFUSED,
        hint="Check that the OpenSSH server runs there, the port, and firewalls.",
    ),
    ErrorRule(
        r"timed out|Timeout, server .* not responding",
        FailureKind.TIMEOUT,
        hint="Check that the host is up and that no firewall drops port 22.",
        step=Step.CONNECT,
    ),
    ErrorRule(
        r"Connection (?:closed|reset)|Broken pipe|kex_exchange_identification"
        r"|no matching .* found",
        FailureKind.PROTOCOL,
        hint="The server or a device in between closed the connection; try ssh -v in a terminal.",
        step=Step.CONNECT,
    ),
)
# Errors of the cmdlets (delivery-controller-sdk, docs/Licensing), then of PowerShell and cmd
_REMOTE_RULES: Final = (
    ErrorRule(
        r"UserNotAuthorized",
        FailureKind.FORBIDDEN,
        hint="Make this account a read-only administrator of the license server in Citrix Licensing"
        " Manager.",
    ),
    ErrorRule(
        r"InvalidCertificate|CertificateVerificationFailed",
        FailureKind.TLS,
        hint="Compare the output of Get-LicCertificate with the server's certificate, then set its"
        " hash: lictui servers snippet NAME --cert-hash HASH",
        step=Step.INVENTORY,
    ),
    ErrorRule(
        r"CommunicationError|CitrixLicensingVendorOrServiceDown",
        FailureKind.UNAVAILABLE,
        hint="Check that Citrix Licensing and Citrix Web Services for Licensing run there"
        " (port 8083).",
    ),
    ErrorRule(
        r"NoInventory",
        FailureKind.NO_DATA,
        hint="There are no licenses of this kind: try get-liclasinventory, or get-licinventory.",
    ),
    ErrorRule(
        r"(?:PS)?[Ss]nap-?[Ii]n|Get-Lic\w+.*not recognized",
        FailureKind.COMMAND,
        hint="The snap-in Citrix.Licensing.Admin.V1 is missing. Run the command on a license server"
        " or where Studio is installed.",
    ),
    ErrorRule(
        r"not recognized as|CommandNotFound|command not found|No such file or directory",
        FailureKind.COMMAND,
        hint="The program does not exist, or is not on the PATH of a session without a terminal:"
        " use its full path.",
    ),
    ErrorRule(
        r"Access is denied|AccessDenied|UnauthorizedAccess",
        FailureKind.FORBIDDEN,
        hint="The account may log on, but not read this; see lictui servers snippet NAME.",
    ),
)
# Exit codes of POSIX shells
_EXIT_CODE_RULES: Final = (
    ErrorRule(
        (127,),
        FailureKind.COMMAND,
        hint="The remote shell does not find the program: use its full path.",
    ),
    ErrorRule((126,), FailureKind.COMMAND, hint="This user may not execute the program."),
    ErrorRule(None, FailureKind.COMMAND, hint=RUN_IT),
)


def last_error_line(stderr: str) -> str:
    """Return the last line on stderr; "" for progress that PowerShell serialized there."""
    if error := _CLIXML_ERROR.search(stderr):
        return sanitize(_CLIXML_ESCAPE.sub(" ", error[1]))
    return "" if _CLIXML.match(stderr.lstrip()) else sanitize(stderr)


def is_broken_off(code: int, command: Sequence[str]) -> bool:
    """Whether a program that ended with `code` was killed, or ssh lost its connection."""
    return (
        code < 0
        or _SHELL_SIGNAL < code <= _SHELL_SIGNAL + signal.SIGTERM
        or (_is_ssh_error(code, command))
    )


def _is_ssh_error(code: int, command: Sequence[str]) -> bool:
    return code == _SSH_ERROR and program_name(command) in {"ssh", "plink", "autossh"}


def command_error(output: ProgramOutput, command: Sequence[str]) -> SourceError:
    """Return the failure for an exit code other than 0, or for an error message without output."""
    label, line, code = command_label(command), last_error_line(output.stderr), output.exit_code
    if code == 0:
        message = f"{label} printed only an error: {line}"
    else:
        number = -code if code < 0 else code - _SHELL_SIGNAL
        killed = f"was killed by signal {number}"
        is_killed = 0 < number <= signal.SIGTERM
        message = f"{label} {killed if is_killed else f'exited with code {code}'}"
        message += f": {line}" if line else ""
    rules = _SSH_RULES if _is_ssh_error(code, command) else _REMOTE_RULES
    return find_rule((*rules, *_EXIT_CODE_RULES), line, code).error(message)
