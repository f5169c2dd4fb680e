"""`lictui simulate`: the protocol servers of the demo on their own, until they are told to end.

Owns where they listen and what is printed. Must not know a protocol.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lictui.errors import UsageError
from lictui.paths import Paths, make_folder, resolve_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lictui.cli.context import CommandContext
    from lictui.clock import Clock
    from lictui.model import Server
    from lictui.simulator.estate import SimulatedEstate


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Which simulated estate.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1.0, max=3600.0),
    default=1.0,
    show_default=True,
    metavar="X",
    help="Simulated seconds a second.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--base-port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Listen on N and the ports after it.  [default: any free ports]",
)
@click.option(
    "--no-history",
    is_flag=True,
    help="Leave out the year before now, which takes 100 servers half a minute to write.",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 5000),
    metavar="SERVERS",
    help="Simulate this many similar license servers instead of the company of the demo.",
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
    """Serve simulated license servers, with a config dir that is ready to use.

    With --config-dir and --data-dir the files stay there; else they are temporary.
    """
    from lictui.clock import SystemClock  # noqa: PLC0415 - `--help` needs no simulator
    from lictui.simulator.estate import SimulatedEstate  # noqa: PLC0415 - as above

    clock = SystemClock(speed)
    estate = SimulatedEstate(seed, clock.now(), scale=scale or 0)
    _allow_files(4 * len(estate.servers))
    with ExitStack() as stack:
        paths = _places(context.paths, stack, past=not no_history)
        return asyncio.run(_serve(estate, clock, paths, host, base_port or 0, past=not no_history))


async def _serve(
    estate: SimulatedEstate, clock: Clock, paths: Paths, host: str, base_port: int, *, past: bool
) -> int:
    from lictui.simulator.demo import start_servers, write_history  # noqa: PLC0415 - `--help` needs no simulator

    loop = asyncio.get_running_loop()
    received: asyncio.Queue[int] = asyncio.Queue()

    def end(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(received.put_nowait, number)

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        if past:
            click.echo("lictui: writing down the year before now", err=True)
            await asyncio.to_thread(write_history, estate, paths, clock)
        running = await start_servers(
            estate, clock, paths.config_dir, host=host, base_port=base_port
        )
        try:
            _tell(running.servers, paths)
            return 130 if await received.get() == signal.SIGINT else 0
        finally:
            await running.aclose()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _places(asked: Paths, stack: ExitStack, *, past: bool) -> Paths:
    """The folders asked for, as far as they are; temporary ones in place of the user's own."""
    own = resolve_paths()
    config, data = asked.config_dir, asked.data_dir
    if config == own.config_dir or data == own.data_dir:
        folder = tempfile.TemporaryDirectory(prefix="lictui-", ignore_cleanup_errors=True)
        root = Path(stack.enter_context(folder))
        config = root / "config" if config == own.config_dir else config
        data = root / "data" if data == own.data_dir else data
    paths = Paths(config, data)
    from lictui.simulator.demo import SIMULATED_DIR  # noqa: PLC0415 - as above

    if paths.servers.exists() and not (config / SIMULATED_DIR).is_dir():
        raise UsageError(f"{config} holds a registry of its own", "name an empty --config-dir")
    if past and paths.history.exists():
        raise UsageError(
            f"{data} holds a history already", "name an empty --data-dir, or add --no-history"
        )
    try:
        make_folder(config)
        make_folder(data)
    except OSError as error:
        raise UsageError(f"cannot make {error.filename}: {error.strerror}") from None
    return paths


def _tell(servers: Iterable[Server], paths: Paths) -> None:
    """Where everything is, and the command that looks at it."""
    listed = list(servers)
    click.echo(f"Serving {len(listed)} license servers; ctrl+c ends it. To look at them:\n")
    folders = f"--config-dir {shlex.quote(str(paths.config_dir))}"
    click.echo(f"  lictui {folders} --data-dir {shlex.quote(str(paths.data_dir))}\n")
    width = max(len(server.name) for server in listed)
    named = max(len(server.source) for server in listed)
    for server in listed:
        where = server.url or server.address or shlex.join(server.command)
        click.echo(f"  {server.name.ljust(width)}  {server.source.ljust(named)}  {where}")
    sys.stdout.flush()


def _allow_files(wanted: int) -> None:
    """Let this process have `wanted` open files, if it may."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows, nor a limit to raise
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with suppress(ValueError, OSError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
