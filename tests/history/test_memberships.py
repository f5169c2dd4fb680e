"""Which pools count, from when until when: the one answer for peaks, report and chart."""

from datetime import date

import pytest
from tests.history.history_fixture import HOUR, MIDNIGHT, PRODUCT, HistoryFixture
from tests.support.values import poll, pool, server, snapshot

from lictui.history.backfill import LicenseGrant
from lictui.history.memberships import Membership, memberships
from lictui.model import PoolKey


def find(fixture: HistoryFixture, *active: str, **options: object) -> list[Membership]:
    history = fixture.history
    found = memberships(history.pools(), history.last_polls(), active=active, **options)  # type: ignore[arg-type]
    return [membership for members in found.values() for membership in members]


def test_pool_of_a_removed_server_counts_to_the_end_of_its_last_bucket(
    fixture: HistoryFixture,
) -> None:
    fixture.poll_series(MIDNIGHT, [5, 5, 5])
    fixture.record_failure(MIDNIGHT + HOUR)
    (membership,) = find(fixture)
    assert membership.until == MIDNIGHT + 300


def test_pool_that_is_not_listed_any_more_counts_until_then(fixture: HistoryFixture) -> None:
    fixture.record(MIDNIGHT, {"XDT_PLT_UD": 5, "XDT_PLT_CCS": 5})
    fixture.record(MIDNIGHT + 60, {"XDT_PLT_UD": 5})
    ends = {member.known_pools[0].product: member.until for member in find(fixture, "lic-01")}
    assert ends == {"XDT_PLT_UD": None, "XDT_PLT_CCS": MIDNIGHT + 60}


def test_renewed_subscription_continues_the_membership(fixture: HistoryFixture) -> None:
    for turn, day in enumerate((date(2026, 12, 1), date(2027, 12, 1))):
        result = snapshot(pool(PRODUCT, 5, subscription=day))
        fixture.history.append(server(), poll(result, at=MIDNIGHT + turn * 900))
    (membership,) = find(fixture, "lic-01")
    assert (len(membership.pools), membership.since, membership.until) == (2, MIDNIGHT, None)


def test_pool_known_from_license_files_alone_does_not_count(fixture: HistoryFixture) -> None:
    key = PoolKey(PRODUCT, "2027-03-31")
    grant = LicenseGrant(key, "1", MIDNIGHT - HOUR, 50, None)
    fixture.history.import_licenses("lic-01", [grant], MIDNIGHT)
    assert find(fixture, "lic-01") == []
    result = snapshot(pool(PRODUCT, 5, subscription=date(2027, 3, 31)))
    fixture.history.append(server(), poll(result, at=MIDNIGHT + 60))
    assert [membership.until for membership in find(fixture, "lic-01")] == [None]


@pytest.mark.parametrize("product", ["CITRIX", PRODUCT])
def test_startup_licenses_and_uncounted_pools_do_not_count(
    fixture: HistoryFixture, product: str
) -> None:
    result = snapshot(pool(product, 5, counted=False))
    fixture.history.append(server(), poll(result, at=MIDNIGHT))
    assert find(fixture, "lic-01") == []


def test_pools_of_two_servers_count_under_their_owner(fixture: HistoryFixture) -> None:
    for name in ("a", "b", "stranger"):
        fixture.poll_series(MIDNIGHT, [5], name)
    (membership,) = find(fixture, "main", owners={"a": "main", "b": "main"})
    assert membership.server == "main"
    assert [name for name, _ in membership.pools] == ["a", "b"]
    (membership,) = find(
        fixture, "main", owners={"a": "main", "b": "main"}, excluded={("b", PoolKey(PRODUCT))}
    )
    assert [name for name, _ in membership.pools] == ["a"]
