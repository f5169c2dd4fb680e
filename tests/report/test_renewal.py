"""The renewal pack in HTML and Excel: costs, marks, and what has to be entered."""

import asyncio
from datetime import date

from tests.report.report_fixture import BERLIN, CCS, HOURS, START, UD, ReportFixture
from tests.report.sample import HOSTILE, PIPES
from tests.report.test_html import read
from tests.report.test_xlsx import Workbook

from lictui.config.entitlements import Entitlement
from lictui.config.settings import Settings
from lictui.engine.queries import load_board
from lictui.engine.renewal import RenewalQuery, renewal_positions
from lictui.report.html import render_html
from lictui.report.renewal import build_renewal
from lictui.report.sections import ReportTree
from lictui.report.xlsx import render_renewal


def renewal_tree(fixture: ReportFixture, *entitlements: Entitlement) -> ReportTree:
    settings = Settings(entitlements=entitlements)
    board = load_board(fixture.servers.values(), fixture.history, settings.alerts)
    query = RenewalQuery(START, fixture.clock.now(), BERLIN, settings)
    positions = asyncio.run(renewal_positions(fixture.history, board, query, fixture.clock))
    return build_renewal(positions, board, query)


ENTITLEMENTS = (
    Entitlement(CCS, 150, 40.0, "EUR", date(2027, 1, 31)),
    Entitlement(UD, 90, 30.0, "EUR"),
)


def test_pack_states_costs_now_and_at_higher_prices(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [100] * HOURS)
    fixture.record_hourly("u", [95] * HOURS, product=UD)
    tree = renewal_tree(fixture, *ENTITLEMENTS)
    figures = {figure.label: figure.value for figure in tree.summary.key_figures}
    assert figures == {
        "Cost per year now": "8,700 EUR",
        "Cost of the proposal": "7,550 EUR",  # 110 for 40, 105 for 30 EUR
        "Proposal at twice the price": "15,100 EUR",
        "Unused licenses": "2,000 EUR",
        "Next renewal": "31 Jan 2027",
    }
    assert {s.label for s in tree.summary.statements} >= {"overused", "proposal"}
    (costs,) = tree.rows("costs")
    (even,) = next(tree.rows("break_even"))
    assert even["users_per_license"] == "1.33"
    workbook = Workbook(render_renewal(tree))
    names = "Summary Position Proposal Costs Break-even Curve Evidence Sources"
    assert list(workbook.sheets) == names.split()
    rows = {(row["Code"], row["Licenses"]): row for row in workbook.rows("Costs")}
    titles = ("Price now", "+ 50 %", "+ 100 %", "+ 200 %")
    assert [rows[CCS, "proposed"][title] for title in titles] == [4400, 6600, 8800, 13200]
    assert len(rows) == len(costs) == 4
    assert "E2*F2*1.5" in workbook.formulas("Costs")


def test_pack_names_what_has_to_be_entered_and_invents_nothing(fixture: ReportFixture) -> None:
    fixture.record_hourly("a", [100] * HOURS)
    tree = renewal_tree(fixture)
    assert {f.value for f in tree.summary.key_figures} == {"?"}
    text = "".join(read(render_html(tree)).texts)
    assert "XDT_PLT_CCS: purchased quantity unknown: enter product, purchased, cost" in text
    assert "No price is known: enter product" in text
    assert "No product has a price in both license models" in text
    assert "EUR" not in text
    assert "Costs" not in Workbook(render_renewal(tree)).sheets


def test_pack_marks_bounds_and_escapes_names(fixture: ReportFixture) -> None:
    fixture.record_bound()
    fixture.record_hourly("x", [1] * 24, START, product=PIPES, name=HOSTILE, installed=None)
    tree = renewal_tree(fixture, Entitlement(CCS, 150, 40.0, "EUR"))
    html = render_html(tree)
    assert "<script" not in html
    text = "".join(read(html).texts)
    assert HOSTILE in text
    assert "≤ 198 instead of 150" in text
    assert "overused" not in text
