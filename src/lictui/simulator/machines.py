"""The simulated machines that are read with a command, and the command that reads each.

Owns which program prints what a kind is read by, and how a client is to call it. Must not know the
other kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lictui.model import Server, SourceName
from lictui.simulator.flexnet import Layout
from lictui.simulator.shell import Machine, serve_shell
from lictui.simulator.shell.powershell import PowerShell
from lictui.simulator.stock import Kind

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.simulator.doors import Place
    from lictui.simulator.http import Listener
    from lictui.simulator.inventory import CurrentMood, Inventory
    from lictui.simulator.shell.install import Programs
    from lictui.simulator.stock import LicenseServer

_USER: Final = "svc-lictui"
_SNAP_IN: Final = "{cmdlet} -AdminAddress https://{{name}}:8083 | ConvertTo-Json"
_WMI: Final = "Get-CimInstance -Namespace root/CitrixLicensing -ClassName Citrix_GT_License_Pool"
_POWERSHELL: Final = 'powershell.exe -NoProfile -Command "{script}"'


def _snap_in(cmdlet: str) -> str:
    return _POWERSHELL.format(script=_SNAP_IN.format(cmdlet=cmdlet))


# Format, and the command line that prints it; {name} is the machine's. One word each: ssh sends a
# line, which a shell over there takes apart.
_COMMANDS: Final = {
    Kind.INVENTORY: ("get-licinventory", _snap_in("Get-LicInventory")),
    Kind.LAS_INVENTORY: ("get-liclasinventory", _snap_in("Get-LicLasInventory")),
    Kind.WMI_JSON: ("wmi-json", f'pwsh -NoProfile -Command "{_WMI} | ConvertTo-Json"'),
    Kind.REMOTE_LMSTAT: ("lmstat", "lmutil lmstat -a -c @{name}"),
    Kind.UDADMIN: ("udadmin", "udadmin -list -a -times"),
    Kind.CHECKMK: ("checkmk", "check_mk_agent"),
    Kind.LICTUI: ("lictui", "lictui status --json"),
}
# What LicensesAvailable means there: scripts disagree, so lictui wants to be told.
_AVAILABLE: Final = {Kind.INVENTORY: "total", Kind.LAS_INVENTORY: "free"}


async def open_machine(
    simulated: LicenseServer,
    seed: int,
    clock: Clock,
    place: Place,
    now: tuple[Inventory, CurrentMood],
    programs: Programs,
) -> tuple[Server, Listener]:
    """The listening machine, and what a client must know of it. OSError when the port is taken."""
    kind, hours = simulated.kind, simulated.region.hours
    machine = Machine(
        simulated.name,
        seed,
        simulated.vendor,
        layout=Layout(
            newline="\r\n" if simulated.vendor == "CITRIX" else "\n",  # on Windows, mostly
            airy=kind is Kind.REMOTE_LMSTAT,
            hours=hours,
        ),
        powershell=PowerShell(desktop=kind is not Kind.WMI_JSON, hours=hours),
    )
    inventory, mood = now
    listener = await serve_shell(
        machine, inventory, mood, clock, user=_USER, host=place.host, port=place.port
    )
    if kind is Kind.LMSTAT:
        address = f"{listener.port}@{place.near}"
        lmutil = str(programs.lmutil)
        server = Server(simulated.name, SourceName.LMSTAT, address=address, lmutil=lmutil)
        return server, listener
    said, line = _COMMANDS[kind]
    destination = f"{_USER}@{place.near}"
    server = Server(
        simulated.name,
        SourceName.COMMAND,
        command=(
            str(programs.ssh),
            "-p",
            str(listener.port),
            destination,
            line.format(name=simulated.name),
        ),
        format=said,
        licenses_available=_AVAILABLE.get(kind, ""),
    )
    return server, listener
