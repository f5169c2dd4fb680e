"""The web server of `lictui serve`: access control, and one process for each page.

textual-serve draws a Textual app in a browser: the page sends keys over a WebSocket, which go to
the standard input of a process, and shows what it prints. Everything that decides about access is
here, and nothing but the page, its static files and the WebSocket is served.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import os
import secrets
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp_jinja2
import jinja2
from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

from lictui.clock import SystemClock, iso
from lictui.config.secrets import child_environment

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_COOKIE: Final = "lictui_session"
_COOKIE_SECONDS: Final = 12 * 3600
_MAX_LOGINS: Final = 1000  # the oldest ones are forgotten
_MAX_FAILURES: Final = 20  # of one address, until the next correct token
_MAX_ADDRESSES: Final = 10_000
_MAX_MESSAGE: Final = 64 * 1024  # bytes from a page
_MAX_COLUMNS, _MAX_ROWS = 500, 200
_STOP_TIMEOUT: Final = 4.0  # seconds
_REQUEST_TIMEOUT: Final = 20.0  # seconds of a connection that is not a page, however slow it is
_MAX_CONNECTIONS: Final = 64  # of one address, pages not counted; a reverse proxy is one address
_CONNECTING: Final = 0.1  # seconds until they are counted
_LOG_INTERVAL: Final = 60.0  # seconds in which what is refused again is counted, not logged
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_LOGIN_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>lictui</title>
<style>body{{font:16px system-ui;background:#0f172a;color:#e2e8f0;display:grid;place-items:center;
height:90vh}}input,button{{font:inherit;padding:.4em}}</style>
<form method="post" action="/login"><h1>lictui</h1><p>{message}</p>
<input type="password" name="token" aria-label="Token" autofocus required>
<button>Show the monitor</button></form></html>"""


