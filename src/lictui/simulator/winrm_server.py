"""Simulated Windows license server: WS-Management on `/wsman`, with the WMI classes of Citrix."""

from __future__ import annotations

import re
import uuid
from collections import OrderedDict
from datetime import date
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from msgspec import Struct, field
from spnego.exceptions import SpnegoError

from lictui.simulator import CurrentFault, CurrentInventory, FaultMode, License
from lictui.simulator.http import (
    ServerCertificate,
    cut,
    login_page,
    spoiled,
)
from lictui.simulator.winrm_auth import (
    CONTENT_TYPE,
    LoginAcceptor,
    RefusedLoginError,
    WindowsAccount,
    WindowsLogin,
    seal,
    unseal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element


# SOAP envelopes of WS-Management


S: Final = "http://www.w3.org/2003/05/soap-envelope"
A: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
N: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
W: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
F: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
CIM: Final = "http://schemas.dmtf.org/wbem/wscim/1/common"

_FAULT_ACTION: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_PROVIDER: Final = 'provider="WMI Provider" path="%systemroot%\\system32\\WsmWmiPl.dll"'
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SoapFaultError(Exception):
    """A request that is answered with a fault; `provider` marks WMI as the one that failed."""

    def __init__(self, subcode: str, code: int, message: str, *, provider: bool = False) -> None:
        super().__init__(message)
        self.subcode = subcode
        self.code = code
        self.provider = provider


def _invalid(message: str, code: int = 2150858817) -> SoapFaultError:
    return SoapFaultError("w:SchemaValidationError", code, message)


def _bad_query(message: str = "The WQL query is invalid.") -> SoapFaultError:
    return SoapFaultError("n:CannotProcessFilter", 2150858778, message, provider=True)


class SoapCall(Struct, frozen=True):
    """One request."""

    action: str
    resource: str
    message_id: str
    body: Element


def parse_call(xml: bytes) -> SoapCall:
    """Parse an envelope. SoapFaultError if it is not one."""
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _invalid("The request is not XML.", 2150858819) from error
    body = root.find(f"{{{S}}}Body")
    if root.tag != f"{{{S}}}Envelope" or body is None:
        raise _invalid("The request is not a SOAP envelope.")
    return SoapCall(
        action=_header(root, A, "Action"),
        resource=_header(root, W, "ResourceURI"),
        message_id=_header(root, A, "MessageID"),
        body=body,
    )


def _header(root: Element, namespace: str, name: str) -> str:
    return (root.findtext(f"{{{S}}}Header/{{{namespace}}}{name}") or "").strip()


def reply_envelope(action: str, message_id: str, relates_to: str, body: str) -> bytes:
    """An envelope around `body`, which is XML already; `relates_to` "" leaves the header out."""
    relation = f"<a:RelatesTo>{xml_text(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{S}" xmlns:a="{A}" xmlns:n="{N}" xmlns:w="{W}">'
        f"<s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>{message_id}</a:MessageID>"
        f"<a:To>{A}/role/anonymous</a:To>{relation}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault_envelope(fault: SoapFaultError, message_id: str, relates_to: str, machine: str) -> bytes:
    """The envelope of a fault; goes out with HTTP status 500."""
    message = xml_text(str(fault))
    attributes = f'xmlns:f="{F}" Code="{fault.code}" Machine={quoteattr(xml_safe(machine))}'
    detail = message
    if fault.provider:
        inner = f"<f:WSManFault {attributes}><f:Message>{message}</f:Message></f:WSManFault>"
        detail = f"<f:ProviderFault {_PROVIDER}>{inner}</f:ProviderFault>"
    body = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value>"
        f"<s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{message}</s:Text></s:Reason>'
        f"<s:Detail><f:WSManFault {attributes}><f:Message>{detail}</f:Message></f:WSManFault>"
        "</s:Detail></s:Fault>"
    )
    return reply_envelope(_FAULT_ACTION, message_id, relates_to, body)


def xml_text(value: str) -> str:
    """`value` as XML text."""
    return escape(xml_safe(value))


def xml_safe(value: str) -> str:
    """`value` with what XML 1.0 cannot carry (ESC, NUL, lone surrogates) replaced."""
    return _UNWRITABLE.sub("\ufffd", value)


# WQL, as far as clients need it: columns of one class, where a property equals one of some texts


Value = str | int | bool | date | None  # of a property

_SELECT: Final = re.compile(
    r"\s*SELECT\s+(\*|\w+(?:\s*,\s*\w+)*)\s+FROM\s+(\w+)(?:\s+WHERE\s+(.+))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_EQUALS: Final = re.compile(r"\s*(\w+)\s*=\s*'([^']*)'\s*")
