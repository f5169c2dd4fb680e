"""HTTP to the long-term engine: remote write, and queries of the Prometheus API."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from msgspec.structs import replace

from lictui.longterm.wire import InvalidAnswerError, parse_series, write_request
from lictui.model import FailureKind, Server, SourceName, Step
from lictui.sources.http import HttpClient, reply_json, status_error
from lictui.sources.source import ErrorRule, parse_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lictui.config.settings import Limits, LongTermSettings
    from lictui.longterm.wire import PushedSeries, QueriedSeries
    from lictui.sources.http import HttpReply

_TIMEOUT: Final = 60.0  # seconds for one request: a year of one pool takes less than one
_MAX_REPLY: Final = 128 * 1024 * 1024  # bytes; requests are cut so that answers are much smaller
_RULES: Final = (
    ErrorRule((400, 422), FailureKind.PROTOCOL, "request refused", "See the log of the engine."),
    ErrorRule((401,), FailureKind.AUTH, "not authorized", "Set engine_secret in [history]."),
    ErrorRule((403,), FailureKind.FORBIDDEN, "access denied", "Check the rights of the account."),
    ErrorRule((404, 405), FailureKind.NO_DATA, "no such API", "Check the path of the URL."),
    ErrorRule((429,), FailureKind.RATE_LIMITED, "rate limited", "lictui retries later."),
    ErrorRule(range(500, 600), FailureKind.UNAVAILABLE, "temporarily unavailable"),
    ErrorRule(None, FailureKind.PROTOCOL, "unexpected status", "Check the URL."),
)
_WRITE_HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class PrometheusClient:
    """Connections to the engine, until they are closed. Methods raise SourceError.

    Nothing is sent twice: whether a request that failed was carried out is not known.
    """

    def __init__(self, settings: LongTermSettings, limits: Limits) -> None:
        self.settings = settings
        self.can_read = bool(settings.engine)
        limits = replace(limits, timeout=_TIMEOUT, max_reply=_MAX_REPLY)
        self._writing, self._reading = (
            HttpClient(_server(settings, url), limits) for url in (settings.push, settings.engine)
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._writing.aclose()
        await self._reading.aclose()

    async def write(self, series: Iterable[PushedSeries]) -> None:
        """Push samples: all of them are stored when this returns."""
        body = write_request(series)
        await self._request(self._writing, self.settings.push, body, _WRITE_HEADERS)

    async def raw_samples(self, selector: str, start: int, stop: int) -> list[QueriedSeries]:
        """Return the samples in [start, stop) of all series that match, as they were stored."""
        # A selector with a range, at one time, is answered with samples, not with points of a
        # graph. Whether its start is a part of it differs: no sample is there.
        query = f"{selector}[{(stop - start) * 1000 - 1}ms]"
        return await self._query("query", query=query, time=stop - 1)

    async def grid(self, query: str, start: int, stop: int, step: int) -> list[QueriedSeries]:
        """Return the points of a query every `step` seconds."""
        return await self._query("query_range", query=query, start=start, end=stop, step=step)

    async def _query(self, path: str, **parameters: object) -> list[QueriedSeries]:
        url = f"{self.settings.engine}/api/v1/{path}"
        form = urlencode(parameters | {"nocache": 1}).encode()
        reply = await self._request(self._reading, url, form, _FORM)
        try:
            return parse_series(await reply_json(reply, Step.INVENTORY))
        except InvalidAnswerError as error:
            message = f"invalid answer of {reply.address}: {reply.quote(error)}"
            raise parse_error(message, "Check that engine is a Prometheus API.") from None

    async def _request(
        self, client: HttpClient, url: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpReply:
        pairs = (line.split(":", 1) for line in self.settings.headers)
        headers = {**headers, **{name: value.strip() for name, value in pairs}}
        async with client.deadline():
            if self.settings.secret:
                headers["Authorization"] = self._authorization(await client.secret())
            reply = await client.request(
                "POST", url, step=Step.INVENTORY, headers=headers, content=body
            )
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            detail = reply.quote(reply.body[:500].decode("utf-8", "replace"))
            raise status_error(reply, _RULES, Step.INVENTORY, detail)
        return reply

    def _authorization(self, secret: str) -> str:
        if not self.settings.username:
            return f"Bearer {secret}"
        pair = f"{self.settings.username}:{secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def _server(settings: LongTermSettings, url: str) -> Server:
    return Server(
        "long-term engine",
        SourceName.COMMAND,
        url=url,
        secret=settings.secret,
        verify=settings.verify,
    )


def engine_name(url: str) -> str:
    """Return host and port of an engine, for messages."""
    return urlsplit(url).netloc
