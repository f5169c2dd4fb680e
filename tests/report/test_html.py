"""One file, well-formed, nothing from elsewhere, and what a server says stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.sample import FORMULA, HOSTILE, PIPES, sample_report

from lictui.report.html import render_html
from lictui.report.svg import scale, tag

if TYPE_CHECKING:
    from tests.report.report_fixture import ReportFixture

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Holds that every element is closed, and keeps what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.elements if tag == name]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def written(desk: ReportFixture) -> str:
    return render_html(sample_report(desk))


def test_it_is_one_well_formed_file_without_anything_from_elsewhere(written: str) -> None:
    reader = read(written)
    names = {name for name, _ in reader.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "a", "base", "image"})
    attributes = {key for _, attrs in reader.elements for key in attrs}
    assert attributes.isdisjoint({"href", "src", "xlink:href", "style", "srcset"})
    assert not any(key.startswith("on") for key in attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", written, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_what_servers_say_is_text_and_nothing_else(written: str) -> None:
    text = "".join(read(written).texts)
    assert HOSTILE in text
    assert FORMULA in text
    assert PIPES in text
    assert "<script" not in written


def test_every_chart_says_what_it_shows(written: str) -> None:
    reader = read(written)
    charts = [svg for svg in reader.all("svg") if svg.get("aria-labelledby")]
    assert len(charts) == 2 * 3
    known = {attrs["id"] for name, attrs in reader.elements if name in ("title", "desc") and attrs}
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= known
    assert len(known) == 4 * 3


def test_levels_are_words_beside_their_colour(written: str) -> None:
    assert '<span class="level overdraft">into overdraft</span>' in written
    assert '<span class="level unknown">cannot tell</span>' in written


def test_it_is_made_for_paper_and_for_the_dark(written: str) -> None:
    assert "@page { size: A4" in written
    assert "break-inside: avoid" in written
    assert "prefers-color-scheme: dark" in written


def test_the_same_report_is_the_same_file(desk: ReportFixture) -> None:
    report = sample_report(desk)
    assert render_html(report) == render_html(report)


@given(st.text(max_size=40))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    reader = Reader()
    reader.feed(tag("p", text, title=text))
    reader.close()
    (attrs,) = reader.all("p")
    assert (
        attrs["title"] == text.replace("\r\n", "\n").replace("\r", "\n") or attrs["title"] == text
    )
    assert "".join(reader.texts) == text


@given(st.floats(0, 1e9))
def test_an_axis_holds_what_it_is_made_for(most: float) -> None:
    axis = scale(most, 10, 100)
    assert axis.top >= most
    assert axis.step >= 1
    assert 2 <= len(axis.ticks) <= 7
    assert axis.ticks[-1] == pytest.approx(axis.top)
    assert (axis.y(0), axis.y(axis.top)) == (100, 10)
