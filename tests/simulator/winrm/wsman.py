"""A plain WS-Management client for the tests: envelopes out, elements back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING

from defusedxml.ElementTree import fromstring

from lictui.simulator import License
from lictui.simulator.http import Listener
from lictui.simulator.winrm_server import SoapService

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Serve = Callable[..., Awaitable[Listener]]
Service = Callable[..., SoapService]

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
    "i": "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd",
}
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def envelope(action: str, body: str, resource: str = LICENSING, headers: str = "") -> bytes:
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        f"<s:Envelope {names}><s:Header>"
        f"<a:Action>{NAMESPACES['n']}/{action}</a:Action><a:MessageID>uuid:1&amp;2</a:MessageID>"
        f"<w:ResourceURI>{resource}</w:ResourceURI>{headers}"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


async def answer(soap: SoapService, asked: bytes, status: int = 200) -> Element:
    got, said = soap.answer(asked)
    assert got == status, said
    root: Element = fromstring(said)
    return root


async def enumerate_(
    soap: SoapService,
    query: str = POOLS,
    resource: str = LICENSING,
    optimize: str = "<w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>",
    dialect: str = WQL,
    headers: str = "",
    status: int = 200,
) -> Element:
    filter_ = f'<w:Filter Dialect="{dialect}">{query}</w:Filter>' if query else ""
    body = f"<n:Enumerate>{optimize}{filter_}</n:Enumerate>"
    return await answer(soap, envelope("Enumerate", body, resource, headers), status)


async def pull(
    soap: SoapService,
    context: str,
    most: str = "<n:MaxElements>100</n:MaxElements>",
    action: str = "Pull",
    resource: str = LICENSING,
    status: int = 200,
) -> Element:
    inside = f"<n:EnumerationContext>{context}</n:EnumerationContext>{most}"
    return await answer(
        soap, envelope(action, f"<n:{action}>{inside}</n:{action}>", resource), status
    )


def find(root: Element, path: str) -> Element:
    found = root.find(path, NAMESPACES)
    assert found is not None, path
    return found


def text(root: Element, path: str) -> str | None:
    return root.findtext(path, None, NAMESPACES)


def context_of(root: Element) -> str:
    return text(root, ".//n:EnumerationContext") or ""


def products(root: Element) -> list[str | None]:
    return [pool.text for pool in root.findall(".//p:PLD", NAMESPACES)]


def code(root: Element) -> str | None:
    return find(root, "s:Body/s:Fault/s:Detail/f:WSManFault").get("Code")
