"""The WS-Management client: requests, replies, faults, enumeration, XML."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
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
from lictui.model import (
    Failure,
    FailureKind,
    Snapshot,
    State,
    Step,
)
from lictui.sources.http import HttpReply
from lictui.sources.winrm.wsman import (
    InvalidReplyError,
    InvalidXmlError,
    MalformedReplyError,
    ResultPage,
    WqlQuery,
    WsmanFault,
    error_for_fault,
    error_for_status,
    find_child,
    parse_reply,
    parse_xml,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from tests.sources.winrm.conftest import Poll

    Answer = Callable[[WsmanRequest], bytes | httpx.Response]


# Enumeration

POOL = wmi_instance(pool_values())


async def test_pull_uses_the_context_received_last(poll: Poll) -> None:
    pulls: list[str] = []

    def answer(asked: WsmanRequest) -> bytes:
        if not asked.pulls:
            return enumerate_reply(POOL, context="c1") if "Pool" in asked.wql else enumerate_reply()
        pulls.append(asked.context)
        number = len(pulls)
        item = wmi_instance(pool_values(PLD=f"P{number}_X_CCU"))
        return pull_reply(item, context=f"c{number + 1}") if number < 3 else pull_reply(item)

    result = await poll(answer)
    assert isinstance(result, Snapshot)
    assert pulls == ["c1", "c2", "c3"]
    assert len(result.pools) == 4


async def test_pull_without_a_new_context_continues_with_the_old(poll: Poll) -> None:
    seen: list[str] = []

    def answer(asked: WsmanRequest) -> bytes:
        if not asked.pulls:
            return enumerate_reply(context="c1") if "Pool" in asked.wql else enumerate_reply()
        seen.append(asked.context)
        if len(seen) == 1:
            return pull_reply(POOL).replace(b"<n:EndOfSequence/>", b"")
        return pull_reply()

    assert isinstance(await poll(answer), Snapshot)
    assert seen == ["c1", "c1"]


@pytest.mark.parametrize("context", ["c{}", "always the same"])
@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ("", FailureKind.PROTOCOL),
        (POOL, FailureKind.TOO_LARGE),
        (POOL * 300, FailureKind.TOO_LARGE),
    ],
    ids=["empty", "one by one", "many"],
)
async def test_endless_enumeration_is_given_up(
    poll: Poll, limits: Limits, items: str, kind: FailureKind, context: str
) -> None:
    count = 0

    def answer(asked: WsmanRequest) -> bytes:
        nonlocal count
        count += 1
        if not asked.pulls:
            return enumerate_reply(items, context="c0")
        return pull_reply(items, context=context.format(count))

    small = Limits(timeout=limits.timeout, max_reply=1_000_000)
    result = await poll(answer, limits=small)
    assert isinstance(result, Failure)
    assert result.kind is kind
    assert result.step is Step.INVENTORY
    assert "does not terminate" in result.message
    assert count <= (5 if items != POOL else 2_001)


async def test_enumeration_without_end_and_context_is_a_failure(poll: Poll) -> None:
    body = enumerate_reply(POOL).replace(b"<w:EndOfSequence/>", b"")
    result = await poll(lambda _asked: body)
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.PROTOCOL


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


def text_at(body: bytes, path: str) -> str:
    return fromstring(body).findtext(path, "missing", NAMES)


def test_enumerate_request_has_address_timeout_and_limits() -> None:
    body = QUERY.enumerate_request("uuid:1")
    assert text_at(body, "s:Header/a:To") == "https://lic01:5986/wsman"
    assert text_at(body, "s:Header/a:MessageID") == "uuid:1"
    assert text_at(body, "s:Header/w:OperationTimeout") == "PT24S"
    assert text_at(body, "s:Header/w:MaxEnvelopeSize") == "512000"
    assert text_at(body, "s:Header/a:Action") == f"{NAMES['n']}/Enumerate"
    assert (
        text_at(body, "s:Header/w:ResourceURI")
        == "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/CitrixLicensing/*"
    )


def test_enumerate_request_escapes_the_query() -> None:
    body = QUERY.enumerate_request("uuid:1")
    assert text_at(body, "s:Body/n:Enumerate/w:Filter") == QUERY.wql
    assert text_at(body, "s:Body/n:Enumerate/w:OptimizeEnumeration") == ""


def test_pull_request_escapes_the_context() -> None:
    body = QUERY.pull_request("uuid:2", "uuid:<&>")
    assert text_at(body, "s:Body/n:Pull/n:EnumerationContext") == "uuid:<&>"
    assert text_at(body, "s:Header/a:Action") == f"{NAMES['n']}/Pull"


# Replies


def page_of(body: bytes) -> ResultPage:
    answer = parse_reply(body, MESSAGE_ID)
    assert isinstance(answer, ResultPage)
    return answer


def fault_of(body: bytes) -> WsmanFault:
    answer = parse_reply(body, MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    return answer


def test_typed_instance_is_an_item() -> None:
    (item,) = page_of(enumerate_reply(POOL)).items
    assert item["count"] == "550"
    assert item["pldfullname"] == "Citrix XenDesktop Platinum|User/Device"
    assert item["subscriptiondate"] == "2026-12-01T00:00:00Z"


def test_projection_is_an_item() -> None:
    values = {"PLD": "A_B", "SubscriptionDate": "<Datetime>2026-12-01T00:00:00Z</Datetime>"}
    (item,) = page_of(enumerate_reply(xml_fragment(values))).items
    assert item == {"pld": "A_B", "subscriptiondate": "2026-12-01T00:00:00Z"}


def test_null_is_absent_and_empty_is_empty() -> None:
    (item,) = page_of(enumerate_reply(wmi_instance({"HOSTID": NIL, "DUP_GROUP": ""}))).items
    assert item == {"dup_group": ""}


def test_context_means_more_items() -> None:
    answer = page_of(enumerate_reply(POOL, context="uuid:9"))
    assert (len(answer.items), answer.context, answer.last) == (1, "uuid:9", False)


def test_end_of_sequence_is_found_in_both_namespaces() -> None:
    assert page_of(enumerate_reply(POOL)).last
    assert page_of(pull_reply(POOL, POOL)).last
    assert len(page_of(pull_reply(POOL, POOL)).items) == 2
    assert not page_of(pull_reply(POOL, context="uuid:10")).last


def test_empty_inventory_has_an_end_and_no_item() -> None:
    assert page_of(enumerate_reply()) == ResultPage((), "", last=True)


def test_hostile_text_is_sanitized() -> None:
    (item,) = page_of(
        enumerate_reply(wmi_instance({"PLD": "A\u202eB\x85C\x1b\x07", "VendorString": "x" * 9_000}))
    ).items
    assert item["pld"] == "AB C"
    assert len(item["vendorstring"]) == 500


@pytest.mark.parametrize("related", ["uuid:another", ""])
def test_reply_to_another_request_is_invalid(related: str) -> None:
    with pytest.raises(InvalidReplyError, match="does not match the request"):
        parse_reply(enumerate_reply(POOL, relates_to=related), MESSAGE_ID)


def test_message_id_is_compared_without_case() -> None:
    assert page_of(enumerate_reply(POOL, relates_to=MESSAGE_ID.upper())).items


def test_reply_without_relation_is_invalid_unless_it_is_a_fault() -> None:
    with pytest.raises(InvalidReplyError, match="which request"):
        parse_reply(envelope("<n:EnumerateResponse/>", None), MESSAGE_ID)
    assert parse_reply(fault_reply("", relates_to=""), "") is not None


@pytest.mark.parametrize(
    ("body", "web_page"),
    [
        (b"<!DOCTYPE html><html><head><title>Log in</title></head></html>", True),
        (b"\r\n<html><body><p>unclosed</body></html>", True),
        (b"<html><body/></html>", True),
        (b"{}", False),
        (b"", False),
        (b"<a/>", False),
        (envelope("<n:GetResponse/>"), False),
    ],
)
def test_web_page_is_told_from_other_replies(body: bytes, web_page: bool) -> None:  # noqa: FBT001 - a parameter of the table
    with pytest.raises(InvalidReplyError) as caught:
        parse_reply(body, MESSAGE_ID)
    assert caught.value.web_page is web_page


def test_invalid_xml_is_malformed_another_document_is_not() -> None:
    with pytest.raises(MalformedReplyError):
        parse_reply(b"<a", MESSAGE_ID)
    with pytest.raises(InvalidReplyError) as caught:
        parse_reply(b"<a/>", MESSAGE_ID)
    assert not isinstance(caught.value, MalformedReplyError)


def test_too_long_context_is_invalid() -> None:
    with pytest.raises(InvalidReplyError, match="too long"):
        parse_reply(enumerate_reply(POOL, context="x" * 5_000), MESSAGE_ID)


def test_captured_fault_of_a_missing_class_is_parsed() -> None:
    answer = fault_of(fault_reply(NO_SUCH_CLASS))
    assert answer.codes == {2150858778}
    assert "InternalError" in answer.subcodes
    assert "does not exist" in answer.message


@pytest.mark.parametrize(
    "detail",
    [
        wsman_fault("-2147217392"),
        wsman_fault("2147749904"),
        wsman_fault(1, provider="HRESULT = 0x80041010"),
        wsman_fault(1, provider="the operation failed (2147749904)."),
        "<MSFT_WmiError><MessageID>HRESULT 0x80041010</MessageID></MSFT_WmiError>",
        "<MSFT_WmiError><error_Code>2147749904</error_Code></MSFT_WmiError>",
    ],
)
def test_hresult_is_found_anywhere_in_a_fault(detail: str) -> None:
    assert 0x80041010 in fault_of(fault_reply(detail)).codes


def test_reason_of_a_fault_is_its_message() -> None:
    assert fault_of(fault_reply(NO_SUCH_CLASS, reason="No.\n  \x07Never")).message == "No. Never"


def test_code_that_is_not_a_number_is_ignored() -> None:
    assert fault_of(fault_reply(wsman_fault("many"))).codes == frozenset()


BODIES = (
    enumerate_reply(POOL, POOL, context="uuid:1"),
    pull_reply(xml_fragment(pool_values())),
    fault_reply(NO_SUCH_CLASS),
)


@given(st.sampled_from(BODIES), st.integers(0), st.binary(min_size=1, max_size=6))
def test_damaged_reply_is_parsed_or_invalid(body: bytes, place: int, junk: bytes) -> None:
    place %= len(body)
    damaged = body[:place] + junk + body[place + len(junk) :]
    with contextlib.suppress(InvalidReplyError):
        parse_reply(damaged, MESSAGE_ID)


@given(st.sampled_from(BODIES), st.integers(0, 10_000))
def test_shuffled_reply_is_parsed_or_invalid(body: bytes, seed: int) -> None:
    pieces = body.decode().split("<")
    random.Random(seed).shuffle(pieces)  # noqa: S311 - disorder, not a secret
    with contextlib.suppress(InvalidReplyError):
        parse_reply("<".join(pieces).encode(), MESSAGE_ID)


# Faults and statuses

ADDRESS = "lic01:5986"


def kind_of(detail: str, subcode: str = "w:InternalError") -> FailureKind:
    answer = parse_reply(fault_reply(detail, subcode=subcode), MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    failure = error_for_fault(answer, ADDRESS).failure
    assert failure.step is Step.INVENTORY
    assert failure.message.startswith(ADDRESS)
    assert failure.hint
    return failure.kind


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        (NO_SUCH_CLASS, FailureKind.NO_DATA),
        (wsman_fault(1, provider="HRESULT = 0x80041010"), FailureKind.NO_DATA),
        (wsman_fault(1, provider="HRESULT = 0x8004100E"), FailureKind.NO_DATA),
        (wsman_fault(1, provider="HRESULT = 0x80041003"), FailureKind.FORBIDDEN),
        (wsman_fault(5, "Access is denied."), FailureKind.FORBIDDEN),
        (wsman_fault(2150859174), FailureKind.RATE_LIMITED),
        (wsman_fault(2150859173), FailureKind.RATE_LIMITED),
        (wsman_fault(2150858793), FailureKind.TIMEOUT),
        (wsman_fault(2150858999, "Something else."), FailureKind.UNAVAILABLE),
        ("", FailureKind.UNAVAILABLE),
    ],
)
def test_fault_is_recognized_by_its_code(detail: str, kind: FailureKind) -> None:
    assert kind_of(detail) is kind


@pytest.mark.parametrize(
    ("subcode", "kind"),
    [
        ("w:AccessDenied", FailureKind.FORBIDDEN),
        ("a:DestinationUnreachable", FailureKind.NO_DATA),
        ("w:QuotaLimit", FailureKind.RATE_LIMITED),
        ("w:TimedOut", FailureKind.TIMEOUT),
        ("w:EncodingLimit", FailureKind.TOO_LARGE),
    ],
)
def test_fault_is_recognized_by_its_subcode(subcode: str, kind: FailureKind) -> None:
    assert kind_of("", subcode) is kind


def test_missing_class_suggests_las() -> None:
    answer = parse_reply(fault_reply(NO_SUCH_CLASS), MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    failure = error_for_fault(answer, ADDRESS).failure
    assert failure.state is State.NO_DATA
    assert "License Activation Service" in failure.hint
    assert "cvad" in failure.hint


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, FailureKind.FORBIDDEN),
        (404, FailureKind.NO_DATA),
        (405, FailureKind.PROTOCOL),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.UNAVAILABLE),
        (503, FailureKind.UNAVAILABLE),
        (200, FailureKind.PROTOCOL),
    ],
)
def test_status_without_envelope_has_its_kind(status: int, kind: FailureKind) -> None:
    failure = error_for_status(HttpReply(status, {}, b"x"), ADDRESS, Step.AUTH).failure
    assert (failure.kind, failure.step) == (kind, Step.AUTH)
    assert str(status) in failure.message


def test_web_page_is_named() -> None:
    failure = error_for_status(HttpReply(200, {}, b"<html>"), ADDRESS, Step.AUTH).failure
    assert "web page" in failure.message
    assert "/wsman" in failure.hint


# XML

LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'


def test_xml_names_are_local() -> None:
    root = parse_xml(b'<x:a xmlns:x="urn:x" xmlns:y="urn:y"><y:b y:c="1">text</y:b></x:a>')
    below = find_child(root, "b")
    assert root.tag == "a"
    assert below is not None
    assert (below.text, below.get("c")) == ("text", "1")
    assert find_child(root, "b", "missing", "too") is None


@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b"<a>" * 60 + b"</a>" * 60,
        b"<a>" + b"<b/>" * 200_001 + b"</a>",
        b"<a>&unknown;</a>",
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b"<a>",
        b"",
        b"\x00\xff",
    ],
    ids=range(11),
)
def test_dangerous_xml_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidXmlError, match=r"."):
        parse_xml(body)


@given(st.binary(max_size=300) | st.text("<>/&;!?[]='\"ab \x00é", max_size=80).map(str.encode))
def test_any_bytes_are_xml_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidXmlError):
        parse_xml(body)
