"""SOAP envelopes of WS-Management: what a request says, how a reply and a fault are worded.

Owns namespaces, headers and the bounds of XML. Must not know what an action does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

S: Final = "http://www.w3.org/2003/05/soap-envelope"
A: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
N: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
W: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
F: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
CIM: Final = "http://schemas.dmtf.org/wbem/wscim/1/common"
IDENTITY: Final = "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"

_FAULT_ACTION: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_PROVIDER: Final = 'provider="WMI Provider" path="%systemroot%\\system32\\WsmWmiPl.dll"'
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEFAULT_ENVELOPE: Final = 512_000  # bytes
_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class Fault(Exception):  # noqa: N818 - SOAP's own word
    """A request that is answered with a fault; `provider` marks WMI as the one that failed."""

    def __init__(self, subcode: str, code: int, message: str, *, provider: bool = False) -> None:
        super().__init__(message)
        self.subcode = subcode
        self.code = code
        self.provider = provider


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    action: str
    resource: str
    message_id: str
    max_envelope: int  # bytes
    timeout: float  # seconds; infinite when not given
    body: Element


def read(xml: bytes) -> Call:
    """Take an envelope apart; Fault when it is none."""
    try:
        root = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Fault("w:SchemaValidationError", 2150858819, "The request is no XML.") from error
    body = root.find(f"{{{S}}}Body")
    if root.tag != f"{{{S}}}Envelope" or body is None:
        raise Fault("w:SchemaValidationError", 2150858817, "The request is no SOAP envelope.")
    return Call(
        action=_header(root, A, "Action"),
        resource=_header(root, W, "ResourceURI"),
        message_id=_header(root, A, "MessageID"),
        max_envelope=_size(_header(root, W, "MaxEnvelopeSize")),
        timeout=_seconds(_header(root, W, "OperationTimeout")),
        body=body,
    )


def _header(root: Element, namespace: str, name: str) -> str:
    return (root.findtext(f"{{{S}}}Header/{{{namespace}}}{name}") or "").strip()


def _size(text: str) -> int:
    if not text:
        return _DEFAULT_ENVELOPE
    if not (text.isascii() and text.isdigit()):
        raise Fault("w:SchemaValidationError", 2150858817, "MaxEnvelopeSize is no number.")
    return int(text[:12])


def _seconds(text: str) -> float:
    if not text:
        return float("inf")
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Fault("w:InvalidTimeout", 2150858881, "OperationTimeout is no duration.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def reply(action: str, message_id: str, relates_to: str, body: str) -> bytes:
    """An envelope around `body`, which is XML already; `relates_to` "" leaves the header out."""
    relation = f"<a:RelatesTo>{text(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{S}" xmlns:a="{A}" xmlns:n="{N}" xmlns:w="{W}">'
        f"<s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>{message_id}</a:MessageID>"
        f"<a:To>{A}/role/anonymous</a:To>{relation}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault(fault: Fault, message_id: str, relates_to: str, machine: str) -> bytes:
    """The envelope of a fault; goes out with HTTP status 500."""
    message = text(str(fault))
    attributes = f'xmlns:f="{F}" Code="{fault.code}" Machine={quoteattr(writable(machine))}'
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
    return reply(_FAULT_ACTION, message_id, relates_to, body)


def text(value: str) -> str:
    """`value` as XML text."""
    return escape(writable(value))


def writable(value: str) -> str:
    """`value` with what XML 1.0 cannot carry (ESC, NUL, lone surrogates) replaced."""
    return _UNWRITABLE.sub("\ufffd", value)