_OR: Final = re.compile(r"\sOR\s", re.IGNORECASE)


def parse_wql(text: str) -> tuple[str, list[str], list[tuple[str, str]]]:
    """Return class, properties (none means all), and conditions, of which any must be true.

    Properties are in lower case. SoapFaultError if the query does not have the supported form.
    """
    match = _SELECT.fullmatch(text)
    if match is None:
        raise _bad_query()
    columns, class_name, where = match.groups()
    equals = [_EQUALS.fullmatch(part) for part in _OR.split(where)] if where else []
    conditions = [(found[1].lower(), found[2].casefold()) for found in equals if found]
    if len(conditions) < len(equals):
        raise _bad_query()
    names = [] if columns == "*" else [name.strip().lower() for name in columns.split(",")]
    return class_name, names, conditions


# Enumerate and Pull


_WMI: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_MOST_OPEN: Final = 1000  # enumerations that were started and never finished


def _child(call: SoapCall, name: str) -> Element:
    child = call.body.find(f"{{{N}}}{name}")
    if child is None:
        raise _invalid(f"The body has no {name}.")
    return child


def _instance(cim: CimClass, row: dict[str, Value]) -> str:
    """`SELECT *`: a typed element of the class, its children qualified."""
    inside = "".join(_element(f"p:{own}", row[own.lower()], "cim:") for own in cim.properties)
    return (
        f'<p:{cim.name} xmlns:p="{_WMI}{cim.namespace}/{cim.name}" xmlns:xsi="{XSI}"'
        f' xmlns:cim="{CIM}" xsi:type="p:{cim.name}_Type">{inside}</p:{cim.name}>'
    )


def _fragment(columns: Iterable[str], row: dict[str, Value]) -> str:
    inside = "".join(_element(own, row[own.lower()], "") for own in columns)
    return f'<w:XmlFragment xmlns:xsi="{XSI}">{inside}</w:XmlFragment>'


def _element(tag: str, value: Value, cim: str) -> str:
    match value:
        case None:
            return f'<{tag} xsi:nil="true"/>'
        case bool():
            return f"<{tag}>{str(value).lower()}</{tag}>"
        case date():
            return f"<{tag}><{cim}Datetime>{value.isoformat()}T00:00:00Z</{cim}Datetime></{tag}>"
        case _:
            return f"<{tag}>{xml_text(str(value))}</{tag}>"


# WMI classes of a license server, filled from its inventory


LICENSING: Final = "root/CitrixLicensing"
CIMV2: Final = "root/cimv2"


class CimClass(Struct, frozen=True):
    """One class of one namespace, and its current instances."""

    namespace: str
    name: str
    properties: tuple[str, ...]  # in the order a server lists them: the alphabet's, caselessly
    rows: tuple[Mapping[str, Value], ...]


_EXAMPLE: Final = License("", "", "", date(2000, 1, 1), None, 0, 0, 0)


def license_pool_class(licenses: Iterable[License]) -> CimClass:
    """`Citrix_GT_License_Pool`: one instance per product and subscription date."""
    return CimClass(
        LICENSING,
        "Citrix_GT_License_Pool",
        tuple(_EXAMPLE.wmi_row),
        tuple(pool.wmi_row for pool in licenses),
    )


def license_class(licenses: Iterable[License]) -> CimClass:
    """`Citrix_GT_License`: one instance per increment; those of start-up have no serial."""
    return CimClass(
        LICENSING,
        "Citrix_GT_License",
        ("ExpirationDate", "SerialNumber"),
        tuple(
            {
                "ExpirationDate": pool.expires,
                "SerialNumber": "" if pool.license_type == "SYS" else f"LA-{number:010d}",
            }
            for number, pool in enumerate(licenses, 1)
        ),
    )


def server_class() -> CimClass:
    """`Citrix_GT_License_Server`, of which only the version is public."""
    row: Mapping[str, Value] = {"Version": "11.17.2.54100"}
    return CimClass(LICENSING, "Citrix_GT_License_Server", tuple(row), (row,))


def services_class() -> CimClass:
    """`Win32_Service`: the three services of a license server, running."""
    names = {
        "Citrix Licensing": "Citrix Licensing",
        "Citrix_GTLicensingProv": "Citrix Licensing WMI",
        "CitrixWebServicesforLicensing": "Citrix Web Services for Licensing",
    }
    properties = ("DisplayName", "Name", "Started", "StartMode", "State", "Status")
    return CimClass(
        CIMV2,
        "Win32_Service",
        properties,
        tuple(
            dict(zip(properties, (display, name, True, "Auto", "Running", "OK"), strict=True))
            for name, display in names.items()
        ),
    )


