"""One machine and the programs on it: what each prints when it is run with some arguments.

Owns the choice of the program, and what it says to arguments it does not know. Must not know how
anybody got to the machine. Times are UTC epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lictui.simulator.flexnet import Layout, lmstat, stocked, udadmin
from lictui.simulator.shell.lictui import status_json
from lictui.simulator.shell.plain import checkmk, license_file
from lictui.simulator.shell.powershell import PowerShell
from lictui.simulator.shell.printed import Printed
from lictui.simulator.shell.tables import lic_inventory, wmi_pools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lictui.simulator.inventory import License

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
    layout: Layout = field(default_factory=Layout)
    powershell: PowerShell = field(default_factory=PowerShell)
    older: bool = False  # whether the snap-in says SubscriptionAdvantage

    def run(self, argv: Sequence[str], inventory: Sequence[License], at: float) -> Printed:
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
                printed = Printed(checkmk(inventory, self.name).encode())
            case "cat" | "type":
                printed = Printed(license_file(inventory, self.name).encode())
            case "lictui":
                printed = Printed(status_json(inventory, at, self.name).encode())
            case _:
                said = f"bash: line 1: {argv[0]}: command not found"
                printed = Printed(stderr=said, status=_NOT_FOUND)
        return printed

    def _lmstat(self, asked: _Asked) -> Printed:
        options, inventory = list(asked.options), asked.inventory
        while options:
            option = options.pop(0)
            if option in _WITH_VALUE and options:
                options.pop(0)
            elif option not in _ALONE:
                return Printed(_USAGE.encode(), status=1)
        if not set(_ALONE) & set(asked.options):
            inventory = ()  # without them it says whether the daemons run, and no more
        server = stocked(inventory, asked.at, name=self.name, seed=self.seed, vendor=self.vendor)
        return Printed(lmstat(server, self.layout).encode())

    def _udadmin(self, asked: _Asked) -> Printed:
        if "-list" not in asked.options or not set(asked.options) <= set(_UDADMIN):
            return Printed(stderr="udadmin: these options are not simulated", status=1)
        text = udadmin(asked.inventory, asked.at, seed=self.seed, times="-times" in asked.options)
        return Printed(text.encode())

    def _powershell(self, asked: _Asked) -> Printed:
        said, inventory = " ".join(asked.options).lower(), asked.inventory
        rows: Sequence[Mapping[str, object]]
        if "get-liclasinventory" in said:
            rows = lic_inventory(inventory, free=True, older=True)
        elif "get-licinventory" in said:
            rows = lic_inventory(inventory, older=self.older)
        elif "citrix_gt_license_pool" in said:
            rows = wmi_pools(inventory, text="get-wmiobject" in said)
        else:
            return Printed(stderr="The term is not recognized as the name of a cmdlet.", status=1)
        return Printed(self.powershell.convert(rows))
