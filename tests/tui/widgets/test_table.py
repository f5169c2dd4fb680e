"""Sorting of tables, by keys and by a click on a title."""

import pytest
from tests.support.example_board import example_board, up_status
from tests.support.goldens import screen_text
from tests.support.running_app import RunningApp, running_app

from lictui.engine.board import Board
from lictui.tui.screens.servers import ServersScreen
from lictui.tui.text import Tone
from lictui.tui.widgets.table import Rows, TableColumn, fit_columns

NAMES = [status.server.name for status in example_board().servers]


def first_column(run: RunningApp) -> list[str]:
    """The title and the cells of the first column of the servers view."""
    lines = screen_text(run.app).replace("▌", " ").splitlines()[1 : len(NAMES) + 2]
    return [line.split("  ")[0].strip() for line in lines]


async def test_table_is_sorted_by_keys_and_clicks_and_shows_the_direction() -> None:
    async with running_app("servers") as run:
        assert first_column(run) == ["Server", *NAMES]
        await run.press("s")
        assert first_column(run) == ["Server ▲", *sorted(NAMES)]
        await run.press("S")
        assert first_column(run) == ["Server ▼", *sorted(NAMES, reverse=True)]
        await run.publish(example_board())
        assert first_column(run) == ["Server ▼", *sorted(NAMES, reverse=True)]
        line = screen_text(run.app).splitlines()[1]
        await run.click(line.index("State"), 1)
        assert "State ▲" in screen_text(run.app)
        assert first_column(run)[0] == "Server"
        await run.click(line.index("State"), 1)
        assert "State ▼" in screen_text(run.app)


async def test_sorting_keeps_the_cursor_on_its_row_and_unknown_values_last() -> None:
    async with running_app("servers") as run:
        await run.press(*["j"] * 5)
        await run.click(screen_text(run.app).splitlines()[1].index("Last"), 1)
        assert "Last seen▲" in screen_text(run.app)
        assert first_column(run)[-2:] == ["lic-las", "lic-new"]  # never read
        assert isinstance(run.app.screen, ServersScreen)
        assert run.app.screen.selected_server == "lic-new"
        await run.press("S")
        assert first_column(run)[-2:] == ["lic-las", "lic-new"]


async def test_row_under_the_cursor_stays_on_the_screen_when_the_order_changes() -> None:
    board = Board(tuple(up_status(f"lic-{at:02}") for at in range(60)))
    async with running_app("servers", board=board) as run:
        await run.press("s")
        assert "▌lic-00" in screen_text(run.app)
        await run.press("S")
        assert "▌lic-00" in screen_text(run.app)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, {"name": 12, "level": 5, "message": 31, "status": 8}),
        (40, {"name": 12, "level": 5, "message": 11, "status": 8}),
        (31, {"name": 10, "level": 5, "message": 13}),
        (22, {"name": 8, "message": 12}),
    ],
)
def test_columns_without_room_or_content_are_left_out_by_rank(
    width: int, shown: dict[str, int]
) -> None:
    columns = (
        TableColumn("name", "Name", 8),
        TableColumn("level", "Level", 5, rank=1),
        TableColumn("group", "Group", 6, rank=2),
        TableColumn("message", "Message", 10, most=99),
        TableColumn("status", "Status", 8, rank=3),
    )
    cells = {"level": ("5", Tone.TEXT), "group": ("?", Tone.TEXT), "message": ("m" * 40, Tone.TEXT)}
    names = ("license-east", "license-west")
    row = {**cells, "status": ("ok", Tone.TEXT)}
    rows: Rows[str] = {name: {**row, "name": (name, Tone.TEXT)} for name in names}
    fitted = fit_columns(columns, rows, width)
    assert {entry.column.key: entry.width for entry in fitted} == shown
    texts = [fitted[0].texts.get(name, name) for name in names]
    assert len(set(texts)) == len(names)
    assert max(map(len, texts)) <= fitted[0].width
