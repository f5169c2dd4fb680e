"""`lictui serve`: who gets the page, and what a page may do."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tests.cli.conftest import Cli

from lictui.cli.web import Access, WebServer
from lictui.config.secrets import secret_reference

TOKEN = "correct horse battery"
# Answers as a Textual app: what it got on its standard input, and its environment.
APP = """
import json, os, sys
out, read = sys.stdout.buffer, sys.stdin.buffer.read
def send(kind, text):
    out.write(kind + len(text).to_bytes(4, "big") + text)
    out.flush()
out.write(b"__GANGLION__\\n")
send(b"D", json.dumps(dict(os.environ)).encode())
send(b"M", b'{"type": "open_url", "url": "http://evil", "new_tab": true}')
while kind := read(1):
    data = read(int.from_bytes(read(4), "big"))
    if b"quit" in data:
        break
    send(b"D", data)
"""
Client = TestClient[web.Request, web.Application]


def web_server(access: Access, folder: Path) -> WebServer:
    program = folder / "app.py"
    program.write_text(APP)
    return WebServer([sys.executable, str(program)], "127.0.0.1", 0, "", access, 1)


async def client_of(access: Access, folder: Path) -> Client:
    server = web_server(access, folder)
    client: Client = TestClient(TestServer(await server._make_app()))
    await client.start_server()
    return client


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A page with a token."""
    client = await client_of(Access(TOKEN), tmp_path)
    yield client
    await client.close()


def origin(client: Client) -> dict[str, str]:
    return {"Origin": f"http://{client.host}:{client.port}"}


async def log_in(client: Client, token: str = TOKEN) -> int:
    reply = await client.post(
        "/login", data={"token": token}, headers=origin(client), allow_redirects=False
    )
    return reply.status


async def test_page_without_the_token_serves_nothing(client: Client) -> None:
    for path in ("/", "/ws", "/static/js/textual.js", "/download/x", "/nothing"):
        reply = await client.get(path, headers=origin(client))
        assert reply.status == 401, path
        assert "textual" not in await reply.text()
    assert await log_in(client, TOKEN[:-1]) == 401
    assert await log_in(client, "") == 401
    for headers in (
        {"Cookie": "lictui_session="},
        {"Cookie": f"lictui_session={TOKEN}"},
        {"X-Forwarded-User": "alice"},
        {"Authorization": f"Bearer {TOKEN}"},
    ):
        assert (await client.get("/", headers=headers)).status == 401


async def test_page_with_the_token_is_shown(client: Client) -> None:
    assert await log_in(client) == 303
    reply = await client.get("/")
    assert reply.status == 200
    assert "textual.js" in await reply.text()
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    (cookie,) = client.session.cookie_jar
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert (await client.get("/static/js/textual.js")).status == 200
    assert (await client.get("/static/../app_service.py")).status == 404


