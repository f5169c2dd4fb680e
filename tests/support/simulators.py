"""Simulated license servers on real sockets, in their own thread, for end-to-end tests."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self, TypeVar

from lictui.clock import SystemClock
from lictui.simulator import FaultMode, License
from lictui.simulator.commands import Machine, serve_commands
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import ServerKind, SimulatedServer
from lictui.simulator.http import ApiClient, Listener, ServerCertificate, listen, self_signed
from lictui.simulator.usage import EMEA
from lictui.simulator.winrm_server import serve_winrm

_T = TypeVar("_T")
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
    certificate: ServerCertificate = field(
        default_factory=lambda: self_signed("lic01.corp.example", now=time.time())
    )
    listener: Listener = field(init=False)

    @property
    def pin(self) -> str:
        return f"sha256:{self.certificate.fingerprint}"


class Simulators:
    """Starts servers in their own thread; stops them when the block ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulators")
        self._listeners: list[Listener] = []
        self._clock = SystemClock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._listeners:
            self._run(listener.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def winrm(
        self, *pools: License, fault: FaultMode = FaultMode.NORMAL, **options: Any
    ) -> RunningSimulator:
        """A license server over TLS; `port` etc. go to `serve_winrm`."""
        running = RunningSimulator(pools or (licenses(),), fault)
        return self._start(
            running,
            serve_winrm(
                lambda: running.inventory,
                lambda: running.fault,
                name="LIC01",
                username=USER,
                password=PASSWORD,
                certificate=running.certificate,
                **options,
            ),
        )

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
        return self._start(running, listen(api.answer, certificate=running.certificate))

    def command_target(
        self, *pools: License, fault: FaultMode = FaultMode.NORMAL
    ) -> RunningSimulator:
        """A machine with a command line; `install` puts the programs that reach it somewhere."""
        running = RunningSimulator(pools or (licenses(),), fault)
        machine = Machine("lic01")
        serving = serve_commands(
            machine, lambda: running.inventory, lambda: running.fault, self._clock
        )
        return self._start(running, serving)

    def _start(
        self, running: RunningSimulator, serving: Coroutine[Any, Any, Listener]
    ) -> RunningSimulator:
        running.listener = self._run(serving)
        self._listeners.append(running.listener)
        return running

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
