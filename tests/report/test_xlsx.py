"""The workbook read back: sheets, numbers, text, charts and formulas."""

import io
import re
import zipfile
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree
from tests.report.report_fixture import CCS, ReportFixture
from tests.report.sample import FORMULA, HOSTILE

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.report.model import MonthlyReport
from lictui.report.sections import build_tree
from lictui.report.xlsx import render_xlsx

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


class Workbook:
    def __init__(self, data: bytes) -> None:
        self.files = zipfile.ZipFile(io.BytesIO(data))
        names = self.xml("xl/workbook.xml").findall("m:sheets/m:sheet", NS)
        self.sheets = {name.get("name"): number for number, name in enumerate(names, 1)}
        shared = self.xml("xl/sharedStrings.xml").findall("m:si", NS)
        self.strings = ["".join(item.itertext()) for item in shared]

    def xml(self, name: str) -> Element:
        root: Element = ElementTree.fromstring(self.files.read(name))
        return root

    def sheet(self, name: str) -> Element:
        return self.xml(f"xl/worksheets/sheet{self.sheets[name]}.xml")

    def rows(self, name: str) -> list[dict[str, str | float | None]]:
        """The table below the head, as head -> value; a formula as what it comes to."""
        grid = [
            {re.sub(r"\d", "", cell.get("r", "")): self.value(cell) for cell in row}
            for row in self.sheet(name).findall("m:sheetData/m:row", NS)
        ]
        head = next(row for row in grid if "Product" in row.values())
        start = grid.index(head) + 1
        return [{str(title): row.get(at) for at, title in head.items()} for row in grid[start:]]

    def value(self, cell: Element) -> str | float | None:
        element = cell.find("m:v", NS)
        if element is None or element.text is None:
            return None
        if cell.get("t") == "s":
            return self.strings[int(element.text)]
        return element.text if cell.get("t") == "str" else float(element.text)

    def formulas(self, name: str) -> set[str]:
        return {formula.text or "" for formula in self.sheet(name).iter(f"{{{NS['m']}}}f")}


@pytest.fixture(scope="module")
def workbook(sample: MonthlyReport) -> Workbook:
    return Workbook(render_xlsx(build_tree(sample)))


def test_sheets_have_a_frozen_head_and_a_filter(workbook: Workbook) -> None:
    assert list(workbook.sheets) == [
        "Summary",
        "Products",
        "Charts",
        "Servers",
        "Daily",
        "Monthly",
        "Expiries",
        "Entitlements",
    ]
    for name in workbook.sheets.keys() - {"Summary", "Charts"}:
        sheet = workbook.sheet(str(name))
        assert sheet.find("m:autoFilter", NS) is not None
        pane = sheet.find("m:sheetViews/m:sheetView/m:pane", NS)
        assert pane is not None
        assert (pane.get("state"), pane.get("ySplit")) == ("frozen", "1")


def test_figures_are_numbers_and_ratios_are_formulas(workbook: Workbook) -> None:
    row = next(row for row in workbook.rows("Products") if row["Code"] == CCS)
    assert (row["Installed"], row["Peak usage"], row["Free"]) == (200, 162, 38)
    assert row["Utilization"] == pytest.approx(0.81)
    assert row["Sum of server peaks"] == 162
    assert str(row["Forecast"])
    assert any(text.startswith("IF(OR(F") for text in workbook.formulas("Products"))


def test_dates_and_local_times_are_dates(workbook: Workbook) -> None:
    rows = [
        row
        for row in workbook.rows("Daily")
        if row["Code"] == CCS and row["Scope type"] == "all servers"
    ]
    assert len(rows) == 31
    first_of_october = 46296  # days since the end of 1899
    assert [row["Day"] for row in rows] == [first_of_october + day for day in range(31)]
    assert (rows[0]["Peak usage or assigned"], rows[0]["Installed"]) == (162, 200)
    assert float(rows[0]["Time of peak"] or 0) == pytest.approx(first_of_october + 23 / 24)


def test_names_from_servers_are_neither_formulas_nor_links(workbook: Workbook) -> None:
    assert {row["Server"] for row in workbook.rows("Servers")} >= {FORMULA, "a", "b", "weird"}
    assert HOSTILE in workbook.strings
    for name in workbook.sheets:
        assert not any("HYPERLINK" in text for text in workbook.formulas(str(name)))
        assert workbook.sheet(str(name)).find("m:hyperlinks", NS) is None


