"""The budgets of the history: bytes on disk, and the time that questions take."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.history import storage_cost

if TYPE_CHECKING:
    from pathlib import Path

BYTES = 8.0


@pytest.mark.slow
@pytest.mark.parametrize(("every", "days"), [(60, 70), (900, 365)])
def test_a_reading_costs_little(tmp_path: Path, every: float, days: int) -> None:
    # Single readings are kept for 62 days: from then on a year of minutes only gets cheaper.
    with closing(storage_cost.live(tmp_path, every, days)) as history:
        found = history.stats()
        assert found.readings == days * storage_cost.DAY / every * found.pools
        assert found.bytes_per_reading is not None
        assert found.bytes_per_reading <= BYTES
        assert history.path.stat().st_size <= found.size_bytes
