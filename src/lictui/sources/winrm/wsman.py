"""WS-Management client: SOAP requests and replies, enumeration with its bounds, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4
from xml.etree.ElementTree import (
    Element,
    TreeBuilder,  # builds only: defusedxml parses
)

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from lictui.model import FailureKind, Step
from lictui.sources.http import HttpClient, HttpReply, with_retry
from lictui.sources.network import host_port, origin
from lictui.sources.sanitize import sanitize
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.config.settings import Limits


# Requests: Enumerate and Pull, as SOAP


CONTENT_TYPE: Final = "application/soap+xml;charset=UTF-8"

_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_ENUMERATION: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_RESOURCE: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_LARGEST: Final = 512_000  # bytes of one reply: Windows' default
_PAGE: Final = 100  # items of one reply

_ENVELOPE: Final = f"""\
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{_ADDRESSING}"\
 xmlns:n="{_ENUMERATION}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">\
<s:Header>\
<a:To>{{to}}</a:To>\
<w:ResourceURI s:mustUnderstand="true">{_RESOURCE}{{namespace}}/*</w:ResourceURI>\
<a:ReplyTo><a:Address s:mustUnderstand="true">{_ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>\
<a:Action s:mustUnderstand="true">{_ENUMERATION}/{{action}}</a:Action>\
<w:MaxEnvelopeSize s:mustUnderstand="true">{_LARGEST}</w:MaxEnvelopeSize>\
<a:MessageID>{{message}}</a:MessageID>\
<w:OperationTimeout>PT{{patience}}S</w:OperationTimeout>\
</s:Header>\
<s:Body>{{body}}</s:Body></s:Envelope>"""


@dataclass(frozen=True, slots=True)
class WqlQuery:
    """A WQL query for one WMI namespace of an endpoint."""

    url: str  # the endpoint's URL
    namespace: str  # `root/CitrixLicensing`
    wql: str
    timeout: int  # whole seconds the server may take for one reply

    def enumerate_request(self, message: str) -> bytes:
        """Return the envelope that starts the enumeration; `message` is its unique id."""
        return self._envelope(
            "Enumerate",
            message,
            f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{_PAGE}</w:MaxElements>"
            f'<w:Filter Dialect="{_WQL}">{escape(self.wql)}</w:Filter></n:Enumerate>',
        )

    def pull_request(self, message: str, context: str) -> bytes:
        """Return the envelope that requests the next items; `context` is the latest received."""
        return self._envelope(
            "Pull",
            message,
            f"<n:Pull><n:EnumerationContext>{escape(context)}</n:EnumerationContext>"
            f"<n:MaxElements>{_PAGE}</n:MaxElements></n:Pull>",
        )

    def _envelope(self, action: str, message: str, body: str) -> bytes:
        return _ENVELOPE.format(
            to=escape(self.url),
            namespace=self.namespace,
            action=action,
            message=message,
            patience=self.timeout,
            body=body,
        ).encode()


# Untrusted XML, as a small tree of local names


_DEEPEST: Final = 40  # an item's property is on level 7
_MOST_ELEMENTS: Final = 200_000  # a full reply has some 2,000
# Not allowed in XML, but a product's name may have them: one name must not cost the inventory.
_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\t\n\r"))


class InvalidXmlError(Exception):
    """These bytes are not acceptable XML."""