@pytest.mark.parametrize("name", ["=X!A1:B2 text", "=1+1", "@x", "=HYPERLINK(1)"])
def test_name_of_a_product_is_not_a_formula_in_a_chart(fixture: ReportFixture, name: str) -> None:
    fixture.record_hourly("a", [1] * 48, product="ACME_X", name=name)
    workbook = Workbook(render_xlsx(build_tree(fixture.report())))
    for chart in (n for n in workbook.files.namelist() if n.startswith("xl/charts/chart")):
        text = workbook.files.read(chart).decode()
        assert not [
            f for f in re.findall("<c:f>(.*?)</c:f>", text) if not re.match("[A-Z]\\w+!", f)
        ]


def test_every_product_has_native_charts(workbook: Workbook) -> None:
    charts = [name for name in workbook.files.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 1 + 3 + 3
    text = workbook.files.read(charts[1]).decode()
    assert "'Daily'" in text or "Daily!" in text
    assert text.count("<c:ser>") == 2


def test_totals_follow_the_filter_and_never_mix_license_models(workbook: Workbook) -> None:
    rows = workbook.rows("Servers")
    shown = {row["Server"]: row["Installed"] for row in rows if row["Code"] is None}
    kinds = {str(row["License model"]) for row in rows if row["Code"] is not None}
    assert set(shown) == {f"Filtered total, {kind}" for kind in kinds}
    assert shown["Filtered total, concurrent"] == sum(
        int(row["Installed"] or 0) for row in rows if row["License model"] == "concurrent"
    )
    totals = [text for text in workbook.formulas("Servers") if text.startswith("SUMPRODUCT(")]
    assert any("SUBTOTAL(109,OFFSET(F2," in text and '="user/device"' in text for text in totals)
    assert all(row["Code"] is not None for row in workbook.rows("Expiries"))


def test_entitlements_are_calculated_by_formulas(workbook: Workbook) -> None:
    rows = workbook.rows("Entitlements")
    assert (rows[0]["Shortfall"], rows[0]["Cost per year"], rows[1]["Unused cost per year"]) == (
        15,
        2700,
        14365,
    )
    assert rows[-1]["Cost per year"] == 2700 + 500 * 42.5
    assert "MAX(0,G2-D2)" in "".join(workbook.formulas("Entitlements"))


def test_bound_is_a_marked_number_without_a_conclusion(fixture: ReportFixture) -> None:
    fixture.record_bound()
    settings = Settings(entitlements=(Entitlement(CCS, 150, 10.0, "EUR"),))
    workbook = Workbook(render_xlsx(build_tree(fixture.report(settings=settings))))
    (product,) = workbook.rows("Products")
    assert (product["Peak usage"], product["Utilization"]) == (180, 1.8)
    styles = workbook.files.read("xl/styles.xml").decode()
    assert "\N{LESS-THAN OR EQUAL TO} &quot;#,##0" in styles
    line = workbook.rows("Entitlements")[0]
    assert (line["12-month peak"], line["Shortfall"], line["Unused"]) == (180, None, None)
    assert "MAX(" not in "".join(workbook.formulas("Entitlements"))


def test_xlsx_of_the_same_report_is_the_same(sample: MonthlyReport) -> None:
    assert render_xlsx(build_tree(sample)) == render_xlsx(build_tree(sample))


def test_summary_sheet_starts_with_figures_and_colors_the_states(workbook: Workbook) -> None:
    cells = {cell.get("r"): cell for cell in workbook.sheet("Summary").iter(f"{{{NS['m']}}}c")}
    assert [workbook.value(cells[at]) for at in ("A4", "B4")] == ["Concurrent licenses", "≥ 200"]
    formats = workbook.xml("xl/styles.xml").findall("m:cellXfs/m:xf", NS)
    fills = {
        workbook.value(cell): formats[int(cell.get("s") or 0)].get("fillId")
        for cell in workbook.sheet("Products").iter(f"{{{NS['m']}}}c")
        if cell.get("t") == "s"
    }
    assert len({fills[level] for level in ("overdraft", "warn", "unknown", HOSTILE)}) == 4
    chart = workbook.files.read("xl/charts/chart1.xml").decode()
    assert "Utilization at the peak" in chart
    assert "$D$" in chart  # the shares, not the numbers of licenses


def test_heads_and_text_are_not_cut(workbook: Workbook) -> None:
    for name in ("Products", "Servers", "Daily", "Monthly", "Expiries", "Entitlements"):
        columns = workbook.sheet(name).findall("m:cols/m:col", NS)
        widths = [
            float(column.get("width") or 0)
            for column in columns
            for _ in range(int(column.get("min") or 0), int(column.get("max") or 0) + 1)
        ]
        for row in workbook.rows(name):
            for (title, value), width in zip(row.items(), widths, strict=True):
                text = value if isinstance(value, str) and title != "Forecast" else ""
                assert max(map(len, (*title.split(), text))) < width, (name, title, value)
