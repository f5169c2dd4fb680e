"""Licenses, names and envelopes of the tests of the simulated WinRM server."""

from collections.abc import Callable
from datetime import date

from lictui.simulator import License
from lictui.simulator.http import HttpListener

Serve = Callable[..., HttpListener]

USER, PASSWORD = r"CORP\svc-lictui", "secret"

_XDT, _PVS = "Citrix XenDesktop Platinum|User/Device", "Citrix Provisioning|Concurrent"
_SOON, _LATER, _NEVER = date(2026, 12, 1), date(2027, 6, 30), date(2030, 1, 1)
# One that expires, one with its overdraft in use, one of start-up
LICENSES = (
    License("XDT_PLT_UD", _XDT, "Retail", _SOON, date(2027, 3, 31), 500, 50, 412),
    License("PVS_STD_CCS", _PVS, "RetailS", _LATER, None, 80, 8, 90),
    License("CITRIX", "Citrix Start-up License|Server", "SYS", _NEVER, None, 10_000, 0, 1),
)


WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
LICENSING = WMI + "root/CitrixLicensing/*"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
POOLS = "SELECT * FROM Citrix_GT_License_Pool"
NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",
    "p": WMI + "root/CitrixLicensing/Citrix_GT_License_Pool",
}


def envelope(action: str, body: str, resource: str = LICENSING) -> bytes:
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        f"<s:Envelope {names}><s:Header>"
        f"<a:Action>{NAMESPACES['n']}/{action}</a:Action><a:MessageID>uuid:1&amp;2</a:MessageID>"
        f"<w:ResourceURI>{resource}</w:ResourceURI></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
