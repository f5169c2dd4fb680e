"""Serves so many simulated sites and prints their ports: a process of its own for the bench."""

import asyncio
import json
import resource
import sys

from tests.support.simulators import PASSWORD, USER, licenses

from lictui.clock import SystemClock
from lictui.simulator import FaultMode
from lictui.simulator.cvad_server import SiteApi
from lictui.simulator.estate import ServerKind, SimulatedServer
from lictui.simulator.http import ApiClient, HttpListener, self_signed
from lictui.simulator.usage import EMEA


async def serve(count: int) -> None:
    """Until standard input ends."""
    clock = SystemClock()
    certificate = self_signed("bench.example", now=clock.now())
    inventory = (licenses(),)
    listeners = [
        HttpListener(
            SiteApi(
                lambda: FaultMode.NORMAL,
                clock,
                ApiClient(USER, PASSWORD),
                SimulatedServer("ddc-bench", EMEA, ServerKind.SITE, ()),
                lambda: inventory,
            ).answer,
            certificate,
        )
        for _ in range(count)
    ]
    ports = [listener.port for listener in listeners]
    sys.stdout.write(json.dumps({"pin": certificate.fingerprint, "ports": ports}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for listener in listeners:
        await listener.aclose()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(int(sys.argv[1])))
