"""Simulated machine that is read by commands: its programs, their output, and the port behind them.

The programs are lmutil, udadmin, PowerShell, the Checkmk agent, cat (license files) and lictui. The
stand-ins for `lmutil` and `ssh` (fake_program.py) reach them over HTTP.
"""

from __future__ import annotations

import codecs
import json
import re
import shlex
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lictui.clock import Clock, iso
from lictui.paths import write_private
from lictui.simulator import fake_program
from lictui.simulator.flexnet import (
    LmstatLayout,
    flex_server,
    lmstat_text,
    udadmin_text,
    unreachable_text,
)
from lictui.simulator.http import Connection, Listener, Request, SimulatedReply, listen
from lictui.simulator.inventory import CurrentFault, CurrentInventory, FaultMode, License

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# JSON as ConvertTo-Json of PowerShell writes it


_BOMS: Final = {"utf-8-sig": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}
_ESCAPED: Final = "<>&'"  # by 5.1's serializer


@dataclass(frozen=True, slots=True)
class PowerShell:
    """One PowerShell, and how its output reaches a file or pipe."""

    is_windows_powershell: bool = True  # Windows PowerShell 5.1; else PowerShell 7
    encoding: str = "utf-8"  # utf-8-sig and utf-16-le begin with their mark
    hours: float = 0.0  # of the local time that 7 writes, ahead of UTC; 5.1 writes the moment

    def convert(self, rows: Sequence[Mapping[str, object]]) -> bytes:
        """`$rows | ConvertTo-Json`: nothing for none, no array around a single one."""
        if not rows:
            return b""
        value = rows[0] if len(rows) == 1 else list(rows)
        text = json.dumps(value, indent=4 if self.is_windows_powershell else 2, default=self._date)
        if self.is_windows_powershell:
            text = _desktop(text)
        said = text.replace("\n", "\r\n") + "\r\n"
        if self.encoding == "utf-16-le":
            return _BOMS[self.encoding] + said.encode("utf-16-le")
        return said.encode(self.encoding)

    def _date(self, value: object) -> str:
        if not isinstance(value, datetime):
            raise TypeError(f"PowerShell has no {type(value).__name__} here")
        if self.is_windows_powershell:
            # The slashes are escaped once the whole text is there.
            return f"/Date({round(value.timestamp() * 1000)})/"
        if not self.hours:
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
        return value.astimezone(timezone(timedelta(hours=self.hours))).isoformat()


def _desktop(text: str) -> str:
    """Two blanks after a name, escaped slashes around dates, and what HTML could misread."""
    text = re.sub(r'^( *"[^"]*":) ', r"\1  ", text, flags=re.MULTILINE)
    text = re.sub(r"/(Date\(-?\d+\))/", r"\\/\1\\/", text)
    for mark in _ESCAPED:
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


# Rows that PowerShell shows of an inventory: of the licensing snap-in, and of WMI


# Shown as 12/31/1999 and 12/31/2037 in New York, where Citrix took its samples.
NO_EXPIRY: Final = datetime(2000, 1, 1, tzinfo=UTC)
NO_SUBSCRIPTION: Final = datetime(2038, 1, 1, tzinfo=UTC)
_START_UP: Final = ("CITRIX", "CTXLSDIAG")
_TYPES: Final = {"Retail": "Retail", "RetailS": "Retail (expiring)", "SYS": "System"}
_PARTS: Final = 3  # product, edition, model: the code's own, in Citrix's words its PEM


def lic_inventory_rows(
    inventory: Iterable[License], *, free: bool = False, older: bool = False, times: int = 1
) -> Sequence[Mapping[str, object]]:
    """`Get-LicInventory`, and `Get-LicLasInventory`, whose properties have the same names.

    LicensesAvailable is the total with its overdraft, or with `free` what is left of it: scripts
    disagree (protocols: 8083). `older` names the subscription date as releases did before Customer
    Success Services. `times` multiplies what is installed: LAS servers that show it twice are known
    for concurrent licenses.
    """
    dated = "SubscriptionAdvantage" if older else "CustomerSuccessServices"
    return [_inventoried(pool, f"License{dated}Date", free=free, times=times) for pool in inventory]


