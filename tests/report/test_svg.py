from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.report.svg import axis_for


@given(st.floats(0, 1e9))
def test_axis_includes_the_maximum_with_few_round_ticks(maximum: float) -> None:
    axis = axis_for(maximum, 10, 100)
    assert axis.top >= maximum
    assert axis.step >= 1
    assert 2 <= len(axis.ticks) <= 7
    assert axis.ticks[-1] == pytest.approx(axis.top)
    assert (axis.y(0), axis.y(axis.top)) == (100, 10)