# Replies to SOAP envelopes


class SoapService(Struct):
    """One server's side of WS-Management."""

    name: str
    inventory: CurrentInventory
    fault: CurrentFault
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    # Open enumerations by context: the resource URI in lower case, and the items that are left.
    _open: OrderedDict[str, tuple[str, Sequence[str]]] = field(default_factory=OrderedDict)

    def answer(self, request: bytes) -> tuple[int, bytes]:
        """HTTP status and envelope of the answer."""
        relates_to = ""
        try:
            call = parse_call(request)
            relates_to = call.message_id
            action, body = self._act(call)
        except SoapFaultError as fault:
            return 500, fault_envelope(fault, self._new_id(), relates_to, self.name)
        return 200, reply_envelope(action, self._new_id(), relates_to, body)

    def _act(self, call: SoapCall) -> tuple[str, str]:
        match self.fault():
            case FaultMode.FORBIDDEN:
                raise SoapFaultError("w:AccessDenied", 5, "Access is denied.")
            case FaultMode.RATE_LIMITED:
                raise SoapFaultError(
                    "w:QuotaLimit",
                    2150859174,
                    "This user has as many operations open at once as are allowed.",
                )
        match call.action.removeprefix(f"{N}/"):
            case "Enumerate":
                return f"{N}/EnumerateResponse", self._enumerate(call)
            case "Pull":
                return f"{N}/PullResponse", self._pull(call)
        raise SoapFaultError("a:ActionNotSupported", 2150858753, "The action is not supported.")

    def _enumerate(self, call: SoapCall) -> str:
        request = _child(call, "Enumerate")
        items = self._items(call.resource, request.find(f"{{{W}}}Filter"))
        if request.find(f"{{{W}}}OptimizeEnumeration") is None:
            # The client learns by Pull alone that there are no items.
            context = self._context(call.resource, items)
            return f"<n:EnumerateResponse>{context}</n:EnumerateResponse>"
        return self._page("EnumerateResponse", "w", call, items, 1)

    def _pull(self, call: SoapCall) -> str:
        request = _child(call, "Pull")
        limit = (request.findtext(f"{{{N}}}MaxElements") or "1").strip()  # WS-Enumeration's default
        if not (limit.isascii() and limit.isdigit() and int(limit[:9])):
            raise _invalid("MaxElements is not a positive number.")
        items = self._take(request, call.resource)
        return self._page("PullResponse", "n", call, items, int(limit[:9]))

    def _page(self, name: str, prefix: str, call: SoapCall, items: Sequence[str], most: int) -> str:
        """The body with the first items, and a context that is valid once for those left."""
        first, items = items[:most], items[most:]
        context = self._context(call.resource, items) if items else "<n:EnumerationContext/>"
        end = "" if items else f"<{prefix}:EndOfSequence/>"
        answer = f"{context}<{prefix}:Items>{''.join(first)}</{prefix}:Items>{end}"
        return f"<n:{name}>{answer}</n:{name}>"

    def _context(self, resource: str, items: Sequence[str]) -> str:
        context = self._new_id()
        self._open[context] = (resource.lower(), items)
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return f"<n:EnumerationContext>{context}</n:EnumerationContext>"

    def _take(self, request: Element, resource: str) -> Sequence[str]:
        context = (request.findtext(f"{{{N}}}EnumerationContext") or "").strip()
        opened, items = self._open.pop(context, (None, ()))
        if opened != resource.lower():
            raise SoapFaultError(
                "n:InvalidEnumerationContext", 2150858779, "The enumeration context is not valid."
            )
        return items

    def _items(self, resource: str, where: Element | None) -> Sequence[str]:
        if not resource.lower().startswith(_WMI):
            raise SoapFaultError(
                "a:DestinationUnreachable", 2150858811, "The resource URI is not known."
            )
        namespace, _, name = resource[len(_WMI) :].rpartition("/")
        if where is None or name != "*":
            raise SoapFaultError(
                "n:CannotProcessFilter", 2150858778, "Only queries with a filter are supported."
            )
        if where.get("Dialect") != _WQL:
            raise SoapFaultError(
                "n:FilterDialectRequestedUnavailable",
                2150858777,
                "The filter dialect is not supported.",
            )
        class_name, selected, conditions = parse_wql(where.text or "")
        cim = self._class(namespace.lower(), class_name)
        if not {*selected, *(name for name, _ in conditions)} <= set(
            map(str.lower, cim.properties)
        ):
            raise _bad_query()
        rows = [{own.lower(): row.get(own) for own in cim.properties} for row in cim.rows]
        if conditions:
            rows = [
                row
                for row in rows
                if any(str(row[name]).casefold() == value for name, value in conditions)
            ]
        if selected:
            columns = [own for own in cim.properties if own.lower() in selected]
            return [_fragment(columns, row) for row in rows]
        return [_instance(cim, row) for row in rows]

    def _class(self, namespace: str, name: str) -> CimClass:
        classes = [cim for cim in self._classes() if cim.namespace.lower() == namespace]
        if not classes:
            # WBEM_E_INVALID_NAMESPACE; which number a server puts outside is not published.
            raise SoapFaultError(
                "w:InternalError", 0x8004100E, "Invalid namespace (0x8004100E).", provider=True
            )
        for cim in classes:
            if cim.name.lower() == name.lower():
                return cim
        raise _bad_query("The specified class does not exist in the given namespace.")

    def _classes(self) -> tuple[CimClass, ...]:
        pools = () if self.fault() is FaultMode.EMPTY else self.inventory()
        return license_pool_class(pools), license_class(pools), server_class(), services_class()

    def _new_id(self) -> str:
        new = uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}/{next(self._ids)}")
        return f"uuid:{str(new).upper()}"


