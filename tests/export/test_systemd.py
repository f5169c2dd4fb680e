"""The notification protocol of systemd against a socket, and the unit file."""

import os
import socket
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from tests.support.clock import FakeClock

from lictui.export.systemd import ServiceManager, unit_file


@pytest.fixture(params=["", "@"], ids=["file", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """The socket of a service manager that expects a sign of life every 30 seconds."""
    address = f"{request.param}{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0"))
        listening.setblocking(False)  # noqa: FBT003 - the name of the method says what it sets
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        yield listening


def received(manager: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(manager.recv(999).decode())
        except BlockingIOError:
            return messages


async def test_watchdog_is_fed_in_time_and_only_if_the_engine_responds(
    manager: socket.socket,
) -> None:
    clock = FakeClock()
    service = ServiceManager(clock)
    service.notify("READY=1", "STATUS=collecting")
    service.feed_watchdog(lambda _: True)  # too early
    await clock.advance(10)
    service.feed_watchdog(lambda _: False)
    assert received(manager) == ["READY=1\nSTATUS=collecting"]
    service.feed_watchdog(lambda _: True)
    service.feed_watchdog(lambda _: True)  # not again
    service.notify_reload()
    assert received(manager) == ["WATCHDOG=1", "RELOADING=1\nMONOTONIC_USEC=10000000"]


async def test_process_without_a_manager_or_of_another_service_feeds_nothing(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", "1")
    clock = FakeClock()
    service = ServiceManager(clock)
    await clock.advance(100)
    service.feed_watchdog(lambda _: True)
    assert received(manager) == []
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    ServiceManager(clock).notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    ServiceManager(clock).notify("READY=1")


def test_unit_runs_the_command_with_its_words_quoted() -> None:
    text = unit_file(
        ["/opt/a b/lictui", "--group", '100% "$x"\\'], [Path("/var/lib/node exporter")]
    )
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    service = unit["Service"]
    assert service["ExecStart"] == r'"/opt/a b/lictui" --group "100%% \"$$x\"\\"'
    assert service["ReadWritePaths"] == '"/var/lib/node exporter"'
    assert (service["Type"], service["ProtectHome"]) == ("notify", "yes")
    assert "ProtectHome=read-only" in unit_file(["/home/me/.venv/bin/lictui", "collect"])
