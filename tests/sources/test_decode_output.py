from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.sources.process import decode_output

SAID = 'XDT_PLT_UD "Grün"\r\n[1, 2]\r\n'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_encoding_of_windows_reads_the_same(encoding: str) -> None:
    assert decode_output(SAID.encode(encoding)) == SAID


def test_utf_16_be_with_its_mark() -> None:
    assert decode_output(b"\xfe\xff" + SAID.encode("utf-16-be")) == SAID


def test_files_of_different_age_after_one_another() -> None:
    assert decode_output("ü\n".encode("cp1252") + b"\xef\xbb\xbf" + "ü\n".encode()) == "ü\nü\n"


def test_nuls_leave() -> None:
    assert decode_output(b"a\0bcdefgh") == "abcdefgh"


def test_half_a_character_at_the_end_is_no_failure() -> None:
    assert decode_output("ab".encode("utf-16")[:-1]).startswith("a")
    assert decode_output(b"\x81\x8d") != ""


def test_nothing_is_nothing() -> None:
    assert decode_output(b"") == ""


@given(st.binary(max_size=300))
def test_any_bytes_are_some_text(said: bytes) -> None:
    assert "\0" not in decode_output(said)
