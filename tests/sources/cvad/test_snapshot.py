from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_site import inventory_row, license_overview, site_details

from lictui.model import FailureKind, Mode, Snapshot, Step
from lictui.sources.cvad.source import build_snapshot
from lictui.sources.source import SourceError


@pytest.mark.parametrize(
    ("uses_las", "status", "las_rows", "mode"),
    [
        (True, "LasCompatible", 1, Mode.LAS),
        (True, "Compatible", 0, Mode.LAS),
        (False, "LasCompatible", 1, Mode.FILE),
        (None, "LasCompatible", 0, Mode.LAS),
        (None, "Compatible", 1, Mode.LAS),
        (None, "Compatible", 0, Mode.FILE),
    ],
)
def test_how_a_site_is_licensed(uses_las: object, status: str, las_rows: int, mode: Mode) -> None:
    information = {"UseLicenseActivationService": uses_las, "LicenseServerStatus": status}
    answer = license_overview(
        inventory_row(), las=(inventory_row(),) * las_rows, LicenseInformation=information
    )
    assert build_snapshot(site_details(), answer, None, name="PROD", cloud=False).mode is mode
    assert build_snapshot(site_details(), answer, None, name="PROD", cloud=True).mode is Mode.CLOUD


def test_an_empty_overview_leaves_what_the_site_knows() -> None:
    snapshot = build_snapshot(site_details(), license_overview(), None, name="PROD", cloud=False)
    assert snapshot.pools[0].reading.in_use == 214


@pytest.mark.parametrize(
    ("site", "answer"), [([], None), (None, []), ("x", {}), (site_details(), 5)]
)
def test_an_answer_of_another_shape(site: object, answer: object) -> None:
    with pytest.raises(SourceError) as caught:
        build_snapshot(site, answer, None, name="PROD", cloud=False)
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Concurrent", "UserDevice", "Alarm", "2027-03-31", "9999-12-31", "Expired"])
)
_KEYS = st.sampled_from(
    sorted(
        {
            *site_details(),
            *license_overview(),
            *inventory_row(),
            "Items",
            "LasActivationStatus",
            "LasActivationExpiry",
        }
    )
) | st.text(max_size=5)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=30,
)


@st.composite
def _mangled(draw: st.DrawFn, whole: dict[str, object]) -> object:
    """An answer of the right shape, with some of it replaced by anything."""
    changes = draw(st.dictionaries(st.sampled_from(sorted(whole)), _JSON, max_size=4))
    return draw(_JSON) if draw(st.booleans()) else whole | changes


@given(
    _mangled(site_details()),
    _mangled(license_overview(inventory_row(), las=(inventory_row(),))),
    _JSON,
    st.booleans(),
)
def test_any_answer_is_a_snapshot_or_a_failure(
    site: object,
    answer: object,
    controllers: object,
    cloud: bool,  # noqa: FBT001 - a value of hypothesis
) -> None:
    try:
        snapshot = build_snapshot(site, answer, controllers, name="PROD", cloud=cloud)
    except SourceError:
        return
    assert isinstance(snapshot, Snapshot)
    assert snapshot.pools
    for pool in snapshot.pools:
        reading = pool.reading
        assert all(
            figure is None or figure >= 0
            for figure in (reading.in_use, reading.installed, reading.overdraft)
        )
        assert pool.product
        assert pool.name
