"""Start the simulated servers: one, all of them with a config directory, or the demo."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from lictui.config.registry import save_servers
from lictui.config.settings import Retention
from lictui.errors import LictuiError, UsageError
from lictui.model import DEFAULT_INTERVAL, Server, SourceName
from lictui.paths import Paths, write_private
from lictui.simulator import FaultMode
from lictui.simulator.backfill import backfill
from lictui.simulator.cloud_server import LicensingApi
from lictui.simulator.commands import (
    CommandListener,
    CommandTarget,
    Machine,
    PowerShell,
    ProgramPaths,
    install_programs,
)
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import ServerKind, SimulatedEstate, SimulatedServer
from lictui.simulator.flexnet import FlexServer
from lictui.simulator.http import (
    ApiClient,
    Handler,
    HttpListener,
    Listener,
    ServerCertificate,
    self_signed,
)
from lictui.simulator.partner_server import PartnerApi
from lictui.simulator.winrm_auth import WindowsAccount
from lictui.simulator.winrm_server import SoapService, WinrmServer

if TYPE_CHECKING:
    import threading
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from lictui.clock import Clock
    from lictui.history.csv_reader import ImportedPool
    from lictui.simulator import License

_USER: Final = "svc-lictui"
_DOMAIN_USER: Final = f"CORP\\{_USER}"
_SITE: Final = {"source": SourceName.CVAD, "username": _DOMAIN_USER}


def _winrm(auth: str, username: str) -> dict[str, Any]:
    return {"source": SourceName.WINRM, "auth": auth, "username": username}


def _command(output: str, available: str = "") -> dict[str, Any]:
    return {"source": SourceName.COMMAND, "format": output, "licenses_available": available}


# Fields of the entry in servers.toml. What LicensesAvailable means must be configured: scripts
# disagree.
_ENTRIES: Final[dict[ServerKind, dict[str, Any]]] = {
    ServerKind.WINRM_BASIC: _winrm("basic", _USER),
    ServerKind.WINRM_NTLM: _winrm("ntlm", _DOMAIN_USER),
    ServerKind.WINRM_ENCRYPTED: _winrm("negotiate", _DOMAIN_USER),
    ServerKind.SITE: _SITE,
    ServerKind.LAS_SITE: _SITE,
    ServerKind.SITE_WITHOUT_OVERVIEW: _SITE,
    ServerKind.CLOUD: {"source": SourceName.CITRIX_CLOUD, "username": _USER},
    ServerKind.PARTNER: {"source": SourceName.PARTNER, "username": _USER},
    ServerKind.LMSTAT: {"source": SourceName.LMSTAT},
    ServerKind.INVENTORY: _command("get-licinventory", "total"),
    ServerKind.LAS_INVENTORY: _command("get-liclasinventory", "free"),
    ServerKind.WMI_JSON: _command("wmi-json"),
    ServerKind.REMOTE_LMSTAT: _command("lmstat"),
    ServerKind.UDADMIN: _command("udadmin"),
    ServerKind.CHECKMK: _command("checkmk"),
    ServerKind.LICTUI: _command("lictui"),
}


def _as_json(script: str, powershell: str = "powershell.exe") -> str:
    return f'{powershell} -NoProfile -Command "{script} | ConvertTo-Json"'


_SNAP_IN: Final = "-AdminAddress https://{name}:8083"
_WMI: Final = "Get-CimInstance -Namespace root/CitrixLicensing -ClassName Citrix_GT_License_Pool"
_COMMAND_LINES: Final = {  # that print it on the machine {name}
    "get-licinventory": _as_json(f"Get-LicInventory {_SNAP_IN}"),
    "get-liclasinventory": _as_json(f"Get-LicLasInventory {_SNAP_IN}"),
    "wmi-json": _as_json(_WMI, "pwsh"),
    "lmstat": "lmutil lmstat -a -c @{name}",
    "udadmin": "udadmin -list -a -times",
    "checkmk": "check_mk_agent",
    "lictui": "lictui status --json",
}


# Start of one server of any kind

_BY_PROGRAM: Final = (SourceName.LMSTAT, SourceName.COMMAND)


class ServerFactory(Struct, frozen=True):
    """What it takes to start one simulated server."""

    estate: SimulatedEstate
    simulated: SimulatedServer
    clock: Clock
    host: str
    port: int
    certificate: ServerCertificate | None  # None: one of its own
    programs: ProgramPaths  # for servers that are read by a command

    @property
    def password(self) -> str:
        """The password or client secret."""
        digest = sha256(f"{self.estate.seed}/{self.simulated.name}".encode()).hexdigest()
        return f"simulated-{digest[:16]}"

    def inventory(self) -> tuple[License, ...]:
        """Return the current licenses."""
        return self.simulated.inventory_at(self.clock.now())

    def fault(self) -> FaultMode:
        """Return the current fault."""
        return self.simulated.fault_at(self.clock.now())

    def start(self) -> tuple[Server, Listener]:
        """Return the server's entry, without its secret, and the listening server.

        OSError when the port is taken.
        """
        kind = self.simulated.kind
        server = Server(self.simulated.name, **_ENTRIES[kind])
        if server.source in _BY_PROGRAM:
            return self._start_command_target(server)
        certificate = None
        if kind is not ServerKind.WINRM_ENCRYPTED:
            certificate = self.certificate or self_signed(
                f"{self.simulated.name}.corp.example", now=self.estate.start
            )
            server = replace(server, verify=f"sha256:{certificate.fingerprint}")
        if kind in (ServerKind.CLOUD, ServerKind.PARTNER):
            server = replace(server, customer_id=server.name.replace("-", ""))
        answer = self._answer(server, certificate)
        listener = HttpListener(answer, certificate, self.host, self.port)
        if server.source is SourceName.PARTNER:
            server = replace(server, trust_url=listener.url)
        path = "/wsman" if server.source is SourceName.WINRM else ""
        return replace(server, url=listener.url + path), listener

    def _answer(self, server: Server, certificate: ServerCertificate | None) -> Handler:
        simulated = self.simulated
        if server.source is SourceName.WINRM:
            soap = SoapService(server.name.upper(), self.inventory, self.fault)
            account = WindowsAccount(server.username, self.password)
            return WinrmServer(soap, account, certificate).answer
        client = ApiClient(server.username, self.password, server.customer_id)
        match simulated.kind:
            case ServerKind.CLOUD:
                return LicensingApi(self.fault, self.clock, client, simulated.pools[0]).answer
            case ServerKind.PARTNER:
                return PartnerApi(self.fault, self.clock, client, simulated).answer
        return SiteApi(self.fault, self.clock, client, simulated, self.inventory).answer

    def _start_command_target(self, server: Server) -> tuple[Server, Listener]:
        simulated = self.simulated
        kind, hours = simulated.kind, simulated.region.hours
        flexnet = FlexServer(
            simulated.name,
            self.estate.seed,
            simulated.vendor,
            newline="\r\n" if simulated.vendor == "CITRIX" else "\n",  # on Windows, mostly
            airy=kind is ServerKind.REMOTE_LMSTAT,
            hours=hours,
        )
        powershell = PowerShell(is_windows_powershell=kind is not ServerKind.WMI_JSON, hours=hours)
        machine = Machine(flexnet, powershell)
        target = CommandTarget(machine, self.inventory, self.fault, self.clock, _USER)
        listener = CommandListener(target, self.host, self.port)
        host, port = listener.client_host, str(listener.port)
        if kind is ServerKind.LMSTAT:
            lmutil = str(self.programs.lmutil)
            return replace(server, address=f"{port}@{host}", lmutil=lmutil), listener
        ssh = (str(self.programs.ssh), "-p", port, f"{_USER}@{host}")
        line = _COMMAND_LINES[server.format].format(name=simulated.name)
        return replace(server, command=(*ssh, line)), listener


# Start of all servers, each on its own port, with a matching config directory


# The folder of the passwords and programs, and the sign of a simulator's config dir.
SIMULATED_DIR: Final = "simulated"
_LAST_PORT: Final = 65535
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


@asynccontextmanager
async def serve_estate(
    estate: SimulatedEstate,
    clock: Clock,
    config_dir: Path,
    *,
    speed: float = 1.0,
    host: str = "127.0.0.1",
    base_port: int = 0,
) -> AsyncIterator[tuple[Server, ...]]:
    """Serve `estate` while the block lasts, and yield the servers as servers.toml has them.

    That file, config.toml and the passwords are written to `config_dir`. `speed` is that of the
    client's clock. The ports are `base_port` and those after it, or any free ones. LictuiError when
    a port is taken.
    """
    if base_port + len(estate.servers) - 1 > _LAST_PORT:
        message = f"{len(estate.servers)} servers need ports up to {_LAST_PORT}"
        raise UsageError(message, "choose a lower base port, or let the ports be any free ones")
    shared = None
    if len(estate.servers) > _OWN_CERTIFICATE:
        shared = self_signed("licenses.corp.example", now=estate.start)
    programs = install_programs(config_dir / SIMULATED_DIR)
    async with AsyncExitStack() as stack:
        servers = []
        for at, simulated in enumerate(estate.servers):
            port = base_port + at if base_port else 0
            factory = ServerFactory(estate, simulated, clock, host, port, shared, programs)
            try:
                server, listener = factory.start()
            except OSError as error:
                reason = str(error.strerror or error).partition(" (while attempting")[0]
                raise LictuiError(
                    f"cannot listen on {host}:{port or '*'}: {reason}",
                    "choose another host or base port, or let the ports be any free ones",
                ) from None
            stack.push_async_callback(listener.aclose)
            if server.url:
                secret = config_dir / SIMULATED_DIR / simulated.name
                write_private(secret, factory.password.encode())
                server = replace(server, secret=f"file:{secret}")
            servers.append(_registered(server, simulated, speed))
        _write(config_dir, servers, speed)
        yield tuple(servers)


def _registered(server: Server, simulated: SimulatedServer, speed: float) -> Server:
    every = _EVERY[server.source] * speed
    interval = None if every == DEFAULT_INTERVAL[server.source] else every
    group, same_as = simulated.region.name, simulated.same_as
    return replace(server, group=group, interval=interval, same_as=same_as)


def _write(config_dir: Path, servers: list[Server], speed: float) -> None:
    settings = _SETTINGS.format(backoff=max(1, round(30 * speed)))
    write_private(config_dir / "config.toml", settings.encode())
    save_servers(Paths(config_dir, config_dir), servers)


def write_history(estate: SimulatedEstate, paths: Paths, clock: Clock) -> None:
    """Write the year before the estate's start into the history of `paths`. LictuiError."""
    from lictui.history.store import History  # noqa: PLC0415 - without a past there is none

    with History(paths.history, Retention(), clock) as history:
        history.import_readings(backfill(estate, estate.start))


# The demo: all servers, while their year is written in another thread


async def run_demo(
    estate: SimulatedEstate,
    clock: Clock,
    config_dir: Path,
    stopped: threading.Event,
    write: Callable[[ImportedPool, float], object],
) -> None:
    """Serve `estate` until `stopped`; pass its past to `write`, with the share done then.

    LictuiError when it cannot be served.
    """
    servers = (server for server in estate.servers if server.fault is FaultMode.NORMAL)
    count = sum(len(server.pools) for server in servers)

    def write_past() -> None:
        for number, pool in enumerate(backfill(estate, estate.start), 1):
            write(pool, number / count)
            if stopped.is_set():
                return
        stopped.wait()

    if not stopped.is_set():  # while this module was loaded
        async with serve_estate(estate, clock, config_dir, speed=clock.speed):
            await asyncio.to_thread(write_past)
