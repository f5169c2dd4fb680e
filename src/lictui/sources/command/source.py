"""Source `command`: runs a command of the user and reads what it prints, in one of eight formats.

Output of a command that then failed is not used: half an answer is no answer. One exception:
`lictui status` exits with 1 after a complete answer if some server is not up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lictui.config.server_schema import INVENTORY_FORMATS
from lictui.model import FailureKind, Mode, Server, Snapshot, Step
from lictui.sources.command.formats import (
    checkmk_snapshot,
    license_file_snapshot,
    lictui_snapshot,
    udadmin_snapshot,
)
from lictui.sources.command.powershell import licinventory_snapshot, wmi_snapshot
from lictui.sources.flexnet.source import lmstat_snapshot
from lictui.sources.process import ProgramOutput, decode_output, run_program
from lictui.sources.program import ProgramSource
from lictui.sources.sanitize import sanitize
from lictui.sources.source import (
    ErrorRule,
    SourceError,
    config_error,
    find_rule,
    no_data_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Limits

_SERVERS_NOT_UP: Final = 1  # exit code of `lictui status`
_UNSPECIFIC: Final = (FailureKind.PARSE, FailureKind.NO_DATA)


class CommandSource(ProgramSource):
    """Implements `Source` for a command of the user."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        super().__init__(server, limits, clock)
        self._label = command_label(server.command)

    async def _run(self) -> ProgramOutput:
        return await run_program(self._server.command, self._limits)

    def _read(self, output: ProgramOutput) -> Snapshot:
        text = decode_output(output.stdout)
        self._check(output, text)
        try:
            return self._parse(text)
        except SourceError as error:
            failure = error.failure
            raise SourceError(failure.kind, failure.message, failure.hint, Step.PARSE) from error

    def _check(self, output: ProgramOutput, text: str) -> None:
        form, code, is_empty = self._server.format, output.exit_code, not text.strip()
        if code and form == "lmstat" and not is_empty:
            try:  # lmstat reports errors on stdout, in more detail
                self._parse(text)
            except SourceError as error:
                if error.failure.kind not in _UNSPECIFIC:
                    raise
            else:  # complete: lmutil has exit codes of its own
                code = code if code == _SSH_ERROR or code < 0 else 0
        is_lictui_answer = form == "lictui" and code == _SERVERS_NOT_UP and not is_empty
        if (code and not is_lictui_answer) or (is_empty and last_error_line(output.stderr)):
            raise command_error(output, self._server.command, self._label)
        if is_empty:
            why = "ConvertTo-Json prints nothing if there is no license. " if _is_json(form) else ""
            raise no_data_error(f"{self._label} succeeded without output", why + _RUN_IT)

    def _parse(self, text: str) -> Snapshot:
        label = self._label
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        match self._server.format:
            case "get-licinventory" | "get-liclasinventory" as form:
                mode = Mode.FILE if form == "get-licinventory" else Mode.LAS
                available = self._server.licenses_available
                return licinventory_snapshot(text, label, mode, available=available)
            case "wmi-json":
                return wmi_snapshot(text, label, today)
            case "license-file":
                return license_file_snapshot(text, label, today)
            case form if read := _READERS.get(form):
                return read(text, label)
        raise config_error(
            f"unknown output format for {label}", "Set format in servers.toml.", Step.PARSE
        )


def _is_json(form: str) -> bool:
    return form == "wmi-json" or form in INVENTORY_FORMATS


_READERS: Final[dict[str, Callable[[str, str], Snapshot]]] = {
    "checkmk": checkmk_snapshot,
    "lictui": lictui_snapshot,
    "lmstat": lmstat_snapshot,
    "udadmin": udadmin_snapshot,
}


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
_CLIXML: Final = re.compile(r"<Objs|#< CLIXML|</?(?:Obj|MS|TN|PR)\b")
_CLIXML_ERROR: Final = re.compile(r'<S S="Error">([^<]{1,300})')
_CLIXML_ESCAPE: Final = re.compile(r"_x[0-9A-Fa-f]{4}_")
_RUN_IT: Final = "Run it in a terminal as the same user to see what it prints."

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
    ErrorRule(None, FailureKind.COMMAND, hint=_RUN_IT),
)


def last_error_line(stderr: str) -> str:
    """Return the last line on stderr; "" for progress that PowerShell serialized there."""
    if error := _CLIXML_ERROR.search(stderr):
        return sanitize(_CLIXML_ESCAPE.sub(" ", error[1]))
    return "" if _CLIXML.match(stderr.lstrip()) else sanitize(stderr)


def command_error(output: ProgramOutput, command: Sequence[str], label: str) -> SourceError:
    """Return the failure for an exit code other than 0, or for an error message without output."""
    line = last_error_line(output.stderr)
    code = output.exit_code
    if code == 0:
        message = f"{label} printed only an error: {line}"
    else:
        ending = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
        message = f"{label} {ending}" + (f": {line}" if line else "")
    is_ssh_error = code == _SSH_ERROR and program_name(command) in {"ssh", "plink", "autossh"}
    rules = _SSH_RULES if is_ssh_error else _REMOTE_RULES
    return find_rule((*rules, *_EXIT_CODE_RULES), line, code).error(message)
