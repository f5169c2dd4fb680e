"""The demo without a screen: its servers in a thread, and their past if it is needed."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lictui.clock import SystemClock
from lictui.engine.thread import LoopThread
from lictui.paths import Paths
from lictui.simulator.demo import serve_estate, write_history
from lictui.simulator.estate import SimulatedEstate


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, and its configuration and data directories."""

    estate: SimulatedEstate
    clock: SystemClock
    paths: Paths


@contextmanager
def run_demo(
    seed: int = 1, speed: float = 60.0, *, past: bool = True, start: float | None = None
) -> Iterator[Demo]:
    """Serve the estate of `seed` while the `with` block lasts; leaves nothing behind."""
    clock = SystemClock(speed, start)
    estate = SimulatedEstate(seed, clock.now())
    with TemporaryDirectory(prefix="lictui-demo-", ignore_cleanup_errors=True) as folder:
        paths = Paths(Path(folder) / "config", Path(folder) / "data")
        if past:
            write_history(estate, paths, clock)
        thread, stack = LoopThread("simulator"), AsyncExitStack()
        serving = serve_estate(estate, clock, paths.config_dir, speed=speed)
        try:
            thread.submit(stack.enter_async_context(serving)).result()
            yield Demo(estate, clock, paths)
        finally:
            thread.submit(stack.aclose()).result()
            thread.stop()
