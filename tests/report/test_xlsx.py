"""The workbook read back: sheets, numbers that are numbers, text that is text, charts, formulas."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree
from tests.report.report_fixture import CCS, ReportFixture
from tests.report.sample import FORMULA, HOSTILE, sample_report

from lictui.report.xlsx import column_letter, render_xlsx

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


class Book:
    def __init__(self, data: bytes) -> None:
        self.files = zipfile.ZipFile(io.BytesIO(data))
        names = self.xml("xl/workbook.xml").findall("m:sheets/m:sheet", NS)
        self.sheets = {each.get("name"): at for at, each in enumerate(names, 1)}
        shared = self.xml("xl/sharedStrings.xml").findall("m:si", NS)
        self.strings = ["".join(each.itertext()) for each in shared]

    def xml(self, name: str) -> Element:
        found: Element = ElementTree.fromstring(self.files.read(name))
        return found

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
        found = cell.find("m:v", NS)
        if found is None or found.text is None:
            return None
        if cell.get("t") == "s":
            return self.strings[int(found.text)]
        return found.text if cell.get("t") == "str" else float(found.text)

    def formulas(self, name: str) -> set[str]:
        return {each.text or "" for each in self.sheet(name).iter(f"{{{NS['m']}}}f")}


@pytest.fixture
def found(desk: ReportFixture) -> Book:
    return Book(render_xlsx(sample_report(desk)))


def test_the_sheets_are_there_with_their_head_frozen_and_their_filter(found: Book) -> None:
    assert list(found.sheets) == ["Summary", "Daily", "Monthly", "Servers", "Expiries", "Contract"]
    for name in found.sheets:
        sheet = found.sheet(str(name))
        assert sheet.find("m:autoFilter", NS) is not None
        pane = sheet.find("m:sheetViews/m:sheetView/m:pane", NS)
        assert pane is not None
        assert (pane.get("state"), pane.get("ySplit")) == (
            "frozen",
            "4" if name == "Summary" else "1",
        )


def test_figures_are_numbers_and_shares_are_formulas(found: Book) -> None:
    row = next(row for row in found.rows("Summary") if row["Code"] == CCS)
    assert (row["Installed"], row["Needed"], row["Free"]) == (200, 162, 38)
    assert row["Share"] == pytest.approx(0.81)
    assert row["Sum of the servers' own peaks"] == 162
    assert row["Outlook"] == "grows by 4 a week"
    assert any(text.startswith("IF(OR(F") for text in found.formulas("Summary"))


def test_dates_are_dates(found: Book) -> None:
    rows = [row for row in found.rows("Daily") if row["Code"] == CCS and row["Scope"] == "estate"]
    assert len(rows) == 31
    first_of_october = 46296  # days since the end of 1899
    assert [row["Day"] for row in rows] == [first_of_october + day for day in range(31)]
    assert (rows[0]["Peak or assigned"], rows[0]["Installed"]) == (162, 200)
    assert float(rows[0]["When"] or 0) == pytest.approx(first_of_october + 23 / 24)


def test_what_servers_say_is_never_a_formula_nor_a_link(found: Book) -> None:
    assert {row["Server"] for row in found.rows("Servers")} >= {FORMULA, "a", "b", "weird"}
    assert HOSTILE in found.strings
    for name in found.sheets:
        assert not any("HYPERLINK" in text for text in found.formulas(str(name)))
        assert found.sheet(str(name)).find("m:hyperlinks", NS) is None


def test_there_is_a_native_chart_for_every_product(found: Book) -> None:
    charts = [name for name in found.files.namelist() if name.startswith("xl/charts/chart")]
    assert len(charts) == 1 + 3 + 3
    text = found.files.read(charts[1]).decode()
    assert "'Daily'" in text or "Daily!" in text
    assert text.count("<c:ser>") == 2


def test_totals_follow_the_filter_and_never_mix_two_ways_of_counting(found: Book) -> None:
    rows = found.rows("Servers")
    shown = {row["Server"]: row["Installed"] for row in rows if row["Code"] is None}
    kinds = {str(row["Counted"]) for row in rows if row["Code"] is not None}
    assert set(shown) == {f"Shown, {kind}" for kind in kinds}
    assert shown["Shown, concurrent"] == sum(
        int(row["Installed"] or 0) for row in rows if row["Counted"] == "concurrent"
    )
    totals = [text for text in found.formulas("Servers") if text.startswith("SUMPRODUCT(")]
    assert any("SUBTOTAL(109,OFFSET(F2," in text and '="user/device"' in text for text in totals)
    assert all(row["Code"] is not None for row in found.rows("Expiries"))


def test_the_contract_can_be_gone_on_with(found: Book) -> None:
    rows = found.rows("Contract")
    assert (rows[0]["Missing"], rows[0]["Cost"], rows[1]["Cost of idle"]) == (15, 2700, 14365)
    assert rows[-1]["Cost"] == 2700 + 500 * 42.5
    assert "MAX(0,G2-D2)" in "".join(found.formulas("Contract"))


def test_the_same_report_is_the_same_file(desk: ReportFixture) -> None:
    report = sample_report(desk)
    assert render_xlsx(report) == render_xlsx(report)


def test_columns_are_called_as_a_spreadsheet_does() -> None:
    assert [column_letter(at) for at in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"),
    ]
