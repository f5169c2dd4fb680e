"""The products view."""

import re

import pytest
from msgspec.structs import replace
from tests.support.example_board import (
    example_board,
    past_summaries,
    pool,
    up_status,
    workday_series,
)
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board, GroupBy
from lictui.model import Model
from lictui.tui.screens.dashboard import DashboardScreen
from lictui.tui.screens.products import ProductsScreen
from lictui.tui.screens.usage import UsageScreen
from lictui.tui.widgets.products import COLUMNS, ProductTable


def table(run: RunningApp) -> ProductTable:
    return run.app.screen.query_one(ProductTable)


def at(run: RunningApp) -> int:
    return table(run).row_ids.index(table(run).cursor)


def products(run: RunningApp) -> list[str]:
    return [view.total.product for view in table(run).shown_products]


async def test_keys_move_sort_and_filter() -> None:
    async with running_app("products") as run:
        await run.press("j", "down")
        assert at(run) == 2
        await run.press("home", "k")
        assert at(run) == 0
        await run.press("end")
        assert at(run) == len(products(run)) - 1
        selected = table(run).selected
        assert products(run)[0] == "PVS_STD_CCS"
        await run.press("S")
        assert products(run)[-1] == "PVS_STD_CCS"
        assert table(run).selected == selected
        await run.press("slash", *"xenapp", "enter")
        assert products(run) == ["MPS_ADV_CCU"]
        await run.press("escape")
        assert len(products(run)) > 1
        assert isinstance(run.app.screen, ProductsScreen)
        await run.press("escape")
        assert isinstance(run.app.screen, DashboardScreen)


async def test_enter_opens_the_usage_over_all_servers() -> None:
    engine = FakeEngine(workday_series)
    async with running_app("products", engine=engine) as run:
        await run.press(*["j"] * products(run).index("XDT_PLT_UD"), "enter")
        assert isinstance(run.app.screen, UsageScreen)
        assert max(len(query.pools) for query in engine.queries) == 3  # trends are of the sum
        servers = {*engine.product_queries[-1].servers}
        assert servers == {"lic-emea-01", "ddc-us-01", "lic-apac-02"}
        assert [by for _, _, by in engine.outlook_queries] == [GroupBy.PRODUCT]
        await run.press("escape")
        assert isinstance(run.app.screen, ProductsScreen)
        await run.press("g", "enter")
        assert engine.outlook_queries[-1][2] is GroupBy.GROUP


async def test_products_say_when_there_is_no_data() -> None:
    new = example_board().servers[5]
    async with running_app("products", board=Board((new,))) as run:
        assert "No license data yet" in screen_text(run.app)


async def test_description_has_peak_bound_and_coverage() -> None:
    engine = FakeEngine(past_summaries=past_summaries())
    board = Board(
        (up_status("a", pool("XDT_PLT_CCS", 60, 100)), up_status("b", pool("XDT_PLT_CCS", 40, 100)))
    )
    async with running_app("products", (120, 40), engine=engine, board=board) as run:
        text = " ".join(screen_text(run.app).split())
        assert "All-time peak: 2,120 of 2,500 (8 May 2026" in text
        assert "sum of server peaks: 2,300" in text
        assert "data coverage 97 %" in text


async def test_export_names_the_peaks_that_are_upper_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[tuple[str | float | None, ...]] = []
    monkeypatch.setattr("lictui.tui.text.export_csv", lambda table, *_: written.extend(table))
    key = ("", "XDT_PLT_CCS", Model.CONCURRENT)
    summary = past_summaries()[key]
    assert summary.all_time
    peak = replace(summary.all_time.peak, bound=True)
    summary = replace(summary, all_time=replace(summary.all_time, peak=peak))
    board = Board((up_status("a", pool("XDT_PLT_CCS", 60, 100)),))
    engine = FakeEngine(past_summaries={key: summary})
    async with running_app("products", engine=engine, board=board) as run:
        await run.press("E")
    header, row = written
    assert dict(zip(header, row, strict=True))["upper_bounds"] == "peak_all"