class Access(NamedTuple):
    """Who may see the page: users with the token, or those that a reverse proxy authenticated."""

    token: str = ""
    user_header: str = ""
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether everybody on this machine may see the page."""
        return not (self.token or self.user_header)

    def proxy_user(self, request: web.Request) -> str:
        """Return the user that a trusted proxy names, or ""."""
        try:
            peer = ipaddress.ip_address((request.remote or "").partition("%")[0])
        except ValueError:
            return ""
        if not self.user_header or not any(peer in network for network in self.proxies):
            return ""
        return request.headers.get(self.user_header, "").strip()


class WebServer(Server):
    """Serves the page on one address."""

    def __init__(
        self,
        command: Sequence[str],
        host: str,
        port: int,
        public_url: str,
        access: Access,
        sessions: int,
    ) -> None:
        shown = f"[{host}]" if ":" in host else host
        url = public_url.rstrip("/") or f"http://{shown}:{port}"
        super().__init__("", host, port, "lictui", url)
        self._arguments = list(command)
        self._access = access
        self._limit = sessions
        self._pages: set[web.RequestHandler] = set()  # connections that are a page
        self._logins: dict[str, float] = {}  # cookie -> until when, of the monotonic clock
        self._failures = Counter[str]()  # by address
        self._refusals = Counter[str]()  # within _LOG_INTERVAL, by address and reason
        self._clock = SystemClock()

    async def serve_until_signal(self) -> None:
        """Serve until SIGINT, SIGTERM or SIGHUP. Raises OSError if the address cannot be used."""
        logging.getLogger("textual-serve").setLevel(logging.CRITICAL)  # it prints tracebacks
        ended = asyncio.Event()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with suppress(NotImplementedError, AttributeError):  # Windows
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), ended.set)
        async with self.listening():
            self._log(f"serving {self.public_url}, at most {self._limit} pages at once")
            await ended.wait()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Server]:
        """Serve during a block. Raises OSError if the address cannot be used."""
        runner = web.AppRunner(await self._make_app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        server: Any = runner.server  # created by `setup`
        loop, connect = asyncio.get_running_loop(), partial(self._connect, server)
        try:
            async with await loop.create_server(connect, self.host, self.port) as listening:
                if self.public_url.endswith(":0"):  # any free port
                    port = listening.sockets[0].getsockname()[1]
                    self.public_url = f"{self.public_url.removesuffix('0')}{port}"
                yield listening
        finally:
            await runner.cleanup()

    # Connections: who sends a request slowly, or none, must not keep out others

    def _connect(self, server: web.Server) -> asyncio.Protocol:
        connection, loop = server(), asyncio.get_running_loop()
        loop.call_later(_CONNECTING, self._limit_address, server, connection)
        loop.call_later(_REQUEST_TIMEOUT, self._end, connection)
        return connection

    def _limit_address(self, server: web.Server, connection: web.RequestHandler) -> None:
        address = _address(connection)
        same = (c for c in server.connections if _address(c) == address and c not in self._pages)
        if sum(1 for _ in same) > _MAX_CONNECTIONS:
            self._log_refusal(address, f"{_MAX_CONNECTIONS} connections are open")
            self._end(connection)

    def _end(self, connection: web.RequestHandler) -> None:
        if connection not in self._pages and connection.transport is not None:
            connection.transport.abort()

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(self.templates_path))
        app.add_routes(
            [
                web.get("/", self.handle_index, name="index"),
                web.post("/login", self._log_in),
                web.get("/ws", self.handle_websocket, name="websocket"),
                web.static("/static", self.statics_path, name="static"),
            ]
        )
        return app

    # Access

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if refusal := self._refusal(request):
            self._log_refusal(request.remote, refusal, f" ({request.method} {request.path!r})")
            response: web.StreamResponse = web.Response(status=403, text=refusal)
        elif request.path != "/login" and not self._is_admitted(request):
            self._log_refusal(request.remote, "not signed in", f" ({request.path!r})")
            response = self._login_page("Enter the token of this page.", 401)
        else:
            response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.force_close()  # one request for each connection, which has a limited time
        return response

    def _refusal(self, request: web.Request) -> str:
        """Return why a request is refused for every user; "" if it is not."""
        public = urlsplit(self.public_url)
        try:
            host = urlsplit(f"//{request.host}")
            origin = urlsplit(request.headers.get("Origin", ""))
        except ValueError:
            return "malformed"
        # A page of another site may reach this machine by a name of its own (DNS rebinding).
        if self._access.is_open and host.hostname not in {*_LOOPBACK_NAMES, public.hostname}:
            return "unknown host name"
        is_own = origin.netloc != "" and origin.netloc in (request.host, public.netloc)
        # Browsers let every site open a WebSocket to every other one.
        needs_origin = request.path == "/ws" or request.method == "POST"
        return "" if is_own or not needs_origin else "another site"

    def _is_admitted(self, request: web.Request) -> bool:
        if self._access.is_open or self._access.proxy_user(request):
            return True
        until = self._logins.get(request.cookies.get(_COOKIE, ""), 0.0)
        return until > self._clock.monotonic()

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        address = str(request.remote)
        try:
            token = str((await request.post()).get("token", "")).encode()
        except (ValueError, LookupError) as error:  # an unknown or a wrong encoding
            self._log_refusal(address, "malformed")
            raise web.HTTPBadRequest from error
        if self._failures[address] >= _MAX_FAILURES:
            self._log_refusal(address, "too many wrong tokens")
            return self._login_page("Too many wrong tokens. Restart lictui serve.", 429)
        right = self._access.token
        if not right or not hmac.compare_digest(token, right.encode()):
            if len(self._failures) >= _MAX_ADDRESSES:
                self._failures.clear()
            self._failures[address] += 1
            self._log_refusal(address, "wrong token")
            return self._login_page("This token is wrong.", 401)
        del self._failures[address]
        self._log(f"{address} signed in")
        cookie = secrets.token_urlsafe(32)
        self._logins[cookie] = self._clock.monotonic() + _COOKIE_SECONDS
        self._logins = dict(list(self._logins.items())[-_MAX_LOGINS:])
        response = web.Response(status=303, headers={"Location": "/"})
        is_https = self.public_url.startswith("https:")
        response.set_cookie(
            _COOKIE,
            cookie,
            max_age=_COOKIE_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=is_https,
        )
        return response

    def _login_page(self, message: str, status: int) -> web.Response:
        if not self._access.token:
            return web.Response(status=403, text="only through the reverse proxy")
        page = _LOGIN_PAGE.format(message=escape(message))
        return web.Response(status=status, text=page, content_type="text/html")

    def _log_refusal(self, address: str | None, reason: str, details: str = "") -> None:
        """Log the first one; a minute later, how many more there were."""
        key = f"{address} refused: {reason}"
        self._refusals[key] += 1
        if self._refusals[key] == 1:
            self._log(key + details)
            asyncio.get_running_loop().call_later(_LOG_INTERVAL, self._log_count, key)

    def _log_count(self, key: str) -> None:
        if more := self._refusals.pop(key) - 1:
            self._log(f"{key}: {more} more within a minute")

    def _log(self, message: str) -> None:
        print(f"{iso(self._clock.now())} {message}", file=sys.stderr, flush=True)  # noqa: T201

    # Pages

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a monitor for as long as the page is open."""
        if len(self._pages) >= self._limit:
            self._log_refusal(request.remote, f"{self._limit} pages are open")
            raise web.HTTPServiceUnavailable(text="too many pages are open")
        self._pages.add(request.protocol)
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=_MAX_MESSAGE)
        session = Session(
            self._arguments,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,
            download_manager=self.download_manager,
        )
        user = self._access.proxy_user(request)
        self._log(f"{request.remote}{f' {user!r}' if user else ''} opened a page")
        try:
            await websocket.prepare(request)
            width, height = (request.query.get(name, "") for name in ("width", "height"))
            await session.start(*_bounded(to_int(width, 80), to_int(height, 24)))
            # A page may send anything: an invalid message ends its session.
            with suppress(AssertionError, LookupError, TypeError, ValueError, AttributeError):
                await self._process_messages(websocket, session)
        finally:
            self._pages.discard(request.protocol)
            await session.stop()
        return websocket


class Session(AppService):
    """The process of one page, which only gets keys and sizes, and only draws."""

    def __init__(self, arguments: Sequence[str], **callbacks: Any) -> None:
        super().__init__("", **callbacks)
        self._arguments = arguments

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        changes = self._build_environment(width, height).items() - dict(os.environ).items()
        environment = child_environment() | dict(changes)
        environment |= {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        self._stdin = self._process.stdin
        return self._process

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Tell the process about the new size; a page may claim any."""
        await super().set_terminal_size(*_bounded(width, height))

    async def on_meta(self, data: bytes) -> None:
        """Let the process end its page, but open no other one and send no file."""
        if b'"exit"' in data:
            await super().on_meta(data)

    async def stop(self) -> None:
        """End the process; a process that does not end is killed."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_STOP_TIMEOUT):
                await super().stop()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _address(connection: web.RequestHandler) -> str:
    """Return the address of the other end, "" if it is closed."""
    peer = connection.transport and connection.transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _bounded(width: int, height: int) -> tuple[int, int]:
    """Return the size of a terminal that a page may have; a page may claim any."""
    return max(20, min(int(width), _MAX_COLUMNS)), max(5, min(int(height), _MAX_ROWS))
