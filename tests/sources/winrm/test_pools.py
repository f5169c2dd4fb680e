from __future__ import annotations

from datetime import date

import pytest

from lictui.model import FailureKind, Model, Pool, Reading
from lictui.sources.source import SourceError
from lictui.sources.winrm.source import read_pools, unreadable_figures

Item = dict[str, str]


def instance(**changes: str | None) -> Item:
    values: dict[str, str | None] = {
        "pld": "XDT_PLT_UD",
        "pldfullname": "Citrix XenDesktop Platinum|User/Device",
        "count": "550",
        "inusecount": "412",
        "overdraft": "50",
        "licensetype": "Retail",
        "subscriptiondate": "2026-12-01T00:00:00Z",
    }
    values.update(changes)
    return {name: value for name, value in values.items() if value is not None}


def only(*instances: Item, licenses: list[Item] | None = None) -> Pool:
    (pool,) = read_pools(instances, licenses or [])
    return pool


def test_installed_is_count_without_its_overdraft() -> None:
    pool = only(instance())
    assert pool.reading == Reading(in_use=412, installed=500, overdraft=50)
    assert (pool.product, pool.model, pool.license_type) == (
        "XDT_PLT_UD",
        Model.USER_DEVICE,
        "Retail",
    )
    assert pool.subscription_date == date(2026, 12, 1)
    assert (pool.expires, pool.permanent) == (None, None)


@pytest.mark.parametrize(
    ("changes", "reading"),
    [
        ({"overdraft": None}, Reading(412, 550, None)),
        ({"overdraft": "0"}, Reading(412, 550, 0)),
        ({"inusecount": "600"}, Reading(600, 500, 50)),
        ({"count": None}, Reading(412, None, 50)),
        ({"inusecount": None}, Reading(None, 500, 50)),
        ({"count": "many"}, Reading(412, None, 50)),
        ({"inusecount": "-1"}, Reading(None, 500, 50)),
        ({"inusecount": "9" * 40}, Reading(None, 500, 50)),
        ({"count": "5"}, Reading(412, None, 50)),
        ({"count": "0", "overdraft": "0", "inusecount": "0"}, Reading(0, 0, 0)),
    ],
)
def test_a_figure_that_makes_no_sense_is_unknown_never_zero(
    changes: dict[str, str | None], reading: Reading
) -> None:
    assert only(instance(**changes)).reading == reading


def test_instances_of_one_product_and_date_add_up() -> None:
    pool = only(instance(), instance(count="11", overdraft="1", inusecount="3", licensetype="Eval"))
    assert pool.reading == Reading(415, 510, 51)
    assert pool.license_type == "Eval, Retail"
    assert dict(pool.raw_fields)["Count"] == "11"
    assert ("Count", "550") in pool.raw_fields


def test_one_unknown_makes_the_sum_unknown() -> None:
    pool = only(instance(), instance(inusecount=None, overdraft=None))
    assert pool.reading == Reading(None, 1050, None)


def test_pools_of_two_dates_stay_apart_in_order() -> None:
    later, none = instance(subscriptiondate="20271201000000.000000+000"), instance()
    del none["subscriptiondate"]
    keys = [pool.key.subscription_date for pool in read_pools([later, none, instance()], [])]
    assert keys == ["", "2026-12-01", "2027-12-01"]


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01T00:00:00Z",
        "2026-12-01T00:00:00+02:00",
        "20261201000000.000000+000",
        "20261201",
        "2026.1201",
    ],
)
def test_every_form_of_a_date_is_the_same_day(written: str) -> None:
    assert only(instance(subscriptiondate=written)).subscription_date == date(2026, 12, 1)


def test_a_known_code_has_its_published_name_an_unknown_one_that_of_the_server() -> None:
    assert only(instance()).name == "Citrix Virtual Apps and Desktops Premium"
    assert only(instance(pld="NEW_PLT_CCU", pldfullname="New|Concurrent")).name == "New|Concurrent"
    assert only(instance(pld="NEW_PLT_CCU", pldfullname=None)).name == "NEW_PLT_CCU"
    assert only(instance(pld="NEW_PLT_CCU", pldfullname="")).name == "NEW_PLT_CCU"


def test_start_up_licenses_are_listed_and_not_counted() -> None:
    pools = read_pools([instance(pld="CITRIX"), instance(pld="CTXLSDIAG"), instance()], [])
    assert [(pool.product, pool.counted) for pool in pools] == [
        ("CITRIX", False),
        ("CTXLSDIAG", False),
        ("XDT_PLT_UD", True),
    ]


def test_a_pool_without_a_product_code_is_left_out() -> None:
    assert only(instance(), instance(pld=None), instance(pld="")).reading.in_use == 412


def test_nothing_but_pools_without_a_code_is_no_inventory() -> None:
    with pytest.raises(SourceError, match="PLD") as caught:
        read_pools([instance(pld=None)], [])
    assert caught.value.failure.kind is FailureKind.PARSE


MARCH, JUNE = {"expirationdate": "20270331000000.000000+000"}, {"expirationdate": "2027-06-30"}


def test_what_is_true_of_every_license_is_true_of_the_pool() -> None:
    pool = only(instance(), licenses=[MARCH, MARCH])
    assert (pool.expires, pool.permanent) == (date(2027, 3, 31), False)


@pytest.mark.parametrize("never", ["99991231000000.000000+000", "permanent", "", None])
def test_a_license_without_an_end_is_permanent(never: str | None) -> None:
    pool = only(instance(), licenses=[{} if never is None else {"expirationdate": never}])
    assert (pool.expires, pool.permanent) == (None, True)


@pytest.mark.parametrize("licenses", [[], [MARCH, JUNE], [MARCH, {}]])
def test_the_end_of_a_pool_is_unknown_when_licenses_differ(licenses: list[Item]) -> None:
    pool = only(instance(), licenses=licenses)
    assert (pool.expires, pool.permanent) == (None, None)


def test_licenses_that_name_their_product_speak_for_it_alone() -> None:
    licenses = [MARCH | {"pld": "XDT_PLT_UD"}, JUNE | {"pld": "MPS_PLT_CCU"}, {"pld": "CITRIX"}]
    assert only(instance(), licenses=licenses).expires == date(2027, 3, 31)
    assert only(instance(pld="XDT_STD_UD"), licenses=licenses).expires is None


def test_raw_keeps_the_server_s_own_words_and_is_bounded() -> None:
    pool = only(*[instance(vendorstring=";LT=Retail", pooledavailable="138", platforms="x")] * 40)
    assert pool.raw_fields[:3] == (
        ("Count", "550"),
        ("InUseCount", "412"),
        ("PooledAvailable", "138"),
    )
    assert len(pool.raw_fields) == 40
    assert "PLATFORMS" not in dict(pool.raw_fields)


def test_unreadable_figures_are_named() -> None:
    assert unreadable_figures(
        [
            instance(),
            instance(count="many", overdraft=None),
            instance(inusecount=None),
            instance(count="5"),
            instance(pld=None, count=None),
        ]
    ) == [
        "XDT_PLT_UD: Count is many",
        "XDT_PLT_UD: InUseCount is missing",
        "XDT_PLT_UD: Overdraft is 50, above Count",
    ]
