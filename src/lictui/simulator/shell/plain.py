"""Text that says licenses without being FlexNet's: Checkmk's agent section, and license files.

Owns the two layouts (Checkmk's check `citrix_licenses` and its plugin; public readers of license
files). Must not know who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.simulator.inventory import License

_TERMS: Final = "GP=720;CL=VDS,VDA,VDE;SA=1;LP=90;ODP=0;NUDURMIN=2880;NUDURMAX=525600"


def checkmk(inventory: Iterable[License], name: str) -> str:
    """What the agent says, with a section before and after; a count has its overdraft in it."""
    rows = [
        f"{each.product}\t{each.installed + each.overdraft}\t{each.in_use}" for each in inventory
    ]
    head = ("<<<check_mk>>>", "Version: 2.3.0p1", "AgentOS: windows", f"Hostname: {name}")
    tail = ("<<<systemtime>>>", "1796083200")
    return "\r\n".join((*head, "<<<citrix_licenses>>>", *rows, *tail, ""))


def license_file(inventory: Iterable[License], name: str) -> str:
    """One license file with an increment for each pool; says nothing about use or overdraft."""
    lines = [
        "# This file is in UTF-8 format.",
        f"SERVER this_host HOSTNAME={name.upper()}",
        "VENDOR CITRIX",
        "USE_SERVER",
    ]
    for number, each in enumerate(inventory, 1):
        expires = f"{each.expires:%d-%b-%Y}".lower() if each.expires else "permanent"
        version = f"{each.subscription_date:%Y.%m%d}"
        lines += (
            f"INCREMENT {each.product} CITRIX {version} {expires} {each.installed} \\",
            f" VENDOR_STRING=;LT={each.license_type};{_TERMS} \\",
            f' DUP_GROUP=V ISSUED=07-Mar-2026 NOTICE="Simulated" SN=LA-0000000000-{number:05}:1 \\',
            ' START=6-feb-2026 SIGN="0000 0000 0000"',
        )
    return "\n".join((*lines, ""))
