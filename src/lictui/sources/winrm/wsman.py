"""WS-Management client: WQL queries as SOAP, page after page, with limits on everything.

An own client rather than a library: pypsrp is synchronous and brings a second HTTP stack, without
the pin that is checked inside the TLS handshake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4
from xml.etree.ElementTree import Element, TreeBuilder

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError
from msgspec import Struct

from lictui.model import FailureKind, Step
from lictui.sources.http import HttpClient, HttpReply, status_error, status_rules
from lictui.sources.network import host_port, origin
from lictui.sources.process import parse_output
from lictui.sources.sanitize import sanitize
from lictui.sources.source import ErrorRule, SourceError, find_rule

if TYPE_CHECKING:
    from lictui.config.settings import Limits
    from lictui.model import Server

CONTENT_TYPE: Final = "application/soap+xml;charset=UTF-8"


class WinrmLogin:
    """One account at `https://HOST:5986/wsman`; see `lictui.sources.winrm.auth` for each kind."""

    identity = ""  # method and account, once logged in: `NTLM as CORP\svc`

    def __init__(self, server: Server, client: HttpClient) -> None:
        """Raises SourceError (config) if the address is not valid."""
        base, path = origin(server.url), httpx.URL(server.url).raw_path
        self.url = str(base.copy_with(raw_path=path if path.strip(b"/") else b"/wsman"))
        self.address = host_port(base)
        self._encrypted = base.scheme == "https"
        self._server, self._client = server, client

    async def post(self, soap: bytes) -> HttpReply:
        """Return the readable reply, with any status but 401. Raises SourceError."""
        raise NotImplementedError

    async def _send(
        self, body: bytes, authorization: str = "", content_type: str = CONTENT_TYPE
    ) -> HttpReply:
        """Return the reply to `body`. An empty body belongs to the authentication."""
        headers = {"Content-Type": content_type}
        headers |= {"Authorization": authorization} if authorization else {}
        step = Step.INVENTORY if body else Step.AUTH
        return await self._client.request(
            "POST", self.url, step=step, headers=headers, content=body
        )


# Enumeration

_MAX_PAGES: Final = 2_000  # a server may send its items one by one
_MAX_EMPTY_PAGES: Final = 3  # in a row, before the last
_MAX_XML: Final = 2 * 1024 * 1024  # bytes of one reply; we ask for at most _MAX_ENVELOPE
_TIMEOUT_SHARE: Final = 0.8  # of our timeout: the server's own error says more than ours


class WsmanEnumerator:
    """Enumerates WMI instances at one endpoint."""

    def __init__(
        self,
        login: WinrmLogin,
        limits: Limits,
        on_authenticated: Callable[[str], None],
    ) -> None:
        """`on_authenticated` is called once, with the login's identity, after the first reply."""
        self._login, self._limits = login, limits
        self._on_authenticated: Callable[[str], None] | None = on_authenticated

    async def instances(self, namespace: str, wql: str) -> list[Item]:
        """Return all instances that `wql` selects in `namespace`."""
        timeout = max(1, int(_TIMEOUT_SHARE * self._limits.timeout))
        query = WqlQuery(self._login.url, namespace, wql, timeout)
        items: list[Item] = []
        context, size, empty_pages = "", 0, 0
        for _ in range(_MAX_PAGES):
            page, page_size = await self._page(query, context)
            items += page.items
            # Each page may bring a new context, and a Pull with an earlier one fails (captures).
            context = page.context or context
            size += page_size
            empty_pages = 0 if page.items else empty_pages + 1
            if page.last:
                return items
            if not context:
                raise self._incomplete("neither an end nor an enumeration context")
            if size > self._limits.max_reply:
                raise self._incomplete(f"more than {len(items):,} items", FailureKind.TOO_LARGE)
            if empty_pages > _MAX_EMPTY_PAGES:
                raise self._incomplete("only empty pages")
        raise self._incomplete(f"more than {_MAX_PAGES:,} pages", FailureKind.TOO_LARGE)

    async def _page(self, query: WqlQuery, context: str) -> tuple[ResultPage, int]:
        message_id = f"uuid:{uuid4()}"
        soap = query.request(message_id, context)
        reply = await self._login.post(soap)
        if self._on_authenticated:
            self._on_authenticated(self._login.identity)
            self._on_authenticated = None
        return await self._parse(reply, message_id), len(reply.body)

    async def _parse(self, reply: HttpReply, message_id: str) -> ResultPage:
        address = self._login.address
        if len(reply.body) > _MAX_XML:
            raise SourceError(
                FailureKind.TOO_LARGE,
                f"{address} sent {len(reply.body):,} bytes at once, more than the {_MAX_ENVELOPE:,}"
                " that lictui allows",
                _URL_HINT,
            )
        parse = partial(parse_reply, reply.body, message_id)
        try:
            result = await parse_output(parse, len(reply.body))
        except InvalidReplyError as error:
            if reply.status != HTTPStatus.OK:
                raise error_for_status(reply, Step.INVENTORY) from error
            if error.web_page:
                raise _web_page_error(address, Step.INVENTORY) from error
            kind = FailureKind.PARSE if error.malformed else FailureKind.PROTOCOL
            message = f"invalid WinRM response from {address}: {reply.quote(error)}"
            raise SourceError(kind, message, _URL_HINT, Step.INVENTORY) from error
        if isinstance(result, WsmanFault):
            raise error_for_fault(result, reply)
        return result

    def _incomplete(self, reason: str, kind: FailureKind = FailureKind.PROTOCOL) -> SourceError:
        return SourceError(
            kind,
            f"license enumeration at {self._login.address} does not terminate: {reason}",
            "Restart the service Citrix_GTLicensingProv on the server.",
        )


