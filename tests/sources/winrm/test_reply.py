from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.winrm.wsman_replies import (
    MESSAGE_ID,
    NIL,
    NO_SUCH_CLASS,
    enumerate_reply,
    envelope,
    fault_reply,
    pool_values,
    pull_reply,
    wmi_instance,
    wsman_fault,
    xml_fragment,
)

from lictui.sources.winrm.wsman import (
    InvalidReplyError,
    MalformedReplyError,
    ResultPage,
    WsmanFault,
    parse_reply,
)

POOL = wmi_instance(pool_values())


def page(body: bytes) -> ResultPage:
    answer = parse_reply(body, MESSAGE_ID)
    assert isinstance(answer, ResultPage)
    return answer


def refusal(body: bytes) -> WsmanFault:
    answer = parse_reply(body, MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    return answer


def test_a_typed_instance() -> None:
    (item,) = page(enumerate_reply(POOL)).items
    assert item["count"] == "550"
    assert item["pldfullname"] == "Citrix XenDesktop Platinum|User/Device"
    assert item["subscriptiondate"] == "2026-12-01T00:00:00Z"


def test_a_projection_with_bare_names_and_a_bare_datetime() -> None:
    values = {"PLD": "A_B", "SubscriptionDate": "<Datetime>2026-12-01T00:00:00Z</Datetime>"}
    (item,) = page(enumerate_reply(xml_fragment(values))).items
    assert item == {"pld": "A_B", "subscriptiondate": "2026-12-01T00:00:00Z"}


def test_null_is_absent_and_empty_is_empty() -> None:
    (item,) = page(enumerate_reply(wmi_instance({"HOSTID": NIL, "DUP_GROUP": ""}))).items
    assert item == {"dup_group": ""}


def test_one_item_and_a_context_mean_more_to_pull() -> None:
    answer = page(enumerate_reply(POOL, context="uuid:9"))
    assert (len(answer.items), answer.context, answer.last) == (1, "uuid:9", False)


def test_the_end_of_an_enumerate_is_told_in_another_namespace_than_that_of_a_pull() -> None:
    assert page(enumerate_reply(POOL)).last
    assert page(pull_reply(POOL, POOL)).last
    assert len(page(pull_reply(POOL, POOL)).items) == 2
    assert not page(pull_reply(POOL, context="uuid:10")).last


def test_an_empty_inventory_has_an_end_and_no_item() -> None:
    assert page(enumerate_reply()) == ResultPage((), "", last=True)


def test_hostile_text_is_made_harmless() -> None:
    (item,) = page(
        enumerate_reply(wmi_instance({"PLD": "A\u202eB\x85C\x1b\x07", "VendorString": "x" * 9_000}))
    ).items
    assert item["pld"] == "AB C"
    assert len(item["vendorstring"]) == 500


@pytest.mark.parametrize("related", ["uuid:another", ""])
def test_the_answer_to_another_question_is_none(related: str) -> None:
    with pytest.raises(InvalidReplyError, match="does not match the request"):
        parse_reply(enumerate_reply(POOL, relates_to=related), MESSAGE_ID)


def test_the_id_may_come_back_in_other_letters() -> None:
    assert page(enumerate_reply(POOL, relates_to=MESSAGE_ID.upper())).items


def test_an_answer_must_say_what_it_answers_unless_it_is_a_fault() -> None:
    with pytest.raises(InvalidReplyError, match="without a request id"):
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
def test_other_answers_are_told_apart(body: bytes, web_page: bool) -> None:  # noqa: FBT001 - a parameter of the table
    with pytest.raises(InvalidReplyError) as caught:
        parse_reply(body, MESSAGE_ID)
    assert caught.value.web_page is web_page


def test_no_xml_is_unreadable_another_document_is_not() -> None:
    with pytest.raises(MalformedReplyError):
        parse_reply(b"<a", MESSAGE_ID)
    with pytest.raises(InvalidReplyError) as caught:
        parse_reply(b"<a/>", MESSAGE_ID)
    assert not isinstance(caught.value, MalformedReplyError)


def test_an_absurd_context_is_refused() -> None:
    with pytest.raises(InvalidReplyError, match="too long"):
        parse_reply(enumerate_reply(POOL, context="x" * 5_000), MESSAGE_ID)


def test_the_captured_fault_of_a_missing_class() -> None:
    answer = refusal(fault_reply(NO_SUCH_CLASS))
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
def test_an_hresult_is_found_wherever_a_server_puts_it(detail: str) -> None:
    assert 0x80041010 in refusal(fault_reply(detail)).codes


def test_the_reason_is_the_message_when_there_is_one() -> None:
    assert refusal(fault_reply(NO_SUCH_CLASS, reason="No.\n  \x07Never")).message == "No. Never"


def test_a_code_that_is_no_number_is_no_code() -> None:
    assert refusal(fault_reply(wsman_fault("many"))).codes == frozenset()


BODIES = (
    enumerate_reply(POOL, POOL, context="uuid:1"),
    pull_reply(xml_fragment(pool_values())),
    fault_reply(NO_SUCH_CLASS),
)


@given(st.sampled_from(BODIES), st.integers(0), st.binary(min_size=1, max_size=6))
def test_a_damaged_answer_is_an_answer_or_refused(body: bytes, place: int, junk: bytes) -> None:
    place %= len(body)
    damaged = body[:place] + junk + body[place + len(junk) :]
    with contextlib.suppress(InvalidReplyError):
        parse_reply(damaged, MESSAGE_ID)


@given(st.sampled_from(BODIES), st.integers(0, 10_000))
def test_an_answer_in_disorder_is_an_answer_or_refused(body: bytes, seed: int) -> None:
    pieces = body.decode().split("<")
    random.Random(seed).shuffle(pieces)  # noqa: S311 - disorder, not a secret
    with contextlib.suppress(InvalidReplyError):
        parse_reply("<".join(pieces).encode(), MESSAGE_ID)
