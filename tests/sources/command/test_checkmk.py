from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.command.conftest import failure_of, outcome

from lictui.model import Failure, FailureKind, Reading
from lictui.sources.command.formats import checkmk_snapshot

SECTION = (
    "<<<check_mk>>>\r\nVersion: 2.3\t1\t2\r\n<<<citrix_licenses:sep(9)>>>\r\n"
    "PVS_STD_CCS\t80\t90\r\nMPS_ENT_CCU\t2160\t1636\r\nMPS_ENT_CCU\t22\t22\r\n"
    "an extra line\r\nCITRIX\t1\t0\r\n<<<df>>>\r\nXDT_PLT_UD\t1\t1\r\n"
)


def test_duplicates_add_up_and_a_count_hides_its_overdraft() -> None:
    found = checkmk_snapshot(SECTION, "nc lic01")
    assert [(pool.product, pool.reading, pool.counted) for pool in found.pools] == [
        ("PVS_STD_CCS", Reading(90, 80, None), True),
        ("MPS_ENT_CCU", Reading(1658, 2182, None), True),
        ("CITRIX", Reading(0, 1, None), False),
    ]
    assert found.pools[0].raw_fields == (("line", "PVS_STD_CCS 80 90"),)
    assert found.pools[0].formulas


def test_a_figure_that_is_none_is_not_zero() -> None:
    (pool,) = checkmk_snapshot("<<<citrix_licenses>>>\nX_Y_CCU\t?\t5\n", "nc").pools
    assert pool.reading == Reading(5, None, None)


def test_sections_of_several_agents_add_up() -> None:
    (pool,) = checkmk_snapshot("<<<citrix_licenses>>>\nX_Y_CCU\t2\t1\n" * 2, "nc").pools
    assert pool.reading == Reading(2, 4, None)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("<<<citrix_licenses>>>\n\n", FailureKind.NO_DATA),
        ("<<<df>>>\nPVS_STD_CCS\t80\t90\n", FailureKind.PARSE),
        ("\x16\x03", FailureKind.PARSE),
    ],
)
def test_no_section_and_an_empty_one_differ(said: str, kind: FailureKind) -> None:
    assert failure_of(partial(checkmk_snapshot, said, "nc")).kind is kind


@given(st.text(alphabet=st.sampled_from("<>citrx_lens:\t\n 19AB"), max_size=80))
def test_any_text_is_a_snapshot_or_a_failure(said: str) -> None:
    found = outcome(partial(checkmk_snapshot, "<<<citrix_licenses>>>\n" + said, "nc"))
    if isinstance(found, Failure):
        assert found.kind is FailureKind.NO_DATA
    else:
        assert found.pools