# Requests

_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_ENUMERATION: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_RESOURCE: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_MAX_ENVELOPE: Final = 512_000  # bytes of one reply: the default limit of Windows
_PAGE_ITEMS: Final = 100  # of one reply

_ENVELOPE: Final = f"""\
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{_ADDRESSING}"\
 xmlns:n="{_ENUMERATION}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">\
<s:Header>\
<a:To>{{url}}</a:To>\
<w:ResourceURI s:mustUnderstand="true">{_RESOURCE}{{namespace}}/*</w:ResourceURI>\
<a:ReplyTo><a:Address s:mustUnderstand="true">{_ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>\
<a:Action s:mustUnderstand="true">{_ENUMERATION}/{{action}}</a:Action>\
<w:MaxEnvelopeSize s:mustUnderstand="true">{_MAX_ENVELOPE}</w:MaxEnvelopeSize>\
<a:MessageID>{{message_id}}</a:MessageID>\
<w:OperationTimeout>PT{{timeout}}S</w:OperationTimeout>\
</s:Header>\
<s:Body>{{body}}</s:Body></s:Envelope>"""


class WqlQuery(Struct, frozen=True):
    """A WQL query to one WMI namespace of one endpoint."""

    url: str  # of the endpoint
    namespace: str  # `root/CitrixLicensing`
    wql: str
    timeout: int  # whole seconds that the server may take for one reply

    def request(self, message_id: str, context: str = "") -> bytes:
        """Return the envelope that starts an enumeration, or with `context` continues it."""
        if context:
            action = "Pull"
            head = f"<n:EnumerationContext>{escape(context)}</n:EnumerationContext>"
            prefix, tail = "n", ""
        else:
            action = "Enumerate"
            head, prefix = "<w:OptimizeEnumeration/>", "w"
            tail = f'<w:Filter Dialect="{_WQL}">{escape(self.wql)}</w:Filter>'
        maximum = f"<{prefix}:MaxElements>{_PAGE_ITEMS}</{prefix}:MaxElements>"
        return _ENVELOPE.format(
            url=escape(self.url),
            namespace=self.namespace,
            action=action,
            message_id=message_id,
            timeout=self.timeout,
            body=f"<n:{action}>{head}{maximum}{tail}</n:{action}>",
        ).encode()


# Replies: a page of items, or a fault

Item = Mapping[str, str]  # one WMI instance: property in lower case -> value; null is absent

_MAX_VALUE: Final = 500  # characters
_MAX_CONTEXT: Final = 4_000
_MAX_PROPERTIES: Final = 100
_HEX_OR_LONG: Final = re.compile(r"\b(?:0x[0-9a-f]{8}|\d{10})\b", re.ASCII | re.IGNORECASE)
_CODE: Final = re.compile(r"0x[0-9a-f]{1,8}|-?\d{1,10}", re.ASCII | re.IGNORECASE)


