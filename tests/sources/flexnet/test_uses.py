from __future__ import annotations

from datetime import date

import pytest
from tests.support.lmstat import CITRIX, NOW, feature, local_timestamp, pool

from lictui.model import LicenseUser
from lictui.sources.flexnet.source import lmstat_license_users


def test_holders() -> None:
    found = {each.user: each for each in lmstat_license_users(CITRIX, NOW)}
    assert "carl" not in found  # he waits
    assert found["anna"] == LicenseUser(
        "XDT_ENT_UD",
        "anna",
        "pc01",
        local_timestamp(2026, 11, 24, 8, 9),
        3,
        subscription_date=date(2026, 12, 1),
    )
    bernd = found["Bernd von Stein"]
    assert (bernd.device, bernd.since) == ("PC02", local_timestamp(2025, 12, 28, 23, 59))
    assert found["dora"].device == "pc04"
    assert found["dora"].since == local_timestamp(2024, 2, 29, 1, 2)
    assert not bernd.assigned


@pytest.mark.parametrize(
    ("names", "user", "host"),
    [
        ("anna pc01 pc01", "anna", "pc01"),
        ("Anna von Stein pc01 PC01", "Anna von Stein", "pc01"),
        ("Anna von Stein pc01 ", "Anna von Stein", "pc01"),
        ("anna pc01 /dev/pts/1", "anna", "pc01"),
        ("Anna Stein pc01 :0.0", "Anna Stein", "pc01"),
        ("anna pc01 pc01 1234", "anna", "pc01"),
        ("anna pc01 pc01 feature=solver", "anna", "pc01"),
        ("anna pc01 other:0.0", "anna", "pc01"),
        ("anna pc01.acme.test pc01:11.0 more", "anna", "pc01.acme.test"),
        ("anna pc01 pc01:0894_1 2029.01", "anna", "pc01"),
        ("anna maria maria-pc maria-pc more", "anna maria", "maria-pc"),
        ('"anna" pc01 /dev/pts/1', "anna", "pc01"),
        ('"Anna von Stein" pc01 x', "Anna von Stein", "pc01"),
        ("anna pc01", "anna", "pc01"),
        ("anna", "anna", ""),
        (
            "a (v1) (x/1 1) queued for 9 licenses pc01 pc01",
            "a (v1) (x/1 1) queued for 9 licenses",
            "pc01",
        ),
    ],
)
def test_who(names: str, user: str, host: str) -> None:
    text = feature(
        "Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)",
        f"    {names} (v1.0) (h1/27000 101), start Tue 11/24 8:09",
    )
    (found,) = lmstat_license_users(text, NOW)
    assert (found.user, found.device) == (user, host)
    assert pool(text, "x").queued == 0


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("Tue 11/24 9:15", (2026, 11, 24, 9, 15)),
        ("Wed 11/25 0:00", (2026, 11, 24, 9, 15)),  # its clock is a zone ahead: just now
        ("Tue 11/25 0:00", (2025, 11, 25, 0, 0)),
        ("11/24 10:00", (2025, 11, 24, 10, 0)),
        ("Thu 1/1 0:00", (2026, 1, 1, 0, 0)),
    ],
)
def test_the_year_of_a_start(start: str, expected: tuple[int, ...]) -> None:
    text = feature(
        "Users of x:  (Total of 5 licenses issued;  Total of 1 license in use)",
        f"    a b c (v1.0) (h1/27000 101), start {start}",
    )
    (found,) = lmstat_license_users(text, NOW)
    assert found.since == local_timestamp(*expected)
