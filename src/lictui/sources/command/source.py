"""A license server read by a command: whatever prints one of the formats.

Owns when what was printed counts as an answer. Must not know how a program is run, nor what the
formats mean. Half an answer is none: output of a command that then failed is not believed, except
that `lictui status` says with code 1 that some server is not up, after a whole answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from lictui.model import FailureKind, Mode, Server, Snapshot, Step
from lictui.sources import process
from lictui.sources.process import ProgramOutput, decode_output
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lictui.clock import Clock
    from lictui.config.settings import Limits


# The reader of each format that a command may print


def parse_output(said: str, server: Server, where: str, today: date) -> Snapshot:  # noqa: PLR0911 - one each
    """The snapshot in `said`, by `server.format`; `today` is the day in UTC. Raises SourceError."""
    match server.format:
        case "get-licinventory" | "get-liclasinventory":
            from lictui.sources.command.powershell import licinventory_snapshot  # noqa: PLC0415 - one format only

            mode = Mode.LAS if server.format == "get-liclasinventory" else Mode.FILE
            return licinventory_snapshot(said, where, mode, available=server.licenses_available)
        case "wmi-json":
            from lictui.sources.command.powershell import wmi_snapshot  # noqa: PLC0415 - one format only

            return wmi_snapshot(said, where, today)
        case "checkmk":
            from lictui.sources.command.formats import checkmk_snapshot  # noqa: PLC0415 - one format only

            return checkmk_snapshot(said, where)
        case "lictui":
            from lictui.sources.command.formats import lictui_snapshot  # noqa: PLC0415 - one format only

            return lictui_snapshot(said, where)
        case "license-file":
            from lictui.sources.command.formats import license_file_snapshot  # noqa: PLC0415 - one format only

            return license_file_snapshot(said, where, today)
        case "lmstat":
            from lictui.sources.flexnet.source import lmstat_snapshot  # noqa: PLC0415 - one format only

            return lmstat_snapshot(said, where)
        case "udadmin":
            from lictui.sources.flexnet.udadmin import (  # noqa: PLC0415 - one format only
                udadmin_snapshot,
            )

            return udadmin_snapshot(said, where)
    raise SourceError(
        FailureKind.CONFIG,
        f"{where} is to print a format that lictui does not know",
        "Set format in servers.toml.",
        Step.PARSE,
    )


# What a command is called in messages: its program, and for ssh the host it goes to


_WITH_VALUE: Final = frozenset("BbcDEeFIiJLlmOopPQRSWw")  # options of ssh(1) that take another word
_HARMLESS: Final = re.compile(r"[\w./\\:~-]{1,60}")


def program_name(command: Sequence[str]) -> str:
    """The program's own name, without path and `.exe`, in lower case."""
    name = re.split(r"[\\/]", command[0])[-1].lower() if command else ""
    return name.removesuffix(".exe")


def ssh_host(command: Sequence[str]) -> str:
    """The destination of an ssh command as it stands there, `user@host` maybe; "" if it is none."""
    if program_name(command) != "ssh":
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


def command_label(command: Sequence[str]) -> str:
    """`ssh lic01`, `lmutil lmstat`, `curl`: short, and without options and their values."""
    name = sanitize(program_name(command), 60) or "the command"
    if name == "ssh":
        return f"{name} {sanitize(ssh_host(command).rpartition('@')[2], 80)}".strip()
    first = command[1] if len(command) > 1 else ""
    shown = not first.startswith("-") and _HARMLESS.fullmatch(first) is not None
    return f"{name} {first}" if shown else name


# What it is called when a command ends without an answer: exit codes and last words


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


def last_error_line(stderr: str) -> str:
    """The last line on stderr for a message; "" for progress that PowerShell serialised there."""
    if error := _XML_ERROR.search(stderr):
        return sanitize(_XML_ESCAPE.sub(" ", error[1]))
    return "" if _XML.match(stderr.lstrip()) else sanitize(stderr)


def command_error(output: ProgramOutput, command: Sequence[str], where: str) -> SourceError:
    """The failure for an exit code that is not 0, or for nothing but words on stderr."""
    words = last_error_line(output.stderr)
    if output.exit_code == 0:
        message = f"{where} printed nothing but: {words}"
    elif output.exit_code < 0:
        message = f"{where} was ended by signal {-output.exit_code}"
    else:
        message = f"{where} ended with code {output.exit_code}"
    if output.exit_code and words:
        message += f": {words}"
    of_ssh = output.exit_code == _SSH_FAILED and program_name(command) in (
        "ssh",
        "plink",
        "autossh",
    )
    for meaning in _SSH if of_ssh else _POWERSHELL:
        if re.search(meaning.words, words):
            return SourceError(meaning.kind, message, meaning.hint, meaning.step)
    hint = _BY_STATUS.get(output.exit_code, _LOOK)
    return SourceError(FailureKind.COMMAND, message, hint, Step.INVENTORY)


def no_output_error(where: str) -> SourceError:
    """The failure for a command that ended well and printed nothing at all."""
    return SourceError(
        FailureKind.NO_DATA,
        f"{where} ended well, but printed nothing",
        "ConvertTo-Json prints nothing where there is no license. " + _LOOK,
        Step.INVENTORY,
    )


_SOME_NOT_UP: Final = 1  # exit code of `lictui status`
# lmstat says on stdout what went wrong, and ends with a code: its words are worth more.
_TELLS_ON_STDOUT: Final = "lmstat"
_VAGUE: Final = (FailureKind.PARSE, FailureKind.NO_DATA)


class CommandSource:
    """`lictui.sources.source.Source` for a program of the user's; keeps nothing between polls."""

    def __init__(self, server: Server, limits: Limits, clock: Clock) -> None:
        self._server, self._limits, self._clock = server, limits, clock
        self._where = command_label(server.command)

    async def fetch(self, found: Callable[[Step, str], None]) -> Snapshot:
        """Run it once, and read what it printed; see `Source.fetch`."""
        before = self._clock.monotonic()
        output = await process.run_program(self._server.command, self._limits)
        seconds = self._clock.monotonic() - before
        said = decode_output(output.stdout)
        self._check(output, said)
        size = f"{len(output.stdout):,} bytes"
        found(Step.INVENTORY, f"ended with {output.exit_code} in {seconds:.1f} s, {size}")
        snapshot = self._read(said)
        pools = len(snapshot.pools)
        found(Step.PARSE, f"{pools} pool" + ("" if pools == 1 else "s"))
        return snapshot

    async def aclose(self) -> None:
        """Nothing is kept."""

    def _check(self, output: ProgramOutput, said: str) -> None:
        """Pass an answer; raises SourceError for what is none."""
        blank = not said.strip()
        if output.exit_code and not (self._is_whole(output.exit_code) and not blank):
            if not blank and self._server.format == _TELLS_ON_STDOUT:
                self._raise_its_own(said)
            raise command_error(output, self._server.command, self._where)
        if blank and last_error_line(output.stderr):
            raise command_error(output, self._server.command, self._where)
        if blank:
            raise no_output_error(self._where)

    def _is_whole(self, status: int) -> bool:
        return self._server.format == "lictui" and status == _SOME_NOT_UP

    def _raise_its_own(self, said: str) -> None:
        """Raise what the output itself says went wrong, if it does."""
        try:
            self._read(said)
        except SourceError as error:
            if error.failure.kind not in _VAGUE:
                raise

    def _read(self, said: str) -> Snapshot:
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        return parse_output(said, self._server, self._where, today)
