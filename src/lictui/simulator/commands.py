"""Simulated machine that is read by commands: its programs, their output, and the port behind them.

The programs are lmutil, udadmin, PowerShell, the Checkmk agent and lictui. The
stand-ins for `lmutil` and `ssh` (fake_program.py) connect to it.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from lictui.clock import Clock, iso
from lictui.paths import write_private
from lictui.simulator import CurrentFault, CurrentInventory, FaultMode, License, fake_program
from lictui.simulator.http import Listener

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping, Sequence

    from lictui.simulator.flexnet import FlexServer


# JSON as ConvertTo-Json of PowerShell writes it


_ESCAPED: Final = "<>&'"  # by 5.1's serializer


class PowerShell(Struct, frozen=True):
    """One PowerShell."""

    is_windows_powershell: bool = True  # Windows PowerShell 5.1; else PowerShell 7
    hours: float = 0.0  # of the local time that 7 writes, ahead of UTC; 5.1 writes the moment

    def convert(self, rows: Sequence[Mapping[str, object]]) -> bytes:
        """`$rows | ConvertTo-Json`: nothing for no row, no array around a single one."""
        if not rows:
            return b""
        value = rows[0] if len(rows) == 1 else rows
        text = json.dumps(value, indent=4 if self.is_windows_powershell else 2, default=self._date)
        if self.is_windows_powershell:
            text = _desktop(text)
        return (text + "\n").replace("\n", "\r\n").encode()

    def _date(self, value: object) -> str:
        if not isinstance(value, date):
            raise TypeError(f"no rule for {type(value).__name__}")
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
        if self.is_windows_powershell:
            # The slashes are escaped once the whole text is there.
            return f"/Date({round(moment.timestamp() * 1000)})/"
        if not self.hours:
            return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
        return moment.astimezone(timezone(timedelta(hours=self.hours))).isoformat()


def _desktop(text: str) -> str:
    """Two blanks after a name, escaped slashes around dates, and what HTML could misread."""
    text = re.sub(r'^( *"[^"]*":) ', r"\1  ", text, flags=re.MULTILINE)
    text = re.sub(r"/(Date\(-?\d+\))/", r"\\/\1\\/", text)
    for mark in _ESCAPED:
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


# Rows that PowerShell shows of an inventory: of the licensing snap-in, and of WMI


# Shown as 12/31/1999 and 12/31/2037 in New York, where Citrix took its samples.
_NO_EXPIRY: Final = date(2000, 1, 1)
_NO_SUBSCRIPTION: Final = date(2038, 1, 1)
_START_UP: Final = ("CITRIX", "CTXLSDIAG")
_TYPES: Final = {"Retail": "Retail", "RetailS": "Retail (expiring)", "SYS": "System"}


def _lic_inventory_row(pool: License, *, las: bool) -> Mapping[str, object]:
    """An item of `Get-LicInventory`, or of `Get-LicLasInventory`.

    LicensesAvailable is the total with its overdraft, or with `las` what is left of it: scripts
    disagree (protocols: 8083). `las` names the subscription date as releases did before Customer
    Success Services.
    """
    product, edition, model = pool.code_parts
    name, _, model_name = pool.full_name.partition("|")
    total = pool.installed + pool.overdraft
    dated = "SubscriptionAdvantage" if las else "CustomerSuccessServices"
    start_up = pool.product in _START_UP
    return {
        "LicenseProductName": product,
        "LocalizedLicenseProductName": name or pool.product,
        "LicenseEdition": edition,
        "LicenseLocalizedEdition": name.rpartition(" ")[2] if edition else "",
        "LicenseExpirationDate": pool.expires or _NO_EXPIRY,
        f"License{dated}Date": _NO_SUBSCRIPTION if start_up else pool.subscription_date,
        "LicenseType": pool.license_type,
        "LocalizedLicenseType": _TYPES.get(pool.license_type, pool.license_type),
        "LicensesInUse": pool.in_use,
        "LicensesAvailable": total - pool.in_use if las else total,
        "LicenseOverdraft": pool.overdraft,
        "LicenseModel": model,
        "LocalizedLicenseModel": model_name,
    }


def _wmi_row(pool: License) -> Mapping[str, object]:
    """`Citrix_GT_License_Pool`, with the clutter of a CIM instance."""
    system = {"CimSuperClassName": None, "CimSystemProperties": "Microsoft.Management"}
    return {**pool.wmi_row, "PSComputerName": None, "CimClass": system}


# Checkmk's agent section


def checkmk_section(inventory: Iterable[License], name: str) -> str:
    """What the agent says, with a section before and after; a count has its overdraft in it."""
    rows = [
        f"{pool.product}\t{pool.installed + pool.overdraft}\t{pool.in_use}" for pool in inventory
    ]
    head = ("<<<check_mk>>>", "Version: 2.3.0p1", "AgentOS: windows", f"Hostname: {name}")
    tail = ("<<<systemtime>>>", "1796083200")
    return "\r\n".join((*head, "<<<citrix_licenses>>>", *rows, *tail, ""))


# Output of `lictui status --json`, schema lictui.status/1


def status_json(inventory: Sequence[License], at: float, name: str) -> str:
    """The whole answer of a lictui that reads `name` over WinRM."""
    server = {
        "name": name,
        "source": "winrm",
        "group": "",
        "url": f"https://{name}.corp.example:5986/wsman",
        "state": "up" if inventory else "no_data",
        "reason": None,
        "polled_at": iso(at),
        "latency_ms": 40,
        "reported_name": name.upper(),
        "version": None,
        "mode": "file",
        "activation": None,
        "license_servers": [],
        "pools": [_status_pool(pool) for pool in inventory],
    }
    answer = {
        "schema": "lictui.status/1",
        "at": iso(at),
        "servers": [server],
        "totals": [],
        "alerts": [],
    }
    return json.dumps(answer, indent=1) + "\n"


def _status_pool(pool: License) -> dict[str, object]:
    models = {"UD": "user_device", "CCU": "concurrent", "CCS": "concurrent"}
    return {
        "product": pool.product,
        "name": pool.full_name.partition("|")[0],
        "model": models.get(pool.code_parts[2], "other"),
        "license_type": pool.license_type,
        "subscription_date": pool.subscription_date.isoformat(),
        "expires": pool.expires.isoformat() if pool.expires else None,
        "permanent": None,
        "installed": pool.installed,
        "overdraft": pool.overdraft,
        "in_use": pool.in_use,
        "free": pool.installed - pool.in_use,
        "ratio": round(pool.in_use / pool.installed, 4) if pool.installed else None,
        "level": "ok",
        "counted": pool.license_type != "SYS",
    }


# The machine and its programs


class SimulatedOutput(Struct, frozen=True):
    """Both outputs of a program, and how it ended."""

    stdout: bytes = b""
    stderr: str = ""
    status: int = 0


_NOT_FOUND: Final = 127  # of a shell, for a command it does not have
_WITH_VALUE: Final = ("-c", "-t", "-f", "-s", "-S", "-i")  # lmstat's options
_WITHOUT_VALUE: Final = ("-a", "-A")
_USAGE: Final = """\
usage: lmutil lmstat [-a] [-A] [-c license_file_list] [-f [feature]] [-i [feature]]
                     [-s [server]] [-S [daemon]] [-t timeout_value]
