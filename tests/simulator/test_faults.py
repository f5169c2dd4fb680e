"""What can go wrong with an answer on its way."""

from __future__ import annotations

import json

import pytest
from defusedxml.ElementTree import fromstring

from lictui.simulator.http import SimulatedReply, apply_fault
from lictui.simulator.inventory import FaultMode

SPOILING = {FaultMode.TRUNCATED, FaultMode.OVERSIZED, FaultMode.GARBAGE}


@pytest.mark.parametrize("fault", [fault for fault in FaultMode if fault not in SPOILING])
def test_other_faults_leave_an_answer_alone(fault: FaultMode) -> None:
    reply = SimulatedReply(200, (("X", "y"),), b"{}")
    assert apply_fault(reply, fault) is reply


@pytest.mark.parametrize("fault", sorted(SPOILING))
def test_an_answer_without_a_body_has_nothing_to_spoil(fault: FaultMode) -> None:
    assert apply_fault(SimulatedReply(204), fault) == SimulatedReply(204)


def test_a_huge_answer_still_means_the_same() -> None:
    both = [
        apply_fault(SimulatedReply(200, (), body), FaultMode.OVERSIZED).body
        for body in (b'{"a": 1}', b"<a/>")
    ]
    assert all(len(body) > 10 * 1024 * 1024 for body in both)
    assert json.loads(both[0]) == {"a": 1}
    assert fromstring(both[1]).tag == "a"


def test_noise_is_no_text() -> None:
    reply = apply_fault(
        SimulatedReply(200, (("Content-Type", "application/json"),), b"{}"), FaultMode.GARBAGE
    )
    assert reply.headers == (("Content-Type", "application/json"),)
    with pytest.raises(UnicodeDecodeError):
        reply.body.decode()
