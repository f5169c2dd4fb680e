"""Metrics of a running lictui: `/metrics` over HTTP, and a file for node_exporter.

Both are served in a thread of their own from the board that was published last, so neither a slow
client nor a slow disk delays a poll.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11

from lictui.engine.board import MergedBoard
from lictui.engine.thread import LoopThread
from lictui.errors import UsageError
from lictui.export.openmetrics import CONTENT_TYPE, openmetrics_text
from lictui.paths import write_private
from lictui.sources.process import run_blocking

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.clock import Clock

_log = logging.getLogger(__name__)
_CONNECTIONS: Final = 32  # at the same time; more are closed
_CONNECTION_TIMEOUT: Final = 10.0  # seconds for request and response together
_REQUEST_SIZE: Final = 16 * 1024  # bytes of its head
_FILE_INTERVAL: Final = 5.0  # seconds between two writes of the file
_FILE_MODE: Final = 0o644  # node_exporter runs as another user


class MetricsPublisher:
    """Publishes the newest board; `publish` may be called in any thread and never waits."""

    def __init__(self, clock: Clock, textfile: Path | None = None) -> None:
        if textfile is not None and not textfile.parent.is_dir():
            raise UsageError(f"no such folder: {textfile.parent}", "create it for --textfile")
        self._clock = clock
        self._textfile = textfile
        self._board = MergedBoard()
        self._rendered: tuple[MergedBoard, bytes] | None = None
        self._changed = asyncio.Event()
        self._connections = 0
        self._server: asyncio.Server | None = None
        self._thread = LoopThread("metrics")
        if textfile is not None:
            self._thread.submit(self._write_files(textfile))

    def listen(self, host: str, port: int) -> tuple[str, int]:
        """Serve `/metrics`; return the address. Raises UsageError if that is not possible."""
        try:
            return self._thread.submit(self._listen(host, port)).result()
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None

    def publish(self, board: MergedBoard) -> None:
        """Use this board from now on."""
        self._board = board
        self._thread.notify(self._changed.set)

    def stop(self) -> None:
        """Close everything; connections that are open end with the process."""
        if self._server:
            self._thread.notify(self._server.close)
        self._thread.stop()

    def _text(self) -> bytes:
        """The metrics of the newest board, written once for each board."""
        board = self._board
        if self._rendered is None or self._rendered[0] is not board:
            self._rendered = board, openmetrics_text(board)
        return self._rendered[1]

    async def _write_files(self, file: Path) -> None:
        problem = ""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                write = partial(write_private, file, self._text(), mode=_FILE_MODE)
                await run_blocking(f"write {file}", write)
                problem = ""
            except OSError as error:
                if problem != str(error):
                    problem = str(error)
                    _log.error("metrics cannot be written: %s", problem)
            await self._clock.sleep(_FILE_INTERVAL)

    # HTTP: one request for each connection, which has a slot for a limited time

    async def _listen(self, host: str, port: int) -> tuple[str, int]:
        self._server = await asyncio.start_server(self._accept, host, port)
        address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return address

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._connections >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._connections += 1
        try:
            writer.transport.set_write_buffer_limits(0)  # `drain` waits until everything is sent
            async with asyncio.timeout(_CONNECTION_TIMEOUT):
                await self._answer(reader, writer)
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            pass
        except asyncio.CancelledError:  # lictui ends; asyncio would log it
            pass
        finally:
            self._connections -= 1
            with suppress(AttributeError):  # Python 3.11.2 cannot abort what is closed
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_SIZE)
        while not isinstance(request := connection.next_event(), h11.Request):
            if request is not h11.NEED_DATA:
                return
            connection.receive_data(await reader.read(_REQUEST_SIZE))
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
        if request.target.partition(b"?")[0] != b"/metrics":
            status, body = HTTPStatus.NOT_FOUND, b"see /metrics\n"
        elif request.method not in (b"GET", b"HEAD"):
            status, body = HTTPStatus.METHOD_NOT_ALLOWED, b"use GET\n"
            headers.append(("Allow", "GET, HEAD"))
        else:
            status, body = HTTPStatus.OK, self._text()
            headers[0] = ("Content-Type", CONTENT_TYPE)
        headers.append(("Content-Length", str(len(body))))
        events: list[h11.Event] = [
            h11.Response(status_code=status, headers=headers, reason=status.phrase)
        ]
        if request.method != b"HEAD":
            events.append(h11.Data(data=body))
        for event in (*events, h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
