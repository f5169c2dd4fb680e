from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.license_file import MAX_INCREMENTS, parse_license_file

FILE = r"""# This file is in UTF-8 format.
SERVER this_host HOSTNAME=LIC01
VENDOR CITRIX
USE_SERVER
INCREMENT XDT_ENT_UD CITRIX 2026.1201 31-mar-2027 100 \
 VENDOR_STRING=;LT=Retail;GP=720;CL=VDS,VDA,VDE;SA=0;LP=90;ODP=0 \
 DUP_GROUP=V ISSUED=07-Mar-2026 NOTICE="A Company SN=x" SN=LA-0000000000-00000:123 \
 START=6-feb-2026 SIGN="00AB CD"
# INCREMENT NOT_A_CCU CITRIX 2026.1201 permanent 1
increment CITRIX CITRIX 2038.0101 permanent 10 SIGN="1"
FEATURE CTXLSDIAG CITRIX 1.0 1-jan-0000 uncounted
INCREMENT BROKEN CITRIX
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_line_that_grants_a_license(ends: str) -> None:
    first, start_up, diagnostics = parse_license_file(FILE.replace("\n", ends))
    assert (first.product, first.vendor, first.version) == ("XDT_ENT_UD", "CITRIX", "2026.1201")
    assert first.subscription_date == date(2026, 12, 1)
    assert (first.expires, first.permanent, first.count) == (date(2027, 3, 31), False, 100)
    assert (first.license_type, first.serial) == ("Retail", "LA-0000000000-00000:123")
    assert (first.issued, first.start) == (date(2026, 3, 7), date(2026, 2, 6))
    assert dict(first.vendor_string)["CL"] == "VDS,VDA,VDE"
    assert (start_up.product, start_up.permanent, start_up.expires) == ("CITRIX", True, None)
    assert (diagnostics.permanent, diagnostics.uncounted, diagnostics.count) == (True, True, None)
    assert diagnostics.subscription_date is None


def test_what_cannot_be_read_is_none() -> None:
    (found,) = parse_license_file("INCREMENT A_B_CCU CITRIX 2026.1301 soon many")
    assert (found.subscription_date, found.expires, found.permanent) == (None, None, None)
    assert (found.count, found.uncounted) == (None, False)


def test_a_copy_of_a_file_grants_nothing_more() -> None:
    assert (
        len(parse_license_file(FILE + FILE.replace('"1"', '"2"'))) == 5
    )  # one more, and no signature


def test_in_force_from_its_start_to_its_end() -> None:
    first = parse_license_file(FILE)[0]
    days = (date(2026, 2, 5), date(2026, 2, 6), date(2027, 3, 31), date(2027, 4, 1))
    assert [first.is_valid_on(day) for day in days] == [False, True, True, False]


def test_the_number_is_bounded() -> None:
    assert (
        len(parse_license_file("INCREMENT A_B_CCU CITRIX 2026.1201 permanent 1\n" * 9000))
        == MAX_INCREMENTS
    )


@given(st.text(alphabet=st.sampled_from('INCREMENT FEATURE\\\n\r"=;01.-ab'), max_size=120))
def test_any_text_grants_something_or_nothing(said: str) -> None:
    for each in parse_license_file(said + " INCREMENT\nINCREMENT " + said):
        assert each.product
