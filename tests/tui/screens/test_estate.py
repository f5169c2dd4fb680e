from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.engine import FakeEngine
from tests.support.estate import TIMEOUT, day_of_work, down, estate, pool, up
from tests.support.running import running
from tests.support.screen import screen_text

from lictui.monitor.board import Board
from lictui.tui.screens.estate import EstateScreen
from lictui.tui.screens.product import ProductScreen
from lictui.tui.screens.wall import WallScreen
from lictui.tui.widgets.estate import Estate

if TYPE_CHECKING:
    from tests.support.running import Running


def table(run: Running) -> Estate:
    return run.app.screen.query_one(Estate)


def products(run: Running) -> list[str]:
    return [view.total.product for view in table(run).rows]


async def test_products_are_summed_and_say_how_many_servers_they_cover() -> None:
    async with running("estate") as run:
        row = screen_text(run.app).splitlines()[2]
        assert row.split()[:4] == ["▌CVAD", "Premium", "user/device", "612"]
        assert "2/3" in row


async def test_a_lost_server_leaves_the_sum_and_not_the_row() -> None:
    board = Board((up("a", pool("XDT_PLT_UD", 5, 9)), up("b", pool("XDT_PLT_UD", 1, 1))))
    async with running("estate", board=board) as run:
        assert "2/2" in screen_text(run.app)
        await run.publish(Board((board.servers[0], down(board.servers[1], TIMEOUT))))
        assert "1/2" in screen_text(run.app)


async def test_walking_sorting_and_filtering() -> None:
    async with running("estate") as run:
        await run.press("j", "down")
        assert table(run).cursor == 2
        await run.press("home", "k")
        assert table(run).cursor == 0
        await run.press("end")
        assert table(run).cursor == len(products(run)) - 1
        await run.press("s", "s")
        assert products(run)[0] == "PVS_STD_CCS"
        await run.press("S")
        assert products(run)[-1] == "PVS_STD_CCS"
        await run.press("slash", *"xenapp", "enter")
        assert products(run) == ["MPS_ADV_CCU"]
        await run.press("escape")
        assert len(products(run)) > 1
        assert isinstance(run.app.screen, EstateScreen)
        await run.press("escape")
        assert isinstance(run.app.screen, WallScreen)


async def test_the_cursor_stays_on_its_product_when_the_order_changes() -> None:
    async with running("estate") as run:
        await run.press("j")
        before = table(run).chosen
        await run.press("s")
        assert table(run).chosen == before


async def test_enter_opens_the_product_over_its_servers() -> None:
    engine = FakeEngine(day_of_work)
    async with running("estate", engine=engine) as run:
        await run.press("enter")
        assert isinstance(run.app.screen, ProductScreen)
        servers = {server for server, _ in engine.questions[-1].pools}
        assert servers == {"lic-emea-01", "ddc-us-01", "lic-apac-02"}
        await run.press("escape")
        assert isinstance(run.app.screen, EstateScreen)


async def test_trends_are_those_of_the_sum() -> None:
    engine = FakeEngine(day_of_work)
    async with running("estate", engine=engine):
        counts = {len(question.pools) for question in engine.questions if question.pools}
        assert 3 in counts


async def test_nothing_to_sum_says_so() -> None:
    new = estate().servers[5]
    async with running("estate", board=Board((new,))) as run:
        assert "no server has told" in screen_text(run.app)


async def test_the_palette_opens_over_a_product_whose_keys_are_brackets() -> None:
    async with running("estate") as run:
        await run.press("enter")
        await run.press("colon")
        await run.press(*"shorter")
        assert "([)" in screen_text(run.app)
