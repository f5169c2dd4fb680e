from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.fake_cloud import SERVER, FakeCloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.model import Server
    from lictui.sources.cloud.source import CloudSource


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def open_source(
    cloud: FakeCloud, open_rest_source: Callable[..., CloudSource]
) -> Callable[..., CloudSource]:
    def open_(server: Server, timeout: float = 5.0) -> CloudSource:
        return open_rest_source(server, cloud, timeout)

    return open_


@pytest.fixture
def source(open_source: Callable[..., CloudSource]) -> CloudSource:
    return open_source(SERVER)
