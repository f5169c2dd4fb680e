"""The wall in a terminal, every figure of it changing once a second: what a poll round costs."""

from msgspec.structs import replace
from tests.bench.estate import PRODUCTS
from tests.support.fake_engine import FakeEngine
from tests.support.values import poll, pool, server, snapshot

from lictui.clock import SystemClock
from lictui.engine.board import Board, apply_poll, with_servers
from lictui.engine.merge import merge_board
from lictui.model import Reading
from lictui.tui.app import LictuiApp


class Changing(LictuiApp):
    """Publishes a new board every second."""

    turn = 0

    def on_ready(self) -> None:
        """Begin when the first frame is drawn."""
        self.set_interval(1.0, self._next)

    def _next(self) -> None:
        Changing.turn += 1
        self.publish(merge_board(board(Changing.turn)))


def board(turn: int) -> Board:
    """Eight servers of five pools, each figure another one than in the turn before."""
    servers = [server(f"lic-{number:02}") for number in range(8)]
    result = with_servers(Board(), servers)
    now = SystemClock().now()
    for number, polled in enumerate(servers):
        pools = tuple(
            replace(
                pool(code),
                reading=Reading(150 + (turn * 17 + number * 31 + index * 7) % 250, 500, 50),
            )
            for index, code in enumerate(PRODUCTS)
        )
        result = apply_poll(result, poll(snapshot(*pools), polled.name, now), now + 900)
    return result


if __name__ == "__main__":
    Changing(FakeEngine(), SystemClock(), board=merge_board(board(0))).run()
