from __future__ import annotations

from datetime import date

import pytest

from lictui.model import FailureKind, Level, Mode, Notice, Snapshot, Step
from lictui.sources.source import SourceError
from lictui.sources.winrm.source import WmiData, build_snapshot

TODAY = date(2026, 11, 24)
POOL = {"pld": "XDT_PLT_UD", "count": "550", "inusecount": "412", "overdraft": "50"}
START_UP = {"pld": "CITRIX", "count": "2", "inusecount": "0", "overdraft": "0"}
RUNNING = [
    {"name": "Citrix Licensing", "state": "Running"},
    {"name": "citrix_gtlicensingprov", "state": "running"},
]


def taken(instances: WmiData) -> Snapshot:
    return build_snapshot(instances, "lic01:5986", TODAY)


def notice(instances: WmiData) -> Notice:
    (only,) = taken(instances).notices
    return only


def test_pools_alone_make_a_snapshot() -> None:
    result = taken(WmiData([POOL]))
    assert len(result.pools) == 1
    assert (result.mode, result.notices) == (Mode.FILE, ())
    assert (result.reported_name, result.version) == ("", "")


def test_services_that_run_are_no_news() -> None:
    assert taken(WmiData([POOL], [], RUNNING)).notices == ()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Citrix Licensing", Level.CRITICAL),
        ("Citrix_GTLicensingProv", Level.WARN),
        ("CitrixWebServicesforLicensing", Level.WARN),
    ],
)
def test_a_stopped_service_is_a_notice(name: str, level: Level) -> None:
    told = notice(WmiData([POOL], [], [{"name": name, "state": "Stopped"}]))
    assert (told.kind, told.level, told.title) == ("server", level, f"Service {name} is stopped")
    assert told.action


def test_other_services_do_not_matter() -> None:
    assert taken(WmiData([POOL], [], [{"name": "Spooler", "state": "Stopped"}])).notices == ()


def test_start_up_licenses_alone_keep_it_up_and_say_so() -> None:
    result = taken(WmiData([START_UP]))
    assert [pool.product for pool in result.pools] == ["CITRIX"]
    assert result.mode is None
    (told,) = result.notices
    assert told.level is Level.WARN
    assert "cvad" in told.action


def test_figures_that_cannot_be_read_are_told() -> None:
    told = notice(WmiData([POOL | {"count": "many"}, {"count": "1"}]))
    assert "XDT_PLT_UD: Count is many" in told.detail
    assert "1 pool(s) without a product code" in told.detail


def test_the_next_license_to_end_is_told_where_the_pools_cannot() -> None:
    licenses = [
        {"serialnumber": "LA-1", "expirationdate": "2027-03-31"},
        {"serialnumber": "LA-2", "expirationdate": "2027-06-30"},
        {"serialnumber": "LA-0", "expirationdate": "2026-11-23"},
        {"serialnumber": "", "expirationdate": ""},
    ]
    told = notice(WmiData([POOL], licenses))
    assert told.level is Level.OK
    assert "2027-03-31" in told.title
    assert "1 of 4 licenses" in told.detail
    assert "LA-1" in told.detail


def test_a_pool_that_knows_its_end_needs_no_notice() -> None:
    result = taken(WmiData([POOL, START_UP], [{"expirationdate": "2027-03-31"}]))
    assert result.pools[1].expires == date(2027, 3, 31)
    assert result.notices == ()


def test_an_empty_inventory_is_no_data_and_most_likely_las() -> None:
    with pytest.raises(SourceError) as caught:
        taken(WmiData([], None, RUNNING))
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.NO_DATA, Step.INVENTORY)
    assert "License Activation Service" in failure.hint


def test_an_empty_inventory_of_a_stopped_provider_names_the_service() -> None:
    stopped = [{"name": "Citrix_GTLicensingProv", "state": "Stopped"}]
    with pytest.raises(SourceError) as caught:
        taken(WmiData([], None, stopped))
    assert caught.value.failure.kind is FailureKind.NO_DATA
    assert "Start that service" in caught.value.failure.hint


def test_instances_count_themselves() -> None:
    assert str(WmiData([POOL])) == "1 pool"
    assert str(WmiData([POOL, POOL], [{}])) == "2 pools, 1 license"
