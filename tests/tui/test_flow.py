from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictui.tui.widgets.dashboard import LayoutItem, column_count, column_edges, layout_panes


@pytest.mark.parametrize(("width", "count"), [(40, 1), (80, 1), (120, 1), (132, 2), (216, 3)])
def test_one_two_or_three_columns(width: int, count: int) -> None:
    assert column_count(width) == count


def test_panes_flow_in_reading_order_in_bands_of_equal_height() -> None:
    placed = layout_panes([LayoutItem("", 3), LayoutItem("", 5), LayoutItem("", 4)], 200, 2)
    assert [(b.top, b.height, b.first, b.count) for b in placed.rows] == [
        (0, 5, 0, 2),
        (5, 4, 2, 1),
    ]
    assert placed.height == 9
    assert [placed.pane_at(x, y) for x, y in ((0, 0), (199, 4), (0, 5), (199, 5))] == [
        0,
        1,
        2,
        None,
    ]
    assert placed.pane_at(0, 99) is None


def test_groups_have_headings_when_there_are_several() -> None:
    placed = layout_panes([LayoutItem("a", 3), LayoutItem("b", 3), LayoutItem("b", 3)], 200, 2)
    assert [(b.top, b.count) for b in placed.rows] == [(0, 0), (1, 1), (4, 0), (5, 2)]
    assert placed.row_of(0).top == 1
    assert placed.row_of(2).top == 5
    assert placed.pane_at(0, 0) is None
    assert all(b.count for b in layout_panes([LayoutItem("a", 3), LayoutItem("a", 3)], 200, 2).rows)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(2, 9)), max_size=40),
    st.integers(40, 300),
    st.integers(1, 3),
)
def test_every_pane_has_a_place_and_no_two_the_same(
    panes: list[tuple[str, int]], width: int, columns: int
) -> None:
    panes.sort()
    placed = layout_panes([LayoutItem(group, height) for group, height in panes], width, columns)
    assert sum(band.height for band in placed.rows) == placed.height
    shown = [band.first + at for band in placed.rows for at in range(band.count)]
    assert shown == list(range(len(panes)))
    for index in range(len(panes)):
        band = placed.row_of(index)
        assert band.first <= index < band.first + band.count
        assert band.height >= panes[index][1]
    assert column_edges(width, columns)[-1] == width


def test_the_bands_between_two_lines_are_those_they_cross() -> None:
    placed = layout_panes(
        [LayoutItem("", 3), LayoutItem("", 5), LayoutItem("", 4)], 100, 1
    )  # they begin at 0, 3 and 8
    found = [
        [band.first for band in placed.rows_between(first, last)]
        for first, last in ((0, 3), (2, 4), (3, 8), (7, 99))
    ]
    assert found == [[0], [0, 1], [1], [1, 2]]
    assert layout_panes([], 100, 1).rows_between(0, 40) == ()
