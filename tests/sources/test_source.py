from datetime import date

from msgspec.structs import replace

from lictui.model import Model, Pool, Reading
from lictui.sources.source import sum_pools

POOL = Pool(
    product="A_B_CCU",
    name="A",
    model=Model.CONCURRENT,
    reading=Reading(1, 2, 3),
    license_type="Retail",
    expires=date(2027, 3, 31),
    permanent=False,
    queued=1,
    raw_fields=(("Count", "5"),),
    formulas=(("installed", "Count"),),
)


def test_pools_of_one_key_are_summed() -> None:
    second = replace(
        POOL,
        reading=Reading(10, None, 30),
        license_type="Eval",
        expires=None,
        permanent=True,
        formulas=(("installed", "Count - Overdraft"),),
    )
    apart = replace(POOL, subscription_date=date(2026, 12, 1))
    total, separate = sum_pools([POOL, apart, second])
    assert separate == apart
    assert total.reading == Reading(11, None, 33)
    assert (total.license_type, total.queued) == ("Eval, Retail", 2)
    assert (total.expires, total.permanent) == (date(2027, 3, 31), False)
    assert total.raw_fields == POOL.raw_fields * 2
    assert total.formulas == second.formulas


def test_sum_has_the_first_expiry_its_count_and_what_is_unknown() -> None:
    later = replace(POOL, reading=Reading(1, 300, 0), expires=date(2027, 9, 30))
    first = replace(POOL, reading=Reading(1, 200, 0))
    (total,) = sum_pools([later, first])
    assert (total.expires, total.partial_expiry, total.expiring_count) == (POOL.expires, True, 200)
    (same,) = sum_pools([first, first])
    assert (same.partial_expiry, same.expiring_count) == (False, 400)
    partial = replace(later, expires=first.expires, partial_expiry=True, reported_expiring=30)
    (total,) = sum_pools([replace(first, permanent=None, queued=None), partial])
    assert (total.partial_expiry, total.expiring_count) == (True, 230)
    assert (total.permanent, total.queued) == (None, None)
    permanent = replace(POOL, expires=None, permanent=True)
    assert sum_pools([permanent] * 2)[0].permanent
