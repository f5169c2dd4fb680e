from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import failure_of, outcome

from lictui.model import Failure, FailureKind, Mode, Reading, Snapshot
from lictui.sources.command.powershell import wmi_snapshot

TODAY = date(2026, 11, 24)
POOL = {
    "PLD": "XDT_PLT_UD",
    "Count": 550,
    "InUseCount": "412",
    "Overdraft": 50,
    "HOSTID": None,
    "SubscriptionDate": "/Date(1796079600000)/",  # midnight in Berlin
    "VendorString": ";LT=Retail;",
    "CimClass": {"CimSuperClassName": "x"},
}
LICENSE = {"SerialNumber": "LA-1", "ExpirationDate": "2027-03-31T00:00:00"}


def read(value: Any) -> Snapshot:
    return wmi_snapshot(json.dumps(value), "ssh lic01", TODAY)


@pytest.mark.parametrize("value", [POOL, [POOL], {"value": [POOL], "Count": 1}])
def test_pools_alone(value: object) -> None:
    found = read(value)
    (pool,) = found.pools
    assert pool.reading == Reading(412, 500, 50)
    assert (pool.subscription_date, pool.expires, pool.permanent) == (
        date(2026, 12, 1),
        None,
        None,
    )
    assert ("VendorString", ";LT=Retail;") in pool.raw_fields
    assert dict(pool.formulas)["installed"] == "Count - Overdraft"
    assert found.mode is Mode.FILE


@pytest.mark.parametrize(
    "value",
    [
        {"Citrix_GT_License_Pool": [POOL], "Citrix_GT_License": [LICENSE]},
        {"citrix_gt_license_pool": POOL, "CITRIX_GT_LICENSE": LICENSE},
        {"Citrix_GT_License_Pool": {"value": [POOL], "Count": 1}, "Citrix_GT_License": LICENSE},
        [POOL, LICENSE],
    ],
)
def test_both_classes(value: object) -> None:
    (pool,) = read(value).pools
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)


@pytest.mark.parametrize("value", [[], {"Citrix_GT_License_Pool": [], "Citrix_GT_License": []}])
def test_no_pool_is_no_data(value: object) -> None:
    assert failure_of(partial(read, value)).kind is FailureKind.NO_DATA


def test_another_format_is_named() -> None:
    failure = failure_of(partial(read, {"LicenseProductName": "XDT"}))
    assert failure.kind is FailureKind.PARSE
    assert "get-licinventory" in failure.hint


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ROWS = st.dictionaries(st.sampled_from([*POOL, *LICENSE]), VALUES)
CLASSES = st.sampled_from(["Citrix_GT_License_Pool", "Citrix_GT_License", "value", "Count"])


@given(ROWS | st.lists(ROWS) | st.dictionaries(CLASSES, ROWS | st.lists(ROWS | VALUES)))
def test_any_json_is_a_snapshot_or_a_failure(value: object) -> None:
    found = outcome(partial(read, value))
    assert found.message if isinstance(found, Failure) else found.pools