"""
_UDADMIN_OPTIONS: Final = {"-list", "-times", "-a"}


class Machine(Struct, frozen=True):
    """A license server's own machine."""

    flexnet: FlexServer
    powershell: PowerShell = field(default_factory=PowerShell)

    @property
    def name(self) -> str:
        """The name of the machine."""
        return self.flexnet.name

    def run(self, argv: Sequence[str], inventory: Sequence[License], at: float) -> SimulatedOutput:
        """Run the program that `argv` starts with, at the time `at`."""
        program = argv[0].replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
        if program == "lmutil":
            # The first argument says which of its tools runs.
            argv = argv[1:] or [program]
            program = argv[0]
        options = tuple(argv[1:])
        match program:
            case "lmstat":
                return self._lmstat(options, inventory, at)
            case "udadmin":
                return self._udadmin(options, inventory, at)
            case "powershell" | "pwsh":
                return self._powershell(options, inventory)
            case "check_mk_agent":
                text = checkmk_section(inventory, self.name)
            case "lictui":
                text = status_json(inventory, at, self.name)
            case _:
                message = f"bash: line 1: {argv[0]}: command not found"
                return SimulatedOutput(stderr=message, status=_NOT_FOUND)
        return SimulatedOutput(text.encode())

    def _lmstat(
        self, options: Sequence[str], inventory: Sequence[License], at: float
    ) -> SimulatedOutput:
        words = iter(options)
        for option in words:
            if option in _WITH_VALUE:
                next(words, "")
            elif option not in _WITHOUT_VALUE:
                return SimulatedOutput(_USAGE.encode(), status=1)
        if not set(_WITHOUT_VALUE) & set(options):
            inventory = ()  # without them only the state of the daemons is printed
        return SimulatedOutput(self.flexnet.lmstat_text(inventory, at).encode())

    def _udadmin(
        self, options: Sequence[str], inventory: Sequence[License], at: float
    ) -> SimulatedOutput:
        if "-list" not in options or not set(options) <= _UDADMIN_OPTIONS:
            return SimulatedOutput(stderr="udadmin: these options are not simulated", status=1)
        text = self.flexnet.udadmin_text(inventory, at, times="-times" in options)
        return SimulatedOutput(text.encode())

    def _powershell(self, options: Sequence[str], inventory: Sequence[License]) -> SimulatedOutput:
        script = " ".join(options).lower()
        las = "get-liclasinventory" in script
        if las or "get-licinventory" in script:
            rows = [_lic_inventory_row(pool, las=las) for pool in inventory]
        elif "citrix_gt_license_pool" in script:
            rows = [_wmi_row(pool) for pool in inventory]
        else:
            message = "The term is not recognized as the name of a cmdlet."
            return SimulatedOutput(stderr=message, status=1)
        return SimulatedOutput(self.powershell.convert(rows))


