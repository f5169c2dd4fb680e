from tests.report.report_fixture import ReportFixture
from tests.report.sample import sample_report

from lictui.report.png import render_png
from lictui.report.sections import build_tree


def test_png_is_one_page(fixture: ReportFixture) -> None:
    report = sample_report(fixture)
    data = render_png(build_tree(report))
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1240, 1753)
    assert render_png(build_tree(report)) == data
