"""The questions of WS-Management: Enumerate and Pull, as SOAP.

Owns the envelope (DSP0226; the form that Windows takes is in its captured requests). Pure: must
not know HTTP, nor what an answer looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

CONTENT_TYPE: Final = "application/soap+xml;charset=UTF-8"

_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_ENUMERATION: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_RESOURCE: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_LARGEST: Final = 512_000  # bytes of one reply: what Windows allows without being told otherwise
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
class Question:
    """One WQL query, put to one WMI namespace of one endpoint."""

    to: str  # the endpoint's URL
    namespace: str  # `root/CitrixLicensing`
    wql: str
    patience: int  # whole seconds the server may take for one reply

    def enumerate(self, message: str) -> bytes:
        """The envelope that opens the enumeration; `message` is its id, never used before."""
        return self._envelope(
            "Enumerate",
            message,
            f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{_PAGE}</w:MaxElements>"
            f'<w:Filter Dialect="{_WQL}">{escape(self.wql)}</w:Filter></n:Enumerate>',
        )

    def pull(self, message: str, context: str) -> bytes:
        """The envelope that asks for the next items; `context` is the one received last."""
        return self._envelope(
            "Pull",
            message,
            f"<n:Pull><n:EnumerationContext>{escape(context)}</n:EnumerationContext>"
            f"<n:MaxElements>{_PAGE}</n:MaxElements></n:Pull>",
        )

    def _envelope(self, action: str, message: str, body: str) -> bytes:
        return _ENVELOPE.format(
            to=escape(self.to),
            namespace=self.namespace,
            action=action,
            message=message,
            patience=self.patience,
            body=body,
        ).encode()
