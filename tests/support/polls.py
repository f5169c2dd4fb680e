"""One poll of a source, or one request: what it returns, or its failure."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.support.clock import FakeClock
from tests.support.fake_api import SECRET

from lictui.config.settings import Limits
from lictui.model import Failure, Server, Snapshot, Step
from lictui.sources.http import HttpClient
from lictui.sources.source import OnStep, Source, SourceError


def ignore_steps(_step: Step, _detail: str) -> None:
    """An `OnStep` for polls, where only the result counts."""


def failure_in(call: Callable[[], object]) -> Failure:
    """Return the failure in which `call()` ends."""
    with pytest.raises(SourceError) as caught:
        call()
    return caught.value.failure


async def failure_from(call: Awaitable[object]) -> Failure:
    """Return the failure in which `call` ends."""
    with pytest.raises(SourceError) as caught:
        await call
    return caught.value.failure


@asynccontextmanager
async def http_client(
    server: Server, limits: Limits, clock: FakeClock | None = None
) -> AsyncIterator[HttpClient]:
    client = HttpClient(server, limits, clock)
    try:
        yield client
    finally:
        await client.aclose()


async def poll_once(source: Source, on_step: OnStep = ignore_steps) -> Snapshot | Failure:
    try:
        return await source.fetch(on_step)
    except SourceError as error:
        return error.failure


async def snapshot_of(source: Source, on_step: OnStep = ignore_steps) -> Snapshot:
    result = await poll_once(source, on_step)
    assert isinstance(result, Snapshot), result
    return result


async def failure_of(source: Source) -> Failure:
    """Return the failure of a poll, which must say what to do and reveal nothing."""
    result = await poll_once(source)
    assert isinstance(result, Failure), result
    assert SECRET not in f"{result}"
    assert "token-" not in f"{result}"
    assert result.message
    assert result.hint
    return result
