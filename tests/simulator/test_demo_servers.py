"""The whole estate listening: a config dir that loads, servers that answer, and nothing left."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.clock import START, FakeClock

from lictui.config.loader import load_settings
from lictui.config.registry import load_servers
from lictui.config.secrets import secret_warning
from lictui.errors import LictuiError
from lictui.model import Server, SourceName
from lictui.paths import Paths
from lictui.simulator.demo import SIMULATED_DIR, serve_estate
from lictui.simulator.estate import SimulatedEstate
from lictui.sources.secrets import resolve_secret

_LOW = 23711  # a port below those that systems hand out


@pytest.fixture
def estate() -> SimulatedEstate:
    return SimulatedEstate(1, START)


@pytest.fixture
async def servers(
    estate: SimulatedEstate, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[tuple[Server, ...]]:
    async with serve_estate(estate, clock, tmp_path) as servers:
        yield servers


def _address(server: Server) -> tuple[str, int]:
    if not server.url:
        port, _, host = server.address.rpartition("@")
        if server.command:
            _, _, port, destination, _ = server.command
            host = destination.rpartition("@")[2]
        return host, int(port)
    url = httpx.URL(server.url)
    return url.host, url.port or 0


async def test_config_dir_is_loadable(servers: tuple[Server, ...], tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    assert load_servers(paths) == servers
    assert load_settings(paths).limits.timeout < 10
    assert {server.group for server in servers} == {"emea", "us", "apac"}
    assert {(server.source, server.auth) for server in servers} == {
        (SourceName.WINRM, "basic"),
        (SourceName.WINRM, "ntlm"),
        (SourceName.WINRM, "negotiate"),
        *((source, "") for source in SourceName if source is not SourceName.WINRM),
    }


@pytest.mark.parametrize(
    ("host", "client_host"),
    [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::1", "::1")],  # noqa: S104 - on purpose
)
async def test_servers_have_the_address_that_a_client_connects_to(
    estate: SimulatedEstate,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    client_host: str,
) -> None:
    create = socket.create_server  # this machine may have no IPv6
    monkeypatch.setattr(socket, "create_server", lambda *_args, **_: create(("127.0.0.1", 0)))
    async with serve_estate(estate, clock, tmp_path, host=host) as servers:
        assert load_servers(Paths(tmp_path, tmp_path)) == servers
    assert {_address(server)[0] for server in servers} == {client_host}


async def test_files_are_readable_by_the_user_only(
    servers: tuple[Server, ...], tmp_path: Path
) -> None:
    modes = _modes(tmp_path)
    assert len(modes) >= sum(bool(server.secret) for server in servers) + 5
    assert modes.pop(tmp_path / SIMULATED_DIR) == "drwx------"
    programs = (tmp_path / SIMULATED_DIR / "lmutil", tmp_path / SIMULATED_DIR / "ssh")
    assert {modes.pop(program) for program in programs} == {"-rwx------"}
    assert set(modes.values()) == {"-rw-------"}


def _modes(folder: Path) -> dict[Path, str]:
    return {path: stat.filemode(path.stat().st_mode) for path in folder.rglob("*")}


async def test_passwords_are_only_in_their_files(
    servers: tuple[Server, ...], tmp_path: Path
) -> None:
    registry = (tmp_path / "servers.toml").read_text()
    for server in servers:
        if server.url:
            assert secret_warning(server.secret) == ""
            assert await resolve_secret(server.secret) not in registry
        else:
            assert server.secret == ""


@pytest.mark.parametrize(
    ("speed", "every", "cvad", "partner"), [(1, 15, 3, 60), (60, None, 180, None)]
)
async def test_interval_follows_the_speed_of_the_clock(
    estate: SimulatedEstate,
    clock: FakeClock,
    tmp_path: Path,
    speed: float,
    every: float | None,
    cvad: float,
    partner: float | None,
) -> None:
    async with serve_estate(estate, clock, tmp_path, speed=speed) as servers:
        intervals = {server.source: server.interval for server in servers}
    expected = dict.fromkeys(SourceName, every)
    expected |= {SourceName.CVAD: cvad, SourceName.PARTNER: partner}
    assert intervals == expected


async def test_servers_stop_listening_when_closed(
    estate: SimulatedEstate, clock: FakeClock, tmp_path: Path
) -> None:
    async with serve_estate(estate, clock, tmp_path) as servers:
        pass
    for server in servers:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*_address(server))


async def test_port_that_cannot_be_used_is_an_error_that_closes_the_others(
    estate: SimulatedEstate, clock: FakeClock, tmp_path: Path
) -> None:
    port = _LOW + 11
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    for base_port, words in (
        (port - 1, f"127.0.0.1:{port}: Address already in use$"),
        (65_530, "25 servers need ports up to 65535"),
    ):
        with pytest.raises(LictuiError, match=words):
            async with serve_estate(estate, clock, tmp_path, base_port=base_port):
                pass
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port - 1)
    taken.close()
    await taken.wait_closed()
