from __future__ import annotations

import asyncio
import os
import stat
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lictui.config.settings import Limits
from lictui.model import FailureKind, Step
from lictui.sources import resolver
from lictui.sources.process import run_program
from lictui.sources.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = Limits(timeout=30.0)

# Starts a child that no politeness ends and that holds every pipe, tells its id, and waits itself.
FAMILY = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
    open({file!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
    os.rename({file!r}, {file!r} + ".done")
    {then}
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    def write(text: str) -> tuple[str, ...]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(text))
        return (sys.executable, str(path))

    return write


def gone(pid: int) -> bool:
    """Whether the process is no more, not even as a zombie of ours."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        # Whoever adopts orphans here may be slow to bury them; dead they are.
        if state == "Z" and int(_parent(pid) or 0) != os.getpid():
            return True
        time.sleep(0.01)
    return False


def _parent(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return ""


async def family(file: Path) -> list[int]:
    """The ids that FAMILY wrote, as soon as they are there."""
    return await asyncio.to_thread(_written, Path(f"{file}.done"))


def _written(file: Path) -> list[int]:
    deadline = time.monotonic() + 20
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return [int(pid) for pid in file.read_text().split()]


async def test_what_it_prints_and_how_it_ends(script: Callable[[str], tuple[str, ...]]) -> None:
    output = await run_program(
        script("""
            import sys
            print("out", end="")
            print("first\\nlast \\x1b[31mred", file=sys.stderr)
            sys.exit(3)
        """),
        LONG,
    )
    assert (output.exit_code, output.stdout, output.stderr) == (3, b"out", "last [31mred")


async def test_stdin_is_empty_and_there_is_no_terminal(
    script: Callable[[str], tuple[str, ...]],
) -> None:
    output = await run_program(
        script("""
            import os, sys
            print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())
        """),
        LONG,
    )
    assert output.stdout.split() == [b"''", b"True"]


async def test_no_shell_reads_the_arguments() -> None:
    shown = "import sys; print(sys.argv[1])"
    output = await run_program((sys.executable, "-c", shown, "$(id); `id` | *"), LONG)
    assert output.stdout.rstrip() == b"$(id); `id` | *"


async def test_an_environment_of_its_own() -> None:
    shown = "import os; print(os.environ.get('A'), os.environ.get('HOME'))"
    output = await run_program((sys.executable, "-c", shown), LONG, {"A": "b"})
    assert output.stdout.split() == [b"b", b"None"]


async def test_both_pipes_are_read_at_the_same_time(
    script: Callable[[str], tuple[str, ...]],
) -> None:
    output = await run_program(
        script("""
            import sys
            for _ in range(2000):
                sys.stderr.write("e" * 1000 + "\\n"); sys.stderr.flush()
                sys.stdout.write("o" * 1000); sys.stdout.flush()
        """),
        LONG,
    )
    assert len(output.stdout) == 2_000_000
    assert len(output.stderr) <= 200


async def test_a_signal_is_a_negative_status() -> None:
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert (await run_program((sys.executable, "-c", suicide), LONG)).exit_code == -15


async def test_the_deadline_ends_the_whole_family(
    script: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    argv = script(FAMILY.format(file=str(file), then="time.sleep(600)"))
    before = time.monotonic()
    with pytest.raises(SourceError) as caught:
        await run_program(argv, Limits(timeout=3.0))
    assert time.monotonic() - before < 10
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.TIMEOUT, Step.INVENTORY)
    assert "3 s" in failure.message
    assert failure.hint
    assert all(map(gone, await family(file)))


async def test_cancellation_ends_the_whole_family(
    script: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    argv = script(FAMILY.format(file=str(file), then="time.sleep(600)"))
    running = asyncio.create_task(run_program(argv, LONG))
    pids = await family(file)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert all(map(gone, pids))


async def test_too_much_is_cut_off(
    script: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    flood = 'os.write(1, b"x" * 20_000_000); time.sleep(600)'
    argv = script(FAMILY.format(file=str(file), then=flood))
    with pytest.raises(SourceError) as caught:
        await run_program(argv, LONG)
    assert caught.value.failure.kind is FailureKind.TOO_LARGE
    assert "8,388,608" in caught.value.failure.message
    assert all(map(gone, await family(file)))


async def test_a_grandchild_that_holds_the_pipes_is_not_waited_for(
    script: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    argv = script(FAMILY.format(file=str(file), then='print("done")'))
    output = await run_program(argv, LONG)
    assert (output.exit_code, output.stdout) == (0, b"done\n")
    assert all(map(gone, await family(file)))


async def test_one_that_left_the_group_and_holds_the_pipes_is_not_waited_for(
    script: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    argv = script(f"""
        import subprocess, sys
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"],
                                start_new_session=True)
        open({str(file)!r}, "w").write(str(left.pid))
        print("done")
    """)
    try:
        output = await run_program(argv, LONG)
    finally:
        os.kill(int(file.read_text()), 9)  # it may live: a master of ssh connections does
    assert output.stdout == b"done\n"


@pytest.mark.parametrize(
    ("name", "hint"), [("no-such-program-here", "PATH"), ("/no/such/program", "path")]
)
async def test_a_program_that_is_not_there(name: str, hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        await run_program((name, "--password=hunter2"), LONG)
    failure = caught.value.failure
    assert (failure.kind, failure.step) == (FailureKind.COMMAND, Step.INVENTORY)
    assert name in failure.message
    assert "hunter2" not in failure.message
    assert hint in failure.hint


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fnot a program")
    for mode in (stat.S_IRUSR, stat.S_IRWXU):
        path.chmod(mode)
        with pytest.raises(SourceError) as caught:
            await run_program((str(path),), LONG)
        assert caught.value.failure.kind is FailureKind.COMMAND
        assert caught.value.failure.hint


@pytest.mark.parametrize("argv", [(), ("",), ("a\0b",), ("\udcff",), (".",)])
async def test_arguments_that_cannot_be(argv: tuple[str, ...]) -> None:
    with pytest.raises(SourceError) as caught:
        await run_program(argv, LONG)
    assert caught.value.failure.kind is FailureKind.COMMAND


def test_in_a_thread_that_is_not_the_main_one() -> None:
    found: list[bytes] = []

    async def many() -> None:
        argv = (sys.executable, "-c", "print(1)")
        outputs = await asyncio.gather(*(run_program(argv, LONG) for _ in range(5)))
        found.extend(output.stdout for output in outputs)

    thread = threading.Thread(target=lambda: resolver.run(many()))
    thread.start()
    thread.join(30)
    assert found == [b"1\n"] * 5


async def test_no_descriptor_is_left_open(script: Callable[[str], tuple[str, ...]]) -> None:
    hang = script("import time; time.sleep(600)")

    async def once() -> None:
        await run_program((sys.executable, "-c", ""), LONG)
        with pytest.raises(SourceError):
            await run_program(hang, Limits(timeout=0.2))
        with pytest.raises(SourceError):
            await run_program(("/no/such/program",), LONG)

    await once()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are of no interest
    for _ in range(3):
        await once()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - as above
