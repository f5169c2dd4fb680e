"""The place where a license server takes questions: `https://HOST:5986/wsman`.

Owns its address and the one way of posting to it. Must not know who is let in, nor what is asked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

from lictui.model import Step
from lictui.sources.address import host_port, origin
from lictui.sources.http import retrying
from lictui.sources.winrm.envelope import CONTENT_TYPE

if TYPE_CHECKING:
    from lictui.clock import Clock
    from lictui.sources.http import Link, Reply


class Endpoint:
    """One connection at a time to one address; raises SourceError when that cannot be used."""

    def __init__(self, url: str, link: Link, clock: Clock) -> None:
        base = origin(url)
        path = httpx.URL(url).raw_path
        self.url = str(base.copy_with(raw_path=path if path.strip(b"/") else b"/wsman"))
        self.host = base.host
        self.encrypted = base.scheme == "https"
        self.where = host_port(base)
        self._link, self._clock = link, clock

    async def post(
        self, body: bytes, *, authorization: str = "", content_type: str = CONTENT_TYPE
    ) -> Reply:
        """Whatever is answered to `body`; an empty one is all about the login."""
        headers = {"Content-Type": content_type}
        if authorization:
            headers["Authorization"] = authorization
        step = Step.INVENTORY if body else Step.AUTH
        send = partial(
            self._link.request, "POST", self.url, step=step, headers=headers, content=body
        )
        return await retrying(send, self._clock)

    async def reconnect(self) -> None:
        """Let the next post open a new connection."""
        await self._link.aclose()
