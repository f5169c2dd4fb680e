"""A feature that nobody uses keeps the dates that lmstat told while somebody did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.support.values import pool, server, snapshot

from lictui.engine.recorder import with_recalled_dates
from lictui.model import Model, SourceName

LMSTAT = server(source=SourceName.LMSTAT, url="", address="27000@lic-01")
BY_COMMAND = server(source=SourceName.COMMAND, url="", command=("cat", "x"), format="lmstat")
DATED = pool(
    "XDT_PLT_CCS", 3, 100, None, date(2026, 12, 1), expires=date(2027, 3, 31), permanent=False,
    license_type="Retail",
)  # fmt: skip
IDLE = pool("XDT_PLT_CCS", 0, 120, None)


def test_an_idle_feature_keeps_its_dates_and_has_its_own_figures() -> None:
    for each in (LMSTAT, BY_COMMAND):
        (found,) = with_recalled_dates(each, snapshot(DATED), snapshot(IDLE)).pools
        assert found == replace(DATED, reading=IDLE.reading)


def test_what_is_told_now_stands() -> None:
    renewed = replace(DATED, subscription_date=date(2027, 12, 1))
    assert with_recalled_dates(LMSTAT, snapshot(DATED), snapshot(renewed)).pools == (renewed,)


def test_other_sources_mean_what_they_do_not_say() -> None:
    assert with_recalled_dates(server(), snapshot(DATED), snapshot(IDLE)).pools == (IDLE,)


def test_nothing_is_made_up_before_the_first_telling() -> None:
    assert with_recalled_dates(LMSTAT, None, snapshot(IDLE)).pools == (IDLE,)
    assert with_recalled_dates(LMSTAT, snapshot(IDLE), snapshot(IDLE)).pools == (IDLE,)


def test_of_two_dates_none_is_guessed() -> None:
    older = replace(DATED, subscription_date=date(2025, 12, 1))
    assert with_recalled_dates(LMSTAT, snapshot(DATED, older), snapshot(IDLE)).pools == (IDLE,)


def test_a_feature_that_belongs_to_a_machine_stays_uncounted() -> None:
    bound = pool("CAD", 1, None, None, permanent=True, counted=False, model=Model.OTHER)
    idle = pool("CAD", 0, 5, None, model=Model.CONCURRENT)
    (found,) = with_recalled_dates(LMSTAT, snapshot(bound), snapshot(idle)).pools
    assert (found.counted, found.model, found.reading.installed) == (False, Model.OTHER, None)