# The port that the simulated programs connect to


_LOST: Final = 255  # ssh's own exit status
_KILLED: Final = 137  # what a shell makes of SIGKILL
_BUSY: Final = 3
_MAX_COMMAND: Final = 256 * 1024  # bytes
_OVERSIZED_LINES: Final = 140_000  # 11 MB
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\r\n"
# What becomes of a command on the way to another machine.
_REFUSED_THERE: Final = {
    FaultMode.DENIED: "{user}@{name}: Permission denied (publickey,password,keyboard-interactive).",
    FaultMode.CREDENTIALS_EXPIRED: (
        "Your account has expired; please contact your system administrator."
    ),
    FaultMode.FORBIDDEN: "exec request failed on channel 0",
}
# What a program prints whatever its arguments are.
_OUTPUTS: Final = {
    FaultMode.LOGIN_PAGE: SimulatedOutput(_PAGE),
    FaultMode.BUSY: SimulatedOutput(
        stderr="the license service is busy; try again later", status=_BUSY
    ),
    FaultMode.RATE_LIMITED: SimulatedOutput(
        stderr="too many requests; try again later", status=_BUSY
    ),
    FaultMode.GARBAGE: SimulatedOutput(bytes(range(256)) * 16),
    FaultMode.OVERSIZED: SimulatedOutput(b"x" * 79 + b"\n"),
}


