from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from lictui.tui.theme import AsciiFilter, to_ascii


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf"])))
def test_every_text_becomes_ascii_and_keeps_its_width(text: str) -> None:
    assert to_ascii(text).isascii()
    assert len(to_ascii(text)) == sum(map(cell_len, text))


def test_what_has_a_likeness_gets_it() -> None:
    assert to_ascii("│ 10 → 20 · Zürich…") == "| 10 > 20 . Zurich~"


def test_ascii_segments_pass_as_they_are() -> None:
    segments = [Segment("plain"), Segment("─")]
    first, second = AsciiFilter().apply(segments, Color(0, 0, 0))
    assert first is segments[0]
    assert second.text == "-"
