"""What leaves for the terminal: only what changed, and the terminal ends up showing the screen."""

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from tests.support.clock import START, FakeClock
from tests.support.example_board import example_board, pool, up_status, workday_series
from tests.support.fake_engine import FakeEngine
from tests.support.goldens import screen_text
from tests.support.running_app import running_app
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region
from textual.strip import Strip

from lictui.config.settings import Settings
from lictui.engine.board import Board, apply_poll
from lictui.model import Poll
from lictui.tui._terminal import TerminalBuffer

WIDTH = 12


class Wire:
    """Everything written, and the terminal that reads it."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self.screen)
        self.written = 0

    def write(self, data: str) -> None:
        self.written += len(data.encode())
        self._stream.feed(data)

    def take(self) -> int:
        """Bytes since the last time."""
        written, self.written = self.written, 0
        return written

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display) + "\n"


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Textual in the belief that it writes to a terminal."""
    wire = Wire()
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
    monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: wire.write(data))
    return wire


def busy(add: int, at: float) -> Board:
    codes = ("XDT_PLT_UD", "MPS_ADV_CCU", "PVS_STD_CCS", "XDT_PLT_CCS", "XDT_ENT_UD")
    board = Board(
        tuple(
            up_status(
                f"lic-{n}", *(pool(c, 37 * n + 61 * i + add, 500, 50) for i, c in enumerate(codes))
            )
            for n in range(4)
        )
    )
    return Board(tuple(replace(s, polled_at=at, last_success_at=at) for s in board.servers))


async def test_idle_screen_writes_only_its_age(wire: Wire) -> None:
    clock = FakeClock()
    async with running_app(clock=clock, engine=FakeEngine(workday_series)) as run:
        wire.take()
        footer = run.app.screen.query_one("FooterBar")
        for _ in range(5):
            footer.call_later(footer._tick)  # type: ignore[attr-defined]
            await run.settle()
        assert wire.take() == 0
        await clock.advance(1)
        footer.call_later(footer._tick)  # type: ignore[attr-defined]
        await run.settle()
        assert 0 < wire.take() <= 60


async def test_equal_board_writes_nothing(wire: Wire) -> None:
    async with running_app(board=busy(0, START - 5), engine=FakeEngine(workday_series)) as run:
        wire.take()
        await run.publish(busy(0, START - 5))
        assert wire.take() == 0


@pytest.mark.parametrize("theme", ["lictui-dark", "lictui-ansi"])
async def test_changed_rows_cost_less_than_4_kib(wire: Wire, theme: str) -> None:
    async with running_app(
        board=busy(0, START - 5), engine=FakeEngine(workday_series), settings=Settings(theme=theme)
    ) as run:
        wire.take()
        await run.publish(busy(23, START))
        assert 0 < wire.take() <= 4096
        assert wire.text() == screen_text(run.app)


async def test_terminal_shows_the_screen_after_every_key(wire: Wire) -> None:
    async with running_app(engine=FakeEngine(workday_series)) as run:
        for keys in (["j"], ["end"], ["slash", "l", "a"], ["escape"], ["2"], ["1"], ["p"], ["T"]):
            await run.press(*keys)
            assert wire.text() == screen_text(run.app)
        lab = example_board().find("lic-lab")
        assert lab is not None
        assert lab.snapshot is not None
        await run.publish(apply_poll(example_board(), Poll("lic-lab", START, 0.1, lab.snapshot)))
        assert wire.text() == screen_text(run.app)


async def test_ctrl_l_writes_everything_again(wire: Wire) -> None:
    async with running_app() as run:
        for key in ("1", "question_mark"):  # in a dialog, too
            await run.press(key)
            wire.screen.erase_in_display(2)
            await run.press("ctrl+l")
            assert wire.text() == screen_text(run.app)


cells = st.text(st.sampled_from("ab ─█ラé"), min_size=WIDTH, max_size=WIDTH)
styles = st.sampled_from(
    [Style(), Style(color="red"), Style(bgcolor="blue"), Style(bold=True, color="#112233"), None]
)
lines = st.lists(st.tuples(cells, styles), min_size=1, max_size=4)


def strip(line: list[tuple[str, Style | None]]) -> Strip:
    whole = Strip([Segment(text[:4], style) for text, style in line])
    return whole.crop(0, WIDTH).adjust_cell_length(WIDTH)


@given(st.lists(lines, min_size=2, max_size=6))
def test_buffer_never_changes_what_the_terminal_shows(
    drawn: list[list[tuple[str, Style | None]]],
) -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    sparing, plain = pyte.Screen(WIDTH, 1), pyte.Screen(WIDTH, 1)
    shadow = TerminalBuffer()
    for at, line in enumerate(drawn):
        drawn_strip = strip(line)
        whole = LayoutUpdate([[drawn_strip]], Region(0, 0, WIDTH, 1))
        pyte.Stream(plain).feed(whole.render_segments(console))
        update = whole if at == 0 else ChopsUpdate([{0: drawn_strip}], [(0, 0, WIDTH)], [[WIDTH]])
        written = shadow.diff(update).render_segments(console)  # type: ignore[union-attr]
        pyte.Stream(sparing).feed(written)
        assert sparing.display == plain.display
        assert [sparing.buffer[0][x] for x in range(WIDTH)] == [
            plain.buffer[0][x] for x in range(WIDTH)
        ]