class InvalidReplyError(Exception):
    """Not a reply to the request; the text says why."""

    def __init__(self, reason: str, *, malformed: bool = False, web_page: bool = False) -> None:
        super().__init__(reason)
        self.malformed = malformed  # not XML, or XML that is refused
        self.web_page = web_page


class WsmanFault(Struct, frozen=True):
    """An error that the server reports."""

    codes: frozenset[int]  # WS-Management codes and WMI HRESULTs, unsigned
    subcodes: frozenset[str]  # local names: `AccessDenied`, `QuotaLimit`
    message: str  # as sent


class ResultPage(Struct, frozen=True):
    """Some of the items; `last` if there are no more."""

    items: tuple[Item, ...]
    context: str  # for the next Pull; "" if the server sent none
    last: bool


def parse_reply(body: bytes, message_id: str) -> ResultPage | WsmanFault:
    """Parse the reply to the request with `message_id`. Raises InvalidReplyError."""
    root = _parse_xml(body)
    if (name := _local_name(root.tag)) != "Envelope":
        is_html = name.lower() == "html"
        raise InvalidReplyError(f"it is <{sanitize(name, 40)}>", web_page=is_html)
    # Servers choose prefixes and, in details, even namespaces of their own.
    related = root.find("{*}Header/{*}RelatesTo")
    matches = related is not None and _text(related).casefold() == message_id.casefold()
    fault = root.find("{*}Body/{*}Fault")
    if related is not None and not matches:
        raise InvalidReplyError("it does not match the request")
    if fault is not None:
        return _fault(fault)
    if not matches:
        raise InvalidReplyError("it does not say which request it belongs to")
    return _page(root)


def _is_web_page(body: bytes) -> bool:
    start = body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or b"<head" in start


def _page(root: Element) -> ResultPage:
    response = root.find("{*}Body/{*}EnumerateResponse")
    if response is None:
        response = root.find("{*}Body/{*}PullResponse")
    if response is None:
        raise InvalidReplyError("it contains no enumeration")
    last = response.find("{*}EndOfSequence") is not None
    context = _text(response.find("{*}EnumerationContext"))
    if len(context) > _MAX_CONTEXT:
        raise InvalidReplyError("its enumeration context is too long")
    items = response.find("{*}Items")
    return ResultPage(() if items is None else tuple(map(_item, items)), context, last)


def _item(element: Element) -> Item:
    """Return the properties of a typed instance, or of the XmlFragment of a projection."""
    return {
        sanitize(_local_name(child.tag), 60).lower(): value
        for child in list(element)[:_MAX_PROPERTIES]
        if (value := _property(child)) is not None
    }


def _property(element: Element) -> str | None:
    if any(_local_name(key) == "nil" and value in ("true", "1") for key, value in element.items()):
        return None
    inner = next(iter(element), None)  # <cim:Datetime>, or <Datetime> in a projection
    return sanitize((element if inner is None else inner).text or "", _MAX_VALUE)


def _fault(fault: Element) -> WsmanFault:
    detail = fault.find("{*}Detail")
    detail_text = " ".join(detail.itertext())[:4_000] if detail is not None else ""
    codes = {match[0] for match in _HEX_OR_LONG.finditer(detail_text)}
    codes |= {item.get("Code", "").strip() for item in fault.iterfind(".//{*}WSManFault")}
    codes |= {_text(element) for element in fault.iterfind(".//{*}error_Code")}
    return WsmanFault(
        codes=frozenset(_unsigned(code) for code in codes if _CODE.fullmatch(code)),
        subcodes=frozenset(
            sanitize(_text(value).rpartition(":")[2], 60) for value in fault.iterfind(".//{*}Value")
        ),
        message=_text(fault.find("{*}Reason/{*}Text")) or detail_text,
    )


def _unsigned(code: str) -> int:
    return int(code, 16 if code[:2].lower() == "0x" else 10) & 0xFFFFFFFF


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


# XML from an untrusted server

_MAX_DEPTH: Final = 40  # a property of an item is on level 7
_MAX_ELEMENTS: Final = 50_000  # a full reply has some 2,000
# XML does not allow them, but a product's name may have them: one must not cost the inventory.
_CONTROL_CHARACTERS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))


