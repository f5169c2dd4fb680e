"""The board after a restart: what the last poll brought, and what the last good one told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.history.history_fixture import MIDNIGHT, HistoryFixture
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Level,
    Mode,
    Model,
    Notice,
    Pool,
    Reading,
    Snapshot,
    Step,
)

RICH = Snapshot(
    (
        pool("A", 5, 10, 1, date(2026, 12, 1), expires=date(2027, 3, 31), license_type="Retail"),
        pool("B", None, None, None, permanent=True, counted=False, model=Model.CONCURRENT),
    ),
    "LIC01",
    "11.17.2.54100",
    Mode.LAS,
    Activation(ActivationStatus.ACTIVATED, date(2027, 1, 1)),
    (Notice("grace", Level.CRITICAL, "In grace", "since today", "call"),),
)


def test_a_snapshot_and_its_time_outlive_a_failure(desk: HistoryFixture) -> None:
    desk.history.append(server(), poll(RICH, at=MIDNIGHT))
    desk.history.append(server(), poll(failure(FailureKind.DNS), at=MIDNIGHT + 900))
    found = desk.history.last_polls()["lic-01"]
    assert found.snapshot == RICH
    assert found.last_success_at == MIDNIGHT
    assert (found.polled_at, found.latency) == (MIDNIGHT + 900, 0.1)
    assert found.failure == failure(FailureKind.DNS)
    desk.history.append(server(), poll(snapshot(), at=MIDNIGHT + 1800))
    found = desk.history.last_polls()["lic-01"]
    assert (found.failure, found.snapshot) == (None, snapshot())


def test_a_server_that_never_answered_has_no_snapshot(desk: HistoryFixture) -> None:
    desk.fail(MIDNIGHT)
    found = desk.history.last_polls()["lic-01"]
    assert (found.snapshot, found.last_success_at) == (None, None)
    assert found.failure == failure()


def test_a_state_is_as_old_as_its_first_poll(desk: HistoryFixture) -> None:
    def since() -> float:
        return desk.history.last_polls()["lic-01"].state_since

    desk.read(MIDNIGHT, 5)
    desk.read(MIDNIGHT + 60, 5)
    assert since() == MIDNIGHT
    desk.fail(MIDNIGHT + 120)
    desk.history.append(server(), poll(failure(FailureKind.REFUSED), at=MIDNIGHT + 180))
    assert since() == MIDNIGHT + 120  # both are "down"
    desk.history.append(server(), poll(failure(FailureKind.AUTH), at=MIDNIGHT + 240))
    assert since() == MIDNIGHT + 240


def test_the_raw_fields_of_a_pool_are_not_kept() -> None:
    one = replace(pool(), raw_fields=(("Count", "550"),))
    assert from_json(Snapshot, to_json(Snapshot((one,)))) == Snapshot(
        (replace(one, raw_fields=()),)
    )


def test_what_is_at_its_default_takes_no_room() -> None:
    assert to_json(Snapshot(())) == '{"pools":[]}'


figures = st.none() | st.integers(-(2**40), 2**40)
days = st.none() | st.dates()
pools = st.builds(
    Pool,
    product=st.text(),
    name=st.text(),
    model=st.sampled_from(Model),
    reading=st.builds(Reading, figures, figures, figures),
    license_type=st.text(),
    subscription_date=days,
    expires=days,
    permanent=st.none() | st.booleans(),
    counted=st.booleans(),
)
notices = st.builds(Notice, st.text(), st.sampled_from(Level), st.text(), st.text(), st.text())
snapshots = st.builds(
    Snapshot,
    pools=st.lists(pools, max_size=3).map(tuple),
    reported_name=st.text(),
    version=st.text(),
    mode=st.none() | st.sampled_from(Mode),
    activation=st.none() | st.builds(Activation, st.sampled_from(ActivationStatus), days),
    notices=st.lists(notices, max_size=2).map(tuple),
)
failures = st.builds(
    Failure, st.sampled_from(FailureKind), st.text(), st.text(), st.none() | st.sampled_from(Step)
)


@given(snapshots)
def test_every_snapshot_comes_back(one: Snapshot) -> None:
    assert from_json(Snapshot, to_json(one)) == one


@given(failures)
def test_every_failure_comes_back(one: Failure) -> None:
    assert from_json(Failure, to_json(one)) == one


def changed(**keys: object) -> str:
    """RICH as another version might have written it: its first pool with these keys."""
    data = json.loads(to_json(RICH))
    data["pools"][0].update(keys)
    data["gadgets"] = [1, 2]
    return json.dumps(data)


def test_a_key_of_a_newer_version_is_skipped() -> None:
    assert from_json(Snapshot, changed(color="red")) == RICH


def test_a_word_of_a_newer_version_is_the_nearest_to_unknown() -> None:
    found = from_json(Snapshot, changed(model="per_core"))
    assert found is not None
    assert [each.model for each in found.pools] == [Model.OTHER, Model.CONCURRENT]


@pytest.mark.parametrize("nonsense", ["soon", 7, None, ["x"]])
def test_a_value_that_makes_no_sense_has_its_default(nonsense: object) -> None:
    found = from_json(Snapshot, changed(expires=nonsense))
    assert found is not None
    assert found.pools[0] == replace(RICH.pools[0], expires=None)


def test_a_pool_that_makes_no_sense_does_not_cost_the_others() -> None:
    data = json.loads(to_json(RICH))
    del data["pools"][0]["product"]
    found = from_json(Snapshot, json.dumps(data))
    assert found == replace(RICH, pools=RICH.pools[1:])


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"pools": 7}'])
def test_what_is_not_understood_at_all_is_nothing(text: str) -> None:
    assert from_json(Snapshot, text) is None
