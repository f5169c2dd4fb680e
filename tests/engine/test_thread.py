import asyncio
import resource
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.clock import FakeClock

from lictui.engine.thread import BackgroundTasks, run


@pytest.fixture
def dead_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every name but localhost is asked for and never answered."""
    answered = threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **hints: Any) -> Any:
        if host != "localhost":
            answered.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *arguments, **hints)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    answered.set()


async def _look_up(host: str) -> list[Any]:
    addresses = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(addresses)


@pytest.mark.usefixtures("dead_dns")
def test_unresolved_names_block_neither_other_names_nor_the_exit() -> None:
    async def look() -> list[Any]:
        dead = [asyncio.create_task(_look_up(f"dead-{number}.example")) for number in range(100)]
        await asyncio.sleep(0)
        addresses = await _look_up("localhost")
        for task in dead:
            task.cancel()
        return addresses

    assert run(look())  # and it ends, though 100 threads still wait


def test_unknown_name_raises_the_error_of_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(socket.gaierror, match="no such name"):
        run(_look_up("nowhere.example"))


def test_loop_raises_the_limit_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 9000))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limit: limits.append(limit))
    run(asyncio.sleep(0))
    assert limits == [(4096, 9000)]


async def test_task_that_ends_is_reported_and_started_again(clock: FakeClock) -> None:
    ends: list[BaseException | None] = []
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise ZeroDivisionError
        if runs == 3:
            raise asyncio.CancelledError

    tasks = BackgroundTasks(clock, lambda _name, error: ends.append(error), pause=5.0)
    tasks.start("work", work, every=1.0)
    await clock.advance(1)
    assert (runs, [type(error) for error in ends]) == (2, [ZeroDivisionError])
    await clock.advance(5)
    assert (runs, ends[1:]) == (3, [None])
    await clock.advance(7)
    assert runs == 6
    await tasks.stop()
    await clock.advance(10)
    assert (runs, len(ends)) == (6, 2)
