from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.values import failure, server, snapshot

from lictui.engine.poller import first_due, next_due, start_offset, wait_after
from lictui.model import FailureKind

SECONDS = st.floats(min_value=0, max_value=2e9)
EVERY = st.floats(min_value=1, max_value=86400)
NOW = 1_000_000.0


@given(EVERY, SECONDS, st.floats(min_value=0, max_value=1e5))
def test_the_next_turn_is_ahead_and_on_the_grid(every: float, due: float, late: float) -> None:
    one = server(interval=every)
    following = next_due(one, due, due + late, every)
    assert following > due + late - 1e-3
    turns = (following - due) / every
    assert abs(turns - round(turns)) < 1e-3


def test_a_slow_poll_skips_turns_instead_of_drifting() -> None:
    one = server(interval=10.0)
    assert next_due(one, NOW, NOW + 3, 10.0) == NOW + 10
    assert next_due(one, NOW, NOW + 25, 10.0) == NOW + 30


def test_a_fresh_poll_is_not_repeated_after_a_restart() -> None:
    one = server()
    assert first_due(one, NOW - 200, NOW) == NOW + 700
    assert first_due(one, NOW - 2000, NOW) == NOW
    assert first_due(one, None, NOW) == NOW
    assert first_due(one, NOW + 50, NOW) == NOW  # a clock that was set back


def test_jitter_is_small_and_the_same_in_every_run() -> None:
    offsets = {start_offset(server(f"lic-{number:02}")) for number in range(50)}
    assert len(offsets) > 40
    assert all(0 <= offset <= 30 for offset in offsets)
    assert start_offset(server("lic-07")) == start_offset(server("lic-07"))


def test_back_off_doubles_three_times_and_ends_with_an_answer() -> None:
    one = server(interval=60.0)
    waits = [wait_after(one, failure(), failures, cap=900) for failures in range(1, 7)]
    assert waits == [60, 120, 240, 480, 480, 480]
    assert wait_after(one, snapshot(), 0, cap=900) == 60


def test_a_refused_password_backs_off_to_the_cap() -> None:
    one = server(interval=1.0)
    denied = failure(FailureKind.AUTH)
    assert wait_after(one, denied, 20, cap=900) == 900
    assert wait_after(one, failure(), 20, cap=900) == 8


def test_back_off_never_shortens_a_long_interval() -> None:
    assert wait_after(server(interval=3600.0), failure(), 5, cap=900) == 3600
