from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.history.test_rollup import runs

from lictui.history.blocks import (
    decode_first_position,
    pack_rollups,
    pack_runs,
    unpack_rollups,
    unpack_runs,
)
from lictui.history.errors import CorruptBlockError
from lictui.history.rollup import ReadingRun, roll_up


@given(runs())
def test_packed_runs_unpack_unchanged(some: list[ReadingRun]) -> None:
    base = some[0].start // 86400 * 86400
    body = pack_runs(some, base)
    assert unpack_runs(body, base) == some
    assert decode_first_position(body) == some[0].start - base


@given(runs(), st.sampled_from([300, 3600, 86400]))
def test_packed_rollups_unpack_unchanged(some: list[ReadingRun], width: int) -> None:
    result = roll_up(some, width)
    if result:
        base = result[0].start // (width * 288) * (width * 288)
        body = pack_rollups(result, width, base)
        assert unpack_rollups(body, width, base) == result
        assert base + decode_first_position(body) * width == result[0].start
        edge = result[len(result) // 2].start
        assert unpack_rollups(body, width, base, (edge, 1 << 40)) == result[len(result) // 2 :]


def test_packed_constant_usage_is_small() -> None:
    night = [ReadingRun(1_700_000_000 + turn * 300, 240, 5, 60) for turn in range(144)]
    assert len(pack_rollups(roll_up(night, 300), 300, 1_699_920_000)) < 100


@pytest.mark.parametrize("body", [b"", b"nonsense", b"x\x9c\x8b\x8e\x05\x00\x01\x15\x00\xb9"])
def test_unpacking_an_invalid_block_raises_an_error(body: bytes) -> None:
    with pytest.raises(CorruptBlockError):
        unpack_runs(body, 0)
    with pytest.raises(CorruptBlockError):
        decode_first_position(body)
