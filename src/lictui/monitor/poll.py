"""One poll of one server: whatever happens becomes a value, within the deadline.

Owns the last line of defence between a source and the engine. Must not know when to poll.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lictui.model import Failure, FailureKind, Poll
from lictui.monitor.divisor import divided
from lictui.sources.source import SourceError, ignore

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.model import Server, Snapshot
    from lictui.sources.source import Source

_log = logging.getLogger(__name__)


async def poll(server: Server, source: Source, timeout: float, clock: Clock) -> Poll:  # noqa: ASYNC109 - the deadline is this function's whole point
    """Read `server` once through `source`, given up after `timeout` seconds; never raises.

    Latency and deadline are seconds of the wire, even where the clock is a simulated one.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = divided(await _fetch(server, source, timeout), server.quantity_divisor)
    return Poll(server.name, clock.now(), loop.time() - started, result)


async def _fetch(server: Server, source: Source, deadline: float) -> Snapshot | Failure:
    try:
        async with asyncio.timeout(deadline):
            return await source.fetch(ignore)
    except SourceError as error:
        return error.failure
    except TimeoutError:
        return Failure(
            FailureKind.TIMEOUT,
            f"no complete answer within {deadline:g} s",
            "the server answers too slowly: look at its load, or raise [polling] timeout",
        )
    except Exception as error:  # noqa: BLE001 - a defect of one source must not stop the others
        _log.exception("poll of %s", server.name)
        return Failure(
            FailureKind.PROTOCOL,
            f"an answer lictui did not expect ({type(error).__name__})",
            "lictui.log has the details; please report them",
        )
