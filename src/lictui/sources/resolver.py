"""An event loop in which a hanging DNS look-up blocks neither polls nor exit.

asyncio resolves names in a few threads that all tasks share and that the interpreter waits for at
its end; one dead DNS server would stop 300 license servers. Here each look-up has its own daemon
thread.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

_T = TypeVar("_T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An asyncio loop with one daemon thread per DNS look-up."""
    loop = asyncio.new_event_loop()

    async def getaddrinfo(host: Any, port: Any, **hints: int) -> list[Any]:
        found: asyncio.Future[list[Any]] = loop.create_future()

        def settle(addresses: list[Any], error: Exception | None) -> None:
            if found.done():
                return  # the caller has given up
            if error:
                found.set_exception(error)
            else:
                found.set_result(addresses)

        def look_up() -> None:
            addresses: list[Any] = []
            error: Exception | None = None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except (OSError, UnicodeError) as trouble:
                error = trouble
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, addresses, error)

        threading.Thread(target=look_up, name=f"look up {host!r}", daemon=True).start()
        return await found

    # asyncio has no setting for it; the loop calls its own method like any other.
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run like `asyncio.run`, in such a loop."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)
