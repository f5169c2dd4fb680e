"""The WS-Management client: enumeration, requests, replies, faults."""

import threading

import pytest
from defusedxml.ElementTree import fromstring
from tests.sources.winrm.conftest import Poll
from tests.sources.winrm.wsman_replies import (
    MESSAGE_ID,
    NIL,
    NO_SUCH_CLASS,
    WsmanRequest,
    enumerate_reply,
    envelope,
    fault_reply,
    pool_values,
    pull_reply,
    wmi_instance,
    wsman_fault,
    xml_fragment,
)

from lictui.config.settings import Limits
from lictui.model import Failure, FailureKind, Snapshot, Step
from lictui.sources.http import HttpReply
from lictui.sources.winrm import wsman
from lictui.sources.winrm.wsman import (
    InvalidReplyError,
    ResultPage,
    WqlQuery,
    WsmanFault,
    error_for_fault,
    error_for_status,
    parse_reply,
)

POOL = wmi_instance(pool_values())


# Enumeration


async def test_pull_uses_the_context_received_last(poll: Poll) -> None:
    pulls: list[str] = []

    def answer(request: WsmanRequest) -> bytes:
        if not request.pulls:
            more = "Pool" in request.wql
            return enumerate_reply(POOL, context="c1") if more else enumerate_reply()
        pulls.append(request.context)
        number = len(pulls)
        item = wmi_instance(pool_values(PLD=f"P{number}_X_CCU"))
        # The second page neither ends nor has a new context: the old one remains valid.
        context = {1: "c2", 2: "", 3: "c3"}.get(number, "")
        reply = pull_reply(item, context=context)
        return reply.replace(b"<n:EndOfSequence/>", b"") if number == 2 else reply

    result = await poll(answer)
    assert isinstance(result, Snapshot)
    assert pulls == ["c1", "c2", "c2", "c3"]
    assert len(result.pools) == 5


@pytest.mark.parametrize(
    ("items", "kind"),
    [("", FailureKind.PROTOCOL), (POOL, FailureKind.TOO_LARGE)],
    ids=["empty", "single"],
)
async def test_enumeration_without_end_is_given_up(
    poll: Poll, limits: Limits, items: str, kind: FailureKind
) -> None:
    count = 0

    def answer(request: WsmanRequest) -> bytes:
        nonlocal count
        count += 1
        if not request.pulls:
            return enumerate_reply(items, context="c0")
        return pull_reply(items, context=f"c{count}")

    result = await poll(answer, limits=Limits(timeout=limits.timeout, max_reply=1_000_000))
    assert isinstance(result, Failure)
    assert (result.kind, result.step) == (kind, Step.INVENTORY)
    assert "does not terminate" in result.message
    assert count <= (5 if items != POOL else 2_001)


async def test_enumeration_with_neither_end_nor_context_is_a_failure(poll: Poll) -> None:
    body = enumerate_reply(POOL).replace(b"<w:EndOfSequence/>", b"")
    result = await poll(lambda _request: body)
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.PROTOCOL


@pytest.mark.parametrize(
    ("size", "kind"), [(100_000, FailureKind.PARSE), (2_500_000, FailureKind.TOO_LARGE)]
)
async def test_large_reply_is_parsed_in_a_thread_or_refused(
    poll: Poll, size: int, kind: FailureKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def parse(_body: bytes, _message_id: str) -> None:
        threads.append(threading.current_thread().name)
        raise InvalidReplyError("no", malformed=True)

    monkeypatch.setattr(wsman, "parse_reply", parse)
    result = await poll(lambda _request: b"<" * size)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert [name.partition(" ")[0] for name in threads] == ["parse"] * (kind is FailureKind.PARSE)


# Requests

NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
}
QUERY = WqlQuery(
    "https://lic01:5986/wsman",
    "root/CitrixLicensing",
    "SELECT * FROM X WHERE N<'5' AND M='a&b'",
    24,
)


@pytest.mark.parametrize(
    ("context", "path", "text"),
    [
        ("", "s:Header/w:OperationTimeout", "PT24S"),
        ("", "s:Header/a:Action", f"{NAMES['n']}/Enumerate"),
        ("", "s:Body/n:Enumerate/w:Filter", QUERY.wql),
        ("", "s:Body/n:Enumerate/w:OptimizeEnumeration", ""),
        ("uuid:<&>", "s:Body/n:Pull/n:EnumerationContext", "uuid:<&>"),
        ("uuid:<&>", "s:Body/n:Pull/n:MaxElements", "100"),
        ("uuid:<&>", "s:Header/a:Action", f"{NAMES['n']}/Pull"),
    ],
)
def test_request_has_its_documented_elements(context: str, path: str, text: str) -> None:
    body = QUERY.request("uuid:1", context)
    assert fromstring(body).findtext(path, "missing", NAMES) == text


# Replies


def page_of(body: bytes) -> ResultPage:
    page = parse_reply(body, MESSAGE_ID)
    assert isinstance(page, ResultPage)
    return page


def fault_of(body: bytes) -> WsmanFault:
    fault = parse_reply(body, MESSAGE_ID)
    assert isinstance(fault, WsmanFault)
    return fault


