import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lictui.csvfile import csv_line, csv_text, unescape_formula

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")
BLANKS = " \u200b\u200d\xa0"
CELLS = st.text(f"=+-@\uff1d\t\r\n',\" ab9{BLANKS}")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(st.lists(CELLS, min_size=1), min_size=1))
def test_text_cells_read_back_as_they_were_and_none_starts_a_formula(rows: list[list[str]]) -> None:
    cells = read(csv_text(rows))
    assert [[unescape_formula(cell) for cell in row] for row in cells] == rows
    assert not any(cell.lstrip(BLANKS).startswith(FORMULA_STARTS) for row in cells for cell in row)


def test_numbers_stay_numbers_and_none_is_empty() -> None:
    assert csv_line(["free", -3, None, 0.25, "a,b"]) == 'free,-3,,0.25,"a,b"\n'
    assert csv_line([43 * 122.78, 17.1 + 0.2]) == "5279.54,17.3\n"


def test_a_lone_carriage_return_does_not_start_a_row() -> None:
    assert csv_text([["a\rb", "c"]]) == '"a\rb",c\n'