class CommandListener(Listener):
    """Runs the command of each connection.

    A request is the length of what follows, a line feed, and words that a NUL separates: the
    program and its arguments. The answer is the exit status, the length of the standard error, a
    line feed, the standard error, and the standard output.
    """

    def __init__(self, target: CommandTarget, host: str = "127.0.0.1", port: int = 0) -> None:
        self._target = target
        super().__init__(host, port)

    async def serve(self, client: socket.socket) -> None:
        """Run one command."""
        reader, writer = await asyncio.open_connection(sock=client)
        try:
            length = int(await reader.readline())
            words = (await reader.readexactly(min(length, _MAX_COMMAND))).decode().split("\0")
            output = self._target.run(*words)
            if output is None:
                await reader.read()  # until the client gives up
                return
            errors = output.stderr.encode()
            writer.write(f"{output.status} {len(errors)}\n".encode() + errors + output.stdout)
            await writer.drain()
        except (ValueError, KeyError, EOFError):
            pass  # not one of our programs
        finally:
            writer.close()


class CommandTarget(Struct, frozen=True):
    """A machine as it is reached by ssh, or by the license server's own protocol."""

    machine: Machine
    inventory: CurrentInventory
    fault: CurrentFault
    clock: Clock
    user: str = "svc-lictui"

    def run(self, program: str, *argv: str) -> SimulatedOutput | None:
        """Return what `program` prints; None if it never ends."""
        fault = self.fault()
        if fault is FaultMode.SILENT:
            return None
        run = {"ssh": self._ssh, "lmutil": self._lmutil}[program]
        output = run([*argv], fault)
        lines = _OVERSIZED_LINES if fault is FaultMode.OVERSIZED else 1
        return replace(output, stdout=output.stdout * lines)

    def _ssh(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if sentence := _REFUSED_THERE.get(fault):
            message = sentence.format(user=self.user, name=self.machine.name)
            return SimulatedOutput(stderr=message, status=_LOST)
        if fault is FaultMode.UNKNOWN_CUSTOMER:
            return self.machine.run(["elsewhere"], (), 0.0)
        if fault is FaultMode.EMPTY:
            return SimulatedOutput()
        words = shlex.split(" ".join(argv))  # ssh sends one line, and a shell reads it
        if "|" in words:
            words = [words[words.index("|") + 1]]  # a cmdlet of PowerShell, not a program
        output = self._run(words, fault)
        if fault is FaultMode.TRUNCATED:
            lost = f"Connection to {self.machine.name} closed by remote host."
            return replace(output, stderr=lost, status=_LOST)
        return output

    def _lmutil(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if fault in _REFUSED_THERE or fault in {
            FaultMode.UNKNOWN_CUSTOMER,
            FaultMode.BUSY,
            FaultMode.RATE_LIMITED,
        }:
            text = self.machine.flexnet.unreachable_text(self.clock.now())
            return SimulatedOutput(text.encode(), status=1)
        if fault is FaultMode.EMPTY:
            return self.machine.run(argv, (), self.clock.now())
        return self._run(argv, fault)

    def _run(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if output := _OUTPUTS.get(fault):
            return output
        output = self.machine.run(argv, self.inventory(), self.clock.now())
        if fault is FaultMode.TRUNCATED:
            half = output.stdout[: len(output.stdout) // 2]
            return replace(output, stdout=half, status=_KILLED)
        return output


# Installation of the stand-in programs


_EXECUTABLE: Final = 0o700
# Read by sh as a command that starts Python, and by Python as a text: a `#!` line may hold neither
# blanks in a path nor more than 127 characters. Neither site nor environment slow it down.
_FIRST: Final = "#!/bin/sh\n''''exec {python} -IS \"$0\" \"$@\" # '''\n"


class ProgramPaths(Struct, frozen=True):
    """Where the simulated programs are."""

    lmutil: Path  # `lmutil lmstat -a -c PORT@HOST`
    ssh: Path  # `ssh -p PORT USER@HOST COMMAND…`


def install_programs(folder: Path) -> ProgramPaths:
    """Write both into `folder`, for the user alone. OSError when that is not possible."""
    text = _FIRST.format(python=shlex.quote(sys.executable))
    text += Path(fake_program.__file__).read_text(encoding="utf-8")
    programs = ProgramPaths(folder / "lmutil", folder / "ssh")
    for path in (programs.lmutil, programs.ssh):
        write_private(path, text.encode())
        path.chmod(_EXECUTABLE)
    return programs
