"""`lictui serve` in Chromium: the token opens the monitor, and keys reach it."""

import asyncio
import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.end_to_end.conftest import Program
from tests.support.tcp_server import free_port

_TOKEN = "correct horse battery"
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update --window-size=1200,700"
    " --remote-debugging-port=0 about:blank"
)


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """Run Chromium; yields the URL of its DevTools protocol."""
    command = ["chromium", f"--user-data-dir={folder}", *_CHROMIUM.split()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = iter(process.stderr.readline, "")
        port = next(line for line in lines if "DevTools listening" in line).split("/")[2]
        yield f"http://{port}/json"
        process.kill()


class Page:
    """A page of Chromium, by its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        await self._socket.send_json(message)
        while True:
            reply = await self._socket.receive_json()
            if reply.get("id") == self._number:
                result: dict[str, Any] = reply.get("result", {})
                return result

    async def run(self, script: str) -> bool:
        """Run JavaScript until its promise is kept; False if the page was left meanwhile."""
        reply = await self.call("Runtime.evaluate", expression=script, awaitPromise=True)
        return "value" in reply.get("result", {})

    async def wait(self, condition: str) -> None:
        check = f"if ({condition}) {{ clearInterval(timer); done(true) }}"
        script = f"new Promise(done => {{ const timer = setInterval(() => {{ {check} }}, 50) }})"
        while not await self.run(script):
            pass

    async def picture(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def changed(self, before: bytes, is_enough: Callable[[bytes], bool]) -> bytes:
        while (picture := await self.picture()) == before or not is_enough(picture):
            pass
        return picture


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
async def test_browser_shows_the_monitor_after_the_token(program: Program, tmp_path: Path) -> None:
    program.record()
    address = f"127.0.0.1:{free_port()}"
    program.environment["PAGE_TOKEN"] = _TOKEN
    serving = program.start("serve", "--listen", address, "--token", "env:PAGE_TOKEN")
    assert serving.stderr
    assert f"serving http://{address}" in serving.stderr.readline()
    with chromium(tmp_path / "profile") as url:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            tabs = await (await session.get(url)).json()
            (tab,) = (tab for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Page.navigate", url=f"http://{address}/")
                await page.wait("document.forms.length == 1")
                login = await page.picture()
                token = f"document.forms[0].token.value = '{_TOKEN}'; document.forms[0].submit()"
                await page.run(token)
                await page.wait("document.body.classList.contains('-first-byte')")
                dashboard = await page.changed(login, lambda picture: len(picture) > 8000)
                for kind in ("mousePressed", "mouseReleased"):  # the page gets the keys
                    click = {"x": 600, "y": 600, "button": "left", "clickCount": 1}
                    await page.call("Input.dispatchMouseEvent", type=kind, **click)
                await page.call("Input.dispatchKeyEvent", type="keyDown", key="?", text="?")
                await page.changed(dashboard, lambda picture: len(picture) > 8000)
    serving.terminate()
    _, log = serving.communicate(timeout=10)
    assert serving.returncode == 0
    assert "refused: not signed in ('/')" in log
    assert "signed in" in log
    assert "opened a page" in log
