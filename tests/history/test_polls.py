"""The board after a restart: what the last poll brought, and what the last good one reported."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.history.history_fixture import DAY, MIDNIGHT, HistoryFixture
from tests.support.csv_files import read_text
from tests.support.values import failure, poll, pool, server, snapshot

from lictui.analysis.series import Resolution
from lictui.csvfile import csv_lines
from lictui.history.csv_export import ExportQuery
from lictui.history.json_codec import from_json, to_json
from lictui.model import (
    Activation,
    ActivationStatus,
    Failure,
    FailureKind,
    Level,
    Mode,
    Model,
    MonthlyUsage,
    Notice,
    Pool,
    PoolKey,
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


def test_last_snapshot_survives_a_failed_poll(fixture: HistoryFixture) -> None:
    fixture.history.append(server(), poll(RICH, at=MIDNIGHT))
    fixture.history.append(server(), poll(failure(FailureKind.DNS), at=MIDNIGHT + 900))
    result = fixture.history.last_polls()["lic-01"]
    assert result.snapshot == RICH
    assert result.last_success_at == MIDNIGHT
    assert (result.polled_at, result.latency) == (MIDNIGHT + 900, 0.1)
    assert result.failure == failure(FailureKind.DNS)
    fixture.history.append(server(), poll(snapshot(), at=MIDNIGHT + 1800))
    result = fixture.history.last_polls()["lic-01"]
    assert (result.failure, result.snapshot) == (None, snapshot())


def test_server_without_a_successful_poll_has_no_snapshot(fixture: HistoryFixture) -> None:
    fixture.record_failure(MIDNIGHT)
    result = fixture.history.last_polls()["lic-01"]
    assert (result.snapshot, result.last_success_at) == (None, None)
    assert result.failure == failure()


def test_state_since_is_the_first_poll_with_that_state(fixture: HistoryFixture) -> None:
    def since() -> float:
        return fixture.history.last_polls()["lic-01"].state_since

    fixture.record(MIDNIGHT, 5)
    fixture.record(MIDNIGHT + 60, 5)
    assert since() == MIDNIGHT
    fixture.record_failure(MIDNIGHT + 120)
    fixture.history.append(server(), poll(failure(FailureKind.REFUSED), at=MIDNIGHT + 180))
    assert since() == MIDNIGHT + 120  # both are "down"
    fixture.history.append(server(), poll(failure(FailureKind.AUTH), at=MIDNIGHT + 240))
    assert since() == MIDNIGHT + 240


def test_raw_fields_are_not_stored(fixture: HistoryFixture) -> None:
    explained = replace(RICH.pools[0], raw_fields=(("Count", "550"),))
    result = replace(RICH, pools=(explained, *RICH.pools[1:]))
    fixture.history.append(server(), poll(result, at=MIDNIGHT))
    assert fixture.history.last_polls()["lic-01"].snapshot == RICH


def test_json_omits_default_values() -> None:
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


@given(snapshots | failures)
def test_any_snapshot_or_failure_survives_json(one: Snapshot | Failure) -> None:
    assert from_json(type(one), to_json(one)) == one


def changed(**keys: object) -> str:
    """RICH as another version might have written it: its first pool with these keys."""
    data = json.loads(to_json(RICH))
    data["pools"][0].update(keys)
    data["gadgets"] = [1, 2]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        pytest.param({"color": "red"}, {}, id="unknown field"),
        pytest.param({"model": "per_core"}, {"model": Model.OTHER}, id="unknown word"),
        *(({"expires": nonsense}, {"expires": None}) for nonsense in ("soon", 7, None, ["x"])),
        pytest.param({"product": None}, None, id="no product"),
    ],
)
def test_json_of_another_version_is_read_as_far_as_it_is_understood(
    written: dict[str, object], understood: dict[str, Any] | None
) -> None:
    first = () if understood is None else (replace(RICH.pools[0], **understood),)
    expected = replace(RICH, pools=(*first, *RICH.pools[1:]))
    assert from_json(Snapshot, changed(**written)) == expected


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"pools": 7}'])
def test_json_invalid_document_is_none(text: str) -> None:
    assert from_json(Snapshot, text) is None


@pytest.fixture
def other(fixture: HistoryFixture) -> Iterator[HistoryFixture]:
    """Another process with the same file."""
    other = HistoryFixture(fixture.path)
    yield other
    other.close()


def test_lease_belongs_to_one_holder_unless_it_is_abandoned(
    fixture: HistoryFixture, other: HistoryFixture
) -> None:
    one, renewed, two = ("one", MIDNIGHT), ("one", MIDNIGHT + 20), ("two", MIDNIGHT + 40)
    assert fixture.history.claim_lease(one) == one
    assert other.history.claim_lease(two) == one
    assert fixture.history.claim_lease(renewed) == renewed
    assert other.history.claim_lease(two, abandoned=one) == renewed
    assert other.history.claim_lease(two, abandoned=renewed) == two


def test_lease_is_released_by_its_holder_only(
    fixture: HistoryFixture, other: HistoryFixture
) -> None:
    one, two = ("one", MIDNIGHT), ("two", MIDNIGHT)
    fixture.history.claim_lease(one)
    other.history.release_lease("two")
    assert other.history.claim_lease(two) == one
    fixture.history.release_lease("one")
    assert other.history.claim_lease(two) == two


KEY = PoolKey("CVAD:Premium")


def month(number: int, in_use: int | None, *more: int | None) -> MonthlyUsage:
    at = datetime(2026, number, 1, tzinfo=UTC).timestamp()
    return MonthlyUsage(KEY, at, in_use, 500, *more)


def tell(
    fixture: HistoryFixture, *months: MonthlyUsage, at: int = MIDNIGHT, name: str = "cloud"
) -> None:
    result = snapshot(pool(KEY.product, 420, 500, None), monthly_usage=months)
    fixture.history.append(server(name), poll(result, name, at))


def exported(fixture: HistoryFixture, *, months: bool) -> str:
    return "".join(csv_lines(fixture.history.export_rows(ExportQuery(months=months))))


def test_reported_month_is_replaced_by_the_last_report(fixture: HistoryFixture) -> None:
    tell(fixture, month(9, 400, 10, 2), month(10, None))
    tell(fixture, month(10, 411, 12, 1), month(11, 420, None, 3), at=MIDNIGHT + 900)
    reported = fixture.history.monthly_usage("cloud", KEY)
    assert reported == (month(9, 400, 10, 2), month(10, 411, 12, 1), month(11, 420, None, 3))
    assert fixture.history.monthly_usage("cloud", PoolKey("other")) == ()


def test_reported_month_is_not_a_reading(fixture: HistoryFixture) -> None:
    tell(fixture, month(9, 9000))
    assert [in_use for _, in_use in fixture.readings()] == [9000, 420]  # the first, as what it is
    days = fixture.buckets(MIDNIGHT - 200 * DAY, MIDNIGHT + DAY, DAY, "cloud", product=KEY.product)
    assert [day.high for day in days] == [420]
    assert [row[8] for row in fixture.export(Resolution.DAY)] == ["420"]


def test_reported_months_survive_export_and_import(fixture: HistoryFixture) -> None:
    tell(fixture, month(9, 400, 10, 0), month(10, None))
    csv = exported(fixture, months=True)
    assert csv == (
        "month,server,product,model,subscription_date,in_use,installed,newly,released\n"
        "2026-09,cloud,CVAD:Premium,user_device,,400,500,10,0\n"
        "2026-10,cloud,CVAD:Premium,user_device,,,500,,\n"
    )
    _, pools = read_text(csv.replace("cloud", "other"))
    assert fixture.history.import_readings(pools) == (2, 0)
    assert fixture.history.import_readings(pools) == (0, 2)
    assert fixture.history.monthly_usage("other", KEY) == fixture.history.monthly_usage(
        "cloud", KEY
    )


def test_renamed_server_keeps_its_reported_months(fixture: HistoryFixture) -> None:
    tell(fixture, month(9, 400), month(10, 410))
    tell(fixture, month(10, 77), name="new")
    fixture.history.rename_server("cloud", "new")
    assert fixture.history.monthly_usage("cloud", KEY) == ()
    assert [each.in_use for each in fixture.history.monthly_usage("new", KEY)] == [400, 410]
