from lictui.report.model import MonthlyReport
from lictui.report.png import render_png
from lictui.report.sections import build_tree


def test_png_is_one_page(sample: MonthlyReport) -> None:
    data = render_png(build_tree(sample))
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1240, 1753)
    assert render_png(build_tree(sample)) == data
