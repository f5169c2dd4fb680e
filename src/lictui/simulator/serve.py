"""Starts every license server of the estate on a port of its own, with a config dir that fits.

Owns their order, passwords and the files a client needs. Must not know how a protocol
works. The passwords open nothing but these servers.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lictui.config.registry import save_servers
from lictui.errors import LictuiError
from lictui.model import DEFAULT_INTERVAL, SourceName
from lictui.paths import Paths, write_private
from lictui.simulator.certificate import self_signed
from lictui.simulator.doors import Place, opened
from lictui.simulator.shell import install

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.simulator.estate import Estate
    from lictui.simulator.stock import LicenseServer

# The folder of the passwords and programs, and the sign of a simulator's config dir.
SECRETS: Final = "simulated"
_OWN_CERTIFICATE: Final = 64  # more servers than this share one: a key takes time to make
# Real seconds between two polls, so that there is something to see at every speed.
_EVERY: Final = dict.fromkeys(SourceName, 15.0) | {SourceName.CVAD: 3.0, SourceName.PARTNER: 60.0}

_SETTINGS: Final = """\
# Settings for the simulated license servers; a silent one is given up on quickly.
[polling]
timeout = 4
connect_timeout = 3
max_backoff = {backoff}
"""


@dataclass(frozen=True, slots=True)
class Running:
    """The simulated license servers, listening."""

    servers: tuple[Server, ...]  # as servers.toml has them
    _stack: AsyncExitStack

    async def aclose(self) -> None:
        """Stop listening, and drop every connection."""
        await self._stack.aclose()


async def start(
    estate: Estate,
    clock: Clock,
    config_dir: Path,
    *,
    speed: float = 1.0,
    host: str = "127.0.0.1",
    base_port: int = 0,
) -> Running:
    """Serve `estate`, and write servers.toml, config.toml and the passwords to `config_dir`.

    `speed` is how fast the client's clock runs. With a `base_port` the servers listen on it and
    the ports after it, in their order. LictuiError when that is not possible.
    """
    shared = None
    if len(estate.servers) > _OWN_CERTIFICATE:
        shared = self_signed("licenses.corp.example", now=estate.start)
    programs = None
    if any(simulated.kind.is_machine for simulated in estate.servers):
        programs = install(config_dir / SECRETS)
    async with AsyncExitStack() as stack:
        servers = []
        for at, simulated in enumerate(estate.servers):
            place = Place(host, base_port + at if base_port else 0, shared)
            password = _password(estate, simulated)
            try:
                server, listener = await opened(estate, simulated, clock, place, password, programs)
            except OSError as error:
                raise LictuiError(
                    f"cannot listen on {host}:{place.port or '*'}: {error.strerror or error}",
                    "choose another host or base port, or let the ports be any free ones",
                ) from None
            stack.push_async_callback(listener.aclose)
            if not simulated.kind.is_machine:
                secret = config_dir / SECRETS / simulated.name
                write_private(secret, password.encode())
                server = replace(server, secret=f"file:{secret}")
            servers.append(_registered(server, simulated, speed))
        _write(config_dir, servers, speed)
        return Running(tuple(servers), stack.pop_all())


def _registered(server: Server, simulated: LicenseServer, speed: float) -> Server:
    every = _EVERY[server.source] * speed
    interval = None if every == DEFAULT_INTERVAL[server.source] else every
    group, same_as = simulated.region.name, simulated.same_as
    return replace(server, group=group, interval=interval, same_as=same_as)


def _password(estate: Estate, simulated: LicenseServer) -> str:
    digest = sha256(f"{estate.seed}/{simulated.name}".encode()).hexdigest()
    return f"simulated-{digest[:16]}"


def _write(config_dir: Path, servers: list[Server], speed: float) -> None:
    settings = _SETTINGS.format(backoff=max(1, round(30 * speed)))
    write_private(config_dir / "config.toml", settings.encode())
    save_servers(Paths(config_dir, config_dir), servers)