def _inventoried(pool: License, dated: str, *, free: bool, times: int) -> Mapping[str, object]:
    product, edition, model = _pem(pool.product)
    name, _, model_name = pool.full_name.partition("|")
    start_up = pool.product in _START_UP
    overdraft = pool.overdraft * times
    total = pool.installed * times + overdraft
    return {
        "LicenseProductName": product,
        "LocalizedLicenseProductName": name or pool.product,
        "LicenseEdition": edition,
        "LicenseLocalizedEdition": name.rpartition(" ")[2] if edition else "",
        "LicenseExpirationDate": _moment(pool.expires) if pool.expires else NO_EXPIRY,
        dated: NO_SUBSCRIPTION if start_up else _moment(pool.subscription_date),
        "LicenseType": pool.license_type,
        "LocalizedLicenseType": _TYPES.get(pool.license_type, pool.license_type),
        "LicensesInUse": pool.in_use,
        "LicensesAvailable": total - pool.in_use if free else total,
        "LicenseOverdraft": overdraft,
        "LicenseModel": model,
        "LocalizedLicenseModel": model_name,
    }


def wmi_pool_rows(
    inventory: Iterable[License], *, text: bool = False
) -> Sequence[Mapping[str, object]]:
    """`Citrix_GT_License_Pool`, with the clutter that a CIM instance brings along.

    `text` has dates as DCOM gives them, which is what Get-WmiObject shows.
    """
    return [
        {
            "Count": pool.installed + pool.overdraft,
            "DUP_GROUP": None,
            "FLOAT_OK": None,
            "HOST_BASED": None,
            "HOSTID": None,
            "InUseCount": pool.in_use,
            "LicenseType": pool.license_type,
            "Overdraft": pool.overdraft,
            "PLATFORMS": None,
            "PLD": pool.product,
            "PLDFullName": pool.full_name,
            "PooledAvailable": max(0, pool.installed + pool.overdraft - pool.in_use),
            "SubscriptionDate": (
                f"{pool.subscription_date:%Y%m%d}000000.000000+000"
                if text
                else _moment(pool.subscription_date)
            ),
            "USER_BASED": None,
            "VendorString": f";LT={pool.license_type};GP=720;SA=1;ODP=0",
            "PSComputerName": None,
            "CimClass": {"CimSuperClassName": None, "CimSystemProperties": "Microsoft.Management"},
        }
        for pool in inventory
    ]


def _pem(code: str) -> tuple[str, str, str]:
    parts = code.split("_")
    if len(parts) < _PARTS:
        return code, "", ""
    return parts[0], "_".join(parts[1:-1]), parts[-1]


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# Checkmk's agent section, and license files


_TERMS: Final = "GP=720;CL=VDS,VDA,VDE;SA=1;LP=90;ODP=0;NUDURMIN=2880;NUDURMAX=525600"


def checkmk_section(inventory: Iterable[License], name: str) -> str:
    """What the agent says, with a section before and after; a count has its overdraft in it."""
    rows = [
        f"{pool.product}\t{pool.installed + pool.overdraft}\t{pool.in_use}" for pool in inventory
    ]
    head = ("<<<check_mk>>>", "Version: 2.3.0p1", "AgentOS: windows", f"Hostname: {name}")
    tail = ("<<<systemtime>>>", "1796083200")
    return "\r\n".join((*head, "<<<citrix_licenses>>>", *rows, *tail, ""))


def license_file_text(inventory: Iterable[License], name: str) -> str:
    """One license file with an increment for each pool; says nothing about use or overdraft."""
    lines = [
        "# This file is in UTF-8 format.",
        f"SERVER this_host HOSTNAME={name.upper()}",
        "VENDOR CITRIX",
        "USE_SERVER",
    ]
    for number, pool in enumerate(inventory, 1):
        expires = f"{pool.expires:%d-%b-%Y}".lower() if pool.expires else "permanent"
        version = f"{pool.subscription_date:%Y.%m%d}"
        lines += (
            f"INCREMENT {pool.product} CITRIX {version} {expires} {pool.installed} \\",
            f" VENDOR_STRING=;LT={pool.license_type};{_TERMS} \\",
            f' DUP_GROUP=V ISSUED=07-Mar-2026 NOTICE="Simulated" SN=LA-0000000000-{number:05}:1 \\',
            ' START=6-feb-2026 SIGN="0000 0000 0000"',
        )
    return "\n".join((*lines, ""))


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
        "pools": [_pool(pool) for pool in inventory],
    }
    answer = {
        "schema": "lictui.status/1",
        "at": iso(at),
        "servers": [server],
        "totals": [],
        "alerts": [],
    }
    return json.dumps(answer, indent=1) + "\n"


