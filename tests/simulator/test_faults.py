"""What can go wrong with an answer on its way."""

from __future__ import annotations

import json

import pytest
from defusedxml.ElementTree import fromstring

from lictui.simulator.estate import Mood
from lictui.simulator.http import Reply, spoiled

SPOILING = {Mood.HALF, Mood.HUGE, Mood.GARBAGE}


@pytest.mark.parametrize("mood", [mood for mood in Mood if mood not in SPOILING])
def test_other_moods_leave_an_answer_alone(mood: Mood) -> None:
    reply = Reply(200, (("X", "y"),), b"{}")
    assert spoiled(reply, mood) is reply


@pytest.mark.parametrize("mood", sorted(SPOILING))
def test_an_answer_without_a_body_has_nothing_to_spoil(mood: Mood) -> None:
    assert spoiled(Reply(204), mood) == Reply(204)


def test_a_huge_answer_still_means_the_same() -> None:
    both = [spoiled(Reply(200, (), body), Mood.HUGE).body for body in (b'{"a": 1}', b"<a/>")]
    assert all(len(body) > 10 * 1024 * 1024 for body in both)
    assert json.loads(both[0]) == {"a": 1}
    assert fromstring(both[1]).tag == "a"


def test_noise_is_no_text() -> None:
    reply = spoiled(Reply(200, (("Content-Type", "application/json"),), b"{}"), Mood.GARBAGE)
    assert reply.headers == (("Content-Type", "application/json"),)
    with pytest.raises(UnicodeDecodeError):
        reply.body.decode()
