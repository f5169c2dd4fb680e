"""Starts every license server of the estate on a port of its own, with a config dir that fits.

Owns ports, certificates, passwords and the files a client needs. Must not know how a protocol
works. The passwords open nothing but these servers.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lictui.config.registry import save_servers
from lictui.errors import LictuiError
from lictui.model import DEFAULT_INTERVAL, Server
from lictui.paths import Paths, write_private
from lictui.simulator.certificate import self_signed
from lictui.simulator.cvad import serve_cvad
from lictui.simulator.sites import site_at
from lictui.simulator.stock import Kind
from lictui.simulator.winrm.service import serve_winrm
from lictui.words import SourceName

if TYPE_CHECKING:
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.simulator.certificate import Certificate
    from lictui.simulator.estate import Estate
    from lictui.simulator.http import Listener
    from lictui.simulator.inventory import License, Mood
    from lictui.simulator.stock import LicenseServer

SECRETS: Final = "simulated"  # the folder of the passwords, and the sign of a simulator's dir
_USER: Final = "svc-lictui"
_DOMAIN: Final = "CORP"
_AUTH: Final = {Kind.BASIC: "basic", Kind.NTLM: "ntlm", Kind.SEALED: "negotiate"}
_OWN_CERTIFICATE: Final = 64  # more servers than this share one: a key takes time to make
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound
# Real seconds between two polls, so that there is something to see at every speed.
_EVERY: Final = {SourceName.WINRM: 15.0, SourceName.CVAD: 3.0}

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
    async with AsyncExitStack() as stack:
        servers = []
        for at, simulated in enumerate(estate.servers):
            place = _Place(host, base_port + at if base_port else 0, shared)
            secret = config_dir / SECRETS / simulated.name
            password = _password(estate, simulated)
            try:
                server, listener = await _serve(estate, simulated, clock, place, password)
            except OSError as error:
                raise LictuiError(
                    f"cannot listen on {host}:{place.port or '*'}: {error.strerror or error}",
                    "choose another host or base port, or let the ports be any free ones",
                ) from None
            stack.push_async_callback(listener.aclose)
            write_private(secret, password.encode())
            servers.append(_registered(server, simulated, f"file:{secret}", speed))
        _write(config_dir, servers, speed)
        return Running(tuple(servers), stack.pop_all())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one server is to listen, and the certificate that many share."""

    host: str
    port: int
    shared: Certificate | None

    def url(self, listener: Listener) -> str:
        """The origin that a client on this machine reaches it at."""
        scheme = listener.url.partition("://")[0]
        return f"{scheme}://{_ANYWHERE.get(self.host, self.host)}:{listener.port}"


async def _serve(
    estate: Estate, simulated: LicenseServer, clock: Clock, place: _Place, password: str
) -> tuple[Server, Listener]:
    """The listening server, and what a client must know of it, its secret apart."""
    name = simulated.name
    certificate = None
    if simulated.kind is not Kind.SEALED:
        certificate = place.shared or self_signed(f"{name}.corp.example", now=estate.start)
    pin = f"sha256:{certificate.fingerprint}" if certificate else True

    def inventory() -> tuple[License, ...]:
        return estate.inventory_at(name, clock.now())

    def mood() -> Mood:
        return estate.mood_at(name, clock.now())

    if simulated.kind.is_site:
        user = f"{_DOMAIN}\\{_USER}"
        listener = await serve_cvad(
            lambda: site_at(estate, simulated, clock.now()),
            inventory,
            mood,
            clock,
            username=user,
            password=password,
            certificate=certificate,
            host=place.host,
            port=place.port,
        )
        return Server(name, SourceName.CVAD, place.url(listener), user, verify=pin), listener
    user = _USER if simulated.kind is Kind.BASIC else f"{_DOMAIN}\\{_USER}"
    listener = await serve_winrm(
        inventory,
        mood,
        clock,
        name=name.upper(),
        username=user,
        password=password,
        certificate=certificate,
        host=place.host,
        port=place.port,
    )
    url = f"{place.url(listener)}/wsman"
    auth = _AUTH[simulated.kind]
    return Server(name, SourceName.WINRM, url, user, auth=auth, verify=pin), listener


def _registered(server: Server, simulated: LicenseServer, secret: str, speed: float) -> Server:
    every = _EVERY[server.source] * speed
    interval = None if every == DEFAULT_INTERVAL[server.source] else every
    return replace(server, secret=secret, group=simulated.region.name, interval=interval)


def _password(estate: Estate, simulated: LicenseServer) -> str:
    digest = sha256(f"{estate.seed}/{simulated.name}".encode()).hexdigest()
    return f"simulated-{digest[:16]}"


def _write(config_dir: Path, servers: list[Server], speed: float) -> None:
    settings = _SETTINGS.format(backoff=max(1, round(30 * speed)))
    write_private(config_dir / "config.toml", settings.encode())
    save_servers(Paths(config_dir, config_dir), servers)
