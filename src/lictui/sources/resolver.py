"""An event loop in which a name that nobody resolves holds up nobody: not a poll, not the exit.

asyncio looks names up in a handful of threads that every task shares and that the interpreter waits
for at its end; one dead DNS server would make 300 license servers wait for it. Owns the threads of
look-ups. Must not know who connects where.
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
    """A loop like asyncio's, but that every look-up has a thread of its own."""
    loop = asyncio.new_event_loop()

    async def getaddrinfo(host: Any, port: Any, **hints: int) -> list[Any]:
        found: asyncio.Future[list[Any]] = loop.create_future()

        def settle(addresses: list[Any], error: Exception | None) -> None:
            if found.done():
                return  # whoever asked has given up
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
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, addresses, error)

        threading.Thread(target=look_up, name=f"look up {host!r}", daemon=True).start()
        return await found

    # There is no setting for it; the loop looks its own method up like any other.
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` in such a loop."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)
