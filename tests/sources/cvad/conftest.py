from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.fake_site import SERVER, FakeSite

if TYPE_CHECKING:
    from collections.abc import Callable

    from lictui.model import Server
    from lictui.sources.cvad.source import CvadSource


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def open_source(
    site: FakeSite, open_rest_source: Callable[..., CvadSource]
) -> Callable[[Server], CvadSource]:
    return lambda server: open_rest_source(server, site)


@pytest.fixture
def source(open_source: Callable[[Server], CvadSource]) -> CvadSource:
    return open_source(SERVER)