@pytest.mark.parametrize(
    ("item", "properties"),
    [
        (
            wmi_instance({"PLD": "A_B", "Date": "<cim:Datetime>2026-12-01</cim:Datetime>"}),
            {"pld": "A_B", "date": "2026-12-01"},
        ),
        (
            xml_fragment({"PLD": "A_B", "Date": "<Datetime>2026-12-01</Datetime>"}),
            {"pld": "A_B", "date": "2026-12-01"},
        ),
        (wmi_instance({"HOSTID": NIL, "DUP_GROUP": ""}), {"dup_group": ""}),
        (
            wmi_instance({"PLD": "A\u202eB\x85C\x1b\x07", "V": "x" * 9_000}),
            {"pld": "AB C", "v": "x" * 499 + "…"},
        ),
    ],
    ids=["typed", "projection", "null and empty", "hostile"],
)
def test_item_has_its_properties(item: str, properties: dict[str, str]) -> None:
    assert page_of(enumerate_reply(item)).items == (properties,)


LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (enumerate_reply(POOL, relates_to="uuid:another"), "does not match the request"),
        (envelope("<n:EnumerateResponse/>", None), "which request"),
        (enumerate_reply(POOL, context="x" * 5_000), "too long"),
        (envelope("<n:GetResponse/>"), "no enumeration"),
        (b"<a/>", "it is <a>"),
        (b"<html><body/></html>", "web page"),
        (b"\r\n<html><body><p>unclosed</body></html>", "malformed web page"),
        (b"", "malformed"),
        (LAUGHS, "malformed"),
        (b"<a>" * 60 + b"</a>" * 60, "malformed"),
        (b"<a>" + b"<b/>" * 50_001 + b"</a>", "malformed"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "malformed"),
    ],
    ids=range(12),
)
def test_invalid_reply_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidReplyError, match=r".") as caught:
        parse_reply(body, MESSAGE_ID)
    error = caught.value
    assert error.malformed is ("malformed" in reason)
    assert error.web_page is ("web page" in reason)
    assert error.malformed or error.web_page or reason in str(error)


@pytest.mark.parametrize(
    "detail",
    [
        wsman_fault("-2147217392"),
        wsman_fault(1, provider="HRESULT = 0x80041010"),
        "<MSFT_WmiError><MessageID>HRESULT 0x80041010</MessageID></MSFT_WmiError>",
        "<MSFT_WmiError><error_Code>2147749904</error_Code></MSFT_WmiError>",
    ],
)
def test_fault_has_its_reason_and_a_hresult_from_anywhere(detail: str) -> None:
    fault = fault_of(fault_reply(detail, reason="No.\n  \x07Never"))
    assert 0x80041010 in fault.codes
    assert error_for_fault(fault, HttpReply(500, {}, b"")).failure.message.endswith(": No. Never")


# Faults and statuses


@pytest.mark.parametrize(
    ("detail", "subcode", "kind"),
    [
        (NO_SUCH_CLASS, "", FailureKind.NO_DATA),
        (wsman_fault(1, provider="HRESULT = 0x8004100E"), "", FailureKind.NO_DATA),
        ("", "a:DestinationUnreachable", FailureKind.NO_DATA),
        (wsman_fault(1, provider="HRESULT = 0x80041003"), "", FailureKind.FORBIDDEN),
        (wsman_fault(5, "Access is denied."), "", FailureKind.FORBIDDEN),
        (wsman_fault(2150859173), "", FailureKind.RATE_LIMITED),
        ("", "w:TimedOut", FailureKind.TIMEOUT),
        ("", "w:EncodingLimit", FailureKind.TOO_LARGE),
        (wsman_fault(2150858999, "Something else."), "", FailureKind.UNAVAILABLE),
    ],
)
def test_fault_is_recognized_by_code_or_subcode(
    detail: str, subcode: str, kind: FailureKind
) -> None:
    fault = fault_of(fault_reply(detail, subcode=subcode or "w:InternalError"))
    failure = error_for_fault(fault, HttpReply(500, {}, b"", "lic01:5986")).failure
    assert (failure.kind, failure.step) == (kind, Step.INVENTORY)
    assert failure.message.startswith("lic01:5986")
    assert failure.hint
    assert detail != NO_SUCH_CLASS or "does not exist" in failure.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"x", FailureKind.FORBIDDEN),
        (404, b"x", FailureKind.NO_DATA),
        (500, b"x", FailureKind.UNAVAILABLE),
        (200, b"x", FailureKind.PROTOCOL),
        (200, b"<html>", FailureKind.PROTOCOL),
    ],
)
def test_status_without_envelope_has_its_kind(status: int, body: bytes, kind: FailureKind) -> None:
    failure = error_for_status(HttpReply(status, {}, body, "lic01:5986"), Step.AUTH).failure
    assert (failure.kind, failure.step) == (kind, Step.AUTH)
    assert ("web page" if body == b"<html>" else str(status)) in failure.message
    assert "/wsman" in failure.hint or kind is not FailureKind.PROTOCOL
