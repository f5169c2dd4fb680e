"""Blocks unpack to what was packed, and anything else is an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.history.test_rollup import CAPACITIES, WIDTHS, Pairs, readings, rows

from lictui.history.blocks import pack_rollups, unpack_rollups
from lictui.history.errors import CorruptBlockError
from lictui.history.rollup import Readings, Rollups, coarsen, roll_up


def packed(rollups: Rollups) -> list[bytes]:
    """Return two blocks, or one where there is a single entry."""
    return pack_rollups(rollups, np.unique([0, len(rollups) // 2]))


@given(readings())
def test_packed_readings_unpack_unchanged(pairs: Pairs) -> None:
    stored = Readings.of(pairs)
    unpacked = Readings.of_rollups(unpack_rollups(packed(stored.rollups())))
    assert unpacked.time.tolist() == stored.time.tolist()
    assert unpacked.value.tolist() == stored.value.tolist()


@given(readings(), st.sampled_from(WIDTHS))
def test_packed_rollups_unpack_unchanged(pairs: Pairs, width: int) -> None:
    result = coarsen(roll_up(Readings.of(pairs), CAPACITIES, 300), width)
    if len(result):
        assert rows(unpack_rollups(packed(result))) == rows(result)


def test_packed_constant_usage_is_small() -> None:
    night = Readings.of([(1_700_000_000 + turn * 60, 60) for turn in range(720)])
    for rollups in (roll_up(night, CAPACITIES, 300), night.rollups()):
        assert all(len(body) < 100 for body in packed(rollups))


@pytest.mark.parametrize("body", [b"", b"nonsense", b"x\x9c\x8b\x8e\x05\x00\x01\x15\x00\xb9"])
def test_unpacking_an_invalid_block_raises_an_error(body: bytes) -> None:
    with pytest.raises(CorruptBlockError):
        unpack_rollups([body])


def test_unpacking_a_part_of_a_block_raises_an_error() -> None:
    body = packed(roll_up(Readings.of([(0, 1), (600, 5)]), CAPACITIES, 300))[0]
    for length in range(len(body)):
        with pytest.raises(CorruptBlockError):
            unpack_rollups([body[:length]])