class _LimitedTreeBuilder(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if self._elements > _MAX_ELEMENTS:
            raise ValueError("too many elements")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _parse_xml(body: bytes) -> Element:
    """Return the root of the document in `body`. Raises InvalidReplyError, and nothing else."""
    parser = DefusedXMLParser(target=_LimitedTreeBuilder(), forbid_dtd=True)
    is_utf16 = b"\0" in body[:4]
    try:
        parser.feed(body if is_utf16 else body.translate(None, _CONTROL_CHARACTERS))
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # the latter two: unknown encodings
        is_dtd = isinstance(error, DefusedXmlException)
        reason = "DTD and entities are not allowed" if is_dtd else sanitize(error)
        raise InvalidReplyError(reason, malformed=True, web_page=_is_web_page(body)) from error
    return root


# Errors

LAS_HINT: Final = (
    "This server probably uses the License Activation Service (LAS), where WMI has no licenses:"
    " register its site with source cvad instead."
    " If it does not use LAS, restart its service Citrix_GTLicensingProv."
)
_URL_HINT: Final = "Check that url is the address of WinRM, such as https://HOST:5986/wsman."

# Codes in decimal are those of WS-Management (each captured, but for the timeout: Microsoft's
# wsmerror.h), those in hexadecimal are HRESULTs of WMI (wbemcli.h); 5 is ERROR_ACCESS_DENIED of
# Windows. The names are subcodes of DSP0226.
_FAULT_RULES: Final = (
    ErrorRule(
        (5, 0x80070005, 0x80041003, "AccessDenied"),
        FailureKind.FORBIDDEN,
        "account has no permission to read licenses",
        "Add the account to Remote Management Users and give it Remote Enable on the WMI namespace"
        r" root\CitrixLicensing, or make it a local administrator.",
    ),
    ErrorRule(
        (2150858778, 0x80041010, 0x8004100E, "DestinationUnreachable"),
        FailureKind.NO_DATA,
        "no Citrix license classes in WMI",
        LAS_HINT,
    ),
    ErrorRule(
        (2150859173, 2150859174, "QuotaLimit"),
        FailureKind.RATE_LIMITED,
        "WinRM request limit reached",
        "Other programs use this account, too: give lictui an account of its own, or raise"
        " MaxConcurrentOperationsPerUser in winrm/config/service.",
    ),
    ErrorRule(
        (2150858793, "TimedOut"),
        FailureKind.TIMEOUT,
        "WMI query timed out",
        "Check the load of the server, or raise timeout in [polling].",
    ),
    ErrorRule(
        ("EncodingLimit",),
        FailureKind.TOO_LARGE,
        "response exceeds MaxEnvelopeSizekb",
        "Raise MaxEnvelopeSizekb in winrm/config on the server.",
    ),
    ErrorRule(
        None,
        FailureKind.UNAVAILABLE,
        "WinRM fault",
        "Restart the service Citrix_GTLicensingProv on the server, and see the event log of WinRM.",
    ),
)


def error_for_fault(fault: WsmanFault, reply: HttpReply) -> SourceError:
    """Return the error for a fault that `reply` contains."""
    rule = find_rule(_FAULT_RULES, *fault.codes, *fault.subcodes)
    code = f" {min(fault.codes)}" if rule is _FAULT_RULES[-1] and fault.codes else ""
    detail = f": {text}" if (text := reply.quote(fault.message)) else ""
    return rule.error(f"{reply.address}: {rule.message}{code}{detail}")


_STATUS_RULES: Final = status_rules(
    {
        FailureKind.FORBIDDEN: "Check firewalls, proxies and the address filter of the WinRM"
        " listener.",
        FailureKind.NO_DATA: "WinRM responds at /wsman: set url to https://HOST:5986/wsman.",
        FailureKind.RATE_LIMITED: "Raise interval: Citrix recommends 15 minutes.",
        FailureKind.UNAVAILABLE: "Check that the service WinRM is running, and the load of the"
        " server.",
        FailureKind.PROTOCOL: ("unexpected WinRM response", _URL_HINT),
    }
)


def error_for_status(reply: HttpReply, step: Step) -> SourceError:
    """Return the error for a status, other than 401, that came without an envelope."""
    error = status_error(reply, _STATUS_RULES, step)
    if error.failure.kind is FailureKind.PROTOCOL and _is_web_page(reply.body):
        return _web_page_error(reply.address, step)
    return error


def _web_page_error(address: str, step: Step) -> SourceError:
    return SourceError(
        FailureKind.PROTOCOL,
        f"{address} returned a web page instead of a WinRM response",
        f"{_URL_HINT} A portal or proxy may be in between.",
        step,
    )