def _pool(pool: License) -> dict[str, object]:
    models = {"UD": "user_device", "CCU": "concurrent", "CCS": "concurrent"}
    return {
        "product": pool.product,
        "name": pool.full_name.partition("|")[0],
        "model": models.get(pool.product.rpartition("_")[2], "other"),
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


@dataclass(frozen=True, slots=True)
class SimulatedOutput:
    """Both outputs of a program, and how it ended."""

    stdout: bytes = b""
    stderr: str = ""
    status: int = 0
    cut: bool = False  # its output ends in the middle


_NOT_FOUND: Final = 127  # of a shell, for a command it does not have
_WITH_VALUE: Final = ("-c", "-t", "-f", "-s", "-S", "-i")  # lmstat's options
_ALONE: Final = ("-a", "-A")
_USAGE: Final = """\
usage: lmutil lmstat [-a] [-A] [-c license_file_list] [-f [feature]] [-i [feature]]
                     [-s [server]] [-S [daemon]] [-t timeout_value]
"""
_UDADMIN: Final = ("-list", "-times", "-a")  # -delete and -export are somebody else's business


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a program is asked, and when."""

    options: tuple[str, ...]
    inventory: Sequence[License]
    at: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A license server's own machine; what its programs differ in, release by release."""

    name: str
    seed: int = 1
    vendor: str = "CITRIX"
    layout: LmstatLayout = field(default_factory=LmstatLayout)
    powershell: PowerShell = field(default_factory=PowerShell)
    old_property_names: bool = False  # whether the snap-in says SubscriptionAdvantage

    def run(self, argv: Sequence[str], inventory: Sequence[License], at: float) -> SimulatedOutput:
        """What the program `argv` begins with prints at `at`, when `inventory` is there."""
        program = argv[0].replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
        if program == "lmutil":
            # One program that is many: its first argument says which.
            argv = argv[1:] or [program]
            program = argv[0]
        asked = _Asked(tuple(argv[1:]), inventory, at)
        match program:
            case "lmstat":
                printed = self._lmstat(asked)
            case "udadmin":
                printed = self._udadmin(asked)
            case "powershell" | "pwsh":
                printed = self._powershell(asked)
            case "check_mk_agent":
                printed = SimulatedOutput(checkmk_section(inventory, self.name).encode())
            case "cat" | "type":
                printed = SimulatedOutput(license_file_text(inventory, self.name).encode())
            case "lictui":
                printed = SimulatedOutput(status_json(inventory, at, self.name).encode())
            case _:
                said = f"bash: line 1: {argv[0]}: command not found"
                printed = SimulatedOutput(stderr=said, status=_NOT_FOUND)
        return printed

    def _lmstat(self, asked: _Asked) -> SimulatedOutput:
        options, inventory = list(asked.options), asked.inventory
        while options:
            option = options.pop(0)
            if option in _WITH_VALUE and options:
                options.pop(0)
            elif option not in _ALONE:
                return SimulatedOutput(_USAGE.encode(), status=1)
        if not set(_ALONE) & set(asked.options):
            inventory = ()  # without them it says whether the daemons run, and no more
        server = flex_server(
            inventory, asked.at, name=self.name, seed=self.seed, vendor=self.vendor
        )
        return SimulatedOutput(lmstat_text(server, self.layout).encode())

    def _udadmin(self, asked: _Asked) -> SimulatedOutput:
        if "-list" not in asked.options or not set(asked.options) <= set(_UDADMIN):
            return SimulatedOutput(stderr="udadmin: these options are not simulated", status=1)
        text = udadmin_text(
            asked.inventory, asked.at, seed=self.seed, times="-times" in asked.options
        )
        return SimulatedOutput(text.encode())

    def _powershell(self, asked: _Asked) -> SimulatedOutput:
        said, inventory = " ".join(asked.options).lower(), asked.inventory
        rows: Sequence[Mapping[str, object]]
        if "get-liclasinventory" in said:
            rows = lic_inventory_rows(inventory, free=True, older=True)
        elif "get-licinventory" in said:
            rows = lic_inventory_rows(inventory, older=self.old_property_names)
        elif "citrix_gt_license_pool" in said:
            rows = wmi_pool_rows(inventory, text="get-wmiobject" in said)
        else:
            return SimulatedOutput(
                stderr="The term is not recognized as the name of a cmdlet.", status=1
            )
        return SimulatedOutput(self.powershell.convert(rows))


# The port behind a simulated machine's programs: what is run there, and what its fault does to it


SSH: Final = "/ssh"  # a command for the shell over there
LMUTIL: Final = "/lmutil"  # arguments of a program over here
_LOST: Final = 255  # ssh's own exit status
_KILLED: Final = 137  # what a shell makes of SIGKILL
_BUSY: Final = 3
_NOT_FOUND_SERVICE: Final = 404
_HUGE: Final = 11 * 1024 * 1024  # bytes
_REFUSED: Final = '(-15,570:111 "Connection refused")'
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\r\n"
# What becomes of a command on the way to another machine.
_REFUSED_THERE: Final = {
    FaultMode.DENIED: "{user}@{name}: Permission denied (publickey,password,keyboard-interactive).",
    FaultMode.CREDENTIALS_EXPIRED: (
        "Your account has expired; please contact your system administrator."
    ),
    FaultMode.FORBIDDEN: "exec request failed on channel 0",
}
# What a program prints whatever it was asked.
_INSTEAD: Final = {
    FaultMode.LOGIN_PAGE: SimulatedOutput(_PAGE),
    FaultMode.BUSY: SimulatedOutput(
        stderr="the license service is busy; try again later", status=_BUSY
    ),
    FaultMode.RATE_LIMITED: SimulatedOutput(
        stderr="too many requests; try again later", status=_BUSY
    ),
    FaultMode.GARBAGE: SimulatedOutput(bytes(range(256)) * 16),
    FaultMode.OVERSIZED: SimulatedOutput(b"x" * 79 + b"\n", status=0),
}


async def serve_commands(
    machine: Machine,
    inventory: CurrentInventory,
    fault: CurrentFault,
    clock: Clock,
    *,
    user: str = "svc-lictui",
    host: str = "127.0.0.1",
    port: int = 0,
) -> Listener:
    """Run programs of `machine` until `aclose`. OSError when the port is taken."""
    front = _Front(machine, inventory, fault, clock, user)
    return await listen(front.answer, host=host, port=port)


class _Front:
    """The HTTP side of one machine."""

    def __init__(
        self,
        machine: Machine,
        inventory: CurrentInventory,
        fault: CurrentFault,
        clock: Clock,
        user: str,
    ) -> None:
        self._machine = machine
        self._inventory = inventory
        self._fault = fault
        self._clock = clock
        self._user = user

    async def answer(self, request: Request, connection: Connection) -> SimulatedReply | None:
        """What a program run there leaves behind."""
        del connection
        argv = [request.query[str(at)] for at in range(len(request.query))]
        fault = self._fault()
        if not argv or request.path not in (SSH, LMUTIL):
            return SimulatedReply(_NOT_FOUND_SERVICE)
        if fault is FaultMode.SILENT:
            return None
        printed = self._lmutil(argv, fault) if request.path == LMUTIL else self._ssh(argv, fault)
        headers = (
            ("Content-Type", "application/octet-stream"),
            ("X-Status", str(printed.status)),
            ("X-Stderr", quote(printed.stderr)),
        )
        body = printed.stdout
        if fault is FaultMode.OVERSIZED:
            body = body * (_HUGE // len(body))
        return SimulatedReply(200, headers, body, truncated=printed.cut)

    def _ssh(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if sentence := _REFUSED_THERE.get(fault):
            said = sentence.format(user=self._user, name=self._machine.name)
            return SimulatedOutput(stderr=said, status=_LOST)
        if fault is FaultMode.UNKNOWN_CUSTOMER:
            return self._machine.run(["elsewhere"], (), 0.0)
        if fault is FaultMode.EMPTY:
            return SimulatedOutput()
        words = shlex.split(" ".join(argv))  # ssh sends one line, and a shell reads it
        if "|" in words:
            words = [words[words.index("|") + 1]]  # which is no program, but PowerShell's own
        printed = self._run(words, fault)
        if fault is FaultMode.TRUNCATED:
            lost = f"Connection to {self._machine.name} closed by remote host."
            return replace(printed, stderr=lost, status=_LOST)
        return printed

    def _lmutil(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if fault in _REFUSED_THERE or fault in {
            FaultMode.UNKNOWN_CUSTOMER,
            FaultMode.BUSY,
            FaultMode.RATE_LIMITED,
        }:
            text = unreachable_text(self._clock.now(), _REFUSED, self._machine.layout)
            return SimulatedOutput(text.encode(), status=1)
        if fault is FaultMode.EMPTY:
            return self._machine.run(argv, (), self._clock.now())
        return self._run(argv, fault)

    def _run(self, argv: list[str], fault: FaultMode) -> SimulatedOutput:
        if printed := _INSTEAD.get(fault):
            return printed
        printed = self._machine.run(argv, self._inventory(), self._clock.now())
        if fault is FaultMode.TRUNCATED:
            return replace(printed, status=_KILLED, cut=True)
        return printed


# Installation of the stand-in programs


_EXECUTABLE: Final = 0o700
# Read by sh as a command that starts Python, and by Python as a text: a `#!` line may hold neither
# blanks in a path nor more than 127 characters. Neither site nor environment slow it down.
_FIRST: Final = "#!/bin/sh\n''''exec {python} -IS \"$0\" \"$@\" # '''\n"


@dataclass(frozen=True, slots=True)
class ProgramPaths:
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
