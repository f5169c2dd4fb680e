"""Answers of WS-Management as a license server writes them, built for a test to change."""

import re
from collections.abc import Callable, Mapping
from html import escape

import httpx

MESSAGE_ID = "uuid:0d6f1c4e-1111-4222-8333-444455556666"
SOAP = "application/soap+xml;charset=UTF-8"
_WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/CitrixLicensing/"

NIL = object()


def pool_values(**changes: object) -> dict[str, object]:
    """The properties of one pool: 550 with overdraft, 50 of them overdraft, 412 in use."""
    return {
        "Count": "550",
        "HOSTID": NIL,
        "InUseCount": "412",
        "LicenseType": "Retail",
        "Overdraft": "50",
        "PLD": "XDT_PLT_UD",
        "PLDFullName": "Citrix XenDesktop Platinum|User/Device",
        "PooledAvailable": "138",
        "SubscriptionDate": "<cim:Datetime>2026-12-01T00:00:00Z</cim:Datetime>",
        "VendorString": ";LT=Retail;GP=720",
    } | changes


def wmi_instance(values: Mapping[str, object], kind: str = "Citrix_GT_License_Pool") -> str:
    """An instance as `SELECT *` brings it."""
    return (
        f'<p:{kind} xmlns:p="{_WMI}{kind}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common" xsi:type="p:{kind}_Type">'
        + "".join(_property(f"p:{name}", value) for name, value in values.items())
        + f"</p:{kind}>"
    )


def xml_fragment(values: Mapping[str, object]) -> str:
    """An instance as a projection brings it: bare names, bare <Datetime>."""
    inner = "".join(_property(name, value) for name, value in values.items())
    return (
        '<w:XmlFragment xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{inner}</w:XmlFragment>"
    )


def _property(name: str, value: object) -> str:
    if value is NIL:
        return f'<{name} xsi:nil="true"/>'
    written = str(value)
    inner = written if written.startswith("<") else escape(written)
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def envelope(body: str, relates_to: str | None = MESSAGE_ID, *, action: str = "…") -> bytes:
    related = "" if relates_to is None else f"<a:RelatesTo>{relates_to}</a:RelatesTo>"
    return (
        '<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"'
        ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">'
        f"<s:Header><a:Action>{action}</a:Action>{related}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _page(kind: str, items: tuple[str, ...], context: str, relates_to: str, prefix: str) -> bytes:
    end = "" if context else f"<{prefix}:EndOfSequence/>"
    return envelope(
        f"<n:{kind}><n:EnumerationContext>{context}</n:EnumerationContext>"
        f"<{prefix}:Items>{''.join(items)}</{prefix}:Items>{end}</n:{kind}>",
        relates_to,
    )


def enumerate_reply(*items: str, context: str = "", relates_to: str = MESSAGE_ID) -> bytes:
    """The answer to Enumerate; with a context there is more to pull."""
    return _page("EnumerateResponse", items, context, relates_to, "w")


def pull_reply(*items: str, context: str = "", relates_to: str = MESSAGE_ID) -> bytes:
    """The answer to Pull: its Items and its end are of another namespace."""
    return _page("PullResponse", items, context, relates_to, "n")


def fault_reply(
    detail: str, *, subcode: str = "w:InternalError", reason: str = "", relates_to: str = MESSAGE_ID
) -> bytes:
    return envelope(
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value>"
        f"<s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="">{reason}</s:Text></s:Reason>'
        f"<s:Detail>{detail}</s:Detail></s:Fault>",
        relates_to,
    )


def wsman_fault(code: object, message: str = "", provider: str = "") -> str:
    """A WSManFault, with what a WMI provider says inside."""
    inner = (
        f'<f:ProviderFault provider="WMI Provider" path="wmi.dll">{provider}</f:ProviderFault>'
        if provider
        else ""
    )
    return (
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
        f' Code="{code}" Machine="lic01"><f:Message>{message}{inner}</f:Message></f:WSManFault>'
    )


# What was captured from a server without the class: twice the same code, no HRESULT.
NO_SUCH_CLASS = wsman_fault(
    2150858778,
    provider=wsman_fault(2150858778, "The specified class does not exist in the given namespace. "),
)


class WsmanRequest:
    """One question as a fake server reads it."""

    def __init__(self, body: bytes) -> None:
        written = body.decode()
        self.message = _inside(written, "a:MessageID")
        self.context = _inside(written, "n:EnumerationContext")
        self.wql = re.sub(r"&#x27;", "'", _inside(written, "w:Filter"))
        self.pulls = "<n:Pull>" in written


def _inside(written: str, name: str) -> str:
    match = re.search(rf"<{name}[^>]*>(.*?)</{name}>", written, re.DOTALL)
    return match[1] if match else ""


def fake_server(answer: Callable[[WsmanRequest], bytes | httpx.Response]) -> httpx.MockTransport:
    """A server that answers every question with what `answer` makes of it; ids are put right."""

    def handle(request: httpx.Request) -> httpx.Response:
        wsman_request = WsmanRequest(request.content)
        result = answer(wsman_request)
        if isinstance(result, httpx.Response):
            return result
        body = result.replace(MESSAGE_ID.encode(), wsman_request.message.encode())
        status = 500 if b"<s:Fault>" in body else 200
        return httpx.Response(status, headers={"Content-Type": SOAP}, content=body)

    return httpx.MockTransport(handle)
