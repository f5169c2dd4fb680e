"""Times as text."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from lictui.clock import iso


@given(st.floats() | st.integers())
def test_any_number_has_a_time(timestamp: float) -> None:
    assert datetime.fromisoformat(iso(timestamp)).year >= 1000
    assert iso(1793696400) == "2026-11-03T09:00:00Z"
