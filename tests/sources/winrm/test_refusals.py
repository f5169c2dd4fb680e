from __future__ import annotations

import pytest
from tests.sources.winrm.wsman_replies import MESSAGE_ID, NO_SUCH_CLASS, fault_reply, wsman_fault

from lictui.model import FailureKind, State, Step
from lictui.sources.http import HttpReply
from lictui.sources.winrm.wsman import WsmanFault, error_for_fault, error_for_status, parse_reply

WHERE = "lic01:5986"


def told(detail: str, subcode: str = "w:InternalError") -> FailureKind:
    answer = parse_reply(fault_reply(detail, subcode=subcode), MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    failure = error_for_fault(answer, WHERE).failure
    assert failure.step is Step.INVENTORY
    assert failure.message.startswith(WHERE)
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
def test_a_fault_is_known_by_its_code(detail: str, kind: FailureKind) -> None:
    assert told(detail) is kind


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
def test_a_fault_without_a_code_is_known_by_its_subcode(subcode: str, kind: FailureKind) -> None:
    assert told("", subcode) is kind


def test_a_missing_class_points_to_las() -> None:
    answer = parse_reply(fault_reply(NO_SUCH_CLASS), MESSAGE_ID)
    assert isinstance(answer, WsmanFault)
    failure = error_for_fault(answer, WHERE).failure
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
def test_a_status_without_an_envelope(status: int, kind: FailureKind) -> None:
    failure = error_for_status(HttpReply(status, {}, b"x"), WHERE, Step.AUTH).failure
    assert (failure.kind, failure.step) == (kind, Step.AUTH)
    assert str(status) in failure.message


def test_a_web_page_is_called_one() -> None:
    failure = error_for_status(HttpReply(200, {}, b"<html>"), WHERE, Step.AUTH).failure
    assert "web page" in failure.message
    assert "/wsman" in failure.hint