async def test_page_refuses_many_wrong_tokens(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {await log_in(client, f"wrong {n}") for n in range(20)} == {401}
    assert await log_in(client) == 429
    assert capsys.readouterr().err.count("127.0.0.1 refused: wrong token") == 1


async def test_refusals_of_an_address_are_counted_for_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.cli.web._LOG_INTERVAL", 0.0)
    server = web_server(Access(TOKEN), tmp_path)
    for address in ("::1", "::2", "::1", "::1"):
        server._log_refusal(address, "not signed in", " ('/')")
    log = ""
    while not log.endswith("more within a minute\n"):
        await asyncio.sleep(0)
        log += capsys.readouterr().err
    assert [line.partition(" ")[2] for line in log.splitlines()] == [
        "::1 refused: not signed in ('/')",
        "::2 refused: not signed in ('/')",
        "::1 refused: not signed in: 2 more within a minute",
    ]


async def test_other_sites_may_not_use_the_page(client: Client) -> None:
    await log_in(client)
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws_connect("/ws", headers=headers)
    reply = await client.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil"})
    assert reply.status == 403


async def test_malformed_requests_are_refused_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    form = "application/x-www-form-urlencoded"
    for kind, body in (
        (f"{form}; charset=nonsense", b"token=a"),
        (f"{form}; charset=unicode_escape", rb"token=\ud800"),
        (form, b"token=%ff\xff"),
        ("multipart/form-data; boundary=a", b"nonsense"),
    ):
        headers = {**origin(client), "Content-Type": kind}
        assert (await client.post("/login", data=body, headers=headers)).status == 400
    for headers in ({"Host": "["}, {"Origin": "http://[::1"}, {"Host": "", "Origin": ""}):
        reply = await client.post("/login", data={"token": TOKEN}, headers=headers)
        assert reply.status == 403, headers
    assert caplog.records == []


async def test_open_page_answers_to_its_own_name_only(tmp_path: Path) -> None:
    client = await client_of(Access(), tmp_path)
    assert (await client.get("/")).status == 200
    reply = await client.get("/", headers={"Host": "evil.example"})  # DNS rebinding
    assert (reply.status, await reply.text()) == (403, "unknown host name")
    await client.close()


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 403)])
async def test_header_counts_only_from_the_proxy(tmp_path: Path, network: str, status: int) -> None:
    access = Access("", "X-Remote-User", (ip_network(network),))
    client = await client_of(access, tmp_path)
    assert (await client.get("/", headers={"X-Remote-User": "alice"})).status == status
    assert (await client.get("/")).status == 403
    await client.close()


async def test_slow_clients_keep_out_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictui.cli.web._CONNECTING", 0.0)
    monkeypatch.setattr("lictui.cli.web._REQUEST_TIMEOUT", 0.1)
    monkeypatch.setattr("lictui.cli.web._MAX_CONNECTIONS", 2)
    server = web_server(Access(), tmp_path)
    async with server.listening() as listening:
        port = listening.sockets[0].getsockname()[1]
        assert server.public_url == f"http://127.0.0.1:{port}"
        headers = {"Origin": f"http://127.0.0.1:{port}"}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{port}/ws", headers=headers) as page,
        ):
            assert json.loads(await page.receive_bytes())
            slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            for _, writer in slow:
                writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            for reader, writer in slow:  # the last one at once, the others after their time
                with suppress(ConnectionError):
                    assert await reader.read() == b""
                writer.close()
            await page.send_json(["stdin", "x"])
            assert b"x" in await page.receive_bytes()


async def test_page_runs_one_process_without_secrets_and_with_a_bounded_size(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("P", "hunter2")
    secret_reference("env:P")  # as the files of the user are read
    await log_in(client)
    page = await client.ws_connect("/ws?width=99999&height=7", headers=origin(client))
    environment = json.loads((await page.receive()).data)
    assert (environment["COLUMNS"], environment["ROWS"]) == ("500", "7")
    assert "P" not in environment
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await client.ws_connect("/ws", headers=origin(client))
    await page.send_json(["stdin", "q"])
    assert (await page.receive()).data == b"q"  # and nothing of the URL to open
    await page.send_json(["resize", {"width": 10**9, "height": 1}])
    assert json.loads((await page.receive()).data) == {"type": "resize", "width": 500, "height": 5}
    await page.send_json(["resize", "nonsense"])
    assert (await page.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    await asyncio.sleep(0)
    again = await client.ws_connect("/ws", headers=origin(client))  # the place is free again
    assert (await again.receive()).type is aiohttp.WSMsgType.BINARY
    await again.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--listen", "0.0.0.0:8000"], "a token or a reverse proxy is required"),
        (["--listen", "8000"], "invalid address '8000'"),
        (["--token", "hunter2"], "--token: "),
        (["--token", "env:P"], "the token has fewer than 16 characters"),
        (["--user-header", "X-User"], "--user-header and --proxy belong together"),
        (["--user-header", "X-User", "--proxy", "10.0.0"], "invalid address '10.0.0'"),
        (["--theme", "nope"], "no theme is called"),
        (["--public-url", "licenses"], "invalid URL"),
    ],
)
def test_serve_refuses_what_is_unsafe_or_wrong(cli: Cli, options: list[str], message: str) -> None:
    assert message in cli("serve", *options, code=2).err
