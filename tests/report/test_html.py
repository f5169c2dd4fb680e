"""The HTML report: one well-formed file that loads nothing, in which names stay text."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.report.sample import FORMULA, HOSTILE, PIPES

from lictui.report.html import axis_for, render_html
from lictui.report.model import MonthlyReport
from lictui.report.sections import build_tree

VOID_ELEMENTS = {"meta", "br"}


class Reader(HTMLParser):
    """Checks that every element is closed, and collects elements and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def html(sample: MonthlyReport) -> str:
    return render_html(build_tree(sample))


def test_html_is_one_well_formed_file_that_loads_nothing(html: str) -> None:
    reader = read(html)
    names = {name for name, _ in reader.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "a", "base", "image"})
    attributes = {key for _, attrs in reader.elements for key in attrs}
    assert attributes.isdisjoint({"href", "src", "xlink:href", "style", "srcset"})
    assert not any(key.startswith("on") for key in attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_html_escapes_names_from_servers(html: str) -> None:
    text = "".join(read(html).texts)
    assert HOSTILE in text
    assert FORMULA in text
    assert PIPES in text
    assert "<script" not in html


@settings(max_examples=20)
@given(name=st.text(min_size=1, max_size=40))
def test_html_has_the_same_elements_whatever_a_product_is_called(
    sample: MonthlyReport, html: str, name: str
) -> None:
    products = tuple(replace(product, name=name, code=name) for product in sample.products)
    reader = read(render_html(build_tree(replace(sample, groups=(name,), products=products))))
    expected = [element for element, _ in read(html).elements]
    assert [element for element, _ in reader.elements] == expected


def test_html_charts_have_title_and_description(html: str) -> None:
    reader = read(html)
    charts = [attrs for tag, attrs in reader.elements if attrs.get("aria-labelledby")]
    ids = {attrs["id"] for tag, attrs in reader.elements if tag in ("title", "desc") and attrs}
    assert len(charts) == 2 * 3
    assert len(ids) == 4 * 3
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= ids


def test_html_levels_are_words_and_colors(html: str) -> None:
    assert '<span class="level overdraft">overdraft</span>' in html
    assert '<span class="level unknown">unknown</span>' in html


@given(st.floats(0, 1e9))
def test_axis_includes_the_maximum_with_few_round_ticks(maximum: float) -> None:
    axis = axis_for(maximum)
    assert axis.ticks[-1] >= maximum
    assert axis.ticks[1] >= 1
    assert 2 <= len(axis.ticks) <= 7
    assert axis.y(0) > axis.y(axis.ticks[-1])