class _Bounded(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST:
            raise InvalidXmlError("nested too deeply")
        if self._elements > _MOST_ELEMENTS:
            raise InvalidXmlError("too many elements")
        return super().start(_local(tag), {_local(name): value for name, value in attrs.items()})

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(_local(tag))


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def parse_xml(body: bytes) -> Element:
    """Return the root of the document in `body`; raises only NotXmlError."""
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(body if b"\0" in body[:4] else body.translate(None, _CONTROLS))  # UTF-16 or not
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise InvalidXmlError("DTD and entities are not allowed") from error
    except (ParseError, ValueError, LookupError) as error:  # the latter two: odd encodings
        raise InvalidXmlError(str(error)) from error
    return root


def find_child(element: Element | None, *path: str) -> Element | None:
    """Return the first descendant reached by the local names of `path`."""
    for name in path:
        if element is None:
            return None
        element = next((below for below in element if below.tag == name), None)
    return element


def descendants(element: Element, name: str) -> Iterator[Element]:
    """Yield every element with this local name at or below `element`."""
    return element.iter(name)


# Replies: a page of items, or a fault


Item = Mapping[str, str]  # one WMI instance: property in lower case -> value; null is absent

_LONGEST_VALUE: Final = 500
_LONGEST_CONTEXT: Final = 4_000
_MOST_PROPERTIES: Final = 100
_HEX_OR_LONG: Final = re.compile(r"\b(?:0x[0-9a-f]{8}|\d{10})\b", re.ASCII | re.IGNORECASE)
_CODE: Final = re.compile(r"0x[0-9a-f]{1,8}|-?\d{1,10}", re.ASCII | re.IGNORECASE)


class InvalidReplyError(Exception):
    """Not a reply to this request. `web_page`: it was meant for a browser."""

    def __init__(self, reason: str, *, web_page: bool = False) -> None:
        super().__init__(reason)
        self.web_page = web_page


class MalformedReplyError(InvalidReplyError):
    """Perhaps a reply, but not acceptable XML."""


@dataclass(frozen=True, slots=True)
class WsmanFault:
    """An error that the server reports."""

    codes: frozenset[int]  # WS-Management codes and WMI HRESULTs alike, unsigned
    subcodes: frozenset[str]  # local names: `AccessDenied`, `QuotaLimit`
    message: str


@dataclass(frozen=True, slots=True)
class ResultPage:
    """Some of the items; `last` tells whether these were all."""

    items: tuple[Item, ...]
    context: str  # for the next Pull; "" if the server gave none
    last: bool


def parse_reply(body: bytes, message: str) -> ResultPage | WsmanFault:
    """Return the reply in `body` to the request with id `message`; raises NotAReplyError."""
    try:
        root = parse_xml(body)
    except InvalidXmlError as error:
        raise MalformedReplyError(sanitize(error), web_page=is_web_page(body)) from error
    if root.tag != "Envelope":
        raise InvalidReplyError(
            f"unexpected element <{sanitize(root.tag, 40)}>", web_page=root.tag.lower() == "html"
        )
    related = find_child(root, "Header", "RelatesTo")
    matches = related is not None and _plain(related).casefold() == message.casefold()
    fault = find_child(root, "Body", "Fault")
    if related is not None and not matches:
        raise InvalidReplyError("response does not match the request")
    if fault is not None:
        return _fault(fault)
    if not matches:
        raise InvalidReplyError("response without a request id")
    return _page(root)


def is_web_page(body: bytes) -> bool:
    """Return whether `body` was written for a browser."""
    start = body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html")) or b"<head" in start


def _page(root: Element) -> ResultPage:
    answer = find_child(root, "Body", "EnumerateResponse")
    if answer is None:
        answer = find_child(root, "Body", "PullResponse")
    if answer is None:
        raise InvalidReplyError("response without an enumeration")
    last = find_child(answer, "EndOfSequence") is not None
    context = _plain(find_child(answer, "EnumerationContext"))
    if len(context) > _LONGEST_CONTEXT:
        raise InvalidReplyError("the enumeration context is too long")
    items = find_child(answer, "Items")
    return ResultPage(() if items is None else tuple(map(_item, items)), context, last)


def _item(element: Element) -> Item:
    """Return a typed instance, or the XmlFragment of a projection: its children are properties."""
    return {
        sanitize(prop.tag, 60).lower(): value
        for prop in list(element)[:_MOST_PROPERTIES]
        if (value := _value(prop)) is not None
    }


def _value(prop: Element) -> str | None:
    if prop.get("nil", "").strip() in {"true", "1"}:
        return None
    inner = next(iter(prop), None)  # <cim:Datetime>, or a bare <Datetime>
    return sanitize((prop if inner is None else inner).text or "", _LONGEST_VALUE)


def _fault(fault: Element) -> WsmanFault:
    detail = find_child(fault, "Detail")
    said = sanitize(" ".join(detail.itertext()), 4_000) if detail is not None else ""
    codes = {match[0] for match in _HEX_OR_LONG.finditer(said)}
    if detail is not None:
        codes |= {inner.get("Code", "").strip() for inner in descendants(detail, "WSManFault")}
        codes |= {_plain(inner) for inner in descendants(detail, "error_Code")}
    values = descendants(fault, "Value")
    return WsmanFault(
        codes=frozenset(_unsigned(code) for code in codes if _CODE.fullmatch(code)),
        subcodes=frozenset(sanitize(_plain(value).rpartition(":")[2], 60) for value in values),
        message=sanitize(_plain(find_child(fault, "Reason", "Text"))) or sanitize(said),
    )


def _unsigned(code: str) -> int:
    return int(code, 16 if code[:2].lower() == "0x" else 10) & 0xFFFFFFFF


def _plain(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


# The endpoint of a license server: `https://HOST:5986/wsman`


class WsmanEndpoint:
    """One connection at a time to one address; raises SourceError for an unusable address."""

    def __init__(self, url: str, link: HttpClient, clock: Clock) -> None:
        base = origin(url)
        path = httpx.URL(url).raw_path
        self.url = str(base.copy_with(raw_path=path if path.strip(b"/") else b"/wsman"))
        self.host = base.host
        self.encrypted = base.scheme == "https"
        self.address = host_port(base)
        self._link, self._clock = link, clock

    async def post(
        self, body: bytes, *, authorization: str = "", content_type: str = CONTENT_TYPE
    ) -> HttpReply:
        """Return the reply to `body`; an empty body only authenticates."""
        headers = {"Content-Type": content_type}
        if authorization:
            headers["Authorization"] = authorization
        step = Step.INVENTORY if body else Step.AUTH
        send = partial(
            self._link.request, "POST", self.url, step=step, headers=headers, content=body
        )
        return await with_retry(send, self._clock)

    async def reconnect(self) -> None:
        """Let the next post open a new connection."""
        await self._link.aclose()


# Faults, statuses and unexpected replies as failures


LAS_HINT: Final = (
    "Most likely this server moved to the License Activation Service, where WMI has no pools:"
    " register its site with source cvad instead."
    " If it did not, restart its service Citrix_GTLicensingProv."
)

_IS_THIS_IT: Final = "Check that the URL is that of WinRM: https://HOST:5986/wsman."


@dataclass(frozen=True, slots=True)
class _Meaning:
    codes: frozenset[int]
    subcode: str
    kind: FailureKind
    words: str
    hint: str


# Decimal codes are WS-Management's (each captured, except the time-out: Microsoft's wsmerror.h),
# hexadecimal ones HRESULTs of WMI (wbemcli.h); 5 is Windows' ERROR_ACCESS_DENIED.
# Subcodes are those of DSP0226.
_MEANINGS: Final = (
    _Meaning(
        frozenset({5, 0x80070005, 0x80041003}),
        "AccessDenied",
        FailureKind.FORBIDDEN,
        words="denies this account access to license data",
        hint="Add the account to Remote Management Users, with Remote Enable on the WMI namespace"
        r" root\CitrixLicensing, or make it a local administrator.",
    ),
    _Meaning(
        frozenset({2150858778, 0x80041010, 0x8004100E}),
        "DestinationUnreachable",
        FailureKind.NO_DATA,
        words="has no Citrix license classes",
        hint=LAS_HINT,
    ),
    _Meaning(
        frozenset({2150859173, 2150859174}),
        "QuotaLimit",
        FailureKind.RATE_LIMITED,
        words="has reached WinRM's request limit",
        hint="Other programs use this account too: use one account only for lictui, or raise"
        " MaxConcurrentOperationsPerUser in winrm/config/service.",
    ),
    _Meaning(
        frozenset({2150858793}),
        "TimedOut",
        FailureKind.TIMEOUT,
        words="did not complete the WMI query in time",
        hint="WMI is slow: check the server's load, or raise timeout in [polling].",
    ),
    _Meaning(
        frozenset(),
        "EncodingLimit",
        FailureKind.TOO_LARGE,
        words="has more license data than MaxEnvelopeSizekb allows",
        hint="Raise MaxEnvelopeSizekb in winrm/config on the server.",
    ),
)


def error_for_fault(fault: WsmanFault, where: str) -> SourceError:
    """Return the failure for `fault`, sent by the endpoint `where`."""
    said = f": {fault.message}" if fault.message else ""
    for meaning in _MEANINGS:
        if fault.codes & meaning.codes or meaning.subcode in fault.subcodes:
            message = f"{where} {meaning.words}{said}"
            return SourceError(meaning.kind, message, meaning.hint, Step.INVENTORY)
    codes = "".join(f" {code}" for code in sorted(fault.codes)[:1])
    return SourceError(
        FailureKind.UNAVAILABLE,
        f"{where} returned WinRM fault{codes}{said}",
        "Restart the service Citrix_GTLicensingProv on the server; see also WinRM's event log.",
        Step.INVENTORY,
    )


def error_for_reply(error: InvalidReplyError, where: str, kind: FailureKind) -> SourceError:
    """Return the failure for a reply with status 200 that is not WS-Management."""
    if error.web_page:
        return _web_page(where, Step.INVENTORY)
    return SourceError(
        kind,
        f"{where} returned an invalid WinRM response: {error}",
        _IS_THIS_IT,
        Step.INVENTORY,
    )


def incomplete_enumeration(where: str, reason: str, kind: FailureKind) -> SourceError:
    """Return the failure for an enumeration that did not end properly."""
    return SourceError(
        kind,
        f"{where} returned an incomplete list of licenses: {reason}",
        "Restart the service Citrix_GTLicensingProv on the server.",
        Step.INVENTORY,
    )


def error_for_status(reply: HttpReply, where: str, step: Step) -> SourceError:
    """Return the failure for a status, other than 401, without an envelope."""
    match reply.status:
        case HTTPStatus.FORBIDDEN:
            kind, words = FailureKind.FORBIDDEN, "forbids it"
            hint = "A firewall, proxy or the listener's address filter rejects this machine."
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            kind, words = FailureKind.NO_DATA, "has no service at this address"
            hint = "The URL of WinRM is https://HOST:5986/wsman."
        case HTTPStatus.TOO_MANY_REQUESTS:
            kind, words = FailureKind.RATE_LIMITED, "is rate limiting requests"
            hint = "Poll less often: Citrix recommends an interval of at least 15 minutes."
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind, words = FailureKind.UNAVAILABLE, "is temporarily unavailable"
            hint = "Check that the service WinRM is running, and that the server is not overloaded."
        case _ if is_web_page(reply.body):
            return _web_page(where, step)
        case _:
            kind, words = FailureKind.PROTOCOL, "returned an unexpected response"
            hint = _IS_THIS_IT
    return SourceError(kind, f"{where} {words} (HTTP {reply.status})", hint, step)


def _web_page(where: str, step: Step) -> SourceError:
    return SourceError(
        FailureKind.PROTOCOL,
        f"{where} returned a web page instead of a WinRM response",
        f"{_IS_THIS_IT} A portal or proxy may be in between.",
        step,
    )


_MOST_PAGES: Final = 2_000  # a server may send its items one by one
_MOST_EMPTY: Final = 3  # consecutive pages without an item that are not the last
_PATIENCE: Final = 0.8  # of our own time-out: the server's own message is better than silence


class WinrmLogin(Protocol):
    """Posts SOAP as an authenticated user."""

    @property
    def identity(self) -> str:
        r"""Method and user: `NTLM as CORP\svc`."""
        ...

    async def post(self, soap: bytes) -> HttpReply:
        """Return the decrypted reply with any status but 401. Raises SourceError."""
        ...


class WsmanEnumerator:
    """Enumerates one endpoint; `let_in` is called once with the identity, at the first reply."""

    def __init__(
        self,
        endpoint: WsmanEndpoint,
        login: WinrmLogin,
        limits: Limits,
        let_in: Callable[[str], None],
    ) -> None:
        self._endpoint, self._login, self._limits = endpoint, login, limits
        self._let_in: Callable[[str], None] | None = let_in

    async def instances(self, namespace: str, wql: str) -> list[Item]:
        """Return all instances that `wql` selects in `namespace`.

        Raises SourceError for a fault, for an unexpected reply, and for a list without end.
        """
        patience = max(1, int(_PATIENCE * self._limits.timeout))
        question = WqlQuery(self._endpoint.url, namespace, wql, patience)
        found: list[Item] = []
        context, size, empty = "", 0, 0
        for _ in range(_MOST_PAGES):
            page, received = await self._page(question, context)
            found += page.items
            context = page.context or context  # each page may bring a new one: the latest counts
            size += received
            empty = 0 if page.items else empty + 1
            if page.last:
                return found
            if not context:
                raise self._broken_off("incomplete, without a continuation")
            if size > self._limits.max_reply:
                raise self._broken_off(
                    f"{len(found):,} items received, and more would follow", FailureKind.TOO_LARGE
                )
            if empty > _MOST_EMPTY:
                raise self._broken_off("only empty pages")
        raise self._broken_off(
            f"{_MOST_PAGES:,} pages received, and more would follow", FailureKind.TOO_LARGE
        )

    async def _page(self, question: WqlQuery, context: str) -> tuple[ResultPage, int]:
        """Return the next page and its size in bytes."""
        message = f"uuid:{uuid4()}"
        soap = (
            question.pull_request(message, context)
            if context
            else question.enumerate_request(message)
        )
        reply = await self._login.post(soap)
        if self._let_in:
            self._let_in(self._login.identity)
            self._let_in = None
        return self._read(reply, message), len(reply.body)

    def _read(self, reply: HttpReply, message: str) -> ResultPage:
        where = self._endpoint.address
        try:
            answer = parse_reply(reply.body, message)
        except InvalidReplyError as error:
            if reply.status != 200:  # noqa: PLR2004 - HTTP's own number for "here it is"
                raise error_for_status(reply, where, Step.INVENTORY) from error
            kind = (
                FailureKind.PARSE
                if isinstance(error, MalformedReplyError)
                else FailureKind.PROTOCOL
            )
            raise error_for_reply(error, where, kind) from error
        if isinstance(answer, WsmanFault):
            raise error_for_fault(answer, where)
        return answer

    def _broken_off(self, reason: str, kind: FailureKind = FailureKind.PROTOCOL) -> SourceError:
        return incomplete_enumeration(self._endpoint.address, reason, kind)
