from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lictui.config.settings import Retention
from lictui.engine.engine import LEASE_SECONDS, Lease
from lictui.history.store import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.clock import FakeClock


@pytest.fixture
def history(tmp_path: Path, clock: FakeClock) -> Iterator[History]:
    with History.open(tmp_path / "history.db", Retention(), clock) as history:
        yield history


def test_one_polls_and_the_other_follows(history: History, clock: FakeClock) -> None:
    one, other = Lease(history, clock), Lease(history, clock)
    assert one.renew()
    assert not other.renew()
    one.release()
    assert other.renew()
    assert not one.renew()


async def test_a_holder_that_does_not_renew_is_replaced(history: History, clock: FakeClock) -> None:
    one, other = Lease(history, clock), Lease(history, clock)
    assert one.renew()
    await clock.advance(LEASE_SECONDS - 1)
    assert not other.renew()
    await clock.advance(2)
    assert other.renew()


def test_a_holder_that_was_killed_is_replaced_at_once(history: History, clock: FakeClock) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = Lease(history, clock)
    dead.holder = f"{socket.gethostname()}:{ended.pid}:1"
    assert dead.renew()
    assert Lease(history, clock).renew()


@pytest.mark.parametrize("holder", ["elsewhere:1:a", "{host}:{pid}:b", "?"])
def test_any_other_holder_is_waited_for(history: History, clock: FakeClock, holder: str) -> None:
    other = Lease(history, clock)
    other.holder = holder.format(host=socket.gethostname(), pid=os.getpid())
    assert other.renew()
    assert not Lease(history, clock).renew()


def test_without_a_history_there_is_nobody_to_share_with(clock: FakeClock) -> None:
    lease = Lease(None, clock)
    assert lease.renew()
    lease.release()