# WinRM: SOAP over HTTP, with its authentication

_SOAP: Final = "application/soap+xml"
# Another program answers: a portal on the way, or the system in place of a stopped service.
_REPLIES: Final[dict[FaultMode, Callable[[], web.Response]]] = {
    FaultMode.LOGIN_PAGE: login_page,
    FaultMode.BUSY: partial(web.Response, status=503, headers={"Retry-After": "30"}),
    FaultMode.UNKNOWN_CUSTOMER: partial(web.Response, status=404),
}
# A password that has expired is refused like a wrong one.
_REFUSING: Final = {FaultMode.DENIED, FaultMode.CREDENTIALS_EXPIRED}


class WinrmServer:
    """The endpoint `/wsman`; over TLS with a certificate, else encrypted messages only."""

    def __init__(
        self, soap: SoapService, account: WindowsAccount, certificate: ServerCertificate | None
    ) -> None:
        self._soap = soap
        fingerprint = certificate.fingerprint if certificate else ""
        self._acceptor = LoginAcceptor(account, soap.name, fingerprint)
        self._logins: WeakKeyDictionary[object, WindowsLogin] = WeakKeyDictionary()

    async def answer(self, request: web.BaseRequest) -> web.Response | None:
        """Return the reply to one request; None leaves it unanswered."""
        fault = self._soap.fault()
        if fault is FaultMode.SILENT:
            return None
        if fault in _REPLIES:
            return _REPLIES[fault]()
        if request.path.rstrip("/").lower() != "/wsman":
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        # A login is valid on its connection alone.
        login = self._logins.setdefault(request.transport, WindowsLogin())
        try:
            headers = self._acceptor.authenticate(request, login, deny=fault in _REFUSING)
        except RefusedLoginError as refused:
            return web.Response(status=401, headers=refused.headers)
        reply = self._converse(await request.read(), request.content_type, login)
        reply.headers.extend(headers)
        return cut(reply) if fault is FaultMode.TRUNCATED and reply.body else reply

    def _converse(self, body: bytes, kind: str, login: WindowsLogin) -> web.Response:
        """Take the envelope out of the request, and put the answer into what it came in."""
        if not body:  # the handshake by itself
            return web.Response(status=200)
        if kind == "multipart/encrypted" and login.context is not None:
            try:
                status, answer = self._answer_soap(unseal(login.context, body))
            except (ValueError, SpnegoError):
                login.context = None  # the two ends disagree on the state of their keys
                return web.Response(status=400)
            answer = seal(login.context, answer)
            return web.Response(status=status, body=answer, headers={"Content-Type": CONTENT_TYPE})
        if not self._acceptor.fingerprint:
            return web.Response(
                status=500
            )  # all that Windows answers while AllowUnencrypted is false
        if kind != _SOAP:
            return web.Response(status=415)
        status, answer = self._answer_soap(body)
        return web.Response(status=status, body=answer, content_type=_SOAP, charset="UTF-8")

    def _answer_soap(self, envelope: bytes) -> tuple[int, bytes]:
        """Return the answer, spoiled before it is sealed if the fault spoils answers."""
        status, body = self._soap.answer(envelope)
        return status, spoiled(body, self._soap.fault())
