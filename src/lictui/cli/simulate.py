"""`lictui simulate`: the simulated license servers of the demo on their own, until a signal."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lictui.cli.context import handling_signals
from lictui.cli.options import CommandContext, option, seed_option
from lictui.clock import Clock, SystemClock
from lictui.errors import UsageError
from lictui.paths import Paths, make_folder, resolve_paths
from lictui.simulator.demo import SIMULATED_DIR, serve_estate, write_history
from lictui.simulator.estate import SimulatedEstate
from lictui.sources.process import raise_file_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lictui.model import Server

_FILES_PER_SERVER = 4  # open sockets and files


@click.command(epilog="Example: lictui simulate --scale 100 --no-history")
@seed_option
@option(
    "--speed",
    "Simulated seconds per second.",
    "X",
    type=click.FloatRange(min=1.0, max=3600.0),
    default=1.0,
)
@option("--host", "Listen address.", "ADDRESS", default="127.0.0.1")
@option(
    "--base-port",
    "First port; servers listen on N, N+1, ….",
    "N",
    type=click.IntRange(1, 65535),
    show_default="any free ports",
)
@option("--no-history", "Skip generating one year of history (ten seconds for 100 servers).")
@option(
    "--scale",
    "Number of similar license servers to simulate instead of the company of the demo.",
    "SERVERS",
    type=click.IntRange(1, 5000),
)
@click.pass_obj
def simulate(
    context: CommandContext,
    /,
    *,
    seed: int,
    speed: float,
    host: str,
    base_port: int | None,
    no_history: bool,
    scale: int | None,
) -> int:
    """Run simulated license servers and create a matching configuration.

    Files are temporary, unless --config-dir and --data-dir are given.
    """
    clock = SystemClock(speed)
    estate = SimulatedEstate(seed, clock.now(), scale=scale or 0)
    raise_file_limit(_FILES_PER_SERVER * len(estate.servers))
    with ExitStack() as stack:
        paths = _prepare_paths(context.paths, stack, with_history=not no_history)
        return asyncio.run(
            _serve(estate, clock, paths, host, base_port or 0, with_history=not no_history)
        )


async def _serve(
    estate: SimulatedEstate,
    clock: Clock,
    paths: Paths,
    host: str,
    base_port: int,
    *,
    with_history: bool,
) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[int] = asyncio.Queue()

    def on_signal(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(received.put_nowait, number)

    with handling_signals(on_signal, "SIGTERM", "SIGINT"):
        if with_history:
            click.echo("lictui: generating one year of history …", err=True)
            await asyncio.to_thread(write_history, estate, paths, clock)
        serving = serve_estate(estate, clock, paths.config_dir, host=host, base_port=base_port)
        async with serving as servers:
            _print_servers(servers, paths)
            return 130 if await received.get() == signal.SIGINT else 0


def _prepare_paths(requested: Paths, stack: ExitStack, *, with_history: bool) -> Paths:
    """Create the requested directories, with temporary ones instead of the user's own."""
    own = resolve_paths()
    config, data = requested.config_dir, requested.data_dir
    if config == own.config_dir or data == own.data_dir:
        temporary = tempfile.TemporaryDirectory(prefix="lictui-", ignore_cleanup_errors=True)
        root = Path(stack.enter_context(temporary))
        config = root / "config" if config == own.config_dir else config
        data = root / "data" if data == own.data_dir else data
    paths = Paths(config, data)
    if paths.servers.exists() and not (config / SIMULATED_DIR).is_dir():
        raise UsageError(f"{config} already contains servers.toml", "use an empty --config-dir")
    if with_history and paths.history.exists():
        raise UsageError(
            f"{data} already contains history.db", "use an empty --data-dir, or add --no-history"
        )
    try:
        make_folder(config)
        make_folder(data)
    except OSError as error:
        raise UsageError(f"cannot create {error.filename}: {error.strerror}") from None
    return paths


def _print_servers(servers: Sequence[Server], paths: Paths) -> None:
    click.echo(f"{len(servers)} simulated license servers. Press Ctrl+C to stop. Connect with:\n")
    directories = f"--config-dir {shlex.quote(str(paths.config_dir))}"
    click.echo(f"  lictui {directories} --data-dir {shlex.quote(str(paths.data_dir))}\n")
    width = max(len(server.name) for server in servers)
    source_width = max(len(server.source) for server in servers)
    for server in servers:
        address = server.url or server.address or shlex.join(server.command)
        click.echo(f"  {server.name.ljust(width)}  {server.source.ljust(source_width)}  {address}")
    sys.stdout.flush()
