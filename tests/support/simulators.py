"""Simulated license servers on real sockets, in their own thread, for end-to-end tests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from lictui.clock import SystemClock
from lictui.engine.thread import LoopThread
from lictui.model import Server, SourceName
from lictui.simulator import FaultMode, License
from lictui.simulator.commands import CommandListener, CommandTarget, Machine
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import ServerKind, SimulatedServer
from lictui.simulator.flexnet import FlexServer
from lictui.simulator.http import ApiClient, HttpListener, Listener, ServerCertificate, self_signed
from lictui.simulator.usage import EMEA
from lictui.simulator.winrm_auth import WindowsAccount
from lictui.simulator.winrm_server import SoapService, WinrmServer

USER = r"CORP\svc-lictui"
PASSWORD = "a simulated password"
PREMIUM = "Citrix XenDesktop Platinum|User/Device"


def licenses(in_use: int = 412, product: str = "XDT_PLT_UD", name: str = PREMIUM) -> License:
    """One pool of 500 licenses and 50 overdraft."""
    return License(product, name, "Retail", date(2027, 12, 1), date(2028, 3, 31), 500, 50, in_use)


@dataclass
class RunningSimulator:
    """A server whose inventory and behavior may change while it runs."""

    inventory: tuple[License, ...]
    fault: FaultMode
    access: dict[str, Any] = field(default_factory=dict)  # source, URL and authentication
    certificate: ServerCertificate = field(
        default_factory=lambda: self_signed("lic01.corp.example", now=time.time())
    )
    listener: Listener = field(init=False)

    @property
    def pin(self) -> str:
        return f"sha256:{self.certificate.fingerprint}"

    def server(self, name: str, **fields: Any) -> Server:
        """Return its entry; the password is in the environment of the program."""
        login: dict[str, Any] = {"username": USER, "secret": "env:LICENSE_PASSWORD"}
        return Server(name, **self.access | login | {"verify": self.pin} | fields)


class Simulators:
    """Starts servers in their own thread; stops them when the block ends."""

    def __init__(self) -> None:
        self._thread = LoopThread("simulators")
        self._listeners: list[Listener] = []
        self._clock = SystemClock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            self._thread.submit(listener.aclose()).result()
        self._thread.stop()

    def winrm(self, *pools: License, fault: FaultMode = FaultMode.NORMAL) -> RunningSimulator:
        """A license server over TLS."""
        running = RunningSimulator(pools or (licenses(),), fault)
        soap = SoapService("LIC01", lambda: running.inventory, lambda: running.fault)
        server = WinrmServer(soap, WindowsAccount(USER, PASSWORD), running.certificate)
        self._start(running, lambda: HttpListener(server.answer, running.certificate))
        url = f"{running.listener.url}/wsman"
        running.access = {"source": SourceName.WINRM, "url": url, "auth": "basic"}
        return running

    def cvad(
        self, *pools: License, fault: FaultMode = FaultMode.NORMAL, site: str = "prod"
    ) -> RunningSimulator:
        running = RunningSimulator(pools or (licenses(),), fault)
        api = SiteApi(
            lambda: running.fault,
            self._clock,
            ApiClient(USER, PASSWORD),
            SimulatedServer(site, EMEA, ServerKind.SITE, ()),
            lambda: running.inventory,
        )
        self._start(running, lambda: HttpListener(api.answer, running.certificate))
        running.access = {"source": SourceName.CVAD, "url": running.listener.url}
        return running

    def command_target(
        self, *pools: License, fault: FaultMode = FaultMode.NORMAL
    ) -> RunningSimulator:
        """A machine with a command line; `install_programs` writes the programs that reach it."""
        running = RunningSimulator(pools or (licenses(),), fault)
        machine = Machine(FlexServer("lic01"))
        target = CommandTarget(
            machine, lambda: running.inventory, lambda: running.fault, self._clock
        )
        self._start(running, lambda: CommandListener(target))
        return running

    def _start(self, running: RunningSimulator, listen: Callable[[], Listener]) -> None:
        async def start() -> Listener:
            return listen()

        running.listener = self._thread.submit(start()).result()
        self._listeners.append(running.listener)
