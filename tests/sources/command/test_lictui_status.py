from __future__ import annotations

import json
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import failure_of, outcome

from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Mode,
    Model,
    Reading,
    Snapshot,
    Step,
)
from lictui.sources.command.formats import lictui_snapshot

POOL = {
    "product": "XDT_PLT_UD",
    "name": "Citrix Virtual Apps and Desktops Premium",
    "model": "user_device",
    "license_type": "Retail",
    "subscription_date": "2026-12-01",
    "expires": "2027-03-31",
    "permanent": False,
    "installed": 500,
    "overdraft": 50,
    "in_use": 412,
    "counted": True,
}
UP: dict[str, Any] = {
    "name": "lic-emea-01",
    "state": "up",
    "reason": None,
    "reported_name": "LIC01",
    "version": "11.17",
    "mode": "las",
    "activation": {"status": "activated", "expires": "2026-12-24"},
    "license_servers": [
        {
            "host_id": "h",
            "fqdn": "l",
            "status": "reporting",
            "last_reported": "2026-11-24T06:00:00Z",
        }
    ],
    "pools": [POOL],
}
REASON = {"kind": "dns", "step": "resolve", "message": "no such name", "hint": "look"}
DOWN = {"name": "lic-us", "state": "down", "reason": REASON, "pools": []}
OFF = {"name": "off", "state": "disabled", "pools": []}


def read(*servers: object, schema: object = "lictui.status/1") -> Snapshot:
    said = json.dumps({"schema": schema, "servers": servers})
    return lictui_snapshot(said, "ssh hub")


def test_what_is_read_in_several_ways_counts_once() -> None:
    other = UP | {"name": "by lmstat", "pools": [POOL | {"same_as": "lic-emea-01"}]}
    (pool,) = read(UP, other).pools
    assert pool.reading == Reading(412, 500, 50)
    (alone,) = read(other).pools
    assert alone.reading == Reading(412, 500, 50)


def test_one_server_is_passed_on_whole() -> None:
    found = read(UP, OFF)
    (pool,) = found.pools
    assert pool.reading == Reading(412, 500, 50)
    assert (pool.model, pool.expires, pool.permanent) == (
        Model.USER_DEVICE,
        date(2027, 3, 31),
        False,
    )
    assert pool.subscription_date == date(2026, 12, 1)
    assert pool.raw_fields[0] == ("server", "lic-emea-01")
    assert (found.reported_name, found.version, found.mode) == ("LIC01", "11.17", Mode.LAS)
    assert found.activation == Activation(ActivationStatus.ACTIVATED, date(2026, 12, 24))
    assert found.license_servers[0].last_reported == 1795500000.0
    assert found.notices == ()


def test_several_add_up_and_what_is_not_up_is_a_notice() -> None:
    other = {**UP, "name": "b", "pools": [{**POOL, "in_use": None}, {**POOL, "product": "A_B_CCU"}]}
    found = read(UP, other, DOWN)
    assert [(pool.product, pool.reading) for pool in found.pools] == [
        ("XDT_PLT_UD", Reading(None, 1000, 100)),
        ("A_B_CCU", Reading(412, 500, 50)),
    ]
    assert (found.reported_name, found.mode, found.activation) == ("", None, None)
    assert [(n.title, n.detail, n.action) for n in found.notices] == [
        ("lic-us is down", "no such name", "look")
    ]


def test_the_only_server_gives_its_own_reason() -> None:
    failure = failure_of(partial(read, DOWN, OFF))
    assert (failure.kind, failure.step) == (FailureKind.DNS, Step.RESOLVE)
    assert (failure.message, failure.hint) == ("lic-us: no such name", "look")
    assert "(and 1 more" in failure_of(partial(read, DOWN, DOWN)).message


def test_old_figures_are_not_taken_for_new_ones() -> None:
    failure = failure_of(partial(read, {**UP, "state": "stale"}))
    assert failure.message == "lic-emea-01: is stale there"


@pytest.mark.parametrize("servers", [(), (OFF,), ({**UP, "pools": []},)])
def test_nothing_there_is_no_data(servers: tuple[object, ...]) -> None:
    assert failure_of(partial(read, *servers)).kind is FailureKind.NO_DATA


@pytest.mark.parametrize(
    "said", ["", "x", "[]", "{}", '{"schema": "lictui.status/2", "servers": []}']
)
def test_another_schema_is_refused(said: str) -> None:
    failure = failure_of(partial(lictui_snapshot, said, "ssh hub"))
    assert failure.kind is FailureKind.PARSE
    assert "lictui status --json" in failure.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("up"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*UP, *POOL, "kind"]), inner),
    max_leaves=12,
)


@given(st.lists(JSON | st.dictionaries(st.sampled_from([*UP]), JSON).map(lambda d: {**UP, **d})))
def test_any_json_is_a_snapshot_or_a_failure(servers: list[object]) -> None:
    found = outcome(partial(read, *servers))
    assert found.message if isinstance(found, Failure) else found.pools
