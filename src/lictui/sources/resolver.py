"""Event loop with one daemon thread per DNS look-up.

asyncio looks names up in a few threads that all tasks share and that the interpreter waits for at
exit: one dead DNS server would delay the polls of 300 license servers, and the exit.
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
    """Return an event loop whose DNS look-ups cannot block each other."""
    loop = asyncio.new_event_loop()

    async def getaddrinfo(host: Any, port: Any, **hints: int) -> list[Any]:
        result: asyncio.Future[list[Any]] = loop.create_future()

        def finish(addresses: list[Any], error: Exception | None) -> None:
            if result.done():
                return  # the caller was canceled
            if error:
                result.set_exception(error)
            else:
                result.set_result(addresses)

        def look_up() -> None:
            addresses: list[Any] = []
            failure: Exception | None = None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except (OSError, UnicodeError) as error:
                failure = error
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(finish, addresses, failure)

        threading.Thread(target=look_up, name=f"look up {host!r}", daemon=True).start()
        return await result

    # asyncio has no setting for it, but calls this method of the loop.
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run `coroutine` in such a loop, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(coroutine)
