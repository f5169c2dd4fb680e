"""How the monitor ends when nobody presses `q`: by a signal, or with its terminal.

Owns that way out: politely first; by force when the screen's thread is stuck in a write that
nobody will ever read, as after a connection that died while it was stalled. Must not know what is
to be closed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GRACE: Final = 3.0  # seconds for the polite way


@contextmanager
def leaving(end: Callable[[], object], close: Callable[[], None]) -> Iterator[None]:
    """While inside, SIGTERM, SIGHUP or the end of the terminal call `end`, from any thread.

    If the block is not left within GRACE seconds, `close` is called and the process ends with 0;
    a second signal ends it at once.
    """
    left, asked = threading.Event(), threading.Event()

    def ask() -> None:
        if not asked.is_set():
            asked.set()
            threading.Thread(target=force, name="leave", daemon=True).start()
            end()

    def force() -> None:
        if not left.wait(GRACE):
            with suppress(Exception):
                close()
            os._exit(0)

    def received(number: int, _frame: object) -> None:
        if asked.is_set():
            os._exit(128 + number)  # whoever asks twice does not want to wait
        ask()

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, received) for number in numbers}
    threading.Thread(target=_await_hangup, args=(ask,), name="hangup", daemon=True).start()
    try:
        yield
    finally:
        left.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _await_hangup(ask: Callable[[], None]) -> None:
    """Call `ask` when the terminal is gone; not every process is sent a SIGHUP then."""
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # of nothing else than its end
    (_, events), *_ = poll.poll()
    if events & select.POLLHUP:
        ask()