async def test_summaries_are_requested_for_each_grouping() -> None:
    engine = FakeEngine()
    async with running_app("products", engine=engine) as run:
        await run.press("g")
        groups = {(view.total.scope, view.total.product) for view in table(run).shown_products}
        assert {("emea", "XDT_PLT_UD"), ("us", "XDT_PLT_UD"), ("apac", "XDT_PLT_UD")} <= groups
        await run.press("g")
        assert ("ddc-us-01", "XDT_PLT_CCS") in {
            (view.total.scope, view.total.product) for view in table(run).shown_products
        }
        assert engine.summary_queries == [GroupBy.PRODUCT, GroupBy.GROUP, GroupBy.SERVER]
        await run.press("g")
        assert {view.total.scope for view in table(run).shown_products} == {""}


async def test_sorted_column_has_an_arrow_and_follows_keys_and_clicks() -> None:
    engine = FakeEngine(past_summaries=past_summaries())
    async with running_app("products", (200, 60), engine=engine) as run:

        def titles() -> str:
            return screen_text(run.app).splitlines()[1]

        assert "▼Use" in titles()
        await run.press("end")
        selected = table(run).cursor
        columns = {column.key: column for column in COLUMNS}
        for key in table(run).sorts:
            title = columns[key].title.strip()
            await run.click(max(titles().index(title), 2), 1)
            arrow = "▲" if title in ("Product", "Type", "Free", "Servers", "Runs out") else "▼"
            assert re.search(f"{arrow}{title}|{title} ?{arrow}", titles())
            await run.click(titles().index(title), 1)
            assert not re.search(f"{arrow}{title}|{title} ?{arrow}", titles())
            assert table(run).cursor == selected
        assert {*table(run).sorts} == columns.keys() - {"scope", "trend"}
        await run.press("s")
        assert "Product ▲" in titles()


async def test_problem_key_hides_what_is_below_its_thresholds() -> None:
    async with running_app("products", engine=FakeEngine(past_summaries=past_summaries())) as run:
        await run.press("exclamation_mark")
        assert products(run) == ["PVS_STD_CCS", "XDT_PLT_UD", "XDT_ENT_UD"]
        await run.press("exclamation_mark")
        assert len(products(run)) == 6


async def test_unknown_share_is_sorted_below_warnings_with_the_level_of_its_worst_server() -> None:
    pools = (
        (pool("MPS_ADV_CCU", 70, 100), pool("XDT_ADV_UD", 27, 25), pool("PVS_STD_CCS", 86, 100)),
        (pool("XDT_ADV_UD", 27, None),),
    )
    board = Board(tuple(up_status(name, *those) for name, those in zip("ab", pools, strict=True)))
    async with running_app("products", board=board) as run:
        assert products(run) == ["PVS_STD_CCS", "XDT_ADV_UD", "MPS_ADV_CCU"]
        assert "  54        ≥25      ? ✖ " in screen_text(run.app)


async def test_space_below_the_rows_lists_the_servers_of_the_product() -> None:
    async with running_app("products", (120, 40)) as run:
        await run.press("j")
        lines = screen_text(run.app).splitlines()
        assert "CVAD Premium (user/device): at least 612 of 700 assigned (87 %)" in lines[-7]
        assert [line.split()[0] for line in lines[-4:-1]] == [
            "ddc-us-01", "lic-emea-01", "lic-apac-02"
        ]  # fmt: skip
        assert "not counted: down" in lines[-2]


async def test_sorting_by_runs_out_puts_the_soonest_first() -> None:
    async with running_app("products", engine=FakeEngine(past_summaries=past_summaries())) as run:
        sorts = table(run).sorts
        await run.press(*["s"] * (sorts.index("runs_out") - sorts.index("ratio")))
        assert products(run)[:2] == ["PVS_STD_CCS", "XDT_PLT_CCS"]  # the first is over it now
