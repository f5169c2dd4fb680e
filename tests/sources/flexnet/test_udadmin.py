from __future__ import annotations

import time
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictui.model import FailureKind, Level, LicenseUser, Model, Step
from lictui.sources.flexnet.udadmin import udadmin_license_users, udadmin_snapshot
from lictui.sources.source import SourceError

TIMES = """Usage data is 7 minutes old. Next update in 8 minutes.
Users:
 u01.01 XDT_ENT_UD 2026.1201 (Mon Nov 23 13:41:07 2026)
 Anna von (Stein) 2026.1201 XDT_ENT_UD 2026.1201 (Sun Nov  1 03:41:07 2026)
 old XDT_ENT_UD 2025.1201 (Thu Sep 14 13:41:07 2017)
Devices:
 device 0001 XDT_ENT_UD 2026.1201 (Tue Nov 24 06:00:00 2026)
 kiosk XDT_PLT_UD 2026.1201 (Tue Nov 24 06:00:00 2026)
"""
PLAIN = "\n".join(line.partition(" (M")[0].partition(" (T")[0] for line in TIMES.splitlines())


def local(*moment: int) -> float:
    return datetime(*moment).timestamp()  # type: ignore[arg-type]  # noqa: DTZ001 - as printed


@pytest.mark.parametrize("text", [TIMES, TIMES.replace("\n", "\r\n\r\n"), PLAIN])
def test_one_pool_for_each_feature_and_version(text: str) -> None:
    found = udadmin_snapshot(text, "lic01").pools
    assert [(each.product, each.subscription_date, each.reading.in_use) for each in found] == [
        ("XDT_ENT_UD", date(2026, 12, 1), 3),
        ("XDT_ENT_UD", date(2025, 12, 1), 1),
        ("XDT_PLT_UD", date(2026, 12, 1), 1),
    ]
    first = found[0]
    assert (first.name, first.model) == (
        "Citrix Virtual Apps and Desktops Advanced",
        Model.USER_DEVICE,
    )
    assert (first.reading.installed, first.reading.overdraft, first.queued) == (None, None, None)
    assert (first.expires, first.permanent) == (None, None)
    raw = dict(first.raw_fields)
    assert (raw["users"], raw["devices"], raw["minutes old"]) == ("2", "1", "7")


def test_holders() -> None:
    found = udadmin_license_users(TIMES)
    assert found[0] == LicenseUser(
        "XDT_ENT_UD",
        "u01.01",
        since=local(2026, 11, 23, 13, 41, 7),
        assigned=True,
        subscription_date=date(2026, 12, 1),
    )
    assert found[1].user == "Anna von (Stein) 2026.1201"
    assert found[1].since == local(2026, 11, 1, 3, 41, 7)
    assert (found[3].user, found[3].device) == ("", "device 0001")


def test_without_times_nobody_knows_since_when() -> None:
    assert udadmin_license_users("Users:\n u01 XDT_ENT_UD 2026.1201")[0].since is None


def test_nobody() -> None:
    assert udadmin_snapshot("Users:\nDevices:\n", "lic01").pools == ()


def test_lines_that_name_nobody_are_said() -> None:
    (found,) = udadmin_snapshot("Users:\n u XDT_ENT_UD 2026.1201\n what?", "lic01").notices
    assert found.level is Level.WARN
    assert "1 line" in found.detail


@pytest.mark.parametrize("text", ["", "'udadmin' is not recognized", "u01 XDT_ENT_UD 2026.1201"])
def test_no_list(text: str) -> None:
    for read in (lambda: udadmin_snapshot(text, "lic01"), lambda: udadmin_license_users(text)):
        with pytest.raises(SourceError) as caught:
            read()
        failure = caught.value.failure
        assert (failure.kind, failure.step) == (FailureKind.PARSE, Step.PARSE)
        assert "udadmin -list" in failure.hint


def test_ten_megabytes_are_read_quickly() -> None:
    text = "Users:\n" + "".join(
        f" user{n} XDT_ENT_UD 2026.1201 (Mon Nov 23 13:41:07 2026)\n" for n in range(180_000)
    )
    before = time.process_time()
    assert udadmin_snapshot(text, "lic01").pools[0].reading.in_use == 180_000
    assert len(udadmin_license_users(text)) == 100_000
    assert time.process_time() - before < 8


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(TIMES.splitlines()) | st.text(max_size=60), max_size=30))
def test_anything(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        found = udadmin_snapshot(text, "lic01")
    except SourceError:
        return
    holders = udadmin_license_users(text)
    assert sum(each.reading.in_use or 0 for each in found.pools) == len(holders)
    assert all(each.product.isprintable() for each in found.pools)
    assert all((each.user + each.device).isprintable() for each in holders)
